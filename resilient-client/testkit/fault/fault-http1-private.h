/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* HTTP/1.1 (RFC 9112), as the misbehaving server speaks it. */

#pragma once

#include "fault-service-private.h"

G_BEGIN_DECLS

/* Until the connection is over, in its thread. */
void fault_http1_run (FaultConnection *connection, FaultService *service);

G_END_DECLS
