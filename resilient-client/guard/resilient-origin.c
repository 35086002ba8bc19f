/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What an app sets and sees of one origin: the limit and counts of its slots, which the gate has,
 * its default headers, and what its guards go by, which resilient-origin-guards.c has. It owns all
 * of them and knows nobody above it. Any thread; changes are notified in the home context. */

#include "config.h"

#include "resilient-origin-private.h"

#include "resilient-fork-private.h"
#include "resilient-clock-private.h"
#include "resilient-handlers-private.h"
#include "resilient-histogram-private.h"
#include "resilient-timer-queue-private.h"

/* Requests that were held back are spread over this part of the wait that was asked for, and over
 * at least so many seconds. */
#define SPREAD 0.1
#define MIN_SPREAD 2.0

/**
 * ResilientOrigin:
 *
 * What a client knows of one origin: a scheme, a host and a port.
 *
 * An origin is what limits and secrets are bound to. [method@Client.get_origin] gives the one of a
 * URI, the same object each time, from any thread. Requests to an origin beyond
 * [property@Origin:max-concurrent] wait, in order of their priority, then of their arrival, while
 * those to other origins go on: one host that hangs does not stop the others.
 *
 * ```c
 * g_autoptr (ResilientOrigin) origin = NULL;
 *
 * origin = resilient_client_get_origin (client, "https://api.example.org", &error);
 * if (origin == NULL)
 *   return FALSE;
 * resilient_origin_set_max_concurrent (origin, 2);
 * return resilient_origin_set_default_header (origin, "Authorization", "Bearer …", &error);
 * ```
 *
 * The settings of an origin last as long as its client. An origin without any is forgotten some
 * time after its last request.
 *
 * Changes of the counts are notified in the home context of the client
 * ([property@Client:main-context]), and not one by one: a notification says that a count may have
 * changed since the last one.
 *
 * Since: 1.0
 */

/* So many attempts pay for one hedge: 5 %, about what hedging after the 95th percentile costs (Dean
 * and Barroso, "The Tail at Scale", Communications of the ACM, 2013). */
#define HEDGE_PRICE 20
#define MAX_HEDGE_CREDIT (10 * HEDGE_PRICE)

/* The delay of automatic hedges is taken from so many answers at least, and reckoned anew after as
 * many more. */
#define MIN_ANSWERS 20
/* After so many the count begins anew, as a server may become faster or slower, and its first half
 * says nothing yet. */
#define MAX_ANSWERS 1000
/* The part of all answers that a hedge gives the time to come: of the others, 5 %, it may pay. */
#define HEDGED_FROM 0.95
/* In microseconds. Timers of a main loop count in milliseconds. */
#define MIN_HEDGE_DELAY 1000

/* How long answers took. */
typedef struct
{
  ResilientHistogram times; /* microseconds */
  gint64 delay;             /* the same; 0: there were too few */
  gboolean again;           /* the count has begun anew */
} AnswerTimes;

/* The timer that notifies the end of a hold, in the context in which its beginning was notified.
 * The origin and the timer have a reference each: it may fire while the origin goes in another
 * thread. */
typedef struct
{
  ResilientTimer timer;
  ResilientTimerQueue *timers;
  GWeakRef origin;
} HoldEnd;

struct _ResilientOrigin
{
  GObject parent_instance;

  /* Set once. */
  char *key;                     /* NULL only of one that a binding made by itself */
  ResilientSlots *slots;         /* owned; NULL of such a one: it holds back nothing */
  ResilientOriginGuards *guards; /* owned */
  guint generation;              /* of the process; see resilient-fork-private.h */

  /* Atomic. */
  gboolean near;     /* it needs no default route */
  gint hedge_credit; /* in parts of a hedge, see HEDGE_PRICE */
  gint change_told;  /* that counts changed, and nobody has notified yet */

  GMutex lock;
  /* Under lock. */
  ResilientHeaders *default_headers; /* owned, nullable, immutable: replaced as a whole */
  gboolean has_secret_marks;
  guint fresh_generation;
  int own_limit;             /* in place of that of the slots, without any */
  HoldEnd *hold_end;         /* nullable: nobody waits for it */
  AnswerTimes *answer_times; /* owned, nullable: nobody asked to count them */
};

G_DEFINE_FINAL_TYPE (ResilientOrigin, resilient_origin, G_TYPE_OBJECT)

enum
{
  PROP_URI = 1,
  PROP_MAX_CONCURRENT,
  PROP_ACTIVE_COUNT,
  PROP_PENDING_COUNT,
  PROP_HELD_UNTIL,
  PROP_RATE_LIMITER,
  PROP_RETRY_BUDGET,
  PROP_CIRCUIT_POLICY,
  PROP_CIRCUIT_BREAKER,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
static guint notify_signal;

/* It is the parent's, in a forked child: a thread that is not here may have had a lock of it. */
static gboolean
is_foreign (ResilientOrigin *self, GError **error)
{
  return resilient_fork_is_foreign (self->generation, error);
}

static void
resilient_origin_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  ResilientOrigin *self = RESILIENT_ORIGIN (object);

  switch (prop_id)
    {
    case PROP_URI:
      g_value_set_string (value, resilient_origin_get_uri (self));
      break;
    case PROP_MAX_CONCURRENT:
      g_value_set_int (value, resilient_origin_get_max_concurrent (self));
      break;
    case PROP_ACTIVE_COUNT:
      g_value_set_uint (value, resilient_origin_get_active_count (self));
      break;
    case PROP_PENDING_COUNT:
      g_value_set_uint (value, resilient_origin_get_pending_count (self));
      break;
    case PROP_HELD_UNTIL:
      g_value_set_int64 (value, resilient_origin_get_held_until (self));
      break;
    case PROP_RATE_LIMITER:
      g_value_take_object (value, resilient_origin_get_rate_limiter (self));
      break;
    case PROP_RETRY_BUDGET:
      g_value_take_object (value, resilient_origin_get_retry_budget (self));
      break;
    case PROP_CIRCUIT_POLICY:
      g_value_take_boxed (value, resilient_origin_get_circuit_policy (self));
      break;
    case PROP_CIRCUIT_BREAKER:
      g_value_take_object (value, resilient_origin_get_circuit_breaker (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_origin_set_property (GObject *object,
                               guint prop_id,
                               const GValue *value,
                               GParamSpec *pspec)
{
  ResilientOrigin *self = RESILIENT_ORIGIN (object);

  switch (prop_id)
    {
    case PROP_URI:
      self->key = g_value_dup_string (value);
      break;
    case PROP_MAX_CONCURRENT:
      resilient_origin_set_max_concurrent (self, g_value_get_int (value));
      break;
    case PROP_RATE_LIMITER:
      resilient_origin_set_rate_limiter (self, g_value_get_object (value));
      break;
    case PROP_RETRY_BUDGET:
      resilient_origin_set_retry_budget (self, g_value_get_object (value));
      break;
    case PROP_CIRCUIT_POLICY:
      resilient_origin_set_circuit_policy (self, g_value_get_boxed (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
hold_end_clear (gpointer data)
{
  HoldEnd *end = data;

  g_weak_ref_clear (&end->origin);
  resilient_timer_queue_unref (end->timers);
}

static void
hold_end_unref (HoldEnd *end)
{
  g_atomic_rc_box_release_full (end, hold_end_clear);
}

static void
clear_hold_end (ResilientOrigin *self)
{
  HoldEnd *end;

  g_mutex_lock (&self->lock);
  end = g_steal_pointer (&self->hold_end);
  g_mutex_unlock (&self->lock);

  if (end == NULL)
    return;
  /* else it is firing, in another thread maybe */
  if (resilient_timer_queue_clear (end->timers, &end->timer))
    hold_end_unref (end);
  hold_end_unref (end);
}

static void
hold_end_cb (gpointer data)
{
  HoldEnd *end = data;
  g_autoptr (ResilientOrigin) self = g_weak_ref_get (&end->origin);

  if (self != NULL)
    {
      gboolean is_mine;

      g_mutex_lock (&self->lock);
      is_mine = self->hold_end == end;
      if (is_mine)
        self->hold_end = NULL;
      g_mutex_unlock (&self->lock);
      if (is_mine)
        hold_end_unref (end);
      resilient_origin_notify_changes (self);
    }
  hold_end_unref (end);
}

static void
wait_for_hold_end (ResilientOrigin *self, gint64 due)
{
  GSource *source = g_main_current_source ();
  HoldEnd *end = g_atomic_rc_box_new0 (HoldEnd);

  clear_hold_end (self);
  g_weak_ref_init (&end->origin, self);
  end->timers = resilient_timer_queue_get (source != NULL ? g_source_get_context (source) : NULL);
  /* one reference of the origin's, one of the timer's */
  g_atomic_rc_box_acquire (end);
  g_mutex_lock (&self->lock);
  self->hold_end = end;
  g_mutex_unlock (&self->lock);
  resilient_timer_queue_set (end->timers, &end->timer, due, hold_end_cb, end);
}

static void
resilient_origin_finalize (GObject *object)
{
  ResilientOrigin *self = RESILIENT_ORIGIN (object);

  if (!is_foreign (self, NULL))
    {
      clear_hold_end (self);
      if (self->answer_times != NULL)
        resilient_histogram_clear (&self->answer_times->times);
      g_free (self->answer_times);
      g_clear_pointer (&self->slots, resilient_slots_free);
      g_clear_pointer (&self->guards, resilient_origin_guards_free);
      g_clear_pointer (&self->default_headers, resilient_headers_unref);
      g_mutex_clear (&self->lock);
      g_clear_pointer (&self->key, g_free);
    }

  G_OBJECT_CLASS (resilient_origin_parent_class)->finalize (object);
}

static void
resilient_origin_class_init (ResilientOriginClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = resilient_origin_get_property;
  object_class->set_property = resilient_origin_set_property;
  object_class->finalize = resilient_origin_finalize;

  /**
   * ResilientOrigin:uri: (getter get_uri)
   *
   * Scheme, host and port, such as `https://example.org:443`.
   *
   * Since: 1.0
   */
  props[PROP_URI] = g_param_spec_string (
    "uri", NULL, NULL, NULL, G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | flags);

  /**
   * ResilientOrigin:max-concurrent: (getter get_max_concurrent) (setter set_max_concurrent)
   *
   * How many requests to this origin may run at once: -1 for as many as the client allows per host
   * ([property@Client:max-concurrent-per-host]), else 1 or more.
   *
   * The limits of the client in all, and of a session that the app gave, hold besides: the smallest
   * is in force. A session's limit of connections per host no longer counts once the origin has
   * answered over HTTP/2, where one connection carries all requests.
   *
   * Since: 1.0
   */
  props[PROP_MAX_CONCURRENT] =
    g_param_spec_int ("max-concurrent", NULL, NULL, -1, G_MAXINT, -1, G_PARAM_READWRITE | flags);

  /**
   * ResilientOrigin:active-count: (getter get_active_count)
   *
   * How many requests to this origin run.
   *
   * Since: 1.0
   */
  props[PROP_ACTIVE_COUNT] =
    g_param_spec_uint ("active-count", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | flags);

  /**
   * ResilientOrigin:pending-count: (getter get_pending_count)
   *
   * How many requests to this origin wait for others to end, or are held back by a guard.
   *
   * Those that sleep before a retry are not among them.
   *
   * Since: 1.0
   */
  props[PROP_PENDING_COUNT] =
    g_param_spec_uint ("pending-count", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | flags);

  /**
   * ResilientOrigin:held-until: (getter get_held_until)
   *
   * Until when requests to this origin are held back, because its server answered 429 or 503 with
   * `Retry-After`: microseconds since 1970, or 0 when they are not.
   *
   * See [method@RetryPolicyBuilder.set_shared_retry_after]. Its end is notified, too.
   *
   * Since: 1.0
   */
  props[PROP_HELD_UNTIL] =
    g_param_spec_int64 ("held-until", NULL, NULL, 0, G_MAXINT64, 0, G_PARAM_READABLE | flags);

  /**
   * ResilientOrigin:rate-limiter: (getter get_rate_limiter) (setter set_rate_limiter)
   *
   * What each attempt to this origin takes a token of, besides that of
   * [property@Client:rate-limiter]; %NULL for none.
   *
   * One limiter may serve several origins and clients.
   *
   * Since: 1.0
   */
  props[PROP_RATE_LIMITER] = g_param_spec_object (
    "rate-limiter", NULL, NULL, RESILIENT_TYPE_RATE_LIMITER, G_PARAM_READWRITE | flags);

  /**
   * ResilientOrigin:retry-budget: (getter get_retry_budget) (setter set_retry_budget)
   *
   * What pays for retries to this origin. Set to %NULL it is that of
   * [property@Client:retry-budget], or the one that a client made by [ctor@Client.new_standard]
   * makes for each origin.
   *
   * It is not notified when that of the client is set.
   *
   * Since: 1.0
   */
  props[PROP_RETRY_BUDGET] = g_param_spec_object (
    "retry-budget", NULL, NULL, RESILIENT_TYPE_RETRY_BUDGET, G_PARAM_READWRITE | flags);

  /**
   * ResilientOrigin:circuit-policy: (getter get_circuit_policy) (setter set_circuit_policy)
   *
   * By what the circuit breaker of this origin goes; %NULL for
   * [property@Client:circuit-policy]. Another policy makes a new breaker, which is closed.
   *
   * Since: 1.0
   */
  props[PROP_CIRCUIT_POLICY] = g_param_spec_boxed (
    "circuit-policy", NULL, NULL, RESILIENT_TYPE_CIRCUIT_POLICY, G_PARAM_READWRITE | flags);

  /**
   * ResilientOrigin:circuit-breaker: (getter get_circuit_breaker)
   *
   * The circuit breaker of this origin; %NULL where neither it nor its client has a circuit policy.
   *
   * Its changes are told by itself, and by [signal@Client::circuit-changed]. Another one is there
   * after a circuit policy was set, of which only that of the origin is notified here.
   *
   * Since: 1.0
   */
  props[PROP_CIRCUIT_BREAKER] = g_param_spec_object (
    "circuit-breaker", NULL, NULL, RESILIENT_TYPE_CIRCUIT_BREAKER, G_PARAM_READABLE | flags);

  g_object_class_install_properties (object_class, N_PROPS, props);

  notify_signal = g_signal_lookup ("notify", G_TYPE_OBJECT);
}

static void
resilient_origin_init (ResilientOrigin *self)
{
  self->generation = resilient_fork_get_generation ();
  g_mutex_init (&self->lock);
  self->own_limit = -1;
  self->guards = resilient_origin_guards_new (G_OBJECT (self));
}

ResilientOrigin *
resilient_origin_new (ResilientGate *gate, const char *key, gboolean near)
{
  ResilientOrigin *self = g_object_new (RESILIENT_TYPE_ORIGIN, "uri", key, NULL);

  self->slots = resilient_slots_new (gate, self);
  self->near = near;

  return self;
}

/**
 * resilient_origin_get_uri: (get-property uri)
 * @self: an origin
 *
 * Gets what the origin is: scheme, host and port, such as `https://example.org:443`.
 *
 * Returns: (transfer none) (nullable): the URI; %NULL only of an origin that no client gave
 *
 * Since: 1.0
 */
const char *
resilient_origin_get_uri (ResilientOrigin *self)
{
  g_return_val_if_fail (RESILIENT_IS_ORIGIN (self), NULL);

  return self->key;
}

/**
 * resilient_origin_get_max_concurrent: (get-property max-concurrent)
 * @self: an origin
 *
 * Gets how many requests to this origin may run at once.
 *
 * Returns: the limit, or -1 for as many as the client allows per host
 *
 * Since: 1.0
 */
int
resilient_origin_get_max_concurrent (ResilientOrigin *self)
{
  int own_limit;

  g_return_val_if_fail (RESILIENT_IS_ORIGIN (self), -1);
  if (is_foreign (self, NULL))
    return -1;

  if (self->slots != NULL)
    return resilient_slots_get_limit (self->slots);

  g_mutex_lock (&self->lock);
  own_limit = self->own_limit;
  g_mutex_unlock (&self->lock);

  return own_limit;
}

/**
 * resilient_origin_set_max_concurrent: (set-property max-concurrent)
 * @self: an origin
 * @max_concurrent: 1 or more, or -1 for as many as the client allows per host
 *
 * Sets how many requests to this origin may run at once.
 *
 * A higher limit lets waiting requests go at once; a lower one stops none that runs. Any thread may
 * call this.
 *
 * Since: 1.0
 */
void
resilient_origin_set_max_concurrent (ResilientOrigin *self, int max_concurrent)
{
  gboolean changed;

  g_return_if_fail (RESILIENT_IS_ORIGIN (self));
  g_return_if_fail (max_concurrent == -1 || max_concurrent > 0);

  if (is_foreign (self, NULL))
    return;

  if (self->slots != NULL)
    {
      changed = resilient_slots_set_limit (self->slots, max_concurrent);
    }
  else
    {
      g_mutex_lock (&self->lock);
      changed = self->own_limit != max_concurrent;
      self->own_limit = max_concurrent;
      g_mutex_unlock (&self->lock);
    }

  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_CONCURRENT]);
}

/* Requests that have the list keep it as it was. */
static void
make_headers_writable_locked (ResilientOrigin *self)
{
  g_autoptr (ResilientHeaders) shared = g_steal_pointer (&self->default_headers);

  if (shared != NULL)
    self->default_headers = resilient_headers_copy (shared);
  else
    self->default_headers = resilient_headers_new ();
}

/**
 * resilient_origin_set_default_header:
 * @self: an origin
 * @name: the name of a header, a token (RFC 9110, 5.1)
 * @value: (nullable): its value, without CR, LF or NUL (RFC 9110, 5.5), or %NULL for none
 * @error: return location for an error
 *
 * Sets a header for every request to this origin that does not set it itself.
 *
 * This is the place for credentials: the header goes to this origin only, and a redirect does not
 * take it elsewhere. It wins over a default header of the client of the same name, and holds for
 * requests started later. Any thread may call this.
 *
 * Fails with %RESILIENT_CLIENT_ERROR_INVALID_REQUEST, and changes nothing, if the name or the value
 * is not valid, or the header follows from the body: `Content-Length` and `Transfer-Encoding`; with
 * %RESILIENT_CLIENT_ERROR_CLOSED in a forked child.
 *
 * Returns: %TRUE if it was set; %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
resilient_origin_set_default_header (ResilientOrigin *self,
                                     const char *name,
                                     const char *value,
                                     GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_ORIGIN (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);
  if (is_foreign (self, error))
    return FALSE;

  if (!resilient_headers_check_field (name, value, error))
    return FALSE;

  g_mutex_lock (&self->lock);

  make_headers_writable_locked (self);
  resilient_headers_replace (self->default_headers, name, value);

  if (resilient_headers_get_length (self->default_headers) == 0 && !self->has_secret_marks)
    g_clear_pointer (&self->default_headers, resilient_headers_unref);

  g_mutex_unlock (&self->lock);

  return TRUE;
}

/**
 * resilient_origin_mark_header_secret:
 * @self: an origin
 * @name: the name of a header
 *
 * Marks a header as one whose value must not be seen, such as `X-Api-Key`.
 *
 * Its value then appears in no log, event, error or statistic, and is dropped when a redirect leads
 * to another origin. That holds for requests started later. `Authorization`, `Proxy-Authorization`,
 * `Cookie` and `Set-Cookie` are secret without a mark. Any thread may call this.
 *
 * Since: 1.0
 */
void
resilient_origin_mark_header_secret (ResilientOrigin *self, const char *name)
{
  g_return_if_fail (RESILIENT_IS_ORIGIN (self));
  g_return_if_fail (name != NULL);
  if (is_foreign (self, NULL))
    return;

  g_mutex_lock (&self->lock);

  make_headers_writable_locked (self);
  resilient_headers_mark_secret (self->default_headers, name);
  self->has_secret_marks = TRUE;

  g_mutex_unlock (&self->lock);
}

/**
 * resilient_origin_get_active_count: (get-property active-count)
 * @self: an origin
 *
 * Gets how many requests to this origin run.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint
resilient_origin_get_active_count (ResilientOrigin *self)
{
  g_return_val_if_fail (RESILIENT_IS_ORIGIN (self), 0);
  if (self->slots == NULL || is_foreign (self, NULL))
    return 0;

  return resilient_slots_get_running (self->slots);
}

/**
 * resilient_origin_get_pending_count: (get-property pending-count)
 * @self: an origin
 *
 * Gets how many requests to this origin wait for others to end, or are held back by a guard.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint
resilient_origin_get_pending_count (ResilientOrigin *self)
{
  g_return_val_if_fail (RESILIENT_IS_ORIGIN (self), 0);
  if (self->slots == NULL || is_foreign (self, NULL))
    return 0;

  return resilient_slots_get_pending (self->slots);
}

/**
 * resilient_origin_get_held_until: (get-property held-until)
 * @self: an origin
 *
 * Gets until when requests to this origin are held back, because its server asked for that by
 * `Retry-After`.
 *
 * Some time after that passes until the last of those that wait is sent: they do not all go at
 * once.
 *
 * Returns: microseconds since 1970, as of g_get_real_time(); 0 when they are not held back
 *
 * Since: 1.0
 */
gint64
resilient_origin_get_held_until (ResilientOrigin *self)
{
  g_return_val_if_fail (RESILIENT_IS_ORIGIN (self), 0);
  if (is_foreign (self, NULL))
    return 0;

  return resilient_origin_guards_get_held_until (self->guards);
}

/**
 * resilient_origin_get_rate_limiter: (get-property rate-limiter)
 * @self: an origin
 *
 * Gets the rate limiter of this origin.
 *
 * Returns: (transfer full) (nullable): the limiter; %NULL: it has none of its own
 *
 * Since: 1.0
 */
ResilientRateLimiter *
resilient_origin_get_rate_limiter (ResilientOrigin *self)
{
  g_return_val_if_fail (RESILIENT_IS_ORIGIN (self), NULL);
  if (is_foreign (self, NULL))
    return NULL;

  return resilient_origin_guards_dup_rate_limiter (self->guards);
}

/**
 * resilient_origin_set_rate_limiter: (set-property rate-limiter)
 * @self: an origin
 * @rate_limiter: (nullable): a limiter, or %NULL for none
 *
 * Sets what each attempt to this origin takes a token of. Any thread may call this.
 *
 * Since: 1.0
 */
void
resilient_origin_set_rate_limiter (ResilientOrigin *self, ResilientRateLimiter *rate_limiter)
{
  g_return_if_fail (RESILIENT_IS_ORIGIN (self));
  g_return_if_fail (rate_limiter == NULL || RESILIENT_IS_RATE_LIMITER (rate_limiter));
  if (is_foreign (self, NULL))
    return;

  if (resilient_origin_guards_set_rate_limiter (self->guards, rate_limiter))
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_RATE_LIMITER]);
}

/**
 * resilient_origin_get_retry_budget: (get-property retry-budget)
 * @self: an origin
 *
 * Gets what pays for retries to this origin: the budget that was set, or that of the client.
 *
 * Returns: (transfer full) (nullable): the budget; %NULL: retries are not limited by one
 *
 * Since: 1.0
 */
ResilientRetryBudget *
resilient_origin_get_retry_budget (ResilientOrigin *self)
{
  g_return_val_if_fail (RESILIENT_IS_ORIGIN (self), NULL);
  if (is_foreign (self, NULL))
    return NULL;

  return resilient_origin_guards_dup_budget (self->guards);
}

/**
 * resilient_origin_set_retry_budget: (set-property retry-budget)
 * @self: an origin
 * @retry_budget: (nullable): a budget, or %NULL for that of the client
 *
 * Sets what pays for retries to this origin. Any thread may call this.
 *
 * Since: 1.0
 */
void
resilient_origin_set_retry_budget (ResilientOrigin *self, ResilientRetryBudget *retry_budget)
{
  g_return_if_fail (RESILIENT_IS_ORIGIN (self));
  g_return_if_fail (retry_budget == NULL || RESILIENT_IS_RETRY_BUDGET (retry_budget));
  if (is_foreign (self, NULL))
    return;

  if (resilient_origin_guards_set_retry_budget (self->guards, retry_budget))
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_RETRY_BUDGET]);
}

/**
 * resilient_origin_get_circuit_policy: (get-property circuit-policy)
 * @self: an origin
 *
 * Gets the circuit policy of this origin.
 *
 * Returns: (transfer full) (nullable): the policy; %NULL: it has none of its own
 *
 * Since: 1.0
 */
ResilientCircuitPolicy *
resilient_origin_get_circuit_policy (ResilientOrigin *self)
{
  g_return_val_if_fail (RESILIENT_IS_ORIGIN (self), NULL);
  if (is_foreign (self, NULL))
    return NULL;

  return resilient_origin_guards_dup_circuit_policy (self->guards);
}

/**
 * resilient_origin_set_circuit_policy: (set-property circuit-policy)
 * @self: an origin
 * @circuit_policy: (nullable): a policy, or %NULL for that of the client
 *
 * Sets by what the circuit breaker of this origin goes. Any thread may call this.
 *
 * Since: 1.0
 */
void
resilient_origin_set_circuit_policy (ResilientOrigin *self, ResilientCircuitPolicy *circuit_policy)
{
  g_return_if_fail (RESILIENT_IS_ORIGIN (self));
  if (is_foreign (self, NULL))
    return;

  if (resilient_origin_guards_set_circuit_policy (self->guards, circuit_policy))
    {
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CIRCUIT_POLICY]);
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CIRCUIT_BREAKER]);
    }
}

/**
 * resilient_origin_get_circuit_breaker: (get-property circuit-breaker)
 * @self: an origin
 *
 * Gets the circuit breaker of this origin.
 *
 * Returns: (transfer full) (nullable): the breaker; %NULL where there is no circuit policy
 *
 * Since: 1.0
 */
ResilientCircuitBreaker *
resilient_origin_get_circuit_breaker (ResilientOrigin *self)
{
  g_return_val_if_fail (RESILIENT_IS_ORIGIN (self), NULL);
  if (is_foreign (self, NULL))
    return NULL;

  return resilient_origin_guards_dup_breaker (self->guards);
}

/* --- for the library ------------------------------------------------------------------------- */

const char *
resilient_origin_peek_key (ResilientOrigin *self)
{
  return self->key;
}

ResilientSlots *
resilient_origin_get_slots (ResilientOrigin *self)
{
  return self->slots;
}

ResilientOriginGuards *
resilient_origin_get_guards (ResilientOrigin *self)
{
  return self->guards;
}

gboolean
resilient_origin_hold (ResilientOrigin *self, double seconds)
{
  gint64 until = resilient_clock_add (resilient_clock_get_boot (), seconds);

  if (!resilient_origin_guards_hold (self->guards, until, MAX (MIN_SPREAD, SPREAD * seconds)))
    return FALSE;

  if (self->slots != NULL)
    resilient_slots_tell_changed (self->slots);
  return TRUE;
}

static gboolean
is_watched (ResilientOrigin *self)
{
  return resilient_has_handler (self, notify_signal);
}

gboolean
resilient_origin_is_marked (ResilientOrigin *self)
{
  gboolean has_headers;

  if (resilient_origin_get_max_concurrent (self) != -1
      || resilient_origin_guards_is_marked (self->guards))
    return TRUE;

  g_mutex_lock (&self->lock);
  has_headers = self->default_headers != NULL;
  g_mutex_unlock (&self->lock);

  return has_headers || is_watched (self);
}

ResilientHeaders *
resilient_origin_dup_default_headers (ResilientOrigin *self)
{
  ResilientHeaders *headers;

  g_mutex_lock (&self->lock);
  headers = self->default_headers != NULL ? resilient_headers_ref (self->default_headers) : NULL;
  g_mutex_unlock (&self->lock);

  return headers;
}

ResilientHeaders *
resilient_origin_dup_secret_marks (ResilientOrigin *self)
{
  ResilientHeaders *headers;

  g_mutex_lock (&self->lock);
  headers = self->has_secret_marks ? resilient_headers_ref (self->default_headers) : NULL;
  g_mutex_unlock (&self->lock);

  return headers;
}

gboolean
resilient_origin_take_change (ResilientOrigin *self)
{
  return is_watched (self) && g_atomic_int_compare_and_exchange (&self->change_told, FALSE, TRUE);
}

void
resilient_origin_notify_changes (ResilientOrigin *self)
{
  gboolean active_changed, pending_changed, held_changed;
  gint64 again;

  /* First, so that what changes from here on is told again. */
  g_atomic_int_set (&self->change_told, FALSE);

  if (self->slots == NULL)
    return;
  resilient_slots_take_changes (self->slots, &active_changed, &pending_changed);

  if (active_changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_ACTIVE_COUNT]);
  if (pending_changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PENDING_COUNT]);

  held_changed = resilient_origin_guards_take_hold_change (self->guards, &again);
  if (again != 0)
    wait_for_hold_end (self, again);
  if (held_changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_HELD_UNTIL]);
}

gboolean
resilient_origin_take_fresh_connection (ResilientOrigin *self, guint generation)
{
  gboolean taken;

  g_mutex_lock (&self->lock);
  taken = generation > self->fresh_generation;
  if (taken)
    self->fresh_generation = generation;
  g_mutex_unlock (&self->lock);

  return taken;
}

gboolean
resilient_origin_is_near (ResilientOrigin *self)
{
  return g_atomic_int_get (&self->near);
}

void
resilient_origin_set_near (ResilientOrigin *self)
{
  g_atomic_int_set (&self->near, TRUE);
}

void
resilient_origin_deposit_hedge (ResilientOrigin *self)
{
  gint credit = g_atomic_int_get (&self->hedge_credit);

  while (credit < MAX_HEDGE_CREDIT
         && !g_atomic_int_compare_and_exchange (&self->hedge_credit, credit, credit + 1))
    credit = g_atomic_int_get (&self->hedge_credit);
}

gboolean
resilient_origin_withdraw_hedge (ResilientOrigin *self)
{
  gint credit = g_atomic_int_get (&self->hedge_credit);

  while (credit >= HEDGE_PRICE
         && !g_atomic_int_compare_and_exchange (&self->hedge_credit, credit, credit - HEDGE_PRICE))
    credit = g_atomic_int_get (&self->hedge_credit);
  return credit >= HEDGE_PRICE;
}

void
resilient_origin_add_answer_time (ResilientOrigin *self, gint64 microseconds)
{
  AnswerTimes *answers;
  guint64 count;

  g_mutex_lock (&self->lock);
  if (self->answer_times == NULL)
    self->answer_times = g_new0 (AnswerTimes, 1);
  answers = self->answer_times;
  resilient_histogram_add (&answers->times, microseconds);
  count = answers->times.count;
  if (count % MIN_ANSWERS == 0 && (!answers->again || count >= MAX_ANSWERS / 2))
    {
      double delay = resilient_histogram_get_percentile (&answers->times, HEDGED_FROM);

      answers->delay = MAX ((gint64) delay, MIN_HEDGE_DELAY);
    }
  if (count >= MAX_ANSWERS)
    {
      resilient_histogram_clear (&answers->times);
      answers->again = TRUE;
    }
  g_mutex_unlock (&self->lock);
}

double
resilient_origin_get_hedge_delay (ResilientOrigin *self)
{
  gint64 delay;

  g_mutex_lock (&self->lock);
  delay = self->answer_times != NULL ? self->answer_times->delay : 0;
  g_mutex_unlock (&self->lock);

  return resilient_clock_to_seconds (delay);
}
