/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What guards know of one origin: until when its server has asked not to be asked, the settings of
 * its own, and the breaker and budget that are made for it at need. It is owned by the origin. Any
 * thread, under a lock of its own. */

#include "config.h"

#include "resilient-origin-guards-private.h"

#include "resilient-circuit-breaker-private.h"
#include "resilient-clock-private.h"

/* For whom a breaker tells of its changes, in whatever thread. */
typedef struct
{
  ResilientClientGuards *client; /* owned */
  GWeakRef origin;
  gint not_closed; /* atomic */
  gint replaced;   /* atomic; by another breaker: what is told of it means nothing any more */
} Circuit;

struct _ResilientOriginGuards
{
  /* Set once. */
  GObject *origin;               /* not owned */
  ResilientClientGuards *client; /* owned, nullable */

  /* Atomic. */
  gint has_hold;             /* it is, or was, held; most never are */
  gint concurrency_in_force; /* somebody has asked for it and will see to it */

  GMutex lock;
  /* Under lock. */
  gint64 held_until;                      /* boot-time clock, microseconds */
  gint64 held_date;                       /* the same moment since 1970 */
  double spread;                          /* seconds */
  gint64 told_date;                       /* what was notified last; 0: that it is not held */
  ResilientCircuitPolicy *circuit_policy; /* owned, nullable, as are those below */
  ResilientRateLimiter *rate_limiter;
  ResilientRetryBudget *retry_budget;
  ResilientCircuitBreaker *breaker;       /* made at need */
  ResilientCircuitPolicy *made_policy;    /* what for */
  Circuit *circuit;                       /* of the breaker */
  ResilientRetryBudget *made_budget;      /* at need, where the client has one for each */
  ResilientConcurrencyLimit *concurrency; /* the same; it stays, as do attempts that it counts */
};

ResilientOriginGuards *
resilient_origin_guards_new (GObject *origin)
{
  ResilientOriginGuards *self = g_new0 (ResilientOriginGuards, 1);

  self->origin = origin;
  g_mutex_init (&self->lock);

  return self;
}

void
resilient_origin_guards_free (ResilientOriginGuards *self)
{
  g_clear_object (&self->breaker);
  g_clear_object (&self->made_budget);
  g_clear_pointer (&self->concurrency, resilient_concurrency_limit_free);
  g_clear_object (&self->retry_budget);
  g_clear_object (&self->rate_limiter);
  g_clear_pointer (&self->circuit_policy, resilient_circuit_policy_unref);
  g_clear_pointer (&self->made_policy, resilient_circuit_policy_unref);
  g_clear_pointer (&self->client, resilient_client_guards_unref);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
resilient_origin_guards_set_client (ResilientOriginGuards *self, ResilientClientGuards *client)
{
  self->client = resilient_client_guards_ref (client);
}

static ResilientCircuitPolicy *
dup_policy_in_force (ResilientOriginGuards *self)
{
  ResilientCircuitPolicy *policy = resilient_origin_guards_dup_circuit_policy (self);

  return policy == NULL && self->client != NULL
           ? resilient_client_guards_dup_circuit_policy (self->client)
           : policy;
}

gboolean
resilient_origin_guards_is_marked (ResilientOriginGuards *self)
{
  g_autoptr (ResilientCircuitPolicy) policy = dup_policy_in_force (self);
  gboolean marked;
  gint64 until;
  double spread;

  if (resilient_origin_guards_is_held (self, &until, &spread))
    return TRUE;

  g_mutex_lock (&self->lock);
  marked = self->circuit_policy != NULL || self->rate_limiter != NULL
           || self->retry_budget != NULL
           /* a breaker by another policy will not be asked again */
           || (self->circuit != NULL && policy != NULL && self->made_policy == policy
               && g_atomic_int_get (&self->circuit->not_closed));
  g_mutex_unlock (&self->lock);

  return marked;
}

/* --- settings -------------------------------------------------------------------------------- */

static void
need (ResilientOriginGuards *self, gpointer setting)
{
  if (setting != NULL && self->client != NULL)
    resilient_client_guards_need (self->client);
}

gboolean
resilient_origin_guards_set_circuit_policy (ResilientOriginGuards *self,
                                            ResilientCircuitPolicy *policy)
{
  g_autoptr (ResilientCircuitPolicy) old = NULL;

  g_mutex_lock (&self->lock);
  old = self->circuit_policy;
  self->circuit_policy = policy != NULL ? resilient_circuit_policy_ref (policy) : NULL;
  g_mutex_unlock (&self->lock);

  need (self, policy);
  return old != policy;
}

gboolean
resilient_origin_guards_set_rate_limiter (ResilientOriginGuards *self,
                                          ResilientRateLimiter *limiter)
{
  g_autoptr (ResilientRateLimiter) old = NULL;

  g_mutex_lock (&self->lock);
  old = self->rate_limiter;
  self->rate_limiter = limiter != NULL ? g_object_ref (limiter) : NULL;
  g_mutex_unlock (&self->lock);

  need (self, limiter);
  return old != limiter;
}

gboolean
resilient_origin_guards_set_retry_budget (ResilientOriginGuards *self, ResilientRetryBudget *budget)
{
  g_autoptr (ResilientRetryBudget) old = NULL;

  g_mutex_lock (&self->lock);
  old = self->retry_budget;
  self->retry_budget = budget != NULL ? g_object_ref (budget) : NULL;
  g_mutex_unlock (&self->lock);

  need (self, budget);
  return old != budget;
}

ResilientCircuitPolicy *
resilient_origin_guards_dup_circuit_policy (ResilientOriginGuards *self)
{
  ResilientCircuitPolicy *policy = NULL;

  g_mutex_lock (&self->lock);
  if (self->circuit_policy != NULL)
    policy = resilient_circuit_policy_ref (self->circuit_policy);
  g_mutex_unlock (&self->lock);

  return policy;
}

ResilientRateLimiter *
resilient_origin_guards_dup_rate_limiter (ResilientOriginGuards *self)
{
  ResilientRateLimiter *limiter = NULL;

  g_mutex_lock (&self->lock);
  if (self->rate_limiter != NULL)
    limiter = g_object_ref (self->rate_limiter);
  g_mutex_unlock (&self->lock);

  return limiter;
}

/* --- what is in force ------------------------------------------------------------------------ */

static void
circuit_free (gpointer data)
{
  Circuit *circuit = data;

  g_weak_ref_clear (&circuit->origin);
  resilient_client_guards_unref (circuit->client);
  g_free (circuit);
}

static void
circuit_changed_cb (ResilientCircuitBreaker *breaker,
                    ResilientCircuitState old_state,
                    ResilientCircuitState new_state,
                    gpointer user_data)
{
  Circuit *circuit = user_data;
  g_autoptr (GObject) origin = g_weak_ref_get (&circuit->origin);

  g_atomic_int_set (&circuit->not_closed, new_state != RESILIENT_CIRCUIT_STATE_CLOSED);
  if (origin != NULL && !g_atomic_int_get (&circuit->replaced))
    resilient_client_guards_tell_changed (circuit->client, origin, old_state, new_state);
}

static ResilientCircuitBreaker *
make_breaker (ResilientOriginGuards *self, ResilientCircuitPolicy *policy, Circuit **made)
{
  ResilientCircuitBreaker *breaker;
  Circuit *circuit;

  *made = NULL;
  if (self->client == NULL)
    return resilient_circuit_breaker_new (policy);

  breaker = resilient_circuit_breaker_new_for_context (
    policy, resilient_client_guards_get_context (self->client));
  *made = circuit = g_new0 (Circuit, 1);
  circuit->client = resilient_client_guards_ref (self->client);
  g_weak_ref_init (&circuit->origin, self->origin);
  resilient_circuit_breaker_set_changed_func (breaker, circuit_changed_cb, circuit, circuit_free);
  return breaker;
}

ResilientCircuitBreaker *
resilient_origin_guards_dup_breaker (ResilientOriginGuards *self)
{
  g_autoptr (ResilientCircuitPolicy) policy = dup_policy_in_force (self);
  g_autoptr (ResilientCircuitBreaker) made = NULL;
  g_autoptr (ResilientCircuitBreaker) old = NULL;
  ResilientCircuitBreaker *breaker = NULL;
  Circuit *circuit;

  if (policy == NULL)
    return NULL;

  g_mutex_lock (&self->lock);
  if (self->breaker != NULL && self->made_policy == policy)
    breaker = g_object_ref (self->breaker);
  g_mutex_unlock (&self->lock);
  if (breaker != NULL)
    return breaker;

  /* Of several threads that make one, the first has it. With another policy it starts anew. */
  made = make_breaker (self, policy, &circuit);
  g_mutex_lock (&self->lock);
  if (self->breaker == NULL || self->made_policy != policy)
    {
      old = self->breaker;
      if (self->circuit != NULL)
        g_atomic_int_set (&self->circuit->replaced, TRUE);
      self->breaker = g_steal_pointer (&made);
      self->circuit = circuit;
      g_clear_pointer (&self->made_policy, resilient_circuit_policy_unref);
      self->made_policy = g_steal_pointer (&policy);
    }
  breaker = g_object_ref (self->breaker);
  g_mutex_unlock (&self->lock);

  return breaker;
}

ResilientRetryBudget *
resilient_origin_guards_dup_budget (ResilientOriginGuards *self)
{
  g_autoptr (ResilientRetryBudget) made = NULL;
  ResilientRetryBudget *budget = NULL;
  gboolean each = FALSE;

  g_mutex_lock (&self->lock);
  if (self->retry_budget != NULL)
    budget = g_object_ref (self->retry_budget);
  g_mutex_unlock (&self->lock);
  if (budget == NULL && self->client != NULL)
    budget = resilient_client_guards_dup_retry_budget (self->client, &each);
  if (budget != NULL || !each)
    return budget;

  g_mutex_lock (&self->lock);
  if (self->made_budget == NULL)
    {
      /* Its defaults are what a standard client gives each origin. To make it calls nobody. */
      made = g_object_new (RESILIENT_TYPE_RETRY_BUDGET, NULL);
      self->made_budget = g_steal_pointer (&made);
    }
  budget = g_object_ref (self->made_budget);
  g_mutex_unlock (&self->lock);

  return budget;
}

void
resilient_origin_guards_dup_limiters (ResilientOriginGuards *self,
                                      ResilientRateLimiter *limiters[2])
{
  limiters[0] = resilient_origin_guards_dup_rate_limiter (self);
  limiters[1] =
    self->client != NULL ? resilient_client_guards_dup_rate_limiter (self->client) : NULL;
  /* One that is both is asked once. */
  if (limiters[0] == limiters[1])
    g_clear_object (&limiters[1]);
}

/* --- how many attempts its server takes ------------------------------------------------------- */

static gboolean
wants_concurrency (ResilientOriginGuards *self)
{
  return self->client != NULL && resilient_client_guards_get_adaptive_concurrency (self->client);
}

static void
ensure_concurrency_locked (ResilientOriginGuards *self)
{
  if (self->concurrency == NULL)
    self->concurrency = resilient_concurrency_limit_new ();
}

gboolean
resilient_origin_guards_is_concurrency_due (ResilientOriginGuards *self)
{
  return g_atomic_int_get (&self->concurrency_in_force) != wants_concurrency (self);
}

guint
resilient_origin_guards_take_concurrency (ResilientOriginGuards *self)
{
  gboolean wanted = wants_concurrency (self);
  guint limit;

  g_atomic_int_set (&self->concurrency_in_force, wanted);
  if (!wanted)
    return 0;

  g_mutex_lock (&self->lock);
  ensure_concurrency_locked (self);
  limit = resilient_concurrency_limit_get (self->concurrency);
  g_mutex_unlock (&self->lock);

  return limit;
}

gboolean
resilient_origin_guards_begin_attempt (ResilientOriginGuards *self,
                                       ResilientConcurrencySample *sample,
                                       gboolean *changed)
{
  *changed = FALSE;
  if (!wants_concurrency (self))
    return FALSE;

  g_mutex_lock (&self->lock);
  ensure_concurrency_locked (self);
  *changed =
    resilient_concurrency_limit_begin (self->concurrency, sample, resilient_clock_get_boot ());
  g_mutex_unlock (&self->lock);

  return TRUE;
}

void
resilient_origin_guards_answer_attempt (ResilientOriginGuards *self,
                                        ResilientConcurrencySample *sample)
{
  g_mutex_lock (&self->lock);
  resilient_concurrency_limit_answer (self->concurrency, sample, resilient_clock_get_boot ());
  g_mutex_unlock (&self->lock);
}

gboolean
resilient_origin_guards_end_attempt (ResilientOriginGuards *self,
                                     ResilientConcurrencySample *sample,
                                     ResilientConcurrencyEnd end)
{
  gboolean changed;

  g_mutex_lock (&self->lock);
  changed =
    resilient_concurrency_limit_end (self->concurrency, sample, end, resilient_clock_get_boot ());
  g_mutex_unlock (&self->lock);

  return changed;
}

/* --- the wait that its server asks for ------------------------------------------------------- */

gboolean
resilient_origin_guards_hold (ResilientOriginGuards *self, gint64 until, double spread)
{
  gint64 now = resilient_clock_get_boot ();
  gint64 today = resilient_clock_get_real ();
  gboolean later;

  g_mutex_lock (&self->lock);
  /* What a server has asked for it does not take back by asking somebody else for less. */
  later = until > MAX (self->held_until, now);
  if (later)
    {
      self->held_until = until;
      self->held_date = until - now > G_MAXINT64 - today ? G_MAXINT64 : today + (until - now);
      self->spread = spread;
    }
  g_mutex_unlock (&self->lock);

  if (later)
    g_atomic_int_set (&self->has_hold, TRUE);
  return later;
}

gboolean
resilient_origin_guards_is_held (ResilientOriginGuards *self, gint64 *until, double *spread)
{
  if (!g_atomic_int_get (&self->has_hold))
    return FALSE;

  g_mutex_lock (&self->lock);
  *until = self->held_until;
  *spread = self->spread;
  g_mutex_unlock (&self->lock);

  return *until > resilient_clock_get_boot ();
}

gint64
resilient_origin_guards_get_held_until (ResilientOriginGuards *self)
{
  gint64 date = 0;

  if (!g_atomic_int_get (&self->has_hold))
    return 0;

  g_mutex_lock (&self->lock);
  if (self->held_until > resilient_clock_get_boot ())
    date = self->held_date;
  g_mutex_unlock (&self->lock);

  return date;
}

gboolean
resilient_origin_guards_take_hold_change (ResilientOriginGuards *self, gint64 *again)
{
  gboolean changed, held;
  gint64 date;

  *again = 0;
  if (!g_atomic_int_get (&self->has_hold))
    return FALSE;

  g_mutex_lock (&self->lock);
  held = self->held_until > resilient_clock_get_boot ();
  date = held ? self->held_date : 0;
  changed = date != self->told_date;
  self->told_date = date;
  if (changed && held)
    *again = self->held_until;
  g_mutex_unlock (&self->lock);

  return changed;
}
