/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "schedule.h"

#include <stdarg.h>

#include "resilient-client-private.h"
#include "resilient-random-private.h"
#include "resilient-reason-private.h"
#include "resilient-test-network.h"
#include "resilient-timer-queue-private.h"
#include "test-clock.h"
#include "test-step.h"
#include "test-util.h"

/* Attempts that are scripted; after them all goes well, so that no schedule lasts for ever. */
#define N_STEPS 64
/* How deep callbacks may meddle in what goes on: starting, cancelling, iterating in a callback. */
#define MAX_DEPTH 2

typedef struct
{
  History *history;
  GRand *random; /* of the schedule; the library draws from its own */
  gint64 began;

  ResilientClient *client; /* NULL: let go of */
  GWeakRef weak_client;
  ResilientEngine *engine;
  ResilientTestStub *stub;
  GArray *steps; /* of Step: what the stub was told */
  ResilientSubscription *events;
  ResilientTestNetwork *monitor;
  struct _FakeGuard *guards[2]; /* of the engine; NULL: none */
  double good;                  /* the share of attempts that go well */
  guint order;
  guint depth;
  gint64 close_by; /* when all must have ended; G_MAXINT64: nobody closes */
  gboolean closed;
} Run;

typedef struct
{
  Run *run;
  PastRequest *request; /* NULL: of the client */
  PastAnswer *answer;
} Waiter;

static void act (Run *self);

/* --- chance ----------------------------------------------------------------------------------- */

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

#define ONE_OF(self, array) array[below (self, G_N_ELEMENTS (array))]

/* From microseconds to minutes, and often nothing at all. */
static double
some_seconds (Run *self)
{
  static const double scales[] = { 0, 0.001, 0.1, 1, 1, 5, 30, 120 };

  return ONE_OF (self, scales) * g_rand_double (self->random);
}

/* --- history ---------------------------------------------------------------------------------- */

static void G_GNUC_PRINTF (2, 3) note (Run *self, const char *format, ...)
{
  GString *log = self->history->log;
  va_list args;

  g_string_append_printf (log, "%" G_GINT64_FORMAT " ", test_clock_get () - self->began);
  va_start (args, format);
  g_string_append_vprintf (log, format, args);
  va_end (args);
  g_string_append_c (log, '\n');
}

static PastRequest *
request_of (Run *self, ResilientRequestContext *context)
{
  GVariant *metadata = resilient_request_context_get_metadata (context);
  guint number;

  g_assert_true (g_variant_lookup (metadata, "number", "u", &number));
  return self->history->requests->pdata[number];
}

/* Takes all events that are there, so that the history has them before what comes next. */
static void
drain (Run *self)
{
  static const char *const types[] = { "success", "retry", "error", "timeout", "cancelled" };
  ResilientEvent *event;

  while ((event = resilient_subscription_try_next (self->events)) != NULL)
    {
      ResilientRequestContext *context = resilient_event_get_context (event);
      PastRequest *request = request_of (self, context);
      PastEvent *past = past_request_add_event (request, event, ++self->order);

      /* on the clock of all the rest */
      past->time -= resilient_clock_get_real () - test_clock_get ();
      g_array_append_val (self->history->sequences, past->sequence);

      note (self,
            "event %" G_GUINT64_FORMAT " %s of %u %s at %" G_GINT64_FORMAT
            " attempt %u failure %x reason %s delay %.17g error %s",
            past->sequence,
            types[past->type],
            request->number,
            resilient_request_context_get_request_id (context),
            past->time - self->began,
            past->attempt,
            past->failure,
            resilient_reason_to_string (resilient_event_get_reason (event)),
            past->delay,
            past->has_error ? resilient_event_get_error (event)->message : "none");
      resilient_event_unref (event);
    }
}

static void
signalled_cb (ResilientClient *client, ResilientEvent *event, Run *self)
{
  guint64 sequence = resilient_event_get_sequence (event);

  drain (self);
  note (self, "signal %" G_GUINT64_FORMAT, sequence);
  g_array_append_val (self->history->signals, sequence);
  if (chance (self, 0.03))
    act (self);
}

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Waiter *waiter = user_data;
  Run *self = waiter->run;
  PastAnswer *answer = waiter->answer;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientClient) client = g_weak_ref_get (&self->weak_client);

  if (RESILIENT_IS_CALL (source))
    response = resilient_call_wait_finish (RESILIENT_CALL (source), result, &error);
  else if (g_async_result_is_tagged (result, resilient_client_get_async))
    response = resilient_client_get_finish (RESILIENT_CLIENT (source), result, &error);
  else
    response = resilient_client_send_finish (RESILIENT_CLIENT (source), result, &error);

  drain (self);
  note (self,
        "answer of %u: %s",
        waiter->request->number,
        error != NULL ? error->message : "a response");
  answer->calls++;
  answer->order = ++self->order;
  answer->time = test_clock_get ();
  answer->has_response = response != NULL;
  g_clear_error (&answer->error);
  answer->error = g_steal_pointer (&error);
  if (client != NULL && waiter->request->events->len > 0 && waiter->request->id != NULL)
    {
      g_autoptr (ResilientResult) stored =
        resilient_client_get_result (client, waiter->request->id);

      answer->stored = stored != NULL;
    }
  else
    {
      answer->stored = TRUE; /* nobody to ask */
    }
  g_free (waiter);

  if (chance (self, 0.05))
    act (self);
}

static Waiter *
waiter_new (Run *self, PastRequest *request)
{
  Waiter *waiter = g_new0 (Waiter, 1);

  waiter->run = self;
  waiter->request = request;
  if (request != NULL)
    {
      waiter->answer = past_request_add_answer (request);
    }
  return waiter;
}

/* --- the network ------------------------------------------------------------------------------ */

static void
script_step (Run *self, Step step)
{
  g_array_append_val (self->steps, step);
  add_step (self->stub, step);
}

static void
add_some_step (Run *self)
{
  static const Step faults[] = {
    { RESILIENT_FAILURE_RESOLVE, .code = G_RESOLVER_ERROR_NOT_FOUND, .nothing_sent = TRUE },
    { RESILIENT_FAILURE_CONNECT, .code = G_IO_ERROR_CONNECTION_REFUSED, .nothing_sent = TRUE },
    { RESILIENT_FAILURE_TLS, .code = G_IO_ERROR_FAILED, .nothing_sent = TRUE },
    { RESILIENT_FAILURE_CONNECT_TIMEOUT, .code = G_IO_ERROR_TIMED_OUT, .nothing_sent = TRUE },
    { RESILIENT_FAILURE_CERTIFICATE, .code = G_IO_ERROR_FAILED, .nothing_sent = TRUE },
    { RESILIENT_FAILURE_WRITE_TIMEOUT, .code = G_IO_ERROR_TIMED_OUT },
    { RESILIENT_FAILURE_READ_TIMEOUT, .code = G_IO_ERROR_TIMED_OUT },
    { RESILIENT_FAILURE_DEADLINE, .code = G_IO_ERROR_TIMED_OUT },
    { RESILIENT_FAILURE_DISCONNECT, .code = G_IO_ERROR_CONNECTION_CLOSED },
    { RESILIENT_FAILURE_DISCONNECT, .code = G_IO_ERROR_PARTIAL_INPUT },
    { RESILIENT_FAILURE_PROTOCOL, .code = G_IO_ERROR_INVALID_DATA },
    { RESILIENT_FAILURE_TOO_LARGE, .code = G_IO_ERROR_MESSAGE_TOO_LARGE },
  };
  static const guint statuses[] = { 301, 404, 408, 425, 429, 429, 500, 502, 503, 503, 504 };
  static const double waits[] = { -1, -1, 0, 0.5, 5, 60, 7200 };
  Step step = { .status = 200 };

  if (!chance (self, self->good))
    {
      if (chance (self, 0.5))
        step = ONE_OF (self, faults);
      else
        step.status = ONE_OF (self, statuses);
    }
  step.domain = G_IO_ERROR;
  step.retry_after = step.status >= 400 ? ONE_OF (self, waits) : -1;
  step.takes = chance (self, 0.05) ? -1 : some_seconds (self);
  step.released_after = chance (self, 0.2) ? some_seconds (self) / 4 : 0;
  step.http2 = chance (self, 0.05);
  script_step (self, step);
}

/* --- guards ----------------------------------------------------------------------------------- */

/* Says anything at any time, and counts what it has given and who stands in its line. */
typedef struct _FakeGuard
{
  ResilientGuard parent;
  Run *run;
  GPtrArray *line; /* of FakeEntry */
  guint n_inside;
  guint n_used;
} FakeGuard;

typedef struct
{
  ResilientGuardEntry parent;
  gboolean in_line;
  gboolean inside;
} FakeEntry;

static ResilientGuardAnswer
fake_guard_answer (Run *run, double refused, double held, gint64 *not_before, GError **error)
{
  if (chance (run, refused))
    {
      *not_before =
        chance (run, 0.5) ? resilient_clock_add (test_clock_get (), some_seconds (run)) : 0;
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, "guarded");
      return RESILIENT_GUARD_REFUSE;
    }
  if (chance (run, held))
    {
      *not_before = resilient_clock_add (test_clock_get (), some_seconds (run));
      return RESILIENT_GUARD_NOT_BEFORE;
    }
  return RESILIENT_GUARD_ADMIT;
}

static ResilientGuardAnswer
fake_guard_check (ResilientGuard *guard,
                  ResilientOrigin *origin,
                  gint64 *not_before,
                  GError **error)
{
  return fake_guard_answer (((FakeGuard *) guard)->run, 0.01, 0.05, not_before, error);
}

static void
fake_guard_leave_line (FakeGuard *self, FakeEntry *entry)
{
  if (entry->in_line)
    g_ptr_array_remove (self->line, entry);
  entry->in_line = FALSE;
}

static ResilientGuardAnswer
fake_guard_enter (ResilientGuard *guard,
                  ResilientGuardEntry *parent,
                  ResilientOrigin *origin,
                  gint64 *not_before,
                  GError **error)
{
  FakeGuard *self = (FakeGuard *) guard;
  FakeEntry *entry = (FakeEntry *) parent;
  ResilientGuardAnswer answer = fake_guard_answer (self->run, 0.01, 0.2, not_before, error);

  g_assert_false (entry->inside);
  fake_guard_leave_line (self, entry);
  entry->inside = answer == RESILIENT_GUARD_ADMIT;
  entry->in_line = answer == RESILIENT_GUARD_NOT_BEFORE;
  self->n_inside += entry->inside;
  if (entry->in_line)
    g_ptr_array_add (self->line, entry);
  return answer;
}

static void
fake_guard_leave (ResilientGuard *guard, ResilientGuardEntry *parent, ResilientGuardEnd end)
{
  FakeGuard *self = (FakeGuard *) guard;
  FakeEntry *entry = (FakeEntry *) parent;

  g_assert_true (entry->inside != entry->in_line);
  self->n_inside -= entry->inside;
  self->n_used += end != RESILIENT_GUARD_END_UNUSED;
  fake_guard_leave_line (self, entry);
  entry->inside = FALSE;
}

static void
fake_guard_free (ResilientGuard *guard)
{
  FakeGuard *self = (FakeGuard *) guard;

  g_ptr_array_unref (self->line);
  g_free (self);
}

static void
add_guards (Run *self)
{
  static const ResilientGuardFuncs funcs = {
    fake_guard_check, fake_guard_enter, fake_guard_leave, fake_guard_free, sizeof (FakeEntry)
  };

  for (guint i = below (self, G_N_ELEMENTS (self->guards) + 1); i > 0; i--)
    {
      FakeGuard *guard = g_new0 (FakeGuard, 1);

      guard->parent.funcs = &funcs;
      guard->run = self;
      guard->line = g_ptr_array_new ();
      self->guards[i - 1] = guard;
      resilient_engine_add_guard (self->engine, &guard->parent);
    }
}

/* Somebody in its line may ask again. */
static void
move_line (Run *self)
{
  FakeGuard *guard = ONE_OF (self, self->guards);

  if (guard != NULL && guard->line->len > 0)
    resilient_guard_entry_ask_again (
      &((FakeEntry *) guard->line->pdata[below (self, guard->line->len)])->parent);
}

static gboolean
is_available (Run *self)
{
  return g_network_monitor_get_network_available (G_NETWORK_MONITOR (self->monitor));
}

static void
set_available (Run *self, gboolean available)
{
  gboolean before = is_available (self);

  note (self, "network %s", available ? "is back" : "is gone");
  resilient_test_network_set_available (self->monitor, available);
  /* monitors say it again, too */
  if (before == available)
    g_signal_emit_by_name (self->monitor, "network-changed", available);
}

static void
suspend (Run *self)
{
  static const double lengths[] = { 1, 10, 100, 3600, 50000 };
  Suspend past;
  double seconds = ONE_OF (self, lengths) * g_rand_double (self->random);

  test_run_pending ();
  past.from = test_clock_get ();
  note (self, "suspend for %g s", seconds);
  past.to = resilient_clock_add (past.from, seconds);
  g_array_append_val (self->history->suspends, past);
  test_clock_suspend (seconds);
}

/* --- requests --------------------------------------------------------------------------------- */

static ResilientRetryPolicy *
some_policy (Run *self)
{
  static const guint16 statuses[] = { 404, 408, 425, 429, 500, 502, 503, 504 };
  static const double bases[] = { 0, 0.01, 0.5, 2 };
  static const double caps[] = { 2, 10, 30, 300 };
  static const int retries[] = { 0, 1, 2, 3, 6, -1 };
  g_autoptr (ResilientRetryPolicyBuilder) builder = NULL;
  ResilientRetryPolicy *policy;

  switch (below (self, 6))
    {
    case 0:
      return NULL;
    case 1:
      return resilient_retry_policy_ref (resilient_retry_policy_get_default ());
    case 2:
    case 3:
      return resilient_retry_policy_ref (resilient_retry_policy_get_standard ());
    default:
      break;
    }

  builder = resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  resilient_retry_policy_builder_set_max_retries (builder, ONE_OF (self, retries));
  resilient_retry_policy_builder_set_base_delay (builder, ONE_OF (self, bases));
  resilient_retry_policy_builder_set_max_delay (builder, ONE_OF (self, caps));
  resilient_retry_policy_builder_set_backoff_factor (builder, 1 + 2 * g_rand_double (self->random));
  resilient_retry_policy_builder_set_jitter_mode (builder, below (self, 5));
  resilient_retry_policy_builder_set_jitter (builder, g_rand_double (self->random));
  resilient_retry_policy_builder_set_retry_on (
    builder,
    resilient_retry_policy_get_retry_on (resilient_retry_policy_get_standard ())
      & ~(chance (self, 0.3) ? 1u << below (self, 9) : 0));
  if (chance (self, 0.3))
    {
      guint first = below (self, G_N_ELEMENTS (statuses));

      resilient_retry_policy_builder_set_retry_statuses (
        builder, statuses + first, 1 + below (self, G_N_ELEMENTS (statuses) - first));
    }
  resilient_retry_policy_builder_set_respect_retry_after (builder, chance (self, 0.8));
  resilient_retry_policy_builder_set_max_retry_after (builder, chance (self, 0.5) ? 3600 : 30);
  policy = resilient_retry_policy_builder_build (builder, NULL);
  if (policy == NULL)
    {
      /* without a limit there must be a pause */
      resilient_retry_policy_builder_set_base_delay (builder, 0.01);
      policy = resilient_retry_policy_builder_build (builder, NULL);
    }
  g_assert_nonnull (policy);
  return policy;
}

static ResilientRequest *
some_request (Run *self, PastRequest *past, const char *uri)
{
  g_autoptr (ResilientRetryPolicy) policy = some_policy (self);
  ResilientRequest *request = resilient_request_new (past->method, uri);

  past->idempotency = chance (self, 0.7) ? RESILIENT_IDEMPOTENCY_AUTO : below (self, 3);
  resilient_request_set_idempotency (request, past->idempotency);
  past->has_key = chance (self, 0.1);
  if (past->has_key)
    resilient_request_set_idempotency_key (request, chance (self, 0.5) ? "key" : NULL);
  resilient_request_set_retry_policy (request, policy);
  resilient_request_set_priority (request, chance (self, 0.7) ? 0 : (int) below (self, 5) - 2);
  if (chance (self, 0.2))
    {
      double seconds = 1e-6 + some_seconds (self);

      past->deadline = resilient_clock_add (past->started, seconds);
      resilient_request_set_total_timeout (request, seconds);
    }
  if (chance (self, 0.1))
    resilient_request_set_queue_timeout (request, 1e-6 + some_seconds (self));
  return request;
}

static void
start (Run *self)
{
  static const char *const methods[] = { "GET",    "GET",  "GET",  "HEAD", "PUT",
                                         "DELETE", "POST", "POST", "PATCH" };
  static const char *const origins[] = { "http://localhost",
                                         "http://localhost",
                                         "http://a.example",
                                         "http://b.example:8080",
                                         "https://c.example" };
  PastRequest *past = history_add_request (self->history);
  g_autofree char *uri = NULL;
  g_autoptr (ResilientRetryPolicy) policy = some_policy (self);
  g_autoptr (ResilientRequestContext) context = NULL;
  g_autoptr (ResilientRequest) request = NULL;
  GVariantDict metadata;

  past->must_end = self->close_by;
  past->after_close = self->closed;
  past->started = test_clock_get ();
  past->method = ONE_OF (self, methods);
  switch (below (self, 4))
    {
    case 0:
      past->id = g_strdup_printf ("request-%u", past->number);
      break;
    case 1:
      past->id = g_strdup (chance (self, 0.5) ? "twin" : "double");
      break;
    default:
      break;
    }
  if (chance (self, 0.5))
    past->cancellable = g_cancellable_new ();

  past->invalid = chance (self, 0.01);
  uri = g_strdup_printf (
    "%s/?%u", past->invalid ? "ftp://a.example" : ONE_OF (self, origins), past->number);
  g_variant_dict_init (&metadata, NULL);
  g_variant_dict_insert (&metadata, "number", "u", past->number);
  context = resilient_request_context_new (past->id, policy, g_variant_dict_end (&metadata), NULL);

  note (self, "start %u: %s %s", past->number, past->method, uri);
  if (past->cancellable != NULL && chance (self, 0.03))
    {
      past->cancelled_at = test_clock_get ();
      g_cancellable_cancel (past->cancellable);
    }

  switch (below (self, 3))
    {
    case 0:
      past->method = "GET";
      resilient_client_get_async (
        self->client, uri, context, past->cancellable, answered_cb, waiter_new (self, past));
      break;
    case 1:
      request = some_request (self, past, uri);
      resilient_client_send_async (
        self->client, request, context, past->cancellable, answered_cb, waiter_new (self, past));
      break;
    default:
      request = some_request (self, past, uri);
      past->call = resilient_client_start (self->client, request, context, NULL);
      /* Nothing of what was asked for is tied to it. */
      g_clear_object (&past->cancellable);
      if (past->cancelled_at >= 0)
        past->cancelled_at = -1;
      for (guint n = below (self, 3); n > 0; n--)
        resilient_call_wait_async (past->call, NULL, answered_cb, waiter_new (self, past));
    }
}

static PastRequest *
some_past_request (Run *self)
{
  GPtrArray *requests = self->history->requests;

  return requests->len > 0 ? requests->pdata[below (self, requests->len)] : NULL;
}

static void
expect_cancelled (Run *self, PastRequest *request)
{
  if (request->cancelled_at < 0 && !past_request_has_ended (request))
    request->cancelled_at = test_clock_get ();
}

static void
cancel_all (Run *self)
{
  for (guint i = 0; i < self->history->requests->len; i++)
    expect_cancelled (self, self->history->requests->pdata[i]);
  resilient_client_cancel_all (self->client);
}

static void
cancel_some (Run *self)
{
  PastRequest *request = some_past_request (self);

  drain (self);
  if (request == NULL)
    return;
  if (chance (self, 0.05))
    {
      note (self, "cancel all");
      cancel_all (self);
    }
  else if (request->id != NULL && chance (self, 0.5))
    {
      note (self, "cancel by id %s", request->id);
      for (guint i = 0; i < self->history->requests->len; i++)
        {
          PastRequest *other = self->history->requests->pdata[i];

          if (g_strcmp0 (other->id, request->id) == 0)
            expect_cancelled (self, other);
        }
      resilient_client_cancel (self->client, request->id);
    }
  else if (request->call != NULL)
    {
      note (self, "cancel call %u", request->number);
      expect_cancelled (self, request);
      resilient_call_cancel (request->call);
    }
  else if (request->cancellable != NULL)
    {
      note (self, "cancel by cancellable %u", request->number);
      expect_cancelled (self, request);
      g_cancellable_cancel (request->cancellable);
    }
}

static void
wait_call (Run *self)
{
  PastRequest *request = some_past_request (self);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Waiter *waiter;

  if (request == NULL || request->call == NULL)
    return;
  note (self, "wait for call %u", request->number);
  waiter = waiter_new (self, request);
  waiter->answer->gave_up = chance (self, 0.3);
  if (waiter->answer->gave_up && chance (self, 0.3))
    g_cancellable_cancel (cancellable);
  resilient_call_wait_async (request->call, cancellable, answered_cb, waiter);
  if (waiter->answer->gave_up)
    g_cancellable_cancel (cancellable);
}

static void
waited_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResult) waited G_GNUC_UNUSED =
    resilient_client_wait_result_finish (RESILIENT_CLIENT (source), result, &error);

  drain (self);
  note (self, "waited: %s", error != NULL ? error->message : "a result");
  self->history->n_waited++;
  if (chance (self, 0.05))
    act (self);
}

static void
waited_for_all_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *self = user_data;
  g_autoptr (GPtrArray) results =
    resilient_client_wait_all_finish (RESILIENT_CLIENT (source), result, NULL);

  drain (self);
  note (self, "waited for all: %u results", results != NULL ? results->len : 0);
  self->history->n_waited++;
  if (chance (self, 0.05))
    act (self);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *self = user_data;

  resilient_client_close_finish (RESILIENT_CLIENT (source), result, NULL);
  drain (self);
  note (self, "closed");
  self->history->n_closed++;
  if (self->history->closed_order == 0)
    self->history->closed_order = ++self->order;
}

static void
close_client (Run *self)
{
  double grace = chance (self, 0.5) ? 0 : some_seconds (self);
  gint64 by = resilient_clock_add (test_clock_get (), grace);

  drain (self);
  note (self, "close, grace %g s", grace);
  self->close_by = MIN (self->close_by, by);
  self->closed = TRUE;
  for (guint i = 0; i < self->history->requests->len; i++)
    {
      PastRequest *request = self->history->requests->pdata[i];

      request->must_end = MIN (request->must_end, self->close_by);
    }
  self->history->n_closes++;
  resilient_client_close_async (self->client, grace, NULL, closed_cb, self);
}

static void
ask (Run *self)
{
  PastRequest *request = some_past_request (self);

  switch (below (self, 6))
    {
    case 0:
      note (
        self, "clear: %u", resilient_client_clear_old_results (self->client, below (self, 100)));
      self->history->results_kept = FALSE;
      break;
    case 1:
      note (self, "count: %u", resilient_client_get_result_count (self->client));
      break;
    case 2:
      if (request != NULL && request->id != NULL)
        {
          self->history->n_waits++;
          note (self, "wait for %s", request->id);
          resilient_client_wait_result_async (self->client,
                                              request->id,
                                              chance (self, 0.5) ? -1 : some_seconds (self),
                                              NULL,
                                              waited_cb,
                                              self);
        }
      break;
    case 3:
      self->history->n_waits++;
      note (self, "wait for all");
      resilient_client_wait_all_async (self->client, NULL, waited_for_all_cb, self);
      break;
    case 4:
      if (request != NULL && request->call != NULL)
        resilient_call_set_priority (request->call, (int) below (self, 5) - 2);
      break;
    default:
      resilient_client_set_max_concurrent (self->client, 1 + below (self, 10));
      self->history->max_concurrent =
        MAX (self->history->max_concurrent, resilient_client_get_max_concurrent (self->client));
    }
}

static void
hurry (Run *self)
{
  PastRequest *request = some_past_request (self);

  if (request != NULL && request->call != NULL && resilient_call_retry_now (request->call))
    {
      note (self, "retry %u now", request->number);
      request->hurried = TRUE;
    }
}

/* Something that an app may do at any time, also inside a callback or a handler. */
static void
act (Run *self)
{
  if (self->client == NULL || self->depth >= MAX_DEPTH)
    return;

  self->depth++;
  switch (below (self, 40))
    {
    default:
      start (self);
      break;
    case 0 ... 5:
      cancel_some (self);
      break;
    case 6 ... 9:
      hurry (self);
      break;
    case 10 ... 14:
      ask (self);
      break;
    case 15 ... 16:
      wait_call (self);
      break;
    case 17 ... 18:
      set_available (self, !is_available (self));
      break;
    case 19:
      if (chance (self, 0.1))
        close_client (self);
      break;
    case 20:
      test_run_pending ();
      break;
    case 22 ... 23:
      move_line (self);
      break;
    case 21:
      if (chance (self, 0.05))
        {
          note (self, "dispose");
          self->history->disposed = TRUE;
          g_object_run_dispose (G_OBJECT (self->client));
          /* Which clears weak references, although the client lives. */
          g_weak_ref_set (&self->weak_client, self->client);
        }
      break;
    }
  self->depth--;
}

/* --- the schedule ----------------------------------------------------------------------------- */

static void
pass (Run *self)
{
  if (chance (self, 0.2))
    test_run_pending ();
  else if (chance (self, 0.03))
    suspend (self);
  else
    test_clock_run (some_seconds (self));
  drain (self);
  /* Nothing is under way now: every slot is one attempt of the network. */
  self->history->n_miscounted +=
    resilient_gate_get_active (resilient_engine_get_gate (self->engine))
    != resilient_test_stub_get_live (self->stub);
}

static void
set_up (Run *self)
{
  static const double shares[] = { 0, 0.2, 0.5, 0.9 };

  if (!resilient_clock_is_virtual ())
    test_clock_install ();
  self->began = test_clock_get ();
  self->close_by = G_MAXINT64;
  self->monitor = resilient_test_network_new ();
  resilient_test_network_install (self->monitor);

  self->client = resilient_client_new ();
  g_weak_ref_init (&self->weak_client, self->client);
  self->engine = resilient_engine_ref (resilient_client_peek_engine (self->client));
  self->stub = resilient_test_stub_new ();
  self->steps = g_array_new (FALSE, FALSE, sizeof (Step));
  use_stub (self->engine, self->stub);
  self->events = resilient_client_subscribe (self->client, 100000);
  g_signal_connect (self->client, "event", G_CALLBACK (signalled_cb), self);
  if (chance (self, 0.3))
    resilient_client_get_calls (self->client);

  if (chance (self, 0.5))
    add_guards (self);

  self->good = ONE_OF (self, shares);
  for (guint i = 0; i < N_STEPS; i++)
    add_some_step (self);
  script_step (self, (Step) STEP_OK);

  resilient_client_set_max_concurrent (self->client, 1 + below (self, 20));
  self->history->max_concurrent = resilient_client_get_max_concurrent (self->client);
  if (chance (self, 0.3))
    resilient_client_set_max_concurrent_per_host (self->client, 1 + below (self, 5));
  if (chance (self, 0.2))
    resilient_client_set_max_pending (self->client, below (self, 5));
  if (chance (self, 0.2))
    resilient_client_set_event_queue_capacity (self->client, 1 + below (self, 5));
  if (chance (self, 0.2))
    {
      resilient_client_set_max_results (self->client, below (self, 5));
      self->history->results_kept = FALSE;
    }
  if (chance (self, 0.3))
    {
      g_autoptr (ResilientRetryPolicy) policy = some_policy (self);

      if (policy != NULL)
        resilient_client_set_retry_policy (self->client, policy);
    }
}

/* Lets everything come to its end, in one of several ways, and does not wait for what would take
 * days. */
static void
wind_up (Run *self)
{
  self->depth = MAX_DEPTH; /* nobody meddles any more */
  switch (below (self, 4))
    {
    case 0:
      set_available (self, TRUE);
      test_clock_run (100);
      break;
    case 1:
      close_client (self);
      test_clock_run (200);
      break;
    case 2:
      note (self, "let go of the client");
      g_clear_object (&self->client);
      test_clock_run (100);
      self->client = g_weak_ref_get (&self->weak_client);
      break;
    default:
      break;
    }

  drain (self);
  note (self, "the end");
  if (self->client != NULL)
    cancel_all (self);
  else
    for (guint i = 0; i < self->history->requests->len; i++)
      {
        PastRequest *request = self->history->requests->pdata[i];

        expect_cancelled (self, request);
        if (request->call != NULL)
          resilient_call_cancel (request->call);
      }
  test_run_pending ();
  drain (self);
  /* What the network still holds of cancelled attempts. */
  test_clock_run (60);
  drain (self);

  for (guint i = 0; i < self->history->requests->len; i++)
    {
      PastRequest *request = self->history->requests->pdata[i];

      if (request->call == NULL)
        continue;
      resilient_call_wait_async (request->call, NULL, answered_cb, waiter_new (self, request));
      request->result = resilient_call_get_result (request->call);
    }
  test_run_pending ();
  drain (self);
}

static void
collect_attempts (Run *self)
{
  g_autoptr (GPtrArray) attempts = resilient_test_stub_list_attempts (self->stub);

  for (guint i = 0; i < attempts->len; i++)
    {
      const char *query = strchr (resilient_test_attempt_get_uri (attempts->pdata[i]), '?');
      guint number = (guint) g_ascii_strtoull (query + 1, NULL, 10);
      PastRequest *request = self->history->requests->pdata[number];
      Step *step = &g_array_index (self->steps, Step, MIN (i, self->steps->len - 1));
      PastAttempt attempt = { step->failure, step->status, step->retry_after, step->nothing_sent };

      g_array_append_val (request->attempts, attempt);
    }
}

static void
gone_cb (gpointer user_data, GObject *object)
{
  --*(guint *) user_data;
}

static void
expect_gone (Run *self, gpointer object)
{
  self->history->objects_left++;
  g_object_weak_ref (object, gone_cb, &self->history->objects_left);
}

static void
tear_down (Run *self)
{
  History *history = self->history;

  history->calls_left = resilient_engine_count_calls (self->engine);
  history->active_left = resilient_gate_get_active (resilient_engine_get_gate (self->engine));
  history->pending_left = resilient_gate_get_pending (resilient_engine_get_gate (self->engine));
  history->max_live = resilient_test_stub_get_max_live (self->stub);
  for (guint i = 0; i < G_N_ELEMENTS (self->guards); i++)
    {
      FakeGuard *guard = self->guards[i];

      if (guard == NULL)
        continue;
      history->guarded_left += guard->n_inside + guard->line->len;
      history->n_used += guard->n_used;
      history->n_begun += resilient_test_stub_get_started (self->stub);
    }
  collect_attempts (self);

  if (self->client != NULL)
    {
      history->stats = resilient_client_get_stats (self->client);
      history->dropped = resilient_client_get_dropped_events (self->client);
      history->listed_left = g_list_model_get_n_items (resilient_client_get_calls (self->client));
      expect_gone (self, self->client);
      g_clear_object (&self->client);
    }
  expect_gone (self, self->events);
  g_clear_object (&self->events);
  for (guint i = 0; i < history->requests->len; i++)
    {
      PastRequest *request = history->requests->pdata[i];

      if (request->call != NULL)
        expect_gone (self, request->call);
      if (request->cancellable != NULL)
        expect_gone (self, request->cancellable);
      g_clear_object (&request->call);
      g_clear_object (&request->cancellable);
    }
  test_run_pending ();
  resilient_engine_unref (self->engine);
  test_run_pending ();

  history->engine_left = resilient_test_stub_get_transport (self->stub)->ref_count > 1;
  {
    g_autoptr (ResilientTimerQueue) timers = resilient_timer_queue_get (NULL);

    history->timers_left = resilient_timer_queue_get_length (timers);
  }
  resilient_test_stub_unref (self->stub);
  g_array_unref (self->steps);
  g_weak_ref_clear (&self->weak_client);
  resilient_test_network_uninstall (self->monitor);
  expect_gone (self, self->monitor);
  g_clear_object (&self->monitor);
}

History *
schedule_run (guint32 seed)
{
  History *history = history_new (seed);
  Run self = { .history = history, .random = g_rand_new_with_seed (seed) };

  resilient_random_seed (seed);
  set_up (&self);
  for (guint n = 5 + below (&self, 40); n > 0; n--)
    {
      act (&self);
      drain (&self);
      if (chance (&self, 0.4))
        pass (&self);
    }
  wind_up (&self);
  tear_down (&self);
  resilient_random_unseed ();
  g_rand_free (self.random);

  return history;
}
