/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-client-private.h"

#include <string.h>

#include "resilient-call-list-private.h"
#include "resilient-clock-private.h"
#include "resilient-completion-private.h"
#include "resilient-error.h"
#include "resilient-handlers-private.h"
#include "resilient-i18n-private.h"
#include "resilient-origin-list-private.h"
#include "resilient-origin-private.h"
#include "resilient-request-private.h"
#include "resilient-seams-private.h"
#include "resilient-soup-transport-private.h"
#include "resilient-subscription-private.h"

/* The client as an object: its properties, signals and settings, and how a request is started,
 * waited for, cancelled and closed. What its calls share, and keep alive when the client goes, is
 * the engine's. Any thread may use it; the two lists and the signals are of the home context. */

/* What changes of the counts and of the list of origins go through. */
typedef struct _Watch Watch;

struct _ResilientClient
{
  GObject parent_instance;

  /* Set once, at construction. */
  GMainContext *main_context;
  SoupSession *given_session; /* until the engine has it */
  ResilientEngine *engine;
  Watch *watch; /* owned by the engine's gate */

  GSource *monitor;
  ResilientCallList *calls;     /* of the home context; made at need */
  ResilientOriginList *origins; /* the same */
};

/**
 * ResilientClient:
 *
 * Sends HTTP requests that survive real networks: a [class@Soup.Session] with retries that never
 * send a request twice by accident, with backoff, limits, deadlines, and a view of what is going
 * on.
 *
 * A client is made once and kept: it holds the connections. Its simplest use is one call, such as
 * [method@Client.get_async]; [class@Request] says more about what is sent and how,
 * [struct@RequestContext] who the request is to observers, and [class@Call] shows a request while
 * it lives.
 *
 * What happens is told by signals ([signal@Client::event] and one for each type of event), by
 * subscriptions ([method@Client.subscribe]), results ([method@Client.get_result]) and statistics
 * ([method@Client.get_stats]).
 *
 * The client may be used from any thread. Callbacks run in the thread-default main context in which
 * their operation was started; signals in the home context ([property@Client:main-context]).
 * Dropping the last reference while requests run is fine: they end as if it were still there,
 * without signals.
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE (ResilientClient, resilient_client, G_TYPE_OBJECT)

enum
{
  PROP_SESSION = 1,
  PROP_MAIN_CONTEXT,
  PROP_RETRY_POLICY,
  PROP_CIRCUIT_POLICY,
  PROP_RATE_LIMITER,
  PROP_RETRY_BUDGET,
  PROP_ADAPTIVE_CONCURRENCY,
  PROP_USER_AGENT,
  PROP_IO_PRIORITY,
  PROP_MAX_CONCURRENT,
  PROP_MAX_CONCURRENT_PER_HOST,
  PROP_MAX_PENDING,
  PROP_CONNECT_TIMEOUT,
  PROP_READ_TIMEOUT,
  PROP_WRITE_TIMEOUT,
  PROP_QUEUE_TIMEOUT,
  PROP_ATTEMPT_TIMEOUT,
  PROP_TOTAL_TIMEOUT,
  PROP_MAX_RESPONSE_SIZE,
  PROP_EVENT_QUEUE_CAPACITY,
  PROP_MAX_RESULTS,
  PROP_RESULT_TTL,
  PROP_MAX_RESULT_BYTES,
  PROP_ACTIVE_COUNT,
  PROP_PENDING_COUNT,
  PROP_RESULT_COUNT,
  PROP_EVENT_QUEUE_LENGTH,
  PROP_DROPPED_EVENTS,
  PROP_CLOSED,
  PROP_CALLS,
  PROP_ORIGINS,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

/* --- signals ---------------------------------------------------------------------------------- */

enum
{
  SIGNAL_EVENT,
  /* then one for each type of event */
  N_SIGNALS = SIGNAL_EVENT + 1 + RESILIENT_EVENT_TYPE_CANCELLED + 1,
};

static guint signals[N_SIGNALS];
static guint circuit_changed_signal;
static guint notify_signal;

static guint
signal_of_type (ResilientEventType type)
{
  return signals[SIGNAL_EVENT + 1 + type];
}

static gboolean
wants_event (ResilientEventType type, gpointer client)
{
  return resilient_has_handler (client, signal_of_type (type))
         || resilient_has_handler (client, signals[SIGNAL_EVENT]);
}

static GQuark
detail_of_type (ResilientEventType type)
{
  static GQuark details[RESILIENT_EVENT_TYPE_CANCELLED + 1];

  if (details[type] == 0)
    {
      g_autoptr (GEnumClass) klass = g_type_class_ref (RESILIENT_TYPE_EVENT_TYPE);

      details[type] = g_quark_from_string (g_enum_get_value (klass, type)->value_nick);
    }

  return details[type];
}

static void
emit_event (ResilientEvent *event, gpointer weak_client)
{
  /* A handler may drop the last reference. */
  g_autoptr (ResilientClient) self = g_weak_ref_get (weak_client);
  ResilientEventType type = resilient_event_get_event_type (event);

  if (self == NULL || resilient_engine_is_foreign (self->engine, NULL))
    return;

  g_signal_emit (self, signals[SIGNAL_EVENT], detail_of_type (type), event);
  g_signal_emit (self, signal_of_type (type), 0, event);
}

static guint
new_signal (GObjectClass *object_class, const char *name, GSignalFlags flags)
{
  return g_signal_new (name,
                       G_TYPE_FROM_CLASS (object_class),
                       G_SIGNAL_RUN_LAST | flags,
                       0,
                       NULL,
                       NULL,
                       NULL,
                       G_TYPE_NONE,
                       1,
                       RESILIENT_TYPE_EVENT);
}

static void
install_signals (GObjectClass *object_class)
{
  /**
   * ResilientClient::event:
   * @self: the client
   * @event: the event
   *
   * Emitted for every event; the detail is the nick of its type, as in `event::retry`.
   *
   * Emitted in the home context, some time after what it reports: the result is in the store
   * already. A request's events come in order, exactly one of them terminal. A handler may cancel
   * requests, close the client or drop it.
   *
   * Since: 1.0
   */
  signals[SIGNAL_EVENT] = new_signal (object_class, "event", G_SIGNAL_DETAILED);

  /**
   * ResilientClient::success:
   * @self: the client
   * @event: the event
   *
   * Emitted when a request got an answer that the policy accepts, of any status. See
   * [signal@Client::event].
   *
   * Since: 1.0
   */
  signals[SIGNAL_EVENT + 1 + RESILIENT_EVENT_TYPE_SUCCESS] =
    new_signal (object_class, "success", 0);

  /**
   * ResilientClient::retry:
   * @self: the client
   * @event: the event
   *
   * Emitted when another attempt was decided; the event bears the context of the attempt to come
   * and the delay before it. See [signal@Client::event].
   *
   * Since: 1.0
   */
  signals[SIGNAL_EVENT + 1 + RESILIENT_EVENT_TYPE_RETRY] = new_signal (object_class, "retry", 0);

  /**
   * ResilientClient::error:
   * @self: the client
   * @event: the event
   *
   * Emitted when a request failed for good. See [signal@Client::event].
   *
   * Since: 1.0
   */
  signals[SIGNAL_EVENT + 1 + RESILIENT_EVENT_TYPE_ERROR] = new_signal (object_class, "error", 0);

  /**
   * ResilientClient::timeout:
   * @self: the client
   * @event: the event
   *
   * Emitted when a request failed for good, its last failure being a time-out. See
   * [signal@Client::event].
   *
   * Since: 1.0
   */
  signals[SIGNAL_EVENT + 1 + RESILIENT_EVENT_TYPE_TIMEOUT] =
    new_signal (object_class, "timeout", 0);

  /**
   * ResilientClient::cancelled:
   * @self: the client
   * @event: the event
   *
   * Emitted when a request was cancelled. See [signal@Client::event].
   *
   * Since: 1.0
   */
  signals[SIGNAL_EVENT + 1 + RESILIENT_EVENT_TYPE_CANCELLED] =
    new_signal (object_class, "cancelled", 0);

  /**
   * ResilientClient::circuit-changed:
   * @self: the client
   * @origin: the origin
   * @old_state: in which its circuit was
   * @new_state: in which it is now, or was when this happened
   *
   * Emitted in the home context after the circuit breaker of an origin opened, half opened or
   * closed. Those of one origin come in order. See [property@Client:circuit-policy].
   *
   * Since: 1.0
   */
  circuit_changed_signal = g_signal_new ("circuit-changed",
                                         G_TYPE_FROM_CLASS (object_class),
                                         G_SIGNAL_RUN_LAST,
                                         0,
                                         NULL,
                                         NULL,
                                         NULL,
                                         G_TYPE_NONE,
                                         3,
                                         RESILIENT_TYPE_ORIGIN,
                                         RESILIENT_TYPE_CIRCUIT_STATE,
                                         RESILIENT_TYPE_CIRCUIT_STATE);

  notify_signal = g_signal_lookup ("notify", G_TYPE_OBJECT);
}

/* --- notifications ---------------------------------------------------------------------------- */

/* One for a client: tells the home context of changed counts, at most once per turn. Lives as long
 * as the gate may call. */
struct _Watch
{
  GWeakRef client;
  ResilientScheduler *home;
  ResilientWork work;
  int scheduled; /* atomic */
  ResilientWork origins_work;
  int origins_scheduled; /* atomic */
  gboolean closed_told;  /* of the home context */
};

static void
watch_free (gpointer data)
{
  Watch *watch = data;

  g_weak_ref_clear (&watch->client);
  resilient_scheduler_unref (watch->home);
}

static void
watch_unref (gpointer watch)
{
  g_atomic_rc_box_release_full (watch, watch_free);
}

static void
counts_changed_cb (gpointer data)
{
  Watch *watch = data;
  g_autoptr (ResilientClient) self = g_weak_ref_get (&watch->client);

  g_atomic_int_set (&watch->scheduled, FALSE);
  if (self != NULL && resilient_has_handler (self, notify_signal))
    {
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_ACTIVE_COUNT]);
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PENDING_COUNT]);
      if (resilient_client_get_closed (self) && !watch->closed_told)
        {
          watch->closed_told = TRUE;
          g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CLOSED]);
        }
    }
  watch_unref (watch);
}

static void
update_origins_cb (gpointer data)
{
  Watch *watch = data;
  g_autoptr (ResilientClient) self = g_weak_ref_get (&watch->client);

  g_atomic_int_set (&watch->origins_scheduled, FALSE);
  if (self != NULL && self->origins != NULL)
    resilient_origin_list_update (self->origins);
  watch_unref (watch);
}

static void
origins_changed_cb (gpointer data)
{
  Watch *watch = data;

  if (g_atomic_int_compare_and_exchange (&watch->origins_scheduled, FALSE, TRUE))
    resilient_scheduler_post (
      watch->home, &watch->origins_work, update_origins_cb, g_atomic_rc_box_acquire (watch));
}

static void
notify_origin_cb (gpointer origin)
{
  resilient_origin_notify_changes (origin);
}

static void
tell_counts_changed (Watch *watch)
{
  if (g_atomic_int_compare_and_exchange (&watch->scheduled, FALSE, TRUE))
    {
      g_autoptr (ResilientClient) self = NULL;

      /* Another thread wakes the home context only for somebody; in it, to look once a turn is less
       * than to look each time. */
      if (!g_main_context_is_owner (resilient_scheduler_get_context (watch->home)))
        {
          self = g_weak_ref_get (&watch->client);
          if (self == NULL || !resilient_has_handler (self, notify_signal))
            {
              g_atomic_int_set (&watch->scheduled, FALSE);
              return;
            }
        }
      resilient_scheduler_post (
        watch->home, &watch->work, counts_changed_cb, g_atomic_rc_box_acquire (watch));
    }
}

static void
gate_changed_cb (gpointer owner, gpointer data)
{
  Watch *watch = data;
  ResilientOrigin *origin = owner;

  tell_counts_changed (watch);
  if (resilient_origin_take_change (origin))
    resilient_scheduler_invoke (
      watch->home, notify_origin_cb, g_object_ref (origin), g_object_unref);
}

typedef struct
{
  Watch *watch;            /* with a reference */
  ResilientOrigin *origin; /* owned */
  ResilientCircuitState old_state, new_state;
} CircuitChange;

static void
circuit_change_free (gpointer data)
{
  CircuitChange *change = data;

  g_object_unref (change->origin);
  watch_unref (change->watch);
  g_free (change);
}

static void
emit_circuit_changed_cb (gpointer data)
{
  CircuitChange *change = data;
  g_autoptr (ResilientClient) self = g_weak_ref_get (&change->watch->client);

  if (self != NULL)
    g_signal_emit (
      self, circuit_changed_signal, 0, change->origin, change->old_state, change->new_state);
}

/* Whoever waits for a limiter, say, would be refused at its turn: better now. */
static void
check_held_calls (ResilientClient *self)
{
  g_autoptr (GPtrArray) calls = resilient_engine_list_calls (self->engine, NULL);

  for (guint i = 0; i < calls->len; i++)
    resilient_call_machine_check_again (resilient_call_get_machine (calls->pdata[i]));
}

/* In any thread. */
static void
circuit_changed_cb (gpointer origin,
                    ResilientCircuitState old_state,
                    ResilientCircuitState new_state,
                    gpointer data)
{
  Watch *watch = data;
  g_autoptr (ResilientClient) self = g_weak_ref_get (&watch->client);
  CircuitChange *change;

  if (self != NULL && new_state == RESILIENT_CIRCUIT_STATE_OPEN)
    check_held_calls (self);
  if (self == NULL || !resilient_has_handler (self, circuit_changed_signal))
    return;

  change = g_new (CircuitChange, 1);
  *change = (CircuitChange){
    .watch = g_atomic_rc_box_acquire (watch),
    .origin = g_object_ref (origin),
    .old_state = old_state,
    .new_state = new_state,
  };
  resilient_scheduler_invoke (watch->home, emit_circuit_changed_cb, change, circuit_change_free);
}

static void
watch_counts (ResilientClient *self)
{
  Watch *watch = g_atomic_rc_box_new0 (Watch);

  g_weak_ref_init (&watch->client, self);
  watch->home = resilient_scheduler_ref (resilient_engine_get_home (self->engine));
  self->watch = watch;
  resilient_gate_set_changed_func (
    resilient_engine_get_gate (self->engine), gate_changed_cb, watch, watch_unref);
  resilient_client_guards_set_changed_func (resilient_engine_get_guard_settings (self->engine),
                                            circuit_changed_cb,
                                            g_atomic_rc_box_acquire (watch),
                                            watch_unref);
}

/* --- properties
 * ----------------------------------------------------------------------------------- */

static void
resilient_client_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  ResilientClient *self = RESILIENT_CLIENT (object);

  switch (prop_id)
    {
    case PROP_SESSION:
      g_value_set_object (value, resilient_client_get_session (self));
      break;
    case PROP_MAIN_CONTEXT:
      g_value_set_boxed (value, resilient_client_get_main_context (self));
      break;
    case PROP_RETRY_POLICY:
      g_value_take_boxed (value, resilient_client_get_retry_policy (self));
      break;
    case PROP_CIRCUIT_POLICY:
      g_value_take_boxed (value, resilient_client_get_circuit_policy (self));
      break;
    case PROP_RATE_LIMITER:
      g_value_take_object (value, resilient_client_get_rate_limiter (self));
      break;
    case PROP_RETRY_BUDGET:
      g_value_take_object (value, resilient_client_get_retry_budget (self));
      break;
    case PROP_ADAPTIVE_CONCURRENCY:
      g_value_set_boolean (value, resilient_client_get_adaptive_concurrency (self));
      break;
    case PROP_USER_AGENT:
      g_value_set_string (value,
                          resilient_engine_lock_settings (self->engine)->options->user_agent);
      resilient_engine_unlock_settings (self->engine);
      break;
    case PROP_IO_PRIORITY:
      g_value_set_int (value, resilient_client_get_io_priority (self));
      break;
    case PROP_MAX_CONCURRENT:
      g_value_set_uint (value, resilient_client_get_max_concurrent (self));
      break;
    case PROP_MAX_CONCURRENT_PER_HOST:
      g_value_set_uint (value, resilient_client_get_max_concurrent_per_host (self));
      break;
    case PROP_MAX_PENDING:
      g_value_set_uint (value, resilient_client_get_max_pending (self));
      break;
    case PROP_CONNECT_TIMEOUT:
      g_value_set_double (value, resilient_client_get_connect_timeout (self));
      break;
    case PROP_READ_TIMEOUT:
      g_value_set_double (value, resilient_client_get_read_timeout (self));
      break;
    case PROP_WRITE_TIMEOUT:
      g_value_set_double (value, resilient_client_get_write_timeout (self));
      break;
    case PROP_QUEUE_TIMEOUT:
      g_value_set_double (value, resilient_client_get_queue_timeout (self));
      break;
    case PROP_ATTEMPT_TIMEOUT:
      g_value_set_double (value, resilient_client_get_attempt_timeout (self));
      break;
    case PROP_TOTAL_TIMEOUT:
      g_value_set_double (value, resilient_client_get_total_timeout (self));
      break;
    case PROP_MAX_RESPONSE_SIZE:
      g_value_set_uint64 (value, resilient_client_get_max_response_size (self));
      break;
    case PROP_EVENT_QUEUE_CAPACITY:
      g_value_set_uint (value, resilient_client_get_event_queue_capacity (self));
      break;
    case PROP_MAX_RESULTS:
      g_value_set_uint (value, resilient_client_get_max_results (self));
      break;
    case PROP_RESULT_TTL:
      g_value_set_double (value, resilient_client_get_result_ttl (self));
      break;
    case PROP_MAX_RESULT_BYTES:
      g_value_set_uint64 (value, resilient_client_get_max_result_bytes (self));
      break;
    case PROP_ACTIVE_COUNT:
      g_value_set_uint (value, resilient_client_get_active_count (self));
      break;
    case PROP_PENDING_COUNT:
      g_value_set_uint (value, resilient_client_get_pending_count (self));
      break;
    case PROP_RESULT_COUNT:
      g_value_set_uint (value, resilient_client_get_result_count (self));
      break;
    case PROP_EVENT_QUEUE_LENGTH:
      g_value_set_uint (value, resilient_client_get_event_queue_length (self));
      break;
    case PROP_DROPPED_EVENTS:
      g_value_set_uint64 (value, resilient_client_get_dropped_events (self));
      break;
    case PROP_CLOSED:
      g_value_set_boolean (value, resilient_client_get_closed (self));
      break;
    case PROP_CALLS:
      g_value_set_object (value, resilient_client_get_calls (self));
      break;
    case PROP_ORIGINS:
      g_value_set_object (value, resilient_client_get_origins (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_client_set_property (GObject *object,
                               guint prop_id,
                               const GValue *value,
                               GParamSpec *pspec)
{
  ResilientClient *self = RESILIENT_CLIENT (object);

  switch (prop_id)
    {
    case PROP_SESSION:
      self->given_session = g_value_dup_object (value);
      break;
    case PROP_MAIN_CONTEXT:
      self->main_context = g_value_dup_boxed (value);
      break;
    case PROP_RETRY_POLICY:
      resilient_client_set_retry_policy (self, g_value_get_boxed (value));
      break;
    case PROP_CIRCUIT_POLICY:
      resilient_client_set_circuit_policy (self, g_value_get_boxed (value));
      break;
    case PROP_RATE_LIMITER:
      resilient_client_set_rate_limiter (self, g_value_get_object (value));
      break;
    case PROP_RETRY_BUDGET:
      resilient_client_set_retry_budget (self, g_value_get_object (value));
      break;
    case PROP_ADAPTIVE_CONCURRENCY:
      resilient_client_set_adaptive_concurrency (self, g_value_get_boolean (value));
      break;
    case PROP_USER_AGENT:
      resilient_client_set_user_agent (self, g_value_get_string (value));
      break;
    case PROP_IO_PRIORITY:
      resilient_client_set_io_priority (self, g_value_get_int (value));
      break;
    case PROP_MAX_CONCURRENT:
      resilient_client_set_max_concurrent (self, g_value_get_uint (value));
      break;
    case PROP_MAX_CONCURRENT_PER_HOST:
      resilient_client_set_max_concurrent_per_host (self, g_value_get_uint (value));
      break;
    case PROP_MAX_PENDING:
      resilient_client_set_max_pending (self, g_value_get_uint (value));
      break;
    case PROP_CONNECT_TIMEOUT:
      resilient_client_set_connect_timeout (self, g_value_get_double (value));
      break;
    case PROP_READ_TIMEOUT:
      resilient_client_set_read_timeout (self, g_value_get_double (value));
      break;
    case PROP_WRITE_TIMEOUT:
      resilient_client_set_write_timeout (self, g_value_get_double (value));
      break;
    case PROP_QUEUE_TIMEOUT:
      resilient_client_set_queue_timeout (self, g_value_get_double (value));
      break;
    case PROP_ATTEMPT_TIMEOUT:
      resilient_client_set_attempt_timeout (self, g_value_get_double (value));
      break;
    case PROP_TOTAL_TIMEOUT:
      resilient_client_set_total_timeout (self, g_value_get_double (value));
      break;
    case PROP_MAX_RESPONSE_SIZE:
      resilient_client_set_max_response_size (self, g_value_get_uint64 (value));
      break;
    case PROP_EVENT_QUEUE_CAPACITY:
      resilient_client_set_event_queue_capacity (self, g_value_get_uint (value));
      break;
    case PROP_MAX_RESULTS:
      resilient_client_set_max_results (self, g_value_get_uint (value));
      break;
    case PROP_RESULT_TTL:
      resilient_client_set_result_ttl (self, g_value_get_double (value));
      break;
    case PROP_MAX_RESULT_BYTES:
      resilient_client_set_max_result_bytes (self, g_value_get_uint64 (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags ro = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const GParamFlags rw = ro | G_PARAM_WRITABLE;
  const GParamFlags construct_only = rw | G_PARAM_CONSTRUCT_ONLY;

  /**
   * ResilientClient:session:
   *
   * The session that everything is sent by: what the app gave, else %NULL, until
   * [method@Client.share_session] makes one. Reading it changes nothing, and the client never
   * changes a property of it.
   *
   * To be used in the home context only, like any session.
   *
   * Since: 1.0
   */
  props[PROP_SESSION] =
    g_param_spec_object ("session", NULL, NULL, SOUP_TYPE_SESSION, construct_only);

  /**
   * ResilientClient:main-context:
   *
   * The home context, in which signals are emitted and the properties of calls notified; by default
   * the thread-default main context in which the client was made. The app must iterate it, as the
   * thread-default context of the thread that does: libsoup puts its own sources there.
   *
   * Since: 1.0
   */
  props[PROP_MAIN_CONTEXT] =
    g_param_spec_boxed ("main-context", NULL, NULL, G_TYPE_MAIN_CONTEXT, construct_only);

  /**
   * ResilientClient:retry-policy:
   *
   * The policy of requests that bring none, neither themselves nor in their context. Never %NULL;
   * setting %NULL restores the default policy.
   *
   * Since: 1.0
   */
  props[PROP_RETRY_POLICY] =
    g_param_spec_boxed ("retry-policy", NULL, NULL, RESILIENT_TYPE_RETRY_POLICY, rw);

  /**
   * ResilientClient:circuit-policy:
   *
   * By what each origin has a circuit breaker of its own, if it has no policy of its own
   * ([property@Origin:circuit-policy]); %NULL, which is the default, for none.
   *
   * A breaker that is open refuses attempts with %RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN, at once, and
   * the request is not retried. [method@Call.get_delay_left] then tells when it will admit one
   * again. See [class@CircuitBreaker] for what opens it.
   *
   * Since: 1.0
   */
  props[PROP_CIRCUIT_POLICY] =
    g_param_spec_boxed ("circuit-policy", NULL, NULL, RESILIENT_TYPE_CIRCUIT_POLICY, rw);

  /**
   * ResilientClient:rate-limiter:
   *
   * What each attempt takes a token of, besides that of [property@Origin:rate-limiter]; %NULL,
   * which is the default, for none. An attempt waits for it without a slot.
   *
   * One limiter may serve several clients.
   *
   * Since: 1.0
   */
  props[PROP_RATE_LIMITER] =
    g_param_spec_object ("rate-limiter", NULL, NULL, RESILIENT_TYPE_RATE_LIMITER, rw);

  /**
   * ResilientClient:retry-budget:
   *
   * What pays for retries, to all origins that have none of their own
   * ([property@Origin:retry-budget]): each request earns a share of one. %NULL, which is the
   * default, for no limit but that of the policy; a client made by [ctor@Client.new_standard] then
   * has one for each origin.
   *
   * A request whose retry is not paid for ends with what its last attempt brought, for
   * %RESILIENT_REASON_RETRY_BUDGET. Failures for want of a network cost nothing.
   *
   * Since: 1.0
   */
  props[PROP_RETRY_BUDGET] =
    g_param_spec_object ("retry-budget", NULL, NULL, RESILIENT_TYPE_RETRY_BUDGET, rw);

  /**
   * ResilientClient:adaptive-concurrency:
   *
   * Whether to find out for each origin how many requests its server takes at once, and to send no
   * more of them than that; %FALSE by default.
   *
   * The limit begins at 4. It grows as long as more requests do not make answers slower, and
   * shrinks when they do, or when the server turns requests away by 429 or 503. It is never above
   * [property@Client:max-concurrent-per-host] and [property@Origin:max-concurrent], which want to
   * be set higher than what is expected. What does not run waits in the queue, by priority. About
   * once a minute a few requests are sent with a third less at once, to measure the server when it
   * is not busy.
   *
   * The idea is that of Netflix'
   * [concurrency-limits](https://github.com/Netflix/concurrency-limits) and of Envoy's adaptive
   * concurrency filter.
   *
   * Since: 1.0
   */
  props[PROP_ADAPTIVE_CONCURRENCY] =
    g_param_spec_boolean ("adaptive-concurrency", NULL, NULL, FALSE, rw);

  /**
   * ResilientClient:user-agent:
   *
   * The `User-Agent` of requests that don't set their own; %NULL sends none of ours. A session's
   * own [property@Soup.Session:user-agent] overwrites both.
   *
   * Since: 1.0
   */
  props[PROP_USER_AGENT] = g_param_spec_string ("user-agent", NULL, NULL, NULL, rw);

  /**
   * ResilientClient:io-priority:
   *
   * How far the client gives way to what else its home context has to do, like
   * %G_PRIORITY_DEFAULT_IDLE: lower numbers go first.
   *
   * What serves requests has %G_PRIORITY_DEFAULT, as the sources of libsoup have. As long as there
   * is something to do at that priority nothing below is ever done, and a busy client would keep a
   * window from being drawn. So when a source of a priority between that and this one has waited
   * for 8 ms, no request is begun and no response is read before it has had its turn. By default
   * this is 150: below what GTK lays out and draws with (110 and 120), and above what is done when
   * there is nothing else to do (%G_PRIORITY_DEFAULT_IDLE, 200).
   *
   * With %G_PRIORITY_DEFAULT or less all of it, callbacks and signals included, has this priority
   * at all times, and gives way to nothing below.
   *
   * Since: 1.0
   */
  props[PROP_IO_PRIORITY] =
    g_param_spec_int ("io-priority", NULL, NULL, G_MININT, G_MAXINT, RESILIENT_IO_PRIORITY, rw);

  /**
   * ResilientClient:max-concurrent:
   *
   * How many requests may be under way at once, in all: at least 1. The rest waits. With a session
   * of the app's own the smaller of this and [property@Soup.Session:max-conns] is in force.
   *
   * Since: 1.0
   */
  props[PROP_MAX_CONCURRENT] =
    g_param_spec_uint ("max-concurrent", NULL, NULL, 1, G_MAXUINT, 100, rw);

  /**
   * ResilientClient:max-concurrent-per-host:
   *
   * How many requests may be under way at once to one origin (scheme, host and port); 0 =
   * automatic: 6, or 32 once the origin has answered over HTTP/2. Counts requests, not connections.
   *
   * Since: 1.0
   */
  props[PROP_MAX_CONCURRENT_PER_HOST] =
    g_param_spec_uint ("max-concurrent-per-host", NULL, NULL, 0, G_MAXUINT, 0, rw);

  /**
   * ResilientClient:max-pending:
   *
   * How many requests may wait for a slot, or because a guard holds them back, such as a rate
   * limiter; beyond that a request is refused with %RESILIENT_CLIENT_ERROR_OVERLOADED.
   *
   * Since: 1.0
   */
  props[PROP_MAX_PENDING] = g_param_spec_uint ("max-pending", NULL, NULL, 0, G_MAXUINT, 10000, rw);

  /**
   * ResilientClient:connect-timeout:
   *
   * Seconds until a connection must stand: name, TCP and TLS, waiting for one that is open, or
   * inside libsoup, included; 0 = no limit.
   *
   * Since: 1.0
   */
  props[PROP_CONNECT_TIMEOUT] =
    g_param_spec_double ("connect-timeout", NULL, NULL, 0, G_MAXDOUBLE, 10, rw);

  /**
   * ResilientClient:read-timeout:
   *
   * Seconds without a byte received after which an attempt fails, from when the peer has the whole
   * request; 0 = no limit.
   *
   * Since: 1.0
   */
  props[PROP_READ_TIMEOUT] =
    g_param_spec_double ("read-timeout", NULL, NULL, 0, G_MAXDOUBLE, 30, rw);

  /**
   * ResilientClient:write-timeout:
   *
   * Seconds without a byte accepted by the peer after which an attempt fails; 0 = no limit.
   *
   * Since: 1.0
   */
  props[PROP_WRITE_TIMEOUT] =
    g_param_spec_double ("write-timeout", NULL, NULL, 0, G_MAXDOUBLE, 10, rw);

  /**
   * ResilientClient:queue-timeout:
   *
   * Seconds that a request may wait for a slot, or for a guard that holds it back; 0 = no limit.
   *
   * Since: 1.0
   */
  props[PROP_QUEUE_TIMEOUT] =
    g_param_spec_double ("queue-timeout", NULL, NULL, 0, G_MAXDOUBLE, 0, rw);

  /**
   * ResilientClient:attempt-timeout:
   *
   * Seconds that one attempt may take in all; 0 = no limit.
   *
   * Since: 1.0
   */
  props[PROP_ATTEMPT_TIMEOUT] =
    g_param_spec_double ("attempt-timeout", NULL, NULL, 0, G_MAXDOUBLE, 0, rw);

  /**
   * ResilientClient:total-timeout:
   *
   * Seconds that a request may take in all, waiting, attempts and sleeps together; 0 = no limit.
   *
   * Since: 1.0
   */
  props[PROP_TOTAL_TIMEOUT] =
    g_param_spec_double ("total-timeout", NULL, NULL, 0, G_MAXDOUBLE, 0, rw);

  /**
   * ResilientClient:max-response-size:
   *
   * Bytes that a response body may have, after decoding; a larger one fails with
   * %RESILIENT_CLIENT_ERROR_TOO_LARGE. 0 = no limit.
   *
   * Since: 1.0
   */
  props[PROP_MAX_RESPONSE_SIZE] =
    g_param_spec_uint64 ("max-response-size", NULL, NULL, 0, G_MAXUINT64, 64 * 1024 * 1024, rw);

  /**
   * ResilientClient:event-queue-capacity:
   *
   * How many events may be on their way to signal handlers. Beyond it %RESILIENT_EVENT_TYPE_RETRY
   * events are dropped and counted in [property@Client:dropped-events]; the others lose their
   * response, never themselves. When the bodies of those on their way exceed 8 MiB in all, further
   * ones come without their body.
   *
   * Since: 1.0
   */
  props[PROP_EVENT_QUEUE_CAPACITY] =
    g_param_spec_uint ("event-queue-capacity", NULL, NULL, 0, G_MAXUINT, 1000, rw);

  /**
   * ResilientClient:max-results:
   *
   * How many results are kept; the oldest leave first. 0 keeps none.
   *
   * Since: 1.0
   */
  props[PROP_MAX_RESULTS] = g_param_spec_uint ("max-results", NULL, NULL, 0, G_MAXUINT, 1000, rw);

  /**
   * ResilientClient:result-ttl:
   *
   * Seconds for which a result is kept; suspended time counts. 0 keeps none.
   *
   * Since: 1.0
   */
  props[PROP_RESULT_TTL] = g_param_spec_double ("result-ttl", NULL, NULL, 0, G_MAXDOUBLE, 3600, rw);

  /**
   * ResilientClient:max-result-bytes:
   *
   * Bytes of response bodies that the kept results may hold together; the oldest lose their bodies
   * first. 0 keeps no body. Headers that take more than 4 KiB count as a part of the body, and go
   * with it.
   *
   * Since: 1.0
   */
  props[PROP_MAX_RESULT_BYTES] =
    g_param_spec_uint64 ("max-result-bytes", NULL, NULL, 0, G_MAXUINT64, 8 * 1024 * 1024, rw);

  /**
   * ResilientClient:active-count:
   *
   * How many requests run: they hold a slot, and have not ended. Notified in the home context.
   *
   * Since: 1.0
   */
  props[PROP_ACTIVE_COUNT] = g_param_spec_uint ("active-count", NULL, NULL, 0, G_MAXUINT, 0, ro);

  /**
   * ResilientClient:pending-count:
   *
   * How many requests wait for a slot, or for a guard that holds them back, such as a rate limiter;
   * those asleep before a retry do not. Notified in the home context.
   *
   * Since: 1.0
   */
  props[PROP_PENDING_COUNT] = g_param_spec_uint ("pending-count", NULL, NULL, 0, G_MAXUINT, 0, ro);

  /**
   * ResilientClient:result-count:
   *
   * How many results are kept. Not notified.
   *
   * Since: 1.0
   */
  props[PROP_RESULT_COUNT] = g_param_spec_uint ("result-count", NULL, NULL, 0, G_MAXUINT, 0, ro);

  /**
   * ResilientClient:event-queue-length:
   *
   * How many events are on their way to signal handlers. Not notified.
   *
   * Since: 1.0
   */
  props[PROP_EVENT_QUEUE_LENGTH] =
    g_param_spec_uint ("event-queue-length", NULL, NULL, 0, G_MAXUINT, 0, ro);

  /**
   * ResilientClient:dropped-events:
   *
   * How many events signal handlers did not get because too many were on their way already. Not
   * notified.
   *
   * Since: 1.0
   */
  props[PROP_DROPPED_EVENTS] =
    g_param_spec_uint64 ("dropped-events", NULL, NULL, 0, G_MAXUINT64, 0, ro);

  /**
   * ResilientClient:closed:
   *
   * Whether new requests are refused: %TRUE from the first [method@Client.close_async] on. Notified
   * in the home context.
   *
   * Since: 1.0
   */
  props[PROP_CLOSED] = g_param_spec_boolean ("closed", NULL, NULL, FALSE, ro);

  /**
   * ResilientClient:calls:
   *
   * The live calls, oldest first, as a list of [class@Call] for a user interface. To be used in the
   * home context only; kept up from the first time it is read.
   *
   * Since: 1.0
   */
  props[PROP_CALLS] = g_param_spec_object ("calls", NULL, NULL, G_TYPE_LIST_MODEL, ro);

  /**
   * ResilientClient:origins:
   *
   * The origins that the client knows, as a list of [class@Origin], oldest first, that keeps itself
   * up to date; for the home context only. An origin without settings is forgotten some time after
   * its last request, and leaves the list then.
   *
   * Since: 1.0
   */
  props[PROP_ORIGINS] = g_param_spec_object ("origins", NULL, NULL, G_TYPE_LIST_MODEL, ro);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

/* --- life
 * ----------------------------------------------------------------------------------------- */

static void
weak_client_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static void
resilient_client_constructed (GObject *object)
{
  ResilientClient *self = RESILIENT_CLIENT (object);
  GWeakRef *weak = g_new0 (GWeakRef, 1);

  G_OBJECT_CLASS (resilient_client_parent_class)->constructed (object);

  if (self->main_context == NULL)
    self->main_context = g_main_context_ref_thread_default ();

  self->engine = resilient_engine_new (self->main_context, self->given_session);
  g_clear_object (&self->given_session);

  watch_counts (self);
  resilient_recorder_set_wanted_func (
    resilient_engine_get_recorder (self->engine), wants_event, self);
  g_weak_ref_init (weak, self);
  self->monitor = resilient_event_queue_attach (
    resilient_recorder_get_queue (resilient_engine_get_recorder (self->engine)),
    self->main_context,
    emit_event,
    weak,
    weak_client_free);
  g_source_set_priority (self->monitor, resilient_engine_get_source_priority (self->engine));
}

static void
resilient_client_dispose (GObject *object)
{
  ResilientClient *self = RESILIENT_CLIENT (object);

  /* in a forked child it stays where it is, and does nothing */
  if (self->monitor != NULL && !resilient_engine_is_foreign (self->engine, NULL))
    {
      resilient_recorder_set_wanted_func (resilient_engine_get_recorder (self->engine), NULL, NULL);
      g_source_destroy (self->monitor);
      g_clear_pointer (&self->monitor, g_source_unref);
    }

  G_OBJECT_CLASS (resilient_client_parent_class)->dispose (object);
}

static void
resilient_client_finalize (GObject *object)
{
  ResilientClient *self = RESILIENT_CLIENT (object);

  g_clear_object (&self->calls);
  g_clear_object (&self->origins);
  g_clear_pointer (&self->engine, resilient_engine_unref);
  g_clear_pointer (&self->main_context, g_main_context_unref);

  G_OBJECT_CLASS (resilient_client_parent_class)->finalize (object);
}

static void
resilient_client_class_init (ResilientClientClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = resilient_client_get_property;
  object_class->set_property = resilient_client_set_property;
  object_class->constructed = resilient_client_constructed;
  object_class->dispose = resilient_client_dispose;
  object_class->finalize = resilient_client_finalize;

  install_properties (object_class);
  install_signals (object_class);
  resilient_seams_offer (G_TYPE_FROM_CLASS (klass));
}

static void
resilient_client_init (ResilientClient *self)
{
}

/**
 * resilient_client_new:
 *
 * Makes a client with a session of its own, at home in the thread-default main context.
 *
 * Returns: (transfer full): a client
 *
 * Since: 1.0
 */
ResilientClient *
resilient_client_new (void)
{
  return g_object_new (RESILIENT_TYPE_CLIENT, NULL);
}

/**
 * resilient_client_new_standard:
 *
 * Makes a client as it is recommended for calling APIs: with the standard retry policy
 * ([func@RetryPolicy.get_standard]), which shares the waits that servers ask for, a circuit breaker
 * for each origin by the default policy, and a retry budget for each origin, of 20 % of its
 * requests and 10 retries a minute.
 *
 * Returns: (transfer full): a client
 *
 * Since: 1.0
 */
ResilientClient *
resilient_client_new_standard (void)
{
  ResilientClient *self = resilient_client_new ();

  resilient_client_set_retry_policy (self, resilient_retry_policy_get_standard ());
  resilient_client_set_circuit_policy (self, resilient_circuit_policy_get_default ());
  resilient_client_guards_set_retry_budget (
    resilient_engine_get_guard_settings (self->engine), NULL, TRUE);

  return self;
}

/**
 * resilient_client_new_with_session:
 * @session: a session of the app's own
 *
 * Makes a client that sends through @session, with its features (cookies, cache, proxies,
 * authentication, logging).
 *
 * No property of @session is changed. The smaller of its limits and the client's is in force, and
 * its [property@Soup.Session:timeout] still applies to each socket operation: set it to 0 to leave
 * time-outs to the client.
 *
 * Returns: (transfer full): a client
 *
 * Since: 1.0
 */
ResilientClient *
resilient_client_new_with_session (SoupSession *session)
{
  g_return_val_if_fail (SOUP_IS_SESSION (session), NULL);

  return g_object_new (RESILIENT_TYPE_CLIENT, "session", session, NULL);
}

/**
 * resilient_client_get_session:
 * @self: a client
 *
 * Gets [property@Client:session]. Reading it changes nothing.
 *
 * Returns: (transfer none) (nullable): the session, or %NULL while the client keeps its own to
 *   itself
 *
 * Since: 1.0
 */
SoupSession *
resilient_client_get_session (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);

  return resilient_engine_peek_session (self->engine);
}

/**
 * resilient_client_share_session:
 * @self: a client
 *
 * Makes the client send everything from now on by one session, and gives it to the app, to be set
 * up with features, a logger or handlers of signals. With a session of the app's own that is the
 * one.
 *
 * It has a price. A client that keeps its connections to itself sends HTTP/1 requests that run at
 * the same time by a session each, as libsoup looks at all connections of a session at every step:
 * with one session for all, a request costs the more the more of them are under way. And it can't
 * be undone.
 *
 * Call it before the first request, in the home context, as the session belongs there: requests
 * that are under way end by where they began, and soup_session_abort() doesn't reach them. The
 * client never changes a property of the session.
 *
 * Returns: (transfer none) (nullable): the session, or %NULL in a forked child, which has none
 *
 * Since: 1.0
 */
SoupSession *
resilient_client_share_session (ResilientClient *self)
{
  g_autoptr (SoupSession) session = NULL;
  gboolean known;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return NULL;

  known = resilient_client_get_session (self) != NULL;
  session = resilient_engine_dup_session (self->engine);
  if (!known)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SESSION]);

  /* The engine keeps it. */
  return session;
}

/**
 * resilient_client_get_main_context:
 * @self: a client
 *
 * Gets the home context.
 *
 * Returns: (transfer none): the context in which signals are emitted
 *
 * Since: 1.0
 */
GMainContext *
resilient_client_get_main_context (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);

  return self->main_context;
}

/**
 * resilient_client_get_closed:
 * @self: a client
 *
 * Gets whether new requests are refused.
 *
 * Returns: %TRUE from the first [method@Client.close_async] on
 *
 * Since: 1.0
 */
gboolean
resilient_client_get_closed (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), TRUE);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return TRUE;

  return resilient_engine_is_closing (self->engine);
}

/**
 * resilient_client_get_calls:
 * @self: a client
 *
 * Gets the live calls, oldest first, as a list that keeps itself up to date; for the home context
 * only.
 *
 * Returns: (transfer none): a list of [class@Call]
 *
 * Since: 1.0
 */
GListModel *
resilient_client_get_calls (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);

  if (self->calls == NULL)
    self->calls = resilient_call_list_new (self->engine);

  return G_LIST_MODEL (self->calls);
}

/**
 * resilient_client_get_origins:
 * @self: a client
 *
 * Gets the origins that the client knows, oldest first, as a list that keeps itself up to date; for
 * the home context only.
 *
 * Returns: (transfer none): a list of [class@Origin]
 *
 * Since: 1.0
 */
GListModel *
resilient_client_get_origins (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);

  if (self->origins == NULL && resilient_engine_is_foreign (self->engine, NULL))
    self->origins = resilient_origin_list_new (NULL, NULL, NULL);
  else if (self->origins == NULL)
    self->origins = resilient_origin_list_new (
      resilient_engine_get_origins (self->engine), origins_changed_cb, self->watch);

  return G_LIST_MODEL (self->origins);
}

/**
 * resilient_client_get_active_count:
 * @self: a client
 *
 * Gets how many requests run: they hold a slot, and have not ended.
 *
 * Returns: the number; 0 once [method@Client.wait_all_async] has completed
 *
 * Since: 1.0
 */
guint
resilient_client_get_active_count (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return 0;

  return resilient_gate_get_running (resilient_engine_get_gate (self->engine));
}

/**
 * resilient_client_get_pending_count:
 * @self: a client
 *
 * Gets how many requests wait for a slot, or for a guard that holds them back.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
resilient_client_get_pending_count (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return 0;

  return resilient_gate_get_pending (resilient_engine_get_gate (self->engine));
}

/* --- settings --------------------------------------------------------------------------------- */

/* @offset: in ResilientSettings. TRUE if the value is a new one; FALSE in a forked child. */
static gboolean
set_setting (ResilientClient *self, gsize offset, gconstpointer value, gsize size)
{
  gpointer setting;
  gboolean changed;

  if (resilient_engine_is_foreign (self->engine, NULL))
    return FALSE;

  setting = G_STRUCT_MEMBER_P (resilient_engine_lock_settings (self->engine), offset);
  changed = memcmp (setting, value, size) != 0;
  memcpy (setting, value, size);
  resilient_engine_unlock_settings (self->engine);

  return changed;
}

/* Calls keep the options with which they were started: they are replaced, not changed. */
static void
set_limit (ResilientClient *self, gsize offset, gconstpointer value, gsize size, guint prop_id)
{
  ResilientSettings *settings;
  ResilientCallOptions *replaced = NULL;

  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  settings = resilient_engine_lock_settings (self->engine);
  if (memcmp (G_STRUCT_MEMBER_P (settings->options, offset), value, size) != 0)
    {
      replaced = settings->options;
      settings->options = resilient_call_options_dup (replaced);
      memcpy (G_STRUCT_MEMBER_P (settings->options, offset), value, size);
    }
  resilient_engine_unlock_settings (self->engine);

  if (replaced == NULL)
    return;
  resilient_call_options_release (replaced);
  g_object_notify_by_pspec (G_OBJECT (self), props[prop_id]);
}

/**
 * resilient_client_get_io_priority:
 * @self: a client
 *
 * Gets [property@Client:io-priority].
 *
 * Returns: the priority, like %G_PRIORITY_DEFAULT
 *
 * Since: 1.0
 */
int
resilient_client_get_io_priority (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), G_PRIORITY_DEFAULT);

  return resilient_engine_get_io_priority (self->engine);
}

/**
 * resilient_client_set_io_priority:
 * @self: a client
 * @io_priority: the priority, like %G_PRIORITY_DEFAULT; lower goes first
 *
 * Sets [property@Client:io-priority]. Attempts that are under way go on with the one that they
 * have.
 *
 * Since: 1.0
 */
void
resilient_client_set_io_priority (ResilientClient *self, int io_priority)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  if (resilient_engine_get_io_priority (self->engine) == io_priority)
    return;
  resilient_engine_set_io_priority (self->engine, io_priority);
  if (self->monitor != NULL)
    g_source_set_priority (self->monitor, resilient_engine_get_source_priority (self->engine));
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_IO_PRIORITY]);
}

/**
 * resilient_client_get_max_concurrent:
 * @self: a client
 *
 * Gets [property@Client:max-concurrent].
 *
 * Returns: the number of requests
 *
 * Since: 1.0
 */
guint
resilient_client_get_max_concurrent (ResilientClient *self)
{
  guint value;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  value = resilient_engine_lock_settings (self->engine)->max_concurrent;
  resilient_engine_unlock_settings (self->engine);

  return value;
}

/**
 * resilient_client_set_max_concurrent:
 * @self: a client
 * @max_concurrent: the number of requests, at least 1
 *
 * Sets [property@Client:max-concurrent]. A higher limit lets waiting requests go at once; a lower
 * one stops none that runs.
 *
 * Since: 1.0
 */
void
resilient_client_set_max_concurrent (ResilientClient *self, guint max_concurrent)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (max_concurrent > 0);

  if (!set_setting (self,
                    G_STRUCT_OFFSET (ResilientSettings, max_concurrent),
                    &max_concurrent,
                    sizeof max_concurrent))
    return;

  resilient_engine_apply_limits (self->engine);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_CONCURRENT]);
}

/**
 * resilient_client_get_max_concurrent_per_host:
 * @self: a client
 *
 * Gets [property@Client:max-concurrent-per-host].
 *
 * Returns: the number of requests; 0 = automatic
 *
 * Since: 1.0
 */
guint
resilient_client_get_max_concurrent_per_host (ResilientClient *self)
{
  guint value;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  value = resilient_engine_lock_settings (self->engine)->max_concurrent_per_host;
  resilient_engine_unlock_settings (self->engine);

  return value;
}

/**
 * resilient_client_set_max_concurrent_per_host:
 * @self: a client
 * @max_concurrent_per_host: the number of requests, at least 1; 0 = automatic
 *
 * Sets [property@Client:max-concurrent-per-host].
 *
 * Since: 1.0
 */
void
resilient_client_set_max_concurrent_per_host (ResilientClient *self, guint max_concurrent_per_host)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));

  if (!set_setting (self,
                    G_STRUCT_OFFSET (ResilientSettings, max_concurrent_per_host),
                    &max_concurrent_per_host,
                    sizeof max_concurrent_per_host))
    return;

  resilient_engine_apply_limits (self->engine);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_CONCURRENT_PER_HOST]);
}

/**
 * resilient_client_get_max_pending:
 * @self: a client
 *
 * Gets [property@Client:max-pending].
 *
 * Returns: the number of requests
 *
 * Since: 1.0
 */
guint
resilient_client_get_max_pending (ResilientClient *self)
{
  guint value;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  value = resilient_engine_lock_settings (self->engine)->max_pending;
  resilient_engine_unlock_settings (self->engine);

  return value;
}

/**
 * resilient_client_set_max_pending:
 * @self: a client
 * @max_pending: the number of requests; 0 = none may wait
 *
 * Sets [property@Client:max-pending].
 *
 * Since: 1.0
 */
void
resilient_client_set_max_pending (ResilientClient *self, guint max_pending)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));

  if (!set_setting (
        self, G_STRUCT_OFFSET (ResilientSettings, max_pending), &max_pending, sizeof max_pending))
    return;

  resilient_engine_apply_limits (self->engine);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_PENDING]);
}

/**
 * resilient_client_get_connect_timeout:
 * @self: a client
 *
 * Gets [property@Client:connect-timeout].
 *
 * Returns: seconds; 0 = no limit
 *
 * Since: 1.0
 */
double
resilient_client_get_connect_timeout (ResilientClient *self)
{
  double value;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  value = resilient_engine_lock_settings (self->engine)->options->connect_timeout;
  resilient_engine_unlock_settings (self->engine);

  return value;
}

/**
 * resilient_client_set_connect_timeout:
 * @self: a client
 * @connect_timeout: seconds, not negative; 0 = no limit
 *
 * Sets [property@Client:connect-timeout], for requests that are started later.
 *
 * Since: 1.0
 */
void
resilient_client_set_connect_timeout (ResilientClient *self, double connect_timeout)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (connect_timeout >= 0);

  set_limit (self,
             G_STRUCT_OFFSET (ResilientCallOptions, connect_timeout),
             &connect_timeout,
             sizeof connect_timeout,
             PROP_CONNECT_TIMEOUT);
}

/**
 * resilient_client_get_read_timeout:
 * @self: a client
 *
 * Gets [property@Client:read-timeout].
 *
 * Returns: seconds; 0 = no limit
 *
 * Since: 1.0
 */
double
resilient_client_get_read_timeout (ResilientClient *self)
{
  double value;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  value = resilient_engine_lock_settings (self->engine)->options->read_timeout;
  resilient_engine_unlock_settings (self->engine);

  return value;
}

/**
 * resilient_client_set_read_timeout:
 * @self: a client
 * @read_timeout: seconds, not negative; 0 = no limit
 *
 * Sets [property@Client:read-timeout], for requests that are started later.
 *
 * Since: 1.0
 */
void
resilient_client_set_read_timeout (ResilientClient *self, double read_timeout)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (read_timeout >= 0);

  set_limit (self,
             G_STRUCT_OFFSET (ResilientCallOptions, read_timeout),
             &read_timeout,
             sizeof read_timeout,
             PROP_READ_TIMEOUT);
}

/**
 * resilient_client_get_write_timeout:
 * @self: a client
 *
 * Gets [property@Client:write-timeout].
 *
 * Returns: seconds; 0 = no limit
 *
 * Since: 1.0
 */
double
resilient_client_get_write_timeout (ResilientClient *self)
{
  double value;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  value = resilient_engine_lock_settings (self->engine)->options->write_timeout;
  resilient_engine_unlock_settings (self->engine);

  return value;
}

/**
 * resilient_client_set_write_timeout:
 * @self: a client
 * @write_timeout: seconds, not negative; 0 = no limit
 *
 * Sets [property@Client:write-timeout], for requests that are started later.
 *
 * Since: 1.0
 */
void
resilient_client_set_write_timeout (ResilientClient *self, double write_timeout)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (write_timeout >= 0);

  set_limit (self,
             G_STRUCT_OFFSET (ResilientCallOptions, write_timeout),
             &write_timeout,
             sizeof write_timeout,
             PROP_WRITE_TIMEOUT);
}

/**
 * resilient_client_get_queue_timeout:
 * @self: a client
 *
 * Gets [property@Client:queue-timeout].
 *
 * Returns: seconds; 0 = no limit
 *
 * Since: 1.0
 */
double
resilient_client_get_queue_timeout (ResilientClient *self)
{
  double value;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  value = resilient_engine_lock_settings (self->engine)->options->queue_timeout;
  resilient_engine_unlock_settings (self->engine);

  return value;
}

/**
 * resilient_client_set_queue_timeout:
 * @self: a client
 * @queue_timeout: seconds, not negative; 0 = no limit
 *
 * Sets [property@Client:queue-timeout], for requests that are started later.
 *
 * Since: 1.0
 */
void
resilient_client_set_queue_timeout (ResilientClient *self, double queue_timeout)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (queue_timeout >= 0);

  set_limit (self,
             G_STRUCT_OFFSET (ResilientCallOptions, queue_timeout),
             &queue_timeout,
             sizeof queue_timeout,
             PROP_QUEUE_TIMEOUT);
}

/**
 * resilient_client_get_attempt_timeout:
 * @self: a client
 *
 * Gets [property@Client:attempt-timeout].
 *
 * Returns: seconds; 0 = no limit
 *
 * Since: 1.0
 */
double
resilient_client_get_attempt_timeout (ResilientClient *self)
{
  double value;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  value = resilient_engine_lock_settings (self->engine)->options->attempt_timeout;
  resilient_engine_unlock_settings (self->engine);

  return value;
}

/**
 * resilient_client_set_attempt_timeout:
 * @self: a client
 * @attempt_timeout: seconds, not negative; 0 = no limit
 *
 * Sets [property@Client:attempt-timeout], for requests that are started later.
 *
 * Since: 1.0
 */
void
resilient_client_set_attempt_timeout (ResilientClient *self, double attempt_timeout)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (attempt_timeout >= 0);

  set_limit (self,
             G_STRUCT_OFFSET (ResilientCallOptions, attempt_timeout),
             &attempt_timeout,
             sizeof attempt_timeout,
             PROP_ATTEMPT_TIMEOUT);
}

/**
 * resilient_client_get_total_timeout:
 * @self: a client
 *
 * Gets [property@Client:total-timeout].
 *
 * Returns: seconds; 0 = no limit
 *
 * Since: 1.0
 */
double
resilient_client_get_total_timeout (ResilientClient *self)
{
  double value;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  value = resilient_engine_lock_settings (self->engine)->options->total_timeout;
  resilient_engine_unlock_settings (self->engine);

  return value;
}

/**
 * resilient_client_set_total_timeout:
 * @self: a client
 * @total_timeout: seconds, not negative; 0 = no limit
 *
 * Sets [property@Client:total-timeout], for requests that are started later.
 *
 * Since: 1.0
 */
void
resilient_client_set_total_timeout (ResilientClient *self, double total_timeout)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (total_timeout >= 0);

  set_limit (self,
             G_STRUCT_OFFSET (ResilientCallOptions, total_timeout),
             &total_timeout,
             sizeof total_timeout,
             PROP_TOTAL_TIMEOUT);
}

/**
 * resilient_client_get_max_response_size:
 * @self: a client
 *
 * Gets [property@Client:max-response-size].
 *
 * Returns: bytes; 0 = no limit
 *
 * Since: 1.0
 */
guint64
resilient_client_get_max_response_size (ResilientClient *self)
{
  guint64 value;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  value = resilient_engine_lock_settings (self->engine)->options->max_response_size;
  resilient_engine_unlock_settings (self->engine);

  return value;
}

/**
 * resilient_client_set_max_response_size:
 * @self: a client
 * @max_response_size: bytes; 0 = no limit
 *
 * Sets [property@Client:max-response-size], for requests that are started later.
 *
 * Since: 1.0
 */
void
resilient_client_set_max_response_size (ResilientClient *self, guint64 max_response_size)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));

  set_limit (self,
             G_STRUCT_OFFSET (ResilientCallOptions, max_response_size),
             &max_response_size,
             sizeof max_response_size,
             PROP_MAX_RESPONSE_SIZE);
}

/**
 * resilient_client_get_retry_policy:
 * @self: a client
 *
 * Gets [property@Client:retry-policy].
 *
 * Returns: (transfer full): the policy of requests that bring none
 *
 * Since: 1.0
 */
ResilientRetryPolicy *
resilient_client_get_retry_policy (ResilientClient *self)
{
  ResilientRetryPolicy *policy;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);

  policy = resilient_retry_policy_ref (resilient_engine_lock_settings (self->engine)->retry_policy);
  resilient_engine_unlock_settings (self->engine);

  return policy;
}

/**
 * resilient_client_set_retry_policy:
 * @self: a client
 * @retry_policy: (nullable): a policy; %NULL for the default one
 *
 * Sets [property@Client:retry-policy].
 *
 * Since: 1.0
 */
void
resilient_client_set_retry_policy (ResilientClient *self, ResilientRetryPolicy *retry_policy)
{
  g_autoptr (ResilientRetryPolicy) old = NULL;
  ResilientSettings *settings;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  if (retry_policy == NULL)
    retry_policy = resilient_retry_policy_get_default ();

  settings = resilient_engine_lock_settings (self->engine);
  old = settings->retry_policy;
  settings->retry_policy = resilient_retry_policy_ref (retry_policy);
  resilient_engine_unlock_settings (self->engine);

  if (old != retry_policy)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_RETRY_POLICY]);
}

/**
 * resilient_client_get_circuit_policy:
 * @self: a client
 *
 * Gets [property@Client:circuit-policy].
 *
 * Returns: (transfer full) (nullable): the policy of the circuit breakers; %NULL: there are none
 *
 * Since: 1.0
 */
ResilientCircuitPolicy *
resilient_client_get_circuit_policy (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return NULL;

  return resilient_client_guards_dup_circuit_policy (
    resilient_engine_get_guard_settings (self->engine));
}

/**
 * resilient_client_set_circuit_policy:
 * @self: a client
 * @circuit_policy: (nullable): a policy; %NULL: no circuit breakers
 *
 * Sets [property@Client:circuit-policy]. Breakers by another policy start anew, closed.
 *
 * Since: 1.0
 */
void
resilient_client_set_circuit_policy (ResilientClient *self, ResilientCircuitPolicy *circuit_policy)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  if (resilient_client_guards_set_circuit_policy (
        resilient_engine_get_guard_settings (self->engine), circuit_policy))
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CIRCUIT_POLICY]);
}

/**
 * resilient_client_get_rate_limiter:
 * @self: a client
 *
 * Gets [property@Client:rate-limiter].
 *
 * Returns: (transfer full) (nullable): the limiter
 *
 * Since: 1.0
 */
ResilientRateLimiter *
resilient_client_get_rate_limiter (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return NULL;

  return resilient_client_guards_dup_rate_limiter (
    resilient_engine_get_guard_settings (self->engine));
}

/**
 * resilient_client_set_rate_limiter:
 * @self: a client
 * @rate_limiter: (nullable): a limiter; %NULL: none
 *
 * Sets [property@Client:rate-limiter].
 *
 * Since: 1.0
 */
void
resilient_client_set_rate_limiter (ResilientClient *self, ResilientRateLimiter *rate_limiter)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (rate_limiter == NULL || RESILIENT_IS_RATE_LIMITER (rate_limiter));
  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  if (resilient_client_guards_set_rate_limiter (resilient_engine_get_guard_settings (self->engine),
                                                rate_limiter))
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_RATE_LIMITER]);
}

/**
 * resilient_client_get_retry_budget:
 * @self: a client
 *
 * Gets [property@Client:retry-budget].
 *
 * Returns: (transfer full) (nullable): the budget of all origins together; %NULL: none, or one for
 *   each origin, as [ctor@Client.new_standard] sets
 *
 * Since: 1.0
 */
ResilientRetryBudget *
resilient_client_get_retry_budget (ResilientClient *self)
{
  gboolean each;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return NULL;

  return resilient_client_guards_dup_retry_budget (
    resilient_engine_get_guard_settings (self->engine), &each);
}

/**
 * resilient_client_set_retry_budget:
 * @self: a client
 * @retry_budget: (nullable): a budget; %NULL: none, also not one for each origin
 *
 * Sets [property@Client:retry-budget].
 *
 * Since: 1.0
 */
void
resilient_client_set_retry_budget (ResilientClient *self, ResilientRetryBudget *retry_budget)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (retry_budget == NULL || RESILIENT_IS_RETRY_BUDGET (retry_budget));
  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  if (resilient_client_guards_set_retry_budget (
        resilient_engine_get_guard_settings (self->engine), retry_budget, FALSE))
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_RETRY_BUDGET]);
}

/**
 * resilient_client_get_adaptive_concurrency:
 * @self: a client
 *
 * Gets [property@Client:adaptive-concurrency].
 *
 * Returns: %TRUE if it finds out how many requests each server takes at once
 *
 * Since: 1.0
 */
gboolean
resilient_client_get_adaptive_concurrency (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), FALSE);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return FALSE;

  return resilient_client_guards_get_adaptive_concurrency (
    resilient_engine_get_guard_settings (self->engine));
}

/**
 * resilient_client_set_adaptive_concurrency:
 * @self: a client
 * @adaptive_concurrency: whether to find out how many requests each server takes at once
 *
 * Sets [property@Client:adaptive-concurrency].
 *
 * It holds for an origin with the next attempt that is to be sent there. Any thread may call this.
 *
 * Since: 1.0
 */
void
resilient_client_set_adaptive_concurrency (ResilientClient *self, gboolean adaptive_concurrency)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  if (resilient_client_guards_set_adaptive_concurrency (
        resilient_engine_get_guard_settings (self->engine), !!adaptive_concurrency))
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_ADAPTIVE_CONCURRENCY]);
}

/**
 * resilient_client_get_user_agent:
 * @self: a client
 *
 * Gets [property@Client:user-agent].
 *
 * Returns: (nullable) (transfer none): the product tokens (RFC 9110, 10.1.5), until they are set
 *   anew
 *
 * Since: 1.0
 */
const char *
resilient_client_get_user_agent (ResilientClient *self)
{
  const char *value;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);

  value = resilient_engine_lock_settings (self->engine)->options->user_agent;
  resilient_engine_unlock_settings (self->engine);

  return value;
}

/**
 * resilient_client_set_user_agent:
 * @self: a client
 * @user_agent: (nullable): product tokens (RFC 9110, 10.1.5), such as `MyApp/1.0`
 *
 * Sets [property@Client:user-agent]. A value with CR, LF or NUL is a programmer error.
 *
 * Since: 1.0
 */
void
resilient_client_set_user_agent (ResilientClient *self, const char *user_agent)
{
  ResilientCallOptions *replaced = NULL;
  ResilientSettings *settings;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (user_agent == NULL || resilient_headers_value_is_valid (user_agent));

  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  settings = resilient_engine_lock_settings (self->engine);
  if (g_strcmp0 (settings->options->user_agent, user_agent) != 0)
    {
      replaced = settings->options;
      settings->options = resilient_call_options_dup (replaced);
      g_clear_pointer (&settings->options->user_agent, g_ref_string_release);
      if (user_agent != NULL)
        settings->options->user_agent = g_ref_string_new (user_agent);
    }
  resilient_engine_unlock_settings (self->engine);

  if (replaced == NULL)
    return;
  resilient_call_options_release (replaced);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_USER_AGENT]);
}

/* Such a header would go to every host that a client talks to. */
static gboolean
is_of_origin (const char *name)
{
  return g_ascii_strcasecmp (name, "Authorization") == 0
         || g_ascii_strcasecmp (name, "Proxy-Authorization") == 0
         || g_ascii_strcasecmp (name, "Cookie") == 0;
}

/**
 * resilient_client_set_default_header:
 * @self: a client
 * @name: a header name
 * @value: (nullable): its value, or %NULL to remove it
 * @error: return location for an error
 *
 * Sets a header for every request that does not set one of that name itself.
 *
 * `Authorization`, `Proxy-Authorization` and `Cookie` are refused, because they would be sent to
 * every host: they belong to an origin, see [method@Origin.set_default_header]. So is what is not
 * valid in HTTP (RFC 9110, 5.1 and 5.5), and what follows from the body, `Content-Length` and
 * `Transfer-Encoding`. What is refused changes nothing, and fails with
 * %RESILIENT_CLIENT_ERROR_INVALID_REQUEST.
 *
 * Returns: %TRUE if it was set; %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
resilient_client_set_default_header (ResilientClient *self,
                                     const char *name,
                                     const char *value,
                                     GError **error)
{
  g_autoptr (ResilientHeaders) old = NULL;
  ResilientSettings *settings;
  ResilientHeaders *changed;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);
  if (resilient_engine_is_foreign (self->engine, error))
    return FALSE;

  if (!resilient_headers_check_field (name, value, error))
    return FALSE;
  if (is_of_origin (name))
    {
      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                   _ ("The header “%s” would be sent to every host: set it for an origin"),
                   name);
      return FALSE;
    }

  settings = resilient_engine_lock_settings (self->engine);
  old = settings->default_headers;
  changed = old != NULL ? resilient_headers_copy (old) : resilient_headers_new ();
  resilient_headers_replace (changed, name, value);
  settings->default_headers = changed;
  resilient_engine_unlock_settings (self->engine);

  return TRUE;
}

/**
 * resilient_client_get_origin:
 * @self: a client
 * @uri: an absolute http or https URI; only its scheme, host and port matter
 * @error: return location for an error
 *
 * Gets the origin of a URI, to give it limits and headers of its own. It lasts as long as the
 * client.
 *
 * Fails with %RESILIENT_CLIENT_ERROR_INVALID_REQUEST if @uri is none that a request could be sent
 * to, and with %RESILIENT_CLIENT_ERROR_CLOSED in a forked child.
 *
 * Returns: (transfer full): the origin, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientOrigin *
resilient_client_get_origin (ResilientClient *self, const char *uri, GError **error)
{
  g_autoptr (ResilientFrozenRequest) frozen = NULL;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (uri != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);
  if (resilient_engine_is_foreign (self->engine, error))
    return NULL;

  frozen = resilient_frozen_request_new ("GET", uri, error);
  return frozen != NULL ? resilient_origin_table_get (resilient_engine_get_origins (self->engine),
                                                      resilient_frozen_request_peek_uri (frozen))
                        : NULL;
}

/* --- results and events
 * --------------------------------------------------------------------------- */

/**
 * resilient_client_get_event_queue_capacity:
 * @self: a client
 *
 * Gets [property@Client:event-queue-capacity].
 *
 * Returns: the number of events
 *
 * Since: 1.0
 */
guint
resilient_client_get_event_queue_capacity (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  return resilient_event_queue_get_capacity (
    resilient_recorder_get_queue (resilient_engine_get_recorder (self->engine)));
}

/**
 * resilient_client_set_event_queue_capacity:
 * @self: a client
 * @event_queue_capacity: the number of events; with 0 every retry event is dropped
 *
 * Sets [property@Client:event-queue-capacity].
 *
 * Since: 1.0
 */
void
resilient_client_set_event_queue_capacity (ResilientClient *self, guint event_queue_capacity)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  if (resilient_client_get_event_queue_capacity (self) == event_queue_capacity)
    return;
  resilient_event_queue_set_capacity (
    resilient_recorder_get_queue (resilient_engine_get_recorder (self->engine)),
    event_queue_capacity);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_EVENT_QUEUE_CAPACITY]);
}

/**
 * resilient_client_get_max_results:
 * @self: a client
 *
 * Gets [property@Client:max-results].
 *
 * Returns: the number of results; 0 = none
 *
 * Since: 1.0
 */
guint
resilient_client_get_max_results (ResilientClient *self)
{
  guint value;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  value = resilient_engine_lock_settings (self->engine)->max_results;
  resilient_engine_unlock_settings (self->engine);

  return value;
}

/**
 * resilient_client_set_max_results:
 * @self: a client
 * @max_results: the number of results; 0 = none
 *
 * Sets [property@Client:max-results]. Results that are too many leave at once.
 *
 * Since: 1.0
 */
void
resilient_client_set_max_results (ResilientClient *self, guint max_results)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));

  if (!set_setting (
        self, G_STRUCT_OFFSET (ResilientSettings, max_results), &max_results, sizeof max_results))
    return;

  resilient_recorder_set_max_results (resilient_engine_get_recorder (self->engine), max_results);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_RESULTS]);
}

/**
 * resilient_client_get_result_ttl:
 * @self: a client
 *
 * Gets [property@Client:result-ttl].
 *
 * Returns: seconds; 0 = none
 *
 * Since: 1.0
 */
double
resilient_client_get_result_ttl (ResilientClient *self)
{
  double value;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  value = resilient_engine_lock_settings (self->engine)->result_ttl;
  resilient_engine_unlock_settings (self->engine);

  return value;
}

/**
 * resilient_client_set_result_ttl:
 * @self: a client
 * @result_ttl: seconds, not negative; 0 = none
 *
 * Sets [property@Client:result-ttl].
 *
 * Since: 1.0
 */
void
resilient_client_set_result_ttl (ResilientClient *self, double result_ttl)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (result_ttl >= 0);

  if (!set_setting (
        self, G_STRUCT_OFFSET (ResilientSettings, result_ttl), &result_ttl, sizeof result_ttl))
    return;

  resilient_recorder_set_result_ttl (resilient_engine_get_recorder (self->engine), result_ttl);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_RESULT_TTL]);
}

/**
 * resilient_client_get_max_result_bytes:
 * @self: a client
 *
 * Gets [property@Client:max-result-bytes].
 *
 * Returns: bytes; 0 = none
 *
 * Since: 1.0
 */
guint64
resilient_client_get_max_result_bytes (ResilientClient *self)
{
  guint64 value;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  value = resilient_engine_lock_settings (self->engine)->max_result_bytes;
  resilient_engine_unlock_settings (self->engine);

  return value;
}

/**
 * resilient_client_set_max_result_bytes:
 * @self: a client
 * @max_result_bytes: bytes; 0 = none
 *
 * Sets [property@Client:max-result-bytes].
 *
 * Since: 1.0
 */
void
resilient_client_set_max_result_bytes (ResilientClient *self, guint64 max_result_bytes)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));

  if (!set_setting (self,
                    G_STRUCT_OFFSET (ResilientSettings, max_result_bytes),
                    &max_result_bytes,
                    sizeof max_result_bytes))
    return;

  resilient_recorder_set_max_result_bytes (resilient_engine_get_recorder (self->engine),
                                           max_result_bytes);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_RESULT_BYTES]);
}

/**
 * resilient_client_get_result:
 * @self: a client
 * @request_id: the id of a request
 *
 * Gets the newest result of that id; a PENDING one while a request of that id is alive.
 *
 * Returns: (nullable) (transfer full): the result, or %NULL if none is known (any more)
 *
 * Since: 1.0
 */
ResilientResult *
resilient_client_get_result (ResilientClient *self, const char *request_id)
{
  g_autoptr (ResilientCall) call = NULL;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (request_id != NULL, NULL);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return NULL;

  call = resilient_engine_find_call (self->engine, request_id);
  if (call != NULL)
    return resilient_call_snapshot (call);

  return resilient_recorder_get_result (resilient_engine_get_recorder (self->engine), request_id);
}

/**
 * resilient_client_list_results:
 * @self: a client
 *
 * Lists the results that are kept, oldest first; live requests have none.
 *
 * Returns: (transfer container) (element-type ResilientResult): the results
 *
 * Since: 1.0
 */
GPtrArray *
resilient_client_list_results (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_result_unref);

  return resilient_recorder_list_results (resilient_engine_get_recorder (self->engine));
}

/**
 * resilient_client_clear_old_results:
 * @self: a client
 * @max_age: seconds, at least 0; 0 clears all
 *
 * Drops the results that are at least @max_age seconds old.
 *
 * Returns: how many were dropped
 *
 * Since: 1.0
 */
guint
resilient_client_clear_old_results (ResilientClient *self, double max_age)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);
  g_return_val_if_fail (max_age >= 0, 0);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return 0;

  return resilient_recorder_clear_old_results (resilient_engine_get_recorder (self->engine),
                                               max_age);
}

/**
 * resilient_client_get_stats:
 * @self: a client
 *
 * Takes a snapshot of the counters, which never forget, unlike the results.
 *
 * Returns: (transfer full): the statistics so far
 *
 * Since: 1.0
 */
ResilientStats *
resilient_client_get_stats (ResilientClient *self)
{
  ResilientStats *stats;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  if (resilient_engine_is_foreign (self->engine, NULL))
    {
      const ResilientStatsData none = { 0 };

      return resilient_stats_new (&none);
    }

  stats = resilient_recorder_get_stats (resilient_engine_get_recorder (self->engine));
  resilient_stats_set_live (
    stats, resilient_client_get_active_count (self), resilient_client_get_pending_count (self));
  return stats;
}

/**
 * resilient_client_subscribe:
 * @self: a client
 * @capacity: how many events it holds, at least 1; when full it drops the oldest
 *
 * Opens a stream of the events to come, to be read from any thread. It lasts as long as the caller
 * keeps it: dropping it ends it.
 *
 * Returns: (transfer full): the subscription; ended already if the client is closed
 *
 * Since: 1.0
 */
ResilientSubscription *
resilient_client_subscribe (ResilientClient *self, guint capacity)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (capacity > 0, NULL);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return resilient_subscription_new_ended (capacity);

  return resilient_recorder_subscribe (resilient_engine_get_recorder (self->engine), capacity);
}

/**
 * resilient_client_get_result_count:
 * @self: a client
 *
 * Gets how many results are kept.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
resilient_client_get_result_count (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return 0;

  return resilient_recorder_get_result_count (resilient_engine_get_recorder (self->engine));
}

/**
 * resilient_client_get_event_queue_length:
 * @self: a client
 *
 * Gets how many events are on their way to signal handlers.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
resilient_client_get_event_queue_length (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  return resilient_event_queue_get_length (
    resilient_recorder_get_queue (resilient_engine_get_recorder (self->engine)));
}

/**
 * resilient_client_get_dropped_events:
 * @self: a client
 *
 * Gets how many events signal handlers did not get because too many were on their way already.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
resilient_client_get_dropped_events (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  return resilient_event_queue_get_dropped (
    resilient_recorder_get_queue (resilient_engine_get_recorder (self->engine)));
}

/* --- sending
 * -------------------------------------------------------------------------------------- */

/* NULL with @error when there is nobody to drive it. */
static ResilientCall *
try_start (ResilientClient *self,
           ResilientFrozenRequest *frozen,
           const GError *frozen_error,
           ResilientRequestContext *context,
           GCancellable *cancellable,
           GError **error)
{
  g_autoptr (ResilientScheduler) scheduler = NULL;
  g_autoptr (GError) foreign = NULL;

  if (resilient_engine_is_foreign (self->engine, &foreign))
    return resilient_call_new_foreign (self->engine, foreign);
  if (frozen == NULL)
    return resilient_call_new_refused (self->engine, frozen_error);

  scheduler = resilient_engine_dup_scheduler (self->engine, error);
  if (scheduler == NULL)
    return NULL;
  return resilient_call_start (self->engine, scheduler, frozen, context, cancellable);
}

ResilientCall *
resilient_client_start_frozen (ResilientClient *self,
                               ResilientFrozenRequest *frozen,
                               const GError *frozen_error,
                               ResilientRequestContext *context,
                               GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  ResilientCall *call = try_start (self, frozen, frozen_error, context, cancellable, &error);

  return call != NULL ? call : resilient_call_new_refused (self->engine, error);
}

ResilientCall *
resilient_client_try_start_frozen (ResilientClient *self,
                                   ResilientFrozenRequest *frozen,
                                   const GError *frozen_error)
{
  g_autoptr (ResilientScheduler) scheduler = NULL;

  if (frozen != NULL && !resilient_engine_is_foreign (self->engine, NULL))
    scheduler = resilient_engine_dup_scheduler (self->engine, NULL);
  if (scheduler != NULL)
    return resilient_call_try_start (self->engine, scheduler, frozen);
  return resilient_client_start_frozen (self, frozen, frozen_error, NULL, NULL);
}

void
resilient_client_send_frozen (ResilientClient *self,
                              ResilientFrozenRequest *frozen,
                              const GError *frozen_error,
                              ResilientRequestContext *context,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data,
                              gpointer tag)
{
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (GError) error = NULL;
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  /* The function: the macro would give each task a name, in a block of its own, and that name were
   * “tag”. */
  (g_task_set_source_tag) (task, tag);
  g_task_set_priority (task, resilient_engine_get_source_priority (self->engine));
  /* What the callback gets is what was recorded: a cancel that comes after the end changes
   * neither. */
  g_task_set_check_cancellable (task, FALSE);

  call = try_start (self, frozen, frozen_error, context, cancellable, &error);
  if (call == NULL)
    {
      resilient_recorder_refused (resilient_engine_get_recorder (self->engine));
      g_task_return_error (task, g_steal_pointer (&error));
      g_object_unref (task);
      return;
    }
  resilient_call_add_task (call, task, FALSE, -1, NULL);
}

void
resilient_client_send_verb (ResilientClient *self,
                            const char *method,
                            const char *uri,
                            const char *content_type,
                            GBytes *body,
                            ResilientRequestContext *context,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data,
                            gpointer tag)
{
  g_autoptr (ResilientFrozenRequest) frozen = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (uri != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  frozen = resilient_frozen_request_new (method, uri, &error);
  if (frozen != NULL && body != NULL
      && !resilient_frozen_request_set_body (frozen, content_type, body, &error))
    g_clear_pointer (&frozen, resilient_frozen_request_unref);
  resilient_client_send_frozen (
    self, frozen, error, context, cancellable, callback, user_data, tag);
}

ResilientResponse *
resilient_client_finish_response (ResilientClient *self,
                                  GAsyncResult *result,
                                  gpointer tag,
                                  GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, tag), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * resilient_client_start:
 * @self: a client
 * @request: what is sent and how; taken as it is now, later changes touch later sends only
 * @context: (nullable): who the request is to observers; %NULL for one with a random id
 * @cancellable: (nullable): cancels the request, from any thread, as [method@Call.cancel] does
 *
 * Starts a request and returns it as a live call.
 *
 * The context is never changed and starts at attempt 0. A request that is refused (not valid, too
 * many waiting, client closed) gives a call that is done: [method@Call.wait_async] tells its
 * error. With a @cancellable that is cancelled already the call ends cancelled, and nothing is
 * sent. The request goes on when the caller drops the call or @cancellable.
 *
 * Returns: (transfer full): the call
 *
 * Since: 1.0
 */
ResilientCall *
resilient_client_start (ResilientClient *self,
                        ResilientRequest *request,
                        ResilientRequestContext *context,
                        GCancellable *cancellable)
{
  g_autoptr (ResilientFrozenRequest) frozen = NULL;
  g_autoptr (GError) error = NULL;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (RESILIENT_IS_REQUEST (request), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);

  frozen = resilient_request_freeze (request, &error);
  return resilient_client_start_frozen (self, frozen, error, context, cancellable);
}

/**
 * resilient_client_send_async:
 * @self: a client
 * @request: what is sent and how; taken as it is now, later changes touch later sends only
 * @context: (nullable): who the request is to observers; %NULL for one with a random id
 * @cancellable: (nullable): cancels the request
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Sends a request, with as many attempts as its policy allows.
 *
 * The context is never changed and starts at attempt 0. When @callback runs, the result is in the
 * store. It runs exactly once.
 *
 * Since: 1.0
 */
void
resilient_client_send_async (ResilientClient *self,
                             ResilientRequest *request,
                             ResilientRequestContext *context,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (ResilientFrozenRequest) frozen = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (RESILIENT_IS_REQUEST (request));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  frozen = resilient_request_freeze (request, &error);
  resilient_client_send_frozen (
    self, frozen, error, context, cancellable, callback, user_data, resilient_client_send_async);
}

/**
 * resilient_client_send_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Client.send_async].
 *
 * The response of the last attempt is returned whatever its status, even if retries ran out: see
 * [method@Response.check_status].
 *
 * Without one, the error of the last attempt keeps its domain and code, such as
 * %G_IO_ERROR_CONNECTION_REFUSED. Deadlines give %G_IO_ERROR_TIMED_OUT, a cancel gives
 * %G_IO_ERROR_CANCELLED, and what this library refuses has the domain %RESILIENT_CLIENT_ERROR.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_client_send_finish (ResilientClient *self, GAsyncResult *result, GError **error)
{
  return resilient_client_finish_response (self, result, resilient_client_send_async, error);
}

ResilientResponse *
resilient_client_send_frozen_sync (ResilientClient *self,
                                   ResilientFrozenRequest *frozen,
                                   ResilientRequestContext *context,
                                   GCancellable *cancellable,
                                   GError **error)
{
  g_autoptr (ResilientScheduler) io = NULL;
  g_autoptr (ResilientCall) call = NULL;

  if (resilient_engine_is_foreign (self->engine, error))
    return NULL;
  io = resilient_engine_dup_io_scheduler (self->engine, error);
  if (io == NULL)
    {
      resilient_recorder_refused (resilient_engine_get_recorder (self->engine));
      return NULL;
    }
  if (resilient_scheduler_is_current_thread (io))
    {
      g_set_error_literal (error,
                           RESILIENT_CLIENT_ERROR,
                           RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                           _ ("A body function can’t send a request and wait for it"));
      return NULL;
    }

  call = resilient_call_start_blocking (self->engine, io, frozen, context, cancellable);
  return resilient_call_block (call, error);
}

/**
 * resilient_client_send:
 * @self: a client
 * @request: what is sent and how
 * @context: (nullable): who the request is to observers; %NULL for one with a random id
 * @cancellable: (nullable): cancels the request, from another thread
 * @error: return location for an error
 *
 * Sends a request and blocks until it ended; the synchronous twin of [method@Client.send_async],
 * for worker threads.
 *
 * No main context needs to turn for it. Returns and fails as [method@Client.send_finish] does; in a
 * [callback@BodyFunc] of the same client it fails with %RESILIENT_CLIENT_ERROR_INVALID_REQUEST
 * rather than wait for itself.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_client_send (ResilientClient *self,
                       ResilientRequest *request,
                       ResilientRequestContext *context,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (ResilientFrozenRequest) frozen = NULL;
  g_autoptr (GError) frozen_error = NULL;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (RESILIENT_IS_REQUEST (request), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (resilient_engine_is_foreign (self->engine, error))
    return NULL;

  frozen = resilient_request_freeze (request, &frozen_error);
  if (frozen == NULL)
    {
      g_autoptr (ResilientCall) call = resilient_call_new_refused (self->engine, frozen_error);

      return resilient_call_take_response (call, error);
    }

  return resilient_client_send_frozen_sync (self, frozen, context, cancellable, error);
}

/* --- waiting and cancelling
 * ----------------------------------------------------------------------- */

/**
 * resilient_client_wait_result_async:
 * @self: a client
 * @request_id: the id of a request, live or ended
 * @timeout: seconds to wait at most; less than 0 = no limit
 * @cancellable: (nullable): ends the waiting, not the request
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Waits for the newest request of that id to end. Completes at once if it has, or if no request of
 * that id is known.
 *
 * Since: 1.0
 */
void
resilient_client_wait_result_async (ResilientClient *self,
                                    const char *request_id,
                                    double timeout,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_autoptr (GError) foreign = NULL;
  g_autoptr (ResilientCall) call = NULL;
  GTask *task;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (request_id != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, resilient_client_wait_result_async);
  g_task_set_priority (task, resilient_engine_get_source_priority (self->engine));
  if (resilient_engine_is_foreign (self->engine, &foreign))
    {
      g_task_return_error (task, g_steal_pointer (&foreign));
      g_object_unref (task);
      return;
    }
  g_task_set_check_cancellable (task, FALSE);

  call = resilient_engine_find_call (self->engine, request_id);
  if (call != NULL)
    {
      resilient_call_add_task (call, task, TRUE, timeout, cancellable);
    }
  else
    {
      /* It is in the store before it leaves the live ones. */
      ResilientResult *result =
        resilient_recorder_get_result (resilient_engine_get_recorder (self->engine), request_id);

      if (result != NULL)
        g_task_return_pointer (task, result, (GDestroyNotify) resilient_result_unref);
      else
        g_task_return_new_error (task,
                                 RESILIENT_CLIENT_ERROR,
                                 RESILIENT_CLIENT_ERROR_NOT_FOUND,
                                 _ ("No request with the id “%s” is known"),
                                 request_id);
      g_object_unref (task);
    }
}

/**
 * resilient_client_wait_result_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Client.wait_result_async].
 *
 * Fails with %RESILIENT_CLIENT_ERROR_NOT_FOUND for an id that is not known (any more),
 * %G_IO_ERROR_TIMED_OUT when the time is over, and %G_IO_ERROR_CANCELLED. That the request failed
 * is no error here: the result says so.
 *
 * Returns: (transfer full): the result, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResult *
resilient_client_wait_result_finish (ResilientClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, resilient_client_wait_result_async),
                        NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Two references to the completion: the engine's until no call is live, and the caller's. */
typedef struct
{
  ResilientClient *client;
  GPtrArray *calls;                /* live when the waiting began: their results may not be kept */
  ResilientCompletion *completion; /* the engine's reference to us */
} WaitAll;

static void
wait_all_free (gpointer data)
{
  WaitAll *wait = data;

  g_object_unref (wait->client);
  g_ptr_array_unref (wait->calls);
  g_free (wait);
}

static GPtrArray *
list_all (WaitAll *wait)
{
  GPtrArray *results =
    resilient_recorder_list_results (resilient_engine_get_recorder (wait->client->engine));
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < results->len; i++)
    g_hash_table_add (known, (gpointer) resilient_result_get_request_id (results->pdata[i]));
  for (guint i = 0; i < wait->calls->len; i++)
    {
      if (!g_hash_table_contains (known, resilient_call_get_request_id (wait->calls->pdata[i])))
        g_ptr_array_add (results, resilient_call_get_result (wait->calls->pdata[i]));
    }

  return results;
}

static void
all_ended_cb (gpointer data)
{
  WaitAll *wait = data;
  g_autoptr (ResilientCompletion) completion = wait->completion;
  g_autoptr (GTask) task = resilient_completion_take (completion);

  if (task != NULL)
    g_task_return_pointer (task, list_all (wait), (GDestroyNotify) g_ptr_array_unref);
}

static void
stopped_waiting_cb (ResilientCompletion *completion, gpointer data)
{
  WaitAll *wait = data;

  if (resilient_engine_withdraw_idle (wait->client->engine, wait))
    resilient_completion_unref (completion);
}

/**
 * resilient_client_wait_all_async:
 * @self: a client
 * @cancellable: (nullable): ends the waiting, not the requests
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Waits until no request is alive and everything is recorded. It does not wait for signals to be
 * delivered.
 *
 * Since: 1.0
 */
void
resilient_client_wait_all_async (ResilientClient *self,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GError) foreign = NULL;
  g_autoptr (ResilientCompletion) completion = NULL;
  WaitAll *wait;
  GTask *task;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, resilient_client_wait_all_async);
  g_task_set_priority (task, resilient_engine_get_source_priority (self->engine));
  if (resilient_engine_is_foreign (self->engine, &foreign))
    {
      g_task_return_error (task, g_steal_pointer (&foreign));
      g_object_unref (task);
      return;
    }
  wait = g_new (WaitAll, 1);
  wait->client = g_object_ref (self);
  wait->calls = resilient_engine_list_calls (self->engine, NULL);
  wait->completion = resilient_completion_new (task, stopped_waiting_cb, wait, wait_all_free);
  completion = resilient_completion_ref (wait->completion);

  resilient_engine_when_idle (self->engine, all_ended_cb, wait);
  resilient_completion_arm (completion, cancellable, -1, NULL);
}

/**
 * resilient_client_wait_all_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Client.wait_all_async].
 *
 * Returns: (transfer container) (element-type ResilientResult): the results that are kept, oldest
 * first, and those of requests that were waited for but whose results are not kept; or %NULL with
 * %G_IO_ERROR_CANCELLED
 *
 * Since: 1.0
 */
GPtrArray *
resilient_client_wait_all_finish (ResilientClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, resilient_client_wait_all_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * resilient_client_cancel:
 * @self: a client
 * @request_id: an id
 *
 * Cancels every live request of that id; see [method@Call.cancel].
 *
 * Returns: how many there were
 *
 * Since: 1.0
 */
guint
resilient_client_cancel (ResilientClient *self, const char *request_id)
{
  g_autoptr (GPtrArray) calls = NULL;
  guint n = 0;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);
  g_return_val_if_fail (request_id != NULL, 0);

  if (resilient_engine_is_foreign (self->engine, NULL))
    return 0;

  calls = resilient_engine_list_calls (self->engine, request_id);
  for (guint i = 0; i < calls->len; i++)
    n += resilient_call_cancel_for (calls->pdata[i], RESILIENT_CANCEL_BY_CALLER);

  return n;
}

/**
 * resilient_client_cancel_all:
 * @self: a client
 *
 * Cancels every live request; see [method@Call.cancel]. Later ones are not affected.
 *
 * Since: 1.0
 */
void
resilient_client_cancel_all (ResilientClient *self)
{
  g_autoptr (GPtrArray) calls = NULL;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));

  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  calls = resilient_engine_list_calls (self->engine, NULL);
  for (guint i = 0; i < calls->len; i++)
    resilient_call_cancel (calls->pdata[i]);
}

/* --- closing
 * -------------------------------------------------------------------------------------- */

/* A closing goes on when nobody waits for it any more. References: the engine's until no call is
 * live, and that of the end of the grace. */
typedef struct
{
  ResilientClient *client;
  ResilientCompletion *completion;
  /* Of the grace: in the context of who closes, as nobody might turn the home context. */
  ResilientTimerQueue *timers;
  ResilientTimer timer;
} Close;

static void
close_free (gpointer data)
{
  Close *close = data;

  g_object_unref (close->client);
  resilient_completion_unref (close->completion);
  resilient_timer_queue_unref (close->timers);
}

static void
close_unref (gpointer close)
{
  g_atomic_rc_box_release_full (close, close_free);
}

static void
cancel_rest (ResilientClient *self)
{
  g_autoptr (GPtrArray) calls = resilient_engine_list_calls (self->engine, NULL);

  for (guint i = 0; i < calls->len; i++)
    resilient_call_cancel_for (calls->pdata[i], RESILIENT_CANCEL_BY_CLOSE);
}

static void
grace_over_cb (gpointer data)
{
  Close *close = data;

  cancel_rest (close->client);
  close_unref (close);
}

static void
all_closed_cb (gpointer data)
{
  Close *close = data;
  g_autoptr (GTask) task = NULL;

  if (resilient_timer_queue_clear (close->timers, &close->timer))
    close_unref (close);
  resilient_engine_drop_connections (close->client->engine);

  task = resilient_completion_take (close->completion);
  if (task != NULL)
    g_task_return_boolean (task, TRUE);

  close_unref (close);
}

/**
 * resilient_client_close_async:
 * @self: a client
 * @grace: seconds for which live requests may still run; 0 or less cancels them now
 * @cancellable: (nullable): ends the waiting, not the closing
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Closes the client: from now on new requests are refused with %RESILIENT_CLIENT_ERROR_CLOSED.
 *
 * Live requests may end for @grace seconds, without another retry for what fails meanwhile; then
 * the rest is cancelled, which gives their callers %G_IO_ERROR_CANCELLED. Everything is recorded,
 * subscriptions end after the last event, then this completes. Closing again is fine, also to
 * shorten the grace.
 *
 * Since: 1.0
 */
void
resilient_client_close_async (ResilientClient *self,
                              double grace,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GError) foreign = NULL;
  g_autoptr (ResilientCompletion) completion = NULL;
  Close *close;
  GTask *task;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, resilient_client_close_async);
  g_task_set_priority (task, resilient_engine_get_source_priority (self->engine));
  if (resilient_engine_is_foreign (self->engine, &foreign))
    {
      g_task_return_error (task, g_steal_pointer (&foreign));
      g_object_unref (task);
      return;
    }
  completion = resilient_completion_new (task, NULL, NULL, NULL);
  close = g_atomic_rc_box_new0 (Close);
  close->client = g_object_ref (self);
  close->completion = resilient_completion_ref (completion);
  close->timers = resilient_timer_queue_get (g_task_get_context (task));

  if (resilient_engine_close (self->engine))
    tell_counts_changed (self->watch);

  if (grace > 0)
    resilient_timer_queue_set (close->timers,
                               &close->timer,
                               resilient_clock_add (resilient_clock_get_boot (), grace),
                               grace_over_cb,
                               g_atomic_rc_box_acquire (close));
  else
    cancel_rest (self);

  resilient_engine_when_idle (self->engine, all_closed_cb, close);
  resilient_completion_arm (completion, cancellable, -1, NULL);
}

/**
 * resilient_client_close_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Client.close_async].
 *
 * Returns: %TRUE when no request is alive any more; %FALSE with %G_IO_ERROR_CANCELLED
 *
 * Since: 1.0
 */
gboolean
resilient_client_close_finish (ResilientClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, resilient_client_close_async), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- for the kit and for the verbs ------------------------------------------------------------ */

gboolean
resilient_client_set_transport (ResilientClient *self, ResilientTransport *transport)
{
  return resilient_engine_set_transport (self->engine, transport);
}

ResilientEngine *
resilient_client_peek_engine (ResilientClient *self)
{
  return self->engine;
}
