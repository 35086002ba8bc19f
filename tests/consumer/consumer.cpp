/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The public headers from C++17: they compile, link, and do what they say. */

#include <resilient.h>

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace
{

template <auto free_func> struct Deleter
{
  template <typename T> void operator() (T *value) const { free_func (value); }
};

using Client = std::unique_ptr<ResilientClient, Deleter<g_object_unref> >;
using Request = std::unique_ptr<ResilientRequest, Deleter<g_object_unref> >;
using Server = std::unique_ptr<SoupServer, Deleter<g_object_unref> >;
using Context = std::unique_ptr<ResilientRequestContext, Deleter<resilient_request_context_unref> >;
using Policy = std::unique_ptr<ResilientRetryPolicy, Deleter<resilient_retry_policy_unref> >;
using Builder =
  std::unique_ptr<ResilientRetryPolicyBuilder, Deleter<resilient_retry_policy_builder_unref> >;
using RateLimiter = std::unique_ptr<ResilientRateLimiter, Deleter<g_object_unref> >;
using RetryBudget = std::unique_ptr<ResilientRetryBudget, Deleter<g_object_unref> >;
using Response = std::unique_ptr<ResilientResponse, Deleter<resilient_response_unref> >;
using Error = std::unique_ptr<GError, Deleter<g_error_free> >;
using Text = std::unique_ptr<char, Deleter<g_free> >;

/* What an asynchronous call ended with. */
struct Outcome
{
  bool done = false;
  Response response;
  Error error;
};

void
got_response (GObject *source, GAsyncResult *result, gpointer user_data)
{
  auto *outcome = static_cast<Outcome *> (user_data);
  GError *error = nullptr;

  outcome->response.reset (resilient_client_get_finish (RESILIENT_CLIENT (source), result, &error));
  outcome->error.reset (error);
  outcome->done = true;
}

void
closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EXPECT_TRUE (resilient_client_close_finish (RESILIENT_CLIENT (source), result, nullptr));
  *static_cast<bool *> (user_data) = true;
}

void
close_and_wait (ResilientClient *client)
{
  bool done = false;

  resilient_client_close_async (client, 0, nullptr, closed, &done);
  while (!done)
    g_main_context_iteration (nullptr, TRUE);
}

Outcome
get_and_wait (ResilientClient *client,
              const std::string &uri,
              ResilientRequestContext *context = nullptr)
{
  Outcome outcome;

  resilient_client_get_async (client, uri.c_str (), context, nullptr, got_response, &outcome);
  while (!outcome.done)
    g_main_context_iteration (nullptr, TRUE);
  return outcome;
}

/* Answers 503 until it has been asked as often as its user data says, then 200. */
void
answer (SoupServer *, SoupServerMessage *message, const char *, GHashTable *, gpointer user_data)
{
  auto *failures = static_cast<int *> (user_data);

  soup_server_message_set_status (message, *failures > 0 ? 503 : 200, nullptr);
  if (*failures > 0)
    *failures -= 1;
  soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_STATIC, "bonjour", 7);
}

std::string
listen_on_loopback (SoupServer *server)
{
  GError *error = nullptr;

  EXPECT_TRUE (soup_server_listen_local (server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error));
  GSList *uris = soup_server_get_uris (server);
  Text uri (g_uri_to_string (static_cast<GUri *> (uris->data)));
  g_slist_free_full (uris, reinterpret_cast<GDestroyNotify> (g_uri_unref));
  return uri.get ();
}

void
count_event (ResilientClient *, ResilientEvent *event, gpointer user_data)
{
  static_cast<std::vector<ResilientEventType> *> (user_data)->push_back (
    resilient_event_get_event_type (event));
}

TEST (Version, IsKnownAtCompileTime)
{
  static_assert (RESILIENT_CHECK_VERSION (1, 0, 0), "the version is at least the first one");
  static_assert (!RESILIENT_CHECK_VERSION (RESILIENT_MAJOR_VERSION + 1, 0, 0), "and no later one");
  EXPECT_EQ (std::string (RESILIENT_VERSION_S),
             std::to_string (RESILIENT_MAJOR_VERSION) + '.'
               + std::to_string (RESILIENT_MINOR_VERSION) + '.'
               + std::to_string (RESILIENT_MICRO_VERSION));
}

TEST (RetryPolicy, ComparesByValue)
{
  Policy one (resilient_retry_policy_new (5, 0.25));
  Policy same (resilient_retry_policy_new (5, 0.25));
  Policy other (resilient_retry_policy_new (4, 0.25));
  Policy copy (resilient_retry_policy_copy (one.get ()));

  EXPECT_EQ (resilient_retry_policy_get_max_retries (one.get ()), 5);
  EXPECT_DOUBLE_EQ (resilient_retry_policy_get_base_delay (one.get ()), 0.25);
  EXPECT_EQ (copy.get (), one.get ());
  EXPECT_TRUE (resilient_retry_policy_equal (one.get (), same.get ()));
  EXPECT_FALSE (resilient_retry_policy_equal (one.get (), other.get ()));
}

TEST (RetryPolicyBuilder, RefusesAContradiction)
{
  Builder builder (resilient_retry_policy_builder_new (nullptr));
  GError *error = nullptr;

  resilient_retry_policy_builder_set_jitter (builder.get (), 2);
  Policy policy (resilient_retry_policy_builder_build (builder.get (), &error));
  Error owned (error);
  EXPECT_EQ (policy, nullptr);
  EXPECT_TRUE (
    g_error_matches (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY));
}

TEST (RateLimiter, GivesABurst)
{
  RateLimiter limiter (resilient_rate_limiter_new (0.001, 2, nullptr));
  GError *raw = nullptr;

  EXPECT_TRUE (resilient_rate_limiter_try_acquire (limiter.get ()));
  EXPECT_TRUE (resilient_rate_limiter_try_acquire (limiter.get ()));
  EXPECT_FALSE (resilient_rate_limiter_try_acquire (limiter.get ()));

  EXPECT_EQ (resilient_rate_limiter_new (0, 1, &raw), nullptr);
  Error error (raw);
  EXPECT_NE (std::string (error->message).find ("rate"), std::string::npos);
}

TEST (RetryBudget, PaysItsReserve)
{
  RetryBudget budget (resilient_retry_budget_new (0.2, 1, nullptr));

  EXPECT_TRUE (resilient_retry_budget_try_withdraw (budget.get ()));
  EXPECT_FALSE (resilient_retry_budget_try_withdraw (budget.get ()));
}

TEST (CircuitBreaker, Opens)
{
  std::unique_ptr<ResilientCircuitBreaker, Deleter<g_object_unref> > breaker (
    resilient_circuit_breaker_new (resilient_circuit_policy_get_default ()));

  for (int i = 0; i < 5; i++)
    {
      std::unique_ptr<ResilientPermit, Deleter<g_object_unref> > permit (
        resilient_circuit_breaker_acquire (breaker.get (), nullptr));
      ASSERT_NE (permit, nullptr);
      resilient_permit_fail (permit.get ());
    }
  GError *error = nullptr;
  EXPECT_EQ (resilient_circuit_breaker_acquire (breaker.get (), &error), nullptr);
  Error owned (error);
  EXPECT_TRUE (
    g_error_matches (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN));
  EXPECT_EQ (resilient_circuit_breaker_get_state (breaker.get ()), RESILIENT_CIRCUIT_STATE_OPEN);
}

TEST (RequestContext, NeverChanges)
{
  Policy policy (resilient_retry_policy_new (1, 0.5));
  Context context (resilient_request_context_new ("order-7", policy.get (), nullptr, nullptr));
  ASSERT_NE (context, nullptr);
  Context next (resilient_request_context_increment_attempt (context.get ()));

  EXPECT_STREQ (resilient_request_context_get_request_id (next.get ()), "order-7");
  EXPECT_EQ (resilient_request_context_get_current_attempt (context.get ()), 0u);
  EXPECT_EQ (resilient_request_context_get_current_attempt (next.get ()), 1u);
  EXPECT_EQ (resilient_request_context_get_max_retries (next.get ()), 1);
  EXPECT_TRUE (resilient_request_context_has_retries_left (next.get ()));
  EXPECT_FALSE (resilient_request_context_equal (context.get (), next.get ()));
}

TEST (Client, RetriesUntilTheServerRecovers)
{
  int failures = 2;
  Server server (SOUP_SERVER (g_object_new (SOUP_TYPE_SERVER, nullptr)));
  soup_server_add_handler (server.get (), nullptr, answer, &failures, nullptr);
  const std::string uri = listen_on_loopback (server.get ());

  Builder builder (resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ()));
  resilient_retry_policy_builder_set_base_delay (builder.get (), 0);
  Policy policy (resilient_retry_policy_builder_build (builder.get (), nullptr));
  ASSERT_NE (policy, nullptr);
  Context context (resilient_request_context_new ("recovers", policy.get (), nullptr, nullptr));
  ASSERT_NE (context, nullptr);

  Client client (resilient_client_new ());
  std::vector<ResilientEventType> events;
  g_signal_connect (client.get (), "event", G_CALLBACK (count_event), &events);

  Outcome outcome = get_and_wait (client.get (), uri, context.get ());
  ASSERT_EQ (outcome.error, nullptr) << outcome.error->message;
  EXPECT_EQ (resilient_response_get_status_code (outcome.response.get ()), 200u);
  Text text (resilient_response_get_text (outcome.response.get (), nullptr));
  EXPECT_STREQ (text.get (), "bonjour");

  close_and_wait (client.get ());
  while (events.size () < 3)
    g_main_context_iteration (nullptr, TRUE);
  EXPECT_EQ (events,
             (std::vector<ResilientEventType>{ RESILIENT_EVENT_TYPE_RETRY,
                                               RESILIENT_EVENT_TYPE_RETRY,
                                               RESILIENT_EVENT_TYPE_SUCCESS }));
}

TEST (Client, KeepsTheErrorOfTheNetwork)
{
  Server server (SOUP_SERVER (g_object_new (SOUP_TYPE_SERVER, nullptr)));
  const std::string uri = listen_on_loopback (server.get ());
  soup_server_disconnect (server.get ());

  Policy policy (resilient_retry_policy_new (0, 0));
  Client client (resilient_client_new ());
  resilient_client_set_retry_policy (client.get (), policy.get ());

  Outcome outcome = get_and_wait (client.get (), uri);
  EXPECT_EQ (outcome.response, nullptr);
  EXPECT_TRUE (g_error_matches (outcome.error.get (), G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED));
  close_and_wait (client.get ());
  EXPECT_TRUE (resilient_client_get_closed (client.get ()));
}

TEST (Client, RefusesWhatIsNotARequest)
{
  Client client (resilient_client_new ());
  Request request (resilient_request_new ("GET", "ftp://localhost/"));
  GError *error = nullptr;

  Response response (
    resilient_client_send (client.get (), request.get (), nullptr, nullptr, &error));
  Error owned (error);
  EXPECT_EQ (response, nullptr);
  EXPECT_TRUE (
    g_error_matches (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST));
  close_and_wait (client.get ());
}

} // namespace
