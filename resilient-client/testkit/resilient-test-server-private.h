/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What the methods of the test server that are in other sources need of it. Any thread. */

#pragma once

#include "fault-server.h"
#include "resilient-test-server.h"

G_BEGIN_DECLS

/* The server below it; NULL before initialisation. */
FaultServer *resilient_test_server_get_fault_server (ResilientTestServer *self);

G_END_DECLS
