/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What the sources of the test kit's scripts share. A script belongs to one thread until a server
 * has it. */

#pragma once

#include "fault-script.h"
#include "resilient-test-script.h"

G_BEGIN_DECLS

/* Takes @step. */
void resilient_test_script_take (ResilientTestScript *self, FaultStep *step);
/* A script for a server, of the steps that there are now. */
FaultScript *resilient_test_script_dup_steps (ResilientTestScript *self);
/* The nearest that the steps can do. */
guint resilient_test_milliseconds (double seconds);

G_END_DECLS
