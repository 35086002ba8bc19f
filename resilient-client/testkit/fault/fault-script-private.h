/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How a script is followed. Scripts are immutable then; each is run in the thread of its stream. */

#pragma once

#include "fault-script.h"
#include "fault-stream-private.h"

G_BEGIN_DECLS

/* FALSE: the connection is over (HTTP/2: or the stream is). */
gboolean fault_script_run (FaultScript *self, FaultStream *stream);
/* It waits for nothing, not even for a window: no thread is needed for it. */
gboolean fault_script_is_instant (FaultScript *self);

G_END_DECLS
