/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <resilient-test.h>

G_BEGIN_DECLS

/* A server of the kit's with @flags; transfer full. */
ResilientTestServer *server_new (ResilientTestServerFlags flags);
/* A client that trusts @server, and tries once; transfer full. */
ResilientClient *client_new (ResilientTestServer *server);

/* A client without a network, in time that the test moves. */
typedef struct
{
  ResilientTestClock *clock;
  ResilientTestTransport *transport;
  ResilientClient *client;
  GError *refused; /* nothing was sent */
  GError *closed;  /* with the request sent */
} Fixture;

void fixture_set_up (Fixture *f, gconstpointer data);
void fixture_tear_down (Fixture *f, gconstpointer data);

/* What became of a request. */
typedef struct
{
  ResilientResponse *response;
  GError *error;
  guint n_ends;
} Answer;

void answer_clear (Answer *answer);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Answer, answer_clear)

/* For resilient_client_send_async(); the Answer is its @user_data. */
void answer_cb (GObject *source, GAsyncResult *result, gpointer user_data);
void send_request (Fixture *f, const char *method, const char *uri, Answer *answer);

#define assert_status(answer, status)                                                              \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_assert_no_error ((answer)->error);                                                           \
    g_assert_cmpuint ((answer)->n_ends, ==, 1);                                                    \
    g_assert_cmpuint (resilient_response_get_status_code ((answer)->response), ==, status);        \
  }                                                                                                \
  G_STMT_END

/* When the attempts were started, as "0.000 1.250". */
char *describe_attempts (ResilientTestTransport *transport);

#define assert_attempts(transport, expected)                                                       \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *attempts_ = describe_attempts (transport);                                    \
    g_assert_cmpstr (attempts_, ==, expected);                                                     \
  }                                                                                                \
  G_STMT_END

/* Pauses of 1, 2, 4, … seconds. */
ResilientRetryPolicy *make_exact_policy (int max_retries);
void use_exact_policy (Fixture *f, int max_retries);

#define URI "http://example.com/a"

G_END_DECLS
