/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What the functions of the misbehaving server that are in another source need of it. Any thread.
 */

#pragma once

#include "fault-log-private.h"
#include "fault-server.h"

G_BEGIN_DECLS

FaultLog *fault_server_get_log (FaultServer *self);

G_END_DECLS
