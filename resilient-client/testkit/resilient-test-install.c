/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-test-transport-private.h"

/* Apart from the rest, which needs no client. */

/**
 * resilient_test_transport_install:
 * @self: a transport
 * @client: a client that has neither made a call yet nor been asked for its session
 *
 * Makes @client send through @self, for as long as it lives.
 *
 * Several clients may have the same transport.
 *
 * Since: 1.0
 */
void
resilient_test_transport_install (ResilientTestTransport *self, ResilientClient *client)
{
  g_return_if_fail (RESILIENT_TEST_IS_TRANSPORT (self));
  g_return_if_fail (RESILIENT_IS_CLIENT (client));

  if (!resilient_client_set_transport (
        client, resilient_test_stub_get_transport (resilient_test_transport_peek_stub (self))))
    g_critical ("A test transport is installed before the first call of a client");
}
