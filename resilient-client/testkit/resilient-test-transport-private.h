/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How the transport of the test kit is installed in a client. */

#pragma once

#include "resilient-test-stub-private.h"
#include "resilient-test-transport.h"

G_BEGIN_DECLS

ResilientTestStub *resilient_test_transport_peek_stub (ResilientTestTransport *self);

G_END_DECLS
