/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <resilient-test.h>

/* A client without a network, in time that the test moves. */
typedef struct
{
  ResilientTestClock *clock;
  ResilientTestTransport *transport;
  ResilientClient *client;
  GError *refused; /* nothing was sent */
  GError *closed;  /* with the request sent */
} Fixture;

static inline void
fixture_set_up (Fixture *f, gconstpointer data)
{
  f->clock = resilient_test_clock_new ();
  resilient_test_clock_install (f->clock);
  resilient_test_seed_random (1);
  f->transport = resilient_test_transport_new ();
  f->client = resilient_client_new ();
  resilient_test_transport_install (f->transport, f->client);
  f->refused = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, "Refused");
  f->closed = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "Closed");
}

static inline void
fixture_tear_down (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (resilient_test_transport_get_live_count (f->transport), ==, 0);
  g_assert_finalize_object (f->client);
  g_assert_finalize_object (f->transport);
  g_clear_error (&f->refused);
  g_clear_error (&f->closed);
  resilient_test_unseed_random ();
  resilient_test_clock_uninstall (f->clock);
  g_assert_finalize_object (f->clock);
}

/* What became of a request. */
typedef struct
{
  ResilientResponse *response;
  GError *error;
  guint n_ends;
} Answer;

static inline void
answer_clear (Answer *answer)
{
  g_clear_pointer (&answer->response, resilient_response_unref);
  g_clear_error (&answer->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Answer, answer_clear)

static inline void
answer_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;

  answer->response =
    resilient_client_send_finish (RESILIENT_CLIENT (source), result, &answer->error);
  answer->n_ends++;
}

static inline void
send_request (Fixture *f, const char *method, const char *uri, Answer *answer)
{
  g_autoptr (ResilientRequest) request = resilient_request_new (method, uri);

  resilient_client_send_async (f->client, request, NULL, NULL, answer_cb, answer);
}

#define assert_status(answer, status)                                                              \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_assert_no_error ((answer)->error);                                                           \
    g_assert_cmpuint ((answer)->n_ends, ==, 1);                                                    \
    g_assert_cmpuint (resilient_response_get_status_code ((answer)->response), ==, status);        \
  }                                                                                                \
  G_STMT_END

/* When the attempts were started, as "0.000 1.250". */
static inline char *
describe_attempts (ResilientTestTransport *transport)
{
  g_autoptr (GPtrArray) attempts = resilient_test_transport_list_attempts (transport);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < attempts->len; i++)
    g_string_append_printf (
      text, "%s%.3f", i > 0 ? " " : "", resilient_test_attempt_get_time (attempts->pdata[i]));

  return g_string_free (text, FALSE);
}

#define assert_attempts(transport, expected)                                                       \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *attempts_ = describe_attempts (transport);                                    \
    g_assert_cmpstr (attempts_, ==, expected);                                                     \
  }                                                                                                \
  G_STMT_END

/* Pauses of 1, 2, 4, … seconds. */
static inline ResilientRetryPolicy *
make_exact_policy (int max_retries)
{
  ResilientRetryPolicyBuilder *builder =
    resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  g_autoptr (GError) error = NULL;
  ResilientRetryPolicy *policy;

  resilient_retry_policy_builder_set_max_retries (builder, max_retries);
  resilient_retry_policy_builder_set_base_delay (builder, 1.0);
  resilient_retry_policy_builder_set_jitter_mode (builder, RESILIENT_JITTER_NONE);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  resilient_retry_policy_builder_unref (builder);

  return policy;
}

static inline void
use_exact_policy (Fixture *f, int max_retries)
{
  ResilientRetryPolicy *policy = make_exact_policy (max_retries);

  resilient_client_set_retry_policy (f->client, policy);
  resilient_retry_policy_unref (policy);
}

#define URI "http://example.com/a"
