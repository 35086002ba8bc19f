/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What each fault of the test kit is for the server below it. Pure functions, for any thread. */

#pragma once

#include "fault-server.h"
#include "resilient-test-enums.h"

G_BEGIN_DECLS

/* A client meets it before it can send a request. */
gboolean resilient_test_fault_is_of_connection (ResilientTestFault fault);
gboolean resilient_test_fault_needs_tls (ResilientTestFault fault);
/* The two that no script of a connection can do; else %FAULT_DOOR_OPEN. */
FaultDoor resilient_test_fault_get_door (ResilientTestFault fault);
void resilient_test_fault_add_steps (ResilientTestFault fault, FaultScript *script);

G_END_DECLS
