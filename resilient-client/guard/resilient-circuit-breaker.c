/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-circuit-breaker-private.h"

#include <math.h>

#include "resilient-circuit-policy-private.h"
#include "resilient-clock-private.h"
#include "resilient-debug-private.h"
#include "resilient-error.h"
#include "resilient-fork-private.h"
#include "resilient-handlers-private.h"
#include "resilient-i18n-private.h"
#include "resilient-main-context-private.h"
#include "resilient-random-private.h"

/**
 * ResilientCircuitBreaker:
 *
 * Stops calling what keeps failing, and finds out carefully when it works again.
 *
 * A breaker stands before calls of any kind to one and the same service. Ask it before each call
 * with [method@CircuitBreaker.acquire], and report the outcome to the permit that it gives:
 *
 * ```c
 * g_autoptr (ResilientPermit) permit = resilient_circuit_breaker_acquire (breaker, &error);
 *
 * if (permit == NULL)
 *   return FALSE;
 * if (call_service (&error))
 *   resilient_permit_succeed (permit);
 * else
 *   resilient_permit_fail (permit);
 * ```
 *
 * - *Closed*, it lets all calls through. It opens after so many failures in a row, or when so great
 *   a part of the outcomes in a sliding window are failures, as its [struct@CircuitPolicy] says.
 * - *Open*, it refuses all calls at once with %RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN, for as long as
 *   the recovery timeout and, by chance, up to a fifth longer, so that clients which failed
 *   together do not come back together.
 * - *Half-open*, it lets exactly as many probes through as the policy says. If all succeed, it
 *   closes. The first that fails opens it again, for twice as long as the time before, up to five
 *   minutes. A probe that does not report in time loses its place to another one.
 *
 * The outcome of a call that was admitted before the last change of state counts for nothing.
 *
 * The states are those of Michael Nygard, *Release It!* (2007), chapter “Circuit Breaker”; why the
 * time is spread by chance: Marc Brooker, “Timeouts, retries, and backoff with jitter”, Amazon
 * Builders’ Library. Time goes on while the system sleeps.
 *
 * A breaker may be used from any thread. Signals and notifications come in one main context, in
 * order, each change once: the one that was the thread-default where the breaker was made, or the
 * client's [property@Client:main-context] for the breaker of an origin. In a forked child a breaker
 * begins anew: closed, with nothing counted, and without signals.
 *
 * Since: 1.0
 */

/* In how many steps the window slides. */
#define N_BUCKETS 60
/* The part of itself by which the time open may be longer. */
#define OPEN_JITTER 0.2
/* To this the doubling leads, jitter included; seconds. */
#define OPEN_TIME_MAX 300.0

/* The outcomes of a sixtieth of the window. */
typedef struct
{
  guint calls;
  guint failures;
} Bucket;

/* With its own link: a queue would take its from an allocator whose locks another thread of the
 * parent's may have for ever in a forked child. */
typedef struct
{
  ResilientCircuitState old_state;
  ResilientCircuitState new_state;
  GList link;
} Change;

/* A change on its way to the handlers. */
typedef struct
{
  ResilientCircuitBreaker *breaker;
  Change change;
} Emission;

struct _ResilientCircuitBreaker
{
  GObject parent_instance;

  /* Set before another thread has it. */
  ResilientCircuitPolicy *policy;
  gint64 bucket_length; /* microseconds */

  guint generation; /* atomic: of the process; see resilient-fork-private.h */
  GMutex lock;

  /* Under the lock. Those of the first group are set before another thread has it, and cleared in a
   * forked child. */
  GMainContext *context;
  ResilientCircuitChangedFunc changed_func;
  gpointer changed_data;
  GDestroyNotify changed_destroy;

  ResilientCircuitState state;
  guint64 epoch; /* grows with each change: what was admitted in another one is late */
  guint n_reopenings;
  gint64 open_until; /* while open; boot-time clock, microseconds */

  guint failures_in_row; /* while closed, as the window */
  gint64 newest;         /* number of the newest bucket since the clock began */
  Bucket buckets[N_BUCKETS];
  guint64 window_calls;
  guint64 window_failures;

  guint n_succeeded; /* of the probes, while half-open */
  GQueue probes;     /* of ResilientCircuitLease, borrowed; the first is due first */

  GQueue changes;   /* of Change, owned: not told yet */
  gboolean telling; /* a thread is at it */
};

enum
{
  PROP_POLICY = 1,
  PROP_STATE,
  PROP_RETRY_AFTER,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
static guint notify_signal;
static guint state_changed_signal;

G_DEFINE_FINAL_TYPE (ResilientCircuitBreaker, resilient_circuit_breaker, G_TYPE_OBJECT)

/* --- the window, with the lock held ----------------------------------------------------------- */

static void
clear_counts_locked (ResilientCircuitBreaker *self)
{
  self->failures_in_row = 0;
  memset (self->buckets, 0, sizeof self->buckets);
  self->window_calls = 0;
  self->window_failures = 0;
}

/* Drops what is older than the window. A clock that goes back changes nothing. */
static void
slide_locked (ResilientCircuitBreaker *self, gint64 now)
{
  gint64 newest = now / self->bucket_length;
  gint64 steps = CLAMP (newest - self->newest, 0, N_BUCKETS);

  for (gint64 i = 0; i < steps; i++)
    {
      Bucket *oldest = &self->buckets[(newest - i) % N_BUCKETS];

      self->window_calls -= oldest->calls;
      self->window_failures -= oldest->failures;
      oldest->calls = 0;
      oldest->failures = 0;
    }
  self->newest = MAX (self->newest, newest);
}

static void
count_locked (ResilientCircuitBreaker *self, gboolean failed, gint64 now)
{
  Bucket *bucket;

  slide_locked (self, now);
  bucket = &self->buckets[self->newest % N_BUCKETS];
  bucket->calls++;
  self->window_calls++;
  if (failed)
    {
      bucket->failures++;
      self->window_failures++;
      self->failures_in_row++;
    }
  else
    self->failures_in_row = 0;
}

/* By division: 7 failures of 100 are 0.07 exactly when that is what 0.07 is as a number. */
static gboolean
is_failing_locked (ResilientCircuitBreaker *self)
{
  const ResilientCircuitPolicyValues *values = resilient_circuit_policy_get_values (self->policy);

  return self->failures_in_row >= (guint) values->failure_threshold
         || (self->window_calls >= (guint64) values->minimum_calls
             && (double) self->window_failures / (double) self->window_calls
                  >= values->failure_rate);
}

/* --- states, with the lock held --------------------------------------------------------------- */

/* What was admitted before is forgotten: it finds another epoch when it reports. */
static void
begin_epoch_locked (ResilientCircuitBreaker *self)
{
  self->epoch++;
  self->n_succeeded = 0;
  g_queue_init (&self->probes);
  clear_counts_locked (self);
}

static void
change_locked (ResilientCircuitBreaker *self, ResilientCircuitState state)
{
  Change *change = g_new0 (Change, 1);

  change->old_state = self->state;
  change->new_state = state;
  change->link.data = change;
  g_queue_push_tail_link (&self->changes, &change->link);
  self->state = state;
  begin_epoch_locked (self);
}

/* The cap comes before the draw: cutting what was drawn would give all clients one and the same
 * time. Never shorter than the policy says. */
static void
hold_locked (ResilientCircuitBreaker *self, gint64 now)
{
  double base = resilient_circuit_policy_get_values (self->policy)->recovery_timeout;
  double cap = MAX (base, OPEN_TIME_MAX / (1.0 + OPEN_JITTER));
  double nominal = MIN (ldexp (base, (int) MIN (self->n_reopenings, 64)), cap);

  self->open_until =
    resilient_clock_add (now, nominal * resilient_random_range (1.0, 1.0 + OPEN_JITTER));
}

static void
open_locked (ResilientCircuitBreaker *self, gint64 now)
{
  if (self->state == RESILIENT_CIRCUIT_STATE_HALF_OPEN)
    self->n_reopenings++;
  if (self->state != RESILIENT_CIRCUIT_STATE_OPEN)
    change_locked (self, RESILIENT_CIRCUIT_STATE_OPEN);
  hold_locked (self, now);
}

static void
close_locked (ResilientCircuitBreaker *self)
{
  self->n_reopenings = 0;
  if (self->state != RESILIENT_CIRCUIT_STATE_CLOSED)
    change_locked (self, RESILIENT_CIRCUIT_STATE_CLOSED);
  else
    begin_epoch_locked (self);
}

/* The state as time has made it. */
static ResilientCircuitState
state_at_locked (ResilientCircuitBreaker *self, gint64 now)
{
  if (self->state == RESILIENT_CIRCUIT_STATE_OPEN && now >= self->open_until)
    return RESILIENT_CIRCUIT_STATE_HALF_OPEN;

  return self->state;
}

/* Makes the change that the time has brought. */
static void
settle_locked (ResilientCircuitBreaker *self, gint64 now)
{
  if (state_at_locked (self, now) != self->state)
    change_locked (self, RESILIENT_CIRCUIT_STATE_HALF_OPEN);
}

/* For how many microseconds nothing is admitted if nobody reports meanwhile; 0: a call may be made
 * now. */
static gint64
get_wait_locked (ResilientCircuitBreaker *self, gint64 now)
{
  ResilientCircuitLease *first;

  switch (self->state)
    {
    case RESILIENT_CIRCUIT_STATE_OPEN:
      return MAX (self->open_until - now, 0);

    case RESILIENT_CIRCUIT_STATE_HALF_OPEN:
      /* The circuit closes with the last success, so there is a first one where no place is. */
      if (self->n_succeeded + self->probes.length
          < (guint) resilient_circuit_policy_get_values (self->policy)->half_open_max_calls)
        return 0;
      first = g_queue_peek_head (&self->probes);
      return MAX (first->due - now, 0);

    case RESILIENT_CIRCUIT_STATE_CLOSED:
    default:
      return 0;
    }
}

static void
end_probe_locked (ResilientCircuitBreaker *self, ResilientCircuitLease *lease)
{
  g_queue_unlink (&self->probes, &lease->link);
  lease->probe = FALSE;
}

static void
admit_locked (ResilientCircuitBreaker *self, ResilientCircuitLease *lease, gint64 now)
{
  lease->taken = TRUE;
  lease->epoch = self->epoch;
  if (self->state != RESILIENT_CIRCUIT_STATE_HALF_OPEN)
    return;

  for (;;)
    {
      ResilientCircuitLease *first = g_queue_peek_head (&self->probes);

      if (first == NULL || first->due > now)
        break;
      end_probe_locked (self, first);
    }
  lease->probe = TRUE;
  lease->due = resilient_clock_add (now, resilient_circuit_policy_get_values (self->policy)->lease);
  lease->link.data = lease;
  g_queue_push_tail_link (&self->probes, &lease->link);
}

/* What came of a probe, whose place is free again. */
static void
judge_probe_locked (ResilientCircuitBreaker *self, ResilientCircuitOutcome outcome, gint64 now)
{
  if (outcome == RESILIENT_CIRCUIT_OUTCOME_FAILED)
    open_locked (self, now);
  else if (outcome == RESILIENT_CIRCUIT_OUTCOME_SUCCEEDED)
    {
      self->n_succeeded++;
      if (self->n_succeeded
          >= (guint) resilient_circuit_policy_get_values (self->policy)->half_open_max_calls)
        close_locked (self);
    }
}

static void
judge_locked (ResilientCircuitBreaker *self,
              ResilientCircuitLease *lease,
              ResilientCircuitOutcome outcome,
              gint64 now)
{
  if (!lease->taken)
    return;
  lease->taken = FALSE;
  if (lease->epoch != self->epoch)
    return;

  if (self->state == RESILIENT_CIRCUIT_STATE_HALF_OPEN)
    {
      /* Its place may have gone to another one. */
      if (!lease->probe)
        return;
      end_probe_locked (self, lease);
      if (lease->due > now)
        judge_probe_locked (self, outcome, now);
    }
  else if (outcome != RESILIENT_CIRCUIT_OUTCOME_RELEASED)
    {
      count_locked (self, outcome == RESILIENT_CIRCUIT_OUTCOME_FAILED, now);
      if (is_failing_locked (self))
        open_locked (self, now);
    }
}

/* --- the lock, and what follows it ------------------------------------------------------------ */

/* Another thread of the parent's may have had the lock when this process was forked, and have it
 * for ever. Nothing is freed that other threads might have been at; a main context of the parent's
 * is nothing to attach to. */
static void
adopt (gpointer breaker)
{
  ResilientCircuitBreaker *self = breaker;

  g_mutex_init (&self->lock);
  self->context = NULL;
  self->changed_func = NULL;
  self->changed_destroy = NULL;
  g_queue_init (&self->changes);
  self->telling = FALSE;
  self->state = RESILIENT_CIRCUIT_STATE_CLOSED;
  self->n_reopenings = 0;
  begin_epoch_locked (self);
}

static void
lock_breaker (ResilientCircuitBreaker *self)
{
  resilient_fork_adopt (&self->generation, adopt, self);
  g_mutex_lock (&self->lock);
}

static gboolean
emit_cb (gpointer data)
{
  Emission *emission = data;

  /* First: a handler of the notification may run a main loop, in which later changes come, and of
   * those this is the one that says which. */
  g_signal_emit (emission->breaker,
                 state_changed_signal,
                 0,
                 emission->change.old_state,
                 emission->change.new_state);
  g_object_notify_by_pspec (G_OBJECT (emission->breaker), props[PROP_STATE]);
  return G_SOURCE_REMOVE;
}

static void
emission_free (gpointer data)
{
  Emission *emission = data;

  g_object_unref (emission->breaker);
  g_free (emission);
}

/* A source for each change: a context dispatches those of one priority in the order in which they
 * were attached, also inside a handler that runs a main loop. */
static void
send_emission (ResilientCircuitBreaker *self, GMainContext *context, const Change *change)
{
  Emission *emission;

  if (!resilient_has_handler (self, state_changed_signal)
      && !resilient_has_handler (self, notify_signal))
    return;

  emission = g_new (Emission, 1);
  emission->breaker = g_object_ref (self);
  emission->change = *change;
  resilient_main_context_post (
    context, G_PRIORITY_DEFAULT, "[resilient] circuit breaker", emit_cb, emission, emission_free);
}

static void
tell_change (ResilientCircuitBreaker *self, const Change *change)
{
  static const char *const names[] = { "closed", "open", "half-open" };

  if (G_UNLIKELY (resilient_debug_is_on ()))
    {
      g_autofree char *name = g_strdup_printf ("circuit breaker %p", (gpointer) self);

      resilient_debug_write (
        name, "%s, was %s", names[change->new_state], names[change->old_state]);
    }
  if (self->changed_func != NULL)
    self->changed_func (self, change->old_state, change->new_state, self->changed_data);
  if (self->context != NULL)
    send_emission (self, self->context, change);
}

/* Lets the lock go, and tells of the changes made under it. One thread at a time does, whoever is
 * first, or they would overtake each other between the lock and the listener. */
static void
unlock_breaker (ResilientCircuitBreaker *self)
{
  g_autoptr (ResilientCircuitBreaker) held G_GNUC_UNUSED = NULL;
  GList *link;

  if (G_LIKELY (self->changes.length == 0) || self->telling)
    {
      g_mutex_unlock (&self->lock);
      return;
    }

  self->telling = TRUE;
  while ((link = g_queue_pop_head_link (&self->changes)) != NULL)
    {
      g_autofree Change *change = link->data;

      g_mutex_unlock (&self->lock);
      /* A listener may drop the last reference but this. */
      if (held == NULL)
        held = g_object_ref (self);
      tell_change (self, change);
      lock_breaker (self);
    }
  self->telling = FALSE;
  g_mutex_unlock (&self->lock);
}

/* --- object ----------------------------------------------------------------------------------- */

static void
resilient_circuit_breaker_get_property (GObject *object,
                                        guint prop_id,
                                        GValue *value,
                                        GParamSpec *pspec)
{
  ResilientCircuitBreaker *self = RESILIENT_CIRCUIT_BREAKER (object);

  switch (prop_id)
    {
    case PROP_POLICY:
      g_value_set_boxed (value, resilient_circuit_breaker_get_policy (self));
      break;
    case PROP_STATE:
      g_value_set_enum (value, resilient_circuit_breaker_get_state (self));
      break;
    case PROP_RETRY_AFTER:
      g_value_set_double (value, resilient_circuit_breaker_get_retry_after (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_circuit_breaker_set_property (GObject *object,
                                        guint prop_id,
                                        const GValue *value,
                                        GParamSpec *pspec)
{
  ResilientCircuitBreaker *self = RESILIENT_CIRCUIT_BREAKER (object);

  switch (prop_id)
    {
    case PROP_POLICY:
      self->policy = g_value_dup_boxed (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_circuit_breaker_constructed (GObject *object)
{
  ResilientCircuitBreaker *self = RESILIENT_CIRCUIT_BREAKER (object);
  double window;

  if (self->policy == NULL)
    self->policy = resilient_circuit_policy_ref (resilient_circuit_policy_get_default ());
  window = resilient_circuit_policy_get_values (self->policy)->window;
  self->bucket_length = MAX (resilient_clock_from_seconds (window) / N_BUCKETS, 1);

  G_OBJECT_CLASS (resilient_circuit_breaker_parent_class)->constructed (object);
}

static void
resilient_circuit_breaker_finalize (GObject *object)
{
  ResilientCircuitBreaker *self = RESILIENT_CIRCUIT_BREAKER (object);

  /* In a forked child this leaves what is the parent's. */
  lock_breaker (self);
  g_mutex_unlock (&self->lock);

  /* Who makes a change, and who has a probe, holds a reference. */
  g_assert (self->probes.length == 0 && self->changes.length == 0);

  if (self->changed_destroy != NULL)
    self->changed_destroy (self->changed_data);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_pointer (&self->policy, resilient_circuit_policy_unref);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (resilient_circuit_breaker_parent_class)->finalize (object);
}

static void
resilient_circuit_breaker_class_init (ResilientCircuitBreakerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = resilient_circuit_breaker_get_property;
  object_class->set_property = resilient_circuit_breaker_set_property;
  object_class->constructed = resilient_circuit_breaker_constructed;
  object_class->finalize = resilient_circuit_breaker_finalize;

  /**
   * ResilientCircuitBreaker:policy: (getter get_policy)
   *
   * When the circuit opens, and how it closes again; never %NULL once the breaker is made.
   *
   * Since: 1.0
   */
  props[PROP_POLICY] = g_param_spec_boxed ("policy",
                                           NULL,
                                           NULL,
                                           RESILIENT_TYPE_CIRCUIT_POLICY,
                                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | flags);

  /**
   * ResilientCircuitBreaker:state: (getter get_state)
   *
   * What the breaker does with calls now.
   *
   * No timer wakes the app because a circuit may be probed. Once the time has come this reads
   * %RESILIENT_CIRCUIT_STATE_HALF_OPEN; the change is made, and notified, with the next call that
   * is admitted.
   *
   * Notified in the breaker's main context, each change once; by then the state may be another one
   * again, which [signal@CircuitBreaker::state-changed] tells apart.
   *
   * Since: 1.0
   */
  props[PROP_STATE] = g_param_spec_enum ("state",
                                         NULL,
                                         NULL,
                                         RESILIENT_TYPE_CIRCUIT_STATE,
                                         RESILIENT_CIRCUIT_STATE_CLOSED,
                                         G_PARAM_READABLE | flags);

  /**
   * ResilientCircuitBreaker:retry-after: (getter get_retry_after)
   *
   * In how many seconds the next call may be made, 0 for now. Not notified.
   *
   * Since: 1.0
   */
  props[PROP_RETRY_AFTER] = g_param_spec_double (
    "retry-after", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, G_PARAM_READABLE | flags);

  g_object_class_install_properties (object_class, N_PROPS, props);

  /**
   * ResilientCircuitBreaker::state-changed:
   * @self: the breaker
   * @old_state: what it was
   * @new_state: what it became
   *
   * Emitted after each change of state, in the order of the changes, in the breaker's main context.
   *
   * Since: 1.0
   */
  state_changed_signal = g_signal_new ("state-changed",
                                       G_TYPE_FROM_CLASS (klass),
                                       G_SIGNAL_RUN_LAST,
                                       0,
                                       NULL,
                                       NULL,
                                       NULL,
                                       G_TYPE_NONE,
                                       2,
                                       RESILIENT_TYPE_CIRCUIT_STATE,
                                       RESILIENT_TYPE_CIRCUIT_STATE);
  notify_signal = g_signal_lookup ("notify", G_TYPE_OBJECT);

  resilient_fork_watch ();
}

static void
resilient_circuit_breaker_init (ResilientCircuitBreaker *self)
{
  g_mutex_init (&self->lock);
  self->generation = resilient_fork_get_generation ();
  self->context = g_main_context_ref_thread_default ();
}

/**
 * resilient_circuit_breaker_new:
 * @policy: (nullable): when it opens and how it closes again, or %NULL for
 *   [func@CircuitPolicy.get_default]
 *
 * Creates a closed breaker.
 *
 * Returns: (transfer full): a new breaker
 *
 * Since: 1.0
 */
ResilientCircuitBreaker *
resilient_circuit_breaker_new (ResilientCircuitPolicy *policy)
{
  return g_object_new (RESILIENT_TYPE_CIRCUIT_BREAKER, "policy", policy, NULL);
}

ResilientCircuitBreaker *
resilient_circuit_breaker_new_for_context (ResilientCircuitPolicy *policy, GMainContext *context)
{
  ResilientCircuitBreaker *self = resilient_circuit_breaker_new (policy);

  if (context == NULL)
    context = g_main_context_default ();
  g_main_context_ref (context);
  g_main_context_unref (self->context);
  self->context = context;
  return self;
}

void
resilient_circuit_breaker_set_changed_func (ResilientCircuitBreaker *self,
                                            ResilientCircuitChangedFunc func,
                                            gpointer user_data,
                                            GDestroyNotify destroy)
{
  g_assert (self->changed_func == NULL);

  self->changed_func = func;
  self->changed_data = user_data;
  self->changed_destroy = destroy;
}

static void
set_error_open (GError **error, ResilientCircuitState state, gint64 wait)
{
  /* Nobody reads the message, which is most of the work. */
  if (error == NULL)
    return;

  g_set_error (
    error,
    RESILIENT_CLIENT_ERROR,
    RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN,
    state == RESILIENT_CIRCUIT_STATE_OPEN
      /* Translators: %.1f is a number of seconds. */
      ? _ ("The circuit breaker is open: the next call may be made in %.1f s")
      /* Translators: calls are under way that find out whether others may be made again; %.1f is
         a number of seconds. */
      : _ ("The circuit breaker is half-open: it waits for its probes, for %.1f s at most"),
    resilient_clock_to_seconds (wait));
}

gboolean
resilient_circuit_breaker_check (ResilientCircuitBreaker *self, GError **error)
{
  gint64 now = resilient_clock_get_boot (), wait;
  ResilientCircuitState state;

  lock_breaker (self);
  wait = get_wait_locked (self, now);
  state = self->state;
  g_mutex_unlock (&self->lock);

  if (wait > 0)
    set_error_open (error, state, wait);
  return wait == 0;
}

gboolean
resilient_circuit_breaker_take (ResilientCircuitBreaker *self,
                                ResilientCircuitLease *lease,
                                GError **error)
{
  gint64 now = resilient_clock_get_boot (), wait;
  ResilientCircuitState state;

  g_assert (!lease->taken);

  lock_breaker (self);
  settle_locked (self, now);
  wait = get_wait_locked (self, now);
  state = self->state;
  if (wait == 0)
    admit_locked (self, lease, now);
  unlock_breaker (self);

  if (wait > 0)
    set_error_open (error, state, wait);
  return wait == 0;
}

void
resilient_circuit_breaker_report (ResilientCircuitBreaker *self,
                                  ResilientCircuitLease *lease,
                                  ResilientCircuitOutcome outcome)
{
  gint64 now = resilient_clock_get_boot ();

  lock_breaker (self);
  judge_locked (self, lease, outcome, now);
  unlock_breaker (self);
}

void
resilient_circuit_breaker_answered (ResilientCircuitBreaker *self, ResilientCircuitLease *lease)
{
  gint64 now = resilient_clock_get_boot ();

  lock_breaker (self);
  if (lease->probe)
    judge_locked (self, lease, RESILIENT_CIRCUIT_OUTCOME_SUCCEEDED, now);
  unlock_breaker (self);
}

static void
report_cb (GObject *breaker, ResilientCircuitLease *lease, ResilientCircuitOutcome outcome)
{
  resilient_circuit_breaker_report (RESILIENT_CIRCUIT_BREAKER (breaker), lease, outcome);
}

/**
 * resilient_circuit_breaker_acquire:
 * @self: a breaker
 * @error: return location for an error
 *
 * Asks to make one call, and does not wait.
 *
 * Report the outcome of the call to the permit. When nothing may be called now this fails with
 * %RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN, and [property@CircuitBreaker:retry-after] tells when to ask
 * again.
 *
 * Returns: (transfer full): a permit for one call, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientPermit *
resilient_circuit_breaker_acquire (ResilientCircuitBreaker *self, GError **error)
{
  g_autoptr (ResilientPermit) permit = NULL;

  g_return_val_if_fail (RESILIENT_IS_CIRCUIT_BREAKER (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  /* During an outage nearly all are refused, and need no object. */
  if (!resilient_circuit_breaker_check (self, error))
    return NULL;
  permit = resilient_permit_new (G_OBJECT (self), report_cb);
  if (!resilient_circuit_breaker_take (self, resilient_permit_get_lease (permit), error))
    return NULL;

  return g_steal_pointer (&permit);
}

/**
 * resilient_circuit_breaker_reset:
 * @self: a breaker
 *
 * Closes the circuit and begins anew: nothing is counted, and the outcomes of calls that are under
 * way count for nothing.
 *
 * Since: 1.0
 */
void
resilient_circuit_breaker_reset (ResilientCircuitBreaker *self)
{
  gint64 now = resilient_clock_get_boot ();

  g_return_if_fail (RESILIENT_IS_CIRCUIT_BREAKER (self));

  lock_breaker (self);
  settle_locked (self, now);
  close_locked (self);
  unlock_breaker (self);
}

/**
 * resilient_circuit_breaker_trip:
 * @self: a breaker
 *
 * Opens the circuit as failures do, such as when the app knows by other means that the service is
 * down.
 *
 * The recovery timeout begins now, also when the circuit is open already. A half-open circuit stays
 * open for twice as long as the time before, as after a probe that failed.
 *
 * Since: 1.0
 */
void
resilient_circuit_breaker_trip (ResilientCircuitBreaker *self)
{
  gint64 now = resilient_clock_get_boot ();

  g_return_if_fail (RESILIENT_IS_CIRCUIT_BREAKER (self));

  lock_breaker (self);
  settle_locked (self, now);
  open_locked (self, now);
  unlock_breaker (self);
}

/**
 * resilient_circuit_breaker_get_policy: (get-property policy)
 * @self: a breaker
 *
 * Gets when the circuit opens, and how it closes again.
 *
 * Returns: (transfer none): the policy
 *
 * Since: 1.0
 */
ResilientCircuitPolicy *
resilient_circuit_breaker_get_policy (ResilientCircuitBreaker *self)
{
  g_return_val_if_fail (RESILIENT_IS_CIRCUIT_BREAKER (self), NULL);

  return self->policy;
}

/**
 * resilient_circuit_breaker_get_state: (get-property state)
 * @self: a breaker
 *
 * Gets what the breaker does with calls now.
 *
 * Returns: the state; once an open circuit may be probed %RESILIENT_CIRCUIT_STATE_HALF_OPEN, even
 *   if no call has been made since
 *
 * Since: 1.0
 */
ResilientCircuitState
resilient_circuit_breaker_get_state (ResilientCircuitBreaker *self)
{
  gint64 now = resilient_clock_get_boot ();
  ResilientCircuitState state;

  g_return_val_if_fail (RESILIENT_IS_CIRCUIT_BREAKER (self), RESILIENT_CIRCUIT_STATE_CLOSED);

  lock_breaker (self);
  state = state_at_locked (self, now);
  g_mutex_unlock (&self->lock);

  return state;
}

/**
 * resilient_circuit_breaker_get_retry_after: (get-property retry-after)
 * @self: a breaker
 *
 * Gets in how many seconds the next call may be made.
 *
 * While a half-open circuit waits for its probes this is when the first of them loses its place;
 * the next call may be made before, when one has reported.
 *
 * Returns: a time in seconds, 0 for now
 *
 * Since: 1.0
 */
double
resilient_circuit_breaker_get_retry_after (ResilientCircuitBreaker *self)
{
  gint64 now = resilient_clock_get_boot (), wait;

  g_return_val_if_fail (RESILIENT_IS_CIRCUIT_BREAKER (self), 0.0);

  lock_breaker (self);
  wait = get_wait_locked (self, now);
  g_mutex_unlock (&self->lock);

  return resilient_clock_to_seconds (wait);
}
