/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "fault-step.h"

G_BEGIN_DECLS

/* A script is a sequence of steps: small things that a server does with one request (or one new
 * connection), in order. A fault is a script that stops where a good server would go on:
 *
 *   cut in the headers       fault_send ("HTTP/1.1 200 OK\r\nConte"), fault_close ()
 *   cut in the body          fault_head (200, "Content-Length: 9"), fault_send ("a"), fault_cut ()
 *   silence before status    fault_silence ()
 *   silence for some time    fault_hold ("go"), fault_answer (200, NULL, "late")
 *   answer before the body   fault_read (0), fault_answer (413, NULL, "")
 *   dead kept connection     fault_answer (200, NULL, "ok"), fault_hold ("idle"), fault_reset ()
 *
 * The body of the request is read whole before the first step, unless the script has a fault_read
 * of its own. When the script ends, the connection goes on to its next request (HTTP/2: the stream
 * ends).
 *
 * It is immutable once it is given to a server, so that many requests may follow it at a time. */
typedef GPtrArray FaultScript;

/* Takes the steps; NULL ends them, and may be the first. */
FaultScript *fault_script_new (FaultStep *first, ...) G_GNUC_NULL_TERMINATED;
FaultScript *fault_script_new_valist (va_list steps);
/* With the same steps. */
FaultScript *fault_script_copy (FaultScript *script);
FaultScript *fault_script_ref (FaultScript *script);
void fault_script_unref (FaultScript *script);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FaultScript, fault_script_unref)

G_END_DECLS
