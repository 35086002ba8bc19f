/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What the transport of the test kit and its attempts know of each other. Any thread. */

#pragma once

#include "resilient-test-stub-private.h"
#include "resilient-test-transport.h"

G_BEGIN_DECLS

ResilientTestStub *resilient_test_transport_peek_stub (ResilientTestTransport *self);
/* Asks the handlers what becomes of @attempt. */
void resilient_test_transport_ask (ResilientTestTransport *self, ResilientTestAttempt *attempt);

G_END_DECLS
