/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"
#include "seeds.h"

/* Schedules over sockets: requests from the home context, from another thread's, and synchronous
 * ones, to a server that misbehaves, while somebody cancels, retries, closes or disposes. What a
 * seed draws is what is done; when it happens is up to the machine. */

#define MAX_ACTIONS 4

typedef enum
{
  HOME,       /* asynchronously, in the home context */
  HOME_CALL,  /* the same, by a call */
  ELSEWHERE,  /* in the context of another thread */
  SYNCHRONOUS /* in a thread without */
} Place;

typedef enum
{
  CANCEL_ID,
  CANCEL_CANCELLABLE,
  CANCEL_CALL,
  CANCEL_ALL,
  RETRY_NOW,
  CLOSE,
  DISPOSE,
  N_ACTIONS
} Action;

typedef struct
{
  History *history;
  FaultServer *server;
  ResilientClient *client;
  ResilientSubscription *events;
  GRand *random; /* of the home thread */
  Place *places;
  ResilientRequest **made;
  ResilientRequestContext **contexts;

  GMutex lock;
  /* Under lock, with the history. */
  guint order;
  guint n_expected, n_called;
  guint n_running; /* threads */
  gboolean closing;
  struct
  {
    guint after; /* so many callbacks */
    Action action;
    guint request;
    double grace;
  } actions[MAX_ACTIONS];
  guint n_actions;
} Run;

typedef struct
{
  Run *run;
  PastRequest *request;
  PastAnswer *answer;
} Waiter;

/* --- history ---------------------------------------------------------------------------------- */

static void
drain_locked (Run *self)
{
  ResilientEvent *event;

  while ((event = resilient_subscription_try_next (self->events)) != NULL)
    {
      GVariant *metadata =
        resilient_request_context_get_metadata (resilient_event_get_context (event));
      PastEvent *past;
      guint number;

      g_assert_true (g_variant_lookup (metadata, "number", "u", &number));
      past = past_request_add_event (self->history->requests->pdata[number], event, ++self->order);
      /* Not compared: the wall clock may be set. */
      past->time = 0;
      g_array_append_val (self->history->sequences, past->sequence);
      g_string_append_printf (self->history->log,
                              "event %d of %u, failure %x, reason %d\n",
                              past->type,
                              number,
                              past->failure,
                              resilient_event_get_reason (event));
      resilient_event_unref (event);
    }
}

static void
signalled_cb (ResilientClient *client, ResilientEvent *event, Run *self)
{
  guint64 sequence = resilient_event_get_sequence (event);

  g_array_append_val (self->history->signals, sequence);
}

static Waiter *
waiter_new (Run *self, PastRequest *request)
{
  Waiter *waiter = g_new0 (Waiter, 1);

  waiter->run = self;
  waiter->request = request;
  g_mutex_lock (&self->lock);
  waiter->answer = past_request_add_answer (request);
  g_mutex_unlock (&self->lock);

  return waiter;
}

static void act (Run *self);

/* On a loaded machine the client's thread may not get its turn within the tenth of a second that a
 * blocked thread gives it to end a request. */
static gboolean
may_overtake (Run *self, PastRequest *request, const GError *error)
{
  return self->places[request->number] == SYNCHRONOUS
         && (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)
             || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
}

/* Takes @waiter and @error. */
static void
answered (Waiter *waiter, ResilientResponse *response, GError *error)
{
  Run *self = waiter->run;
  g_autoptr (ResilientResult) stored =
    resilient_client_get_result (self->client, waiter->request->id);

  g_mutex_lock (&self->lock);
  drain_locked (self);
  waiter->answer->order = ++self->order;
  waiter->answer->has_response = response != NULL;
  waiter->answer->stored = stored != NULL;
  waiter->answer->overtook = may_overtake (self, waiter->request, error) && stored == NULL;
  if (waiter->answer->calls++ == 0)
    waiter->answer->error = error;
  self->n_called++;
  g_string_append_printf (self->history->log,
                          "answer of %u: %s\n",
                          waiter->request->number,
                          error != NULL ? error->message : "a response");
  g_mutex_unlock (&self->lock);
  g_free (waiter);

  act (self);
  g_main_context_wakeup (NULL);
}

/* --- what is done ----------------------------------------------------------------------------- */

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ResilientResponse *response;
  GError *error = NULL;

  if (RESILIENT_IS_CALL (source))
    response = resilient_call_wait_finish (RESILIENT_CALL (source), result, &error);
  else
    response = resilient_client_send_finish (RESILIENT_CLIENT (source), result, &error);
  answered (user_data, response, error);
  g_clear_pointer (&response, resilient_response_unref);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *self = user_data;

  resilient_client_close_finish (RESILIENT_CLIENT (source), result, NULL);
  g_mutex_lock (&self->lock);
  drain_locked (self);
  self->history->n_closed++;
  g_mutex_unlock (&self->lock);
  g_main_context_wakeup (NULL);
}

typedef struct
{
  Run *run;
  double grace;
} Closing;

static gboolean
close_cb (gpointer data)
{
  Closing *closing = data;

  resilient_client_close_async (
    closing->run->client, closing->grace, NULL, closed_cb, closing->run);
  g_free (closing);
  return G_SOURCE_REMOVE;
}

/* At home, from wherever it is called: the other context ends with its thread. */
static void
close_client (Run *self, double grace)
{
  Closing *closing = g_new0 (Closing, 1);

  closing->run = self;
  closing->grace = grace;
  g_mutex_lock (&self->lock);
  self->closing = TRUE;
  self->history->n_closes++;
  g_mutex_unlock (&self->lock);
  g_main_context_invoke (NULL, close_cb, closing);
}

static void
expect_cancelled (Run *self, PastRequest *request)
{
  g_mutex_lock (&self->lock);
  drain_locked (self);
  if (!past_request_has_ended (request))
    request->cancelled_at = 0;
  g_mutex_unlock (&self->lock);
}

/* Other threads may look for it before it is there. */
static ResilientCall *
dup_call (Run *self, PastRequest *request)
{
  ResilientCall *call;

  g_mutex_lock (&self->lock);
  call = request->call != NULL ? g_object_ref (request->call) : NULL;
  g_mutex_unlock (&self->lock);
  return call;
}

static void
perform (Run *self, Action action, PastRequest *request, double grace)
{
  GPtrArray *requests = self->history->requests;
  g_autoptr (ResilientCall) call = NULL;

  switch (action)
    {
    case CANCEL_ID:
      expect_cancelled (self, request);
      resilient_client_cancel (self->client, request->id);
      break;
    case CANCEL_CANCELLABLE:
      if (request->cancellable != NULL)
        {
          expect_cancelled (self, request);
          g_cancellable_cancel (request->cancellable);
        }
      break;
    case CANCEL_CALL:
      call = dup_call (self, request);
      if (call != NULL)
        {
          expect_cancelled (self, request);
          resilient_call_cancel (call);
        }
      break;
    case CANCEL_ALL:
      for (guint i = 0; i < requests->len; i++)
        expect_cancelled (self, requests->pdata[i]);
      resilient_client_cancel_all (self->client);
      break;
    case RETRY_NOW:
      for (guint i = 0; i < requests->len; i++)
        {
          g_autoptr (ResilientCall) other = dup_call (self, requests->pdata[i]);

          if (other != NULL)
            resilient_call_retry_now (other);
        }
      break;
    case CLOSE:
      close_client (self, grace);
      break;
    case DISPOSE:
      self->history->disposed = TRUE;
      g_object_run_dispose (G_OBJECT (self->client));
      break;
    case N_ACTIONS:
    default:
      g_assert_not_reached ();
    }
}

/* What is to happen after so many callbacks, in the thread of the last of them. */
static void
act (Run *self)
{
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->n_actions; i++)
    {
      /* Signals are of the home context, so is their end. */
      if (self->actions[i].after != self->n_called
          || (self->actions[i].action == DISPOSE && !g_main_context_is_owner (NULL)))
        continue;
      g_string_append_printf (
        self->history->log, "action %d on %u\n", self->actions[i].action, self->actions[i].request);
      self->actions[i].after = G_MAXUINT;
      g_mutex_unlock (&self->lock);
      perform (self,
               self->actions[i].action,
               self->history->requests->pdata[self->actions[i].request],
               self->actions[i].grace);
      g_mutex_lock (&self->lock);
    }
  g_mutex_unlock (&self->lock);
}

static void
send_async (Run *self, PastRequest *request)
{
  resilient_client_send_async (self->client,
                               self->made[request->number],
                               self->contexts[request->number],
                               request->cancellable,
                               answered_cb,
                               waiter_new (self, request));
}

static gboolean
all_answered (PastRequest **requests, guint n, Run *self)
{
  gboolean all = TRUE;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < n; i++)
    all &= ((PastAnswer *) requests[i]->answers->pdata[0])->calls > 0;
  g_mutex_unlock (&self->lock);
  return all;
}

static gpointer
elsewhere_thread (gpointer data)
{
  Run *self = data;
  GPtrArray *requests = self->history->requests;
  g_autofree PastRequest **own = g_new0 (PastRequest *, requests->len);
  g_autoptr (GMainContext) context = g_main_context_new ();
  guint n = 0;

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < requests->len; i++)
    if (self->places[i] == ELSEWHERE)
      {
        own[n++] = requests->pdata[i];
        send_async (self, requests->pdata[i]);
      }
  while (!all_answered (own, n, self))
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);

  g_mutex_lock (&self->lock);
  self->n_running--;
  g_mutex_unlock (&self->lock);
  g_main_context_wakeup (NULL);
  return NULL;
}

static gpointer
sync_thread (gpointer data)
{
  Run *self = data;
  GPtrArray *requests = self->history->requests;

  for (guint i = 0; i < requests->len; i++)
    {
      PastRequest *request = requests->pdata[i];
      g_autoptr (ResilientResponse) response = NULL;
      GError *error = NULL;
      Waiter *waiter;

      if (self->places[i] != SYNCHRONOUS)
        continue;
      waiter = waiter_new (self, request);
      response = resilient_client_send (
        self->client, self->made[i], self->contexts[i], request->cancellable, &error);
      answered (waiter, response, error);
    }

  g_mutex_lock (&self->lock);
  self->n_running--;
  g_mutex_unlock (&self->lock);
  g_main_context_wakeup (NULL);
  return NULL;
}

/* --- the schedule ----------------------------------------------------------------------------- */

static guint
below (Run *self, guint n)
{
  return g_rand_int_range (self->random, 0, n);
}

static gboolean
chance (Run *self, double share)
{
  return g_rand_double (self->random) < share;
}

/* A reset of the connection is for HTTP/1: over HTTP/2 it is that of all requests, and each opens
 * another. See test-stress.c. */
static FaultScript *
some_fault (Run *self, gboolean http2)
{
  switch (below (self, http2 ? 6 : 11))
    {
    case 0:
      return fault_script_new (fault_answer (503, NULL, "busy"), NULL);
    case 1:
      return fault_script_new (fault_answer (429, "Retry-After: 0", "later"), NULL);
    case 2:
      return fault_script_new (fault_answer (500, NULL, "broken"), NULL);
    case 3:
      return fault_script_new (fault_answer (404, NULL, "absent"), NULL);
    case 4:
      return fault_script_new (fault_redirect (302, "/elsewhere"), NULL);
    case 5:
      return fault_script_new (fault_silence (), NULL);
    case 6:
      return fault_script_new (fault_reset (), NULL);
    case 7:
      return fault_script_new (fault_close (), NULL);
    case 8:
      return fault_script_new (
        fault_head (200, "Content-Length: 10"), fault_send ("abc"), fault_close (), NULL);
    case 9:
      return fault_script_new (fault_head (200, "Transfer-Encoding: chunked"),
                               fault_send ("3\r\nabc\r\n"),
                               fault_reset (),
                               NULL);
    default:
      return fault_script_new (fault_send ("garbage\r\n\r\n"), fault_close (), NULL);
    }
}

static void
add_request (Run *self, gboolean http2)
{
  static const char *const methods[] = { "GET", "GET", "HEAD", "PUT", "DELETE", "POST" };
  PastRequest *past = history_add_request (self->history);
  g_autofree char *path = g_strdup_printf ("/%u", past->number);
  g_autofree char *uri = fault_server_uri (self->server, path);
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (below (self, 5));
  g_autoptr (GError) error = NULL;
  ResilientRequest *request;
  GVariantDict metadata;

  past->id = g_strdup_printf ("request-%u", past->number);
  past->method = methods[below (self, G_N_ELEMENTS (methods))];
  past->idempotency = chance (self, 0.8) ? RESILIENT_IDEMPOTENCY_AUTO : below (self, 3);
  past->has_key = chance (self, 0.1);

  for (guint n = below (self, 4); n > 0; n--)
    fault_server_next_script (self->server, path, some_fault (self, http2));
  fault_server_on (self->server, path, fault_answer (200, NULL, "ok"), NULL);

  request = resilient_request_new (past->method, uri);
  resilient_request_set_retry_policy (request, policy);
  resilient_request_set_idempotency (request, past->idempotency);
  if (past->has_key)
    resilient_request_set_idempotency_key (request, NULL);
  resilient_request_set_read_timeout (request, 0.05);
  resilient_request_set_priority (request, (int) below (self, 3) - 1);
  if (chance (self, 0.1))
    resilient_request_set_total_timeout (request, 0.001 + 0.05 * g_rand_double (self->random));
  self->made[past->number] = request;

  g_variant_dict_init (&metadata, NULL);
  g_variant_dict_insert (&metadata, "number", "u", past->number);
  self->contexts[past->number] =
    resilient_request_context_new (past->id, NULL, g_variant_dict_end (&metadata), &error);
  g_assert_no_error (error);

  self->places[past->number] = below (self, 4);
  if (self->places[past->number] != HOME_CALL && chance (self, 0.6))
    past->cancellable = g_cancellable_new ();
}

static gboolean
is_over (gpointer data)
{
  Run *self = data;
  gboolean over;

  g_mutex_lock (&self->lock);
  over = self->n_called >= self->n_expected && self->n_running == 0
         && self->history->n_closed == self->history->n_closes;
  g_mutex_unlock (&self->lock);
  return over;
}

/* The attempts as the result tells of them, and the requests as the server does. */
static void
collect (Run *self, PastRequest *request)
{
  g_autoptr (ResilientResult) result = resilient_client_get_result (self->client, request->id);
  g_autofree char *path = g_strdup_printf ("/%u", request->number);
  g_autoptr (GPtrArray) log = NULL;

  request->n_seen = fault_server_count (self->server, path);
  request->must_end = self->closing ? 0 : G_MAXINT64;
  if (result == NULL)
    return;
  log = resilient_result_list_attempts (result);
  for (guint i = 0; i < log->len; i++)
    {
      ResilientFailure failure = resilient_attempt_get_failure (log->pdata[i]);
      PastAttempt past = {
        .failure = failure == RESILIENT_FAILURE_STATUS ? RESILIENT_FAILURE_NONE : failure,
        .status = resilient_attempt_get_status_code (log->pdata[i]),
        .retry_after = -1,
        .nothing_sent = resilient_attempt_get_sends (log->pdata[i]) == 0,
      };

      g_array_append_val (request->attempts, past);
    }
}

static void
gone_cb (gpointer user_data, GObject *object)
{
  g_atomic_int_add ((int *) user_data, -1);
  g_main_context_wakeup (NULL);
}

static void
expect_gone (Run *self, gpointer object)
{
  g_atomic_int_inc ((int *) &self->history->objects_left);
  g_object_weak_ref (object, gone_cb, &self->history->objects_left);
}

static gboolean
is_gone (gpointer data)
{
  return g_atomic_int_get ((int *) &((Run *) data)->history->objects_left) == 0;
}

static void
set_up (Run *self, guint32 seed)
{
  guint n_requests = 4 + below (self, 10);
  /* With TLS it is ten times as slow; too slow for its time-outs where each instruction is
   * checked. */
  gboolean http2 = seed % 10 == 0 && !test_is_quick ();

  g_mutex_init (&self->lock);
  self->server = fault_server_new (http2 ? FAULT_SERVER_HTTP2 : FAULT_SERVER_PLAIN);
  fault_server_on (self->server, NULL, fault_answer (200, NULL, "elsewhere"), NULL);
  self->client = resilient_client_new ();
  resilient_client_set_max_concurrent (self->client, 1 + below (self, 10));
  /* A TLS handshake may take its time. */
  resilient_client_set_connect_timeout (self->client, 0);
  self->events = resilient_client_subscribe (self->client, G_MAXINT);
  g_signal_connect (self->client, "event", G_CALLBACK (signalled_cb), self);

  self->places = g_new0 (Place, n_requests);
  self->made = g_new0 (ResilientRequest *, n_requests);
  self->contexts = g_new0 (ResilientRequestContext *, n_requests);
  for (guint i = 0; i < n_requests; i++)
    add_request (self, http2);

  self->n_expected = n_requests;
  self->n_actions = below (self, MAX_ACTIONS + 1);
  for (guint i = 0; i < self->n_actions; i++)
    {
      self->actions[i].after = below (self, n_requests);
      self->actions[i].action = below (self, N_ACTIONS);
      self->actions[i].request = below (self, n_requests);
      self->actions[i].grace = chance (self, 0.5) ? 0 : 0.05 * g_rand_double (self->random);
      /* These end everything: not each time. */
      if (self->actions[i].action >= CLOSE && chance (self, 0.7))
        self->actions[i].action = CANCEL_ID;
    }
}

static void
go (Run *self)
{
  GPtrArray *requests = self->history->requests;
  GThread *elsewhere, *sync;

  self->n_running = 2;
  elsewhere = g_thread_new ("elsewhere", elsewhere_thread, self);
  sync = g_thread_new ("synchronous", sync_thread, self);
  for (guint i = 0; i < requests->len; i++)
    {
      PastRequest *request = requests->pdata[i];
      ResilientCall *call;

      if (self->places[i] == HOME)
        send_async (self, request);
      if (self->places[i] != HOME_CALL)
        continue;
      call = resilient_client_start (self->client, self->made[i], self->contexts[i], NULL);
      /* Other threads may use it from now on. */
      g_mutex_lock (&self->lock);
      request->call = call;
      g_mutex_unlock (&self->lock);
      resilient_call_wait_async (call, NULL, answered_cb, waiter_new (self, request));
    }
  act (self);
  test_run_until (is_over, self);
  g_thread_join (elsewhere);
  g_thread_join (sync);

  close_client (self, 0);
  test_run_until (is_over, self);
  /* Signals of the last events. */
  test_run_pending ();
}

static void
tear_down (Run *self)
{
  History *history = self->history;

  g_mutex_lock (&self->lock);
  drain_locked (self);
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < history->requests->len; i++)
    {
      PastRequest *request = history->requests->pdata[i];

      collect (self, request);
      if (request->call != NULL)
        expect_gone (self, request->call);
      if (request->cancellable != NULL)
        expect_gone (self, request->cancellable);
      expect_gone (self, self->made[i]);
      g_clear_object (&request->call);
      g_clear_object (&request->cancellable);
      g_object_unref (self->made[i]);
      resilient_request_context_unref (self->contexts[i]);
    }
  history->stats = resilient_client_get_stats (self->client);
  history->dropped = resilient_client_get_dropped_events (self->client);
  history->pending_left = resilient_client_get_pending_count (self->client);
  history->listed_left = g_list_model_get_n_items (resilient_client_get_calls (self->client));
  expect_gone (self, self->events);
  g_object_unref (self->events);
  expect_gone (self, self->client);
  g_object_unref (self->client);
  test_run_until (is_gone, self);

  fault_server_free (self->server);
  g_rand_free (self->random);
  g_mutex_clear (&self->lock);
  g_free (self->places);
  g_free (self->made);
  g_free (self->contexts);
}

static History *
run (guint32 seed)
{
  Run self = { .history = history_new (seed), .random = g_rand_new_with_seed (seed) };

  test_allow_warning ("libsoup", "conns");
  set_up (&self, seed);
  go (&self);
  tear_down (&self);

  return self.history;
}

int
main (int argc, char *argv[])
{
  const SeedsTest test = {
    .name = "sockets",
    .n = 500,
    .run = run,
    .over_sockets = TRUE,
  };

  /* As meson test sets them; before any thread is there. */
  g_setenv ("GSETTINGS_BACKEND", "memory", TRUE);
  g_setenv ("GIO_USE_PROXY_RESOLVER", "dummy", TRUE);
  test_trust_by_default ();

  return seeds_main (argc, argv, &test);
}
