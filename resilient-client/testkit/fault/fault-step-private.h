/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How a step is run, and what a script must know of its steps before. */

#pragma once

#include "fault-step.h"
#include "fault-stream-private.h"

G_BEGIN_DECLS

/* In the thread of @stream. FALSE: nothing more can be done for the request. */
gboolean fault_step_run (FaultStep *self, FaultStream *stream);
/* It reads of the request's body, which is not to be read before. */
gboolean fault_step_reads (FaultStep *self);
/* It waits for nothing, not even for a window. */
gboolean fault_step_is_instant (FaultStep *self);
/* With it the peer can know that its request is answered; @is_last: no other step follows. */
gboolean fault_step_is_last_word (FaultStep *self, gboolean is_last);

G_END_DECLS
