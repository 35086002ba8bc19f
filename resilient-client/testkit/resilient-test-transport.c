/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-test-transport-private.h"

/**
 * ResilientTestTransport:
 *
 * What takes the place of the network for a [class@Resilient.Client]: no sockets, no server. Each
 * attempt ends as the test says, after as much time of the [class@Clock] as it says.
 *
 * Steps are taken in the order in which they were added; the last one repeats. Steps for one URI
 * are for the attempts at it, and those for %NULL for all other attempts. Instead of a step, a
 * handler of [signal@Transport::attempt] may say how an attempt ends, or the test may later. An
 * attempt of which nobody says it waits, until it runs into the read time-out of the client.
 *
 * To connect and to send takes no time. Redirects are not followed and bodies not decoded: the
 * client gets the response as it stands here.
 *
 * Since: 1.0
 */

struct _ResilientTestTransport
{
  GObject parent_instance;

  ResilientTestStub *stub; /* constant */
};

enum
{
  ATTEMPT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ResilientTestTransport, resilient_test_transport, G_TYPE_OBJECT)

static void
resilient_test_transport_finalize (GObject *object)
{
  ResilientTestTransport *self = RESILIENT_TEST_TRANSPORT (object);

  resilient_test_stub_unref (self->stub);

  G_OBJECT_CLASS (resilient_test_transport_parent_class)->finalize (object);
}

static void
resilient_test_transport_class_init (ResilientTestTransportClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = resilient_test_transport_finalize;

  /**
   * ResilientTestTransport::attempt:
   * @self: a transport
   * @attempt: the attempt
   *
   * An attempt has begun. A handler may say how it ends, or add steps.
   *
   * It runs in the thread that drives the attempt: that of the client's home context, or, for
   * blocking calls and those from other contexts, a thread of the client's own, from which GJS
   * can't be called.
   *
   * Since: 1.0
   */
  signals[ATTEMPT] = g_signal_new ("attempt",
                                   G_TYPE_FROM_CLASS (klass),
                                   G_SIGNAL_RUN_LAST,
                                   0,
                                   NULL,
                                   NULL,
                                   NULL,
                                   G_TYPE_NONE,
                                   1,
                                   RESILIENT_TEST_TYPE_ATTEMPT);
}

static void
ask (GObject *owner, ResilientTestAttempt *attempt)
{
  g_signal_emit (owner, signals[ATTEMPT], 0, attempt);
}

static void
resilient_test_transport_init (ResilientTestTransport *self)
{
  self->stub = resilient_test_stub_new ();
  resilient_test_stub_set_ask_func (self->stub, ask, G_OBJECT (self));
}

ResilientTestStub *
resilient_test_transport_peek_stub (ResilientTestTransport *self)
{
  return self->stub;
}

/**
 * resilient_test_transport_new:
 *
 * Makes a transport without steps.
 *
 * Returns: (transfer full): a transport
 *
 * Since: 1.0
 */
ResilientTestTransport *
resilient_test_transport_new (void)
{
  return g_object_new (RESILIENT_TEST_TYPE_TRANSPORT, NULL);
}

/**
 * resilient_test_transport_add_response:
 * @self: a transport
 * @uri: (nullable): an absolute URI with its query, or %NULL
 * @status_code: a status, such as 200
 * @headers: (nullable) (array zero-terminated=1): lines of the form `Name: value`
 * @body: (nullable): a body, or %NULL for an empty one
 * @takes: seconds from the start of the attempt until the response is there
 *
 * Adds a step: an answer.
 *
 * Since: 1.0
 */
void
resilient_test_transport_add_response (ResilientTestTransport *self,
                                       const char *uri,
                                       guint status_code,
                                       const char *const *headers,
                                       GBytes *body,
                                       double takes)
{
  g_return_if_fail (RESILIENT_TEST_IS_TRANSPORT (self));
  g_return_if_fail (status_code >= 200 && status_code <= 999);
  g_return_if_fail (resilient_test_end_headers_are_valid (headers));
  g_return_if_fail (takes >= 0.0);

  resilient_test_stub_add (
    self->stub, uri, resilient_test_end_new_response (status_code, headers, body, takes));
}

/**
 * resilient_test_transport_add_error:
 * @self: a transport
 * @uri: (nullable): an absolute URI with its query, or %NULL
 * @error: what becomes of the attempt
 * @sent: whether anything of the request may have reached the server
 * @takes: seconds from the start of the attempt until it fails
 *
 * Adds a step: an error.
 *
 * The client makes of it what it makes of the same error of the network. With @sent %FALSE,
 * %G_IO_ERROR_CONNECTION_REFUSED is a [flags@Resilient.Failure] `CONNECT`,
 * %G_RESOLVER_ERROR_NOT_FOUND is `RESOLVE`, and any request may be sent again. With @sent %TRUE,
 * %G_IO_ERROR_CONNECTION_CLOSED is a `DISCONNECT`, %G_IO_ERROR_TIMED_OUT a `READ_TIMEOUT`, and only
 * a request that may be repeated is.
 *
 * Since: 1.0
 */
void
resilient_test_transport_add_error (ResilientTestTransport *self,
                                    const char *uri,
                                    const GError *error,
                                    gboolean sent,
                                    double takes)
{
  g_return_if_fail (RESILIENT_TEST_IS_TRANSPORT (self));
  g_return_if_fail (error != NULL);
  g_return_if_fail (takes >= 0.0);

  resilient_test_stub_add (self->stub, uri, resilient_test_end_new_error (error, sent, takes));
}

/**
 * resilient_test_transport_add_hang:
 * @self: a transport
 * @uri: (nullable): an absolute URI with its query, or %NULL
 * @sent: whether the request was sent, and is not answered; else the connection is never made
 *
 * Adds a step: nothing happens, until the client's read time-out or its connect time-out.
 *
 * Since: 1.0
 */
void
resilient_test_transport_add_hang (ResilientTestTransport *self, const char *uri, gboolean sent)
{
  g_return_if_fail (RESILIENT_TEST_IS_TRANSPORT (self));

  resilient_test_stub_add (self->stub, uri, resilient_test_end_new_hang (sent));
}

/**
 * resilient_test_transport_clear:
 * @self: a transport
 *
 * Forgets all steps and the attempts that came so far. Live ones go on.
 *
 * Since: 1.0
 */
void
resilient_test_transport_clear (ResilientTestTransport *self)
{
  g_return_if_fail (RESILIENT_TEST_IS_TRANSPORT (self));

  resilient_test_stub_clear (self->stub);
}

/**
 * resilient_test_transport_get_attempt_count:
 * @self: a transport
 *
 * Gets how many attempts came so far.
 *
 * Returns: how many were started
 *
 * Since: 1.0
 */
guint
resilient_test_transport_get_attempt_count (ResilientTestTransport *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_TRANSPORT (self), 0);

  return resilient_test_stub_get_started (self->stub);
}

/**
 * resilient_test_transport_get_live_count:
 * @self: a transport
 *
 * Gets how many attempts are live.
 *
 * Returns: how many have not ended
 *
 * Since: 1.0
 */
guint
resilient_test_transport_get_live_count (ResilientTestTransport *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_TRANSPORT (self), 0);

  return resilient_test_stub_get_live (self->stub);
}

/**
 * resilient_test_transport_get_max_live_count:
 * @self: a transport
 *
 * Gets how many attempts were live at one time, which the limits of the client bound.
 *
 * Returns: the most of them
 *
 * Since: 1.0
 */
guint
resilient_test_transport_get_max_live_count (ResilientTestTransport *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_TRANSPORT (self), 0);

  return resilient_test_stub_get_max_live (self->stub);
}

/**
 * resilient_test_transport_list_attempts:
 * @self: a transport
 *
 * Lists the attempts that came so far.
 *
 * Returns: (transfer container) (element-type ResilientTestAttempt): them, oldest first
 *
 * Since: 1.0
 */
GPtrArray *
resilient_test_transport_list_attempts (ResilientTestTransport *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_TRANSPORT (self), NULL);

  return resilient_test_stub_list_attempts (self->stub);
}
