/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What has been earned in the last minute, slot by slot, and a reserve that fills up: all of it
 * under one lock, in any thread. It has no timer; whoever asks lets go of what is too old. */

#include "config.h"

#include "resilient-retry-budget-private.h"

#include <math.h>

#include "resilient-clock-private.h"
#include "resilient-error.h"
#include "resilient-fork-private.h"
#include "resilient-i18n-private.h"

/* What deposits earn is kept for so many seconds, each in a slot of its own. */
#define N_SLOTS 60

/* Amounts are whole numbers of this part of a retry: five times a fifth is one. */
#define UNIT G_GINT64_CONSTANT (1000000000)

/* More would let amounts overflow. */
#define MAX_RESERVE 1e9

/**
 * ResilientRetryBudget:
 *
 * Decides whether there may be one more retry, so that retries stay a small part of the load.
 *
 * While a server is down each request fails, and with a few retries each the load is several times
 * what it was, just when the server could do with less. A budget bounds it: each request deposits
 * [property@RetryBudget:ratio] of a retry, each retry withdraws one, and where there is none the
 * failure stands. What was deposited is gone after 60 seconds, so that a quiet hour does not pay
 * for a storm. Besides, there are [property@RetryBudget:reserve] retries a minute whatever the
 * traffic, for programs that send one request now and then; a reserve that was used up is full
 * again after 60 seconds.
 *
 * ```c
 * resilient_retry_budget_deposit (budget);
 * while (!try_it (&error))
 *   if (!resilient_retry_budget_try_withdraw (budget))
 *     return FALSE;
 * ```
 *
 * The rule is that of Finagle's `RetryBudget`, whose deposits expire after a while and whose
 * reserve is a rate; gRPC's retry throttling (gRFC A6) and the retry quota of the AWS SDKs bound
 * retries in the same way, but by a fixed sum that only successes fill up again.
 *
 * Of what was earned the oldest is spent first, and the reserve when there is nothing else. A
 * failure that never reached a server, as when the machine is offline, is none to withdraw for.
 *
 * All methods may be called from any thread, and one budget may serve several users. Time in which
 * the machine sleeps counts. In a forked child it counts on by itself.
 *
 * Since: 1.0
 */
struct _ResilientRetryBudget
{
  GObject parent_instance;

  /* Set once. */
  double ratio;
  double reserve;  /* a minute */
  GError *invalid; /* why there can be no such budget; NULL: there can */
  gint64 deposit;  /* what one is worth */
  gint64 capacity; /* of the reserve */

  GMutex lock;
  /* Under the lock. */
  gint64 second;         /* of the newest slot */
  gint64 slots[N_SLOTS]; /* what was earned, by the second modulo their number */
  gint64 earned;         /* in all of them */
  gint64 left;           /* of the reserve at @left_at */
  gint64 left_at;
  guint generation; /* atomic: of the process; see resilient-fork-private.h */
};

enum
{
  PROP_RATIO = 1,
  PROP_RESERVE,
  PROP_AVAILABLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (ResilientRetryBudget, resilient_retry_budget, G_TYPE_OBJECT)

/* In a forked child the lock may be a thread's that is not there, and that had changed a slot but
 * not yet the sum, or the other way round. */
static void
adopt (gpointer budget)
{
  ResilientRetryBudget *self = budget;

  g_mutex_init (&self->lock);
  self->earned = 0;
  for (guint i = 0; i < N_SLOTS; i++)
    self->earned += self->slots[i];
}

/* To take it. */
static GMutex *
get_lock (ResilientRetryBudget *self)
{
  resilient_fork_adopt (&self->generation, adopt, self);
  return &self->lock;
}

static gint64 *
get_slot (ResilientRetryBudget *self, gint64 second)
{
  return &self->slots[second % N_SLOTS];
}

/* Lets go of what has become too old. */
static void
expire_locked (ResilientRetryBudget *self, gint64 now)
{
  gint64 second = now / G_USEC_PER_SEC;

  for (gint64 i = MAX (self->second + 1, second - N_SLOTS + 1); i <= second; i++)
    {
      gint64 *slot = get_slot (self, i);

      self->earned -= *slot;
      *slot = 0;
    }
  self->second = MAX (self->second, second);
}

/* A minute fills all of it, if it is for more than one a minute. The time of the last withdrawal
 * stays until the next one, so that reading it often rounds nothing away. A clock that goes back
 * takes nothing away. */
static gint64
get_reserve_locked (ResilientRetryBudget *self, gint64 now)
{
  gint64 since = MAX (now - self->left_at, 0);
  double refill = self->reserve * UNIT / 60 * resilient_clock_to_seconds (since);

  return (gint64) MIN ((double) self->left + refill, (double) self->capacity);
}

static void
spend_locked (ResilientRetryBudget *self, gint64 reserve, gint64 now)
{
  gint64 due = UNIT;

  for (gint64 i = MAX (self->second - N_SLOTS + 1, 0); self->earned > 0 && due > 0; i++)
    {
      gint64 *slot = get_slot (self, i);
      gint64 part = MIN (*slot, due);

      *slot -= part;
      self->earned -= part;
      due -= part;
    }
  if (due > 0)
    {
      self->left = reserve - due;
      self->left_at = now;
    }
}

/* --- the object ------------------------------------------------------------------------------- */

static GError *
check_range (const char *field, double value, double most)
{
  if (value >= 0.0 && value <= most)
    return NULL;

  return g_error_new (RESILIENT_CLIENT_ERROR,
                      RESILIENT_CLIENT_ERROR_INVALID_POLICY,
                      /* Translators: %s is the name of a setting, ratio or reserve. */
                      _ ("Invalid retry budget: %s must be between 0 and %g, and is %g"),
                      field,
                      most,
                      value);
}

static GError *
check_values (double ratio, double reserve)
{
  GError *error = check_range ("ratio", ratio, 1.0);

  if (error == NULL)
    error = check_range ("reserve", reserve, MAX_RESERVE);
  if (error == NULL && ratio * UNIT < 1.0 && reserve * UNIT < 1.0)
    error = g_error_new (RESILIENT_CLIENT_ERROR,
                         RESILIENT_CLIENT_ERROR_INVALID_POLICY,
                         /* Translators: %s are the names of settings, ratio and reserve. */
                         _ ("Invalid retry budget: it can never pay with both %s and %s at 0"),
                         "ratio",
                         "reserve");
  return error;
}

/* First to the reserve, where there is room: it is full at most, as what came from deposits is new
 * at most. */
void
resilient_retry_budget_give_back (ResilientRetryBudget *self)
{
  gint64 now, reserve, part;
  gint64 *slot;

  g_mutex_lock (get_lock (self));
  now = resilient_clock_get_boot ();
  expire_locked (self, now);
  reserve = get_reserve_locked (self, now);
  part = MIN (self->capacity - reserve, UNIT);
  self->left = reserve + part;
  self->left_at = now;
  slot = get_slot (self, self->second);
  part = MIN (UNIT - part, G_MAXINT64 / (2 * N_SLOTS) - *slot);
  *slot += part;
  self->earned += part;
  g_mutex_unlock (&self->lock);
}

gboolean
resilient_retry_budget_check (ResilientRetryBudget *self, GError **error)
{
  if (self->invalid == NULL)
    return TRUE;

  g_propagate_error (error, g_error_copy (self->invalid));
  return FALSE;
}

static void
resilient_retry_budget_get_property (GObject *object,
                                     guint prop_id,
                                     GValue *value,
                                     GParamSpec *pspec)
{
  ResilientRetryBudget *self = RESILIENT_RETRY_BUDGET (object);

  switch (prop_id)
    {
    case PROP_RATIO:
      g_value_set_double (value, resilient_retry_budget_get_ratio (self));
      break;
    case PROP_RESERVE:
      g_value_set_double (value, resilient_retry_budget_get_reserve (self));
      break;
    case PROP_AVAILABLE:
      g_value_set_double (value, resilient_retry_budget_get_available (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_retry_budget_set_property (GObject *object,
                                     guint prop_id,
                                     const GValue *value,
                                     GParamSpec *pspec)
{
  ResilientRetryBudget *self = RESILIENT_RETRY_BUDGET (object);

  switch (prop_id)
    {
    case PROP_RATIO:
      self->ratio = g_value_get_double (value);
      break;
    case PROP_RESERVE:
      self->reserve = g_value_get_double (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_retry_budget_constructed (GObject *object)
{
  ResilientRetryBudget *self = RESILIENT_RETRY_BUDGET (object);
  gint64 now = resilient_clock_get_boot ();

  G_OBJECT_CLASS (resilient_retry_budget_parent_class)->constructed (object);

  self->invalid = check_values (self->ratio, self->reserve);
  if (self->invalid == NULL)
    {
      self->deposit = (gint64) round (self->ratio * UNIT);
      /* A reserve below one a minute still holds one whole retry, which takes longer to refill. */
      if (self->reserve > 0.0)
        self->capacity = (gint64) round (MAX (self->reserve, 1.0) * UNIT);
      self->left = self->capacity;
    }
  self->left_at = now;
  self->second = now / G_USEC_PER_SEC;
}

static void
resilient_retry_budget_finalize (GObject *object)
{
  ResilientRetryBudget *self = RESILIENT_RETRY_BUDGET (object);

  if (self->generation == resilient_fork_get_generation ())
    g_mutex_clear (&self->lock);
  g_clear_error (&self->invalid);

  G_OBJECT_CLASS (resilient_retry_budget_parent_class)->finalize (object);
}

static void
resilient_retry_budget_class_init (ResilientRetryBudgetClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  /* As of a rate limiter: a value that is not valid makes a budget that never pays. */
  const GParamFlags construct =
    G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_LAX_VALIDATION | G_PARAM_STATIC_STRINGS;

  object_class->constructed = resilient_retry_budget_constructed;
  object_class->get_property = resilient_retry_budget_get_property;
  object_class->set_property = resilient_retry_budget_set_property;
  object_class->finalize = resilient_retry_budget_finalize;

  /**
   * ResilientRetryBudget:ratio: (getter get_ratio)
   *
   * How much of a retry a deposit is worth, from 0 to 1: 0.2 lets a fifth of the requests be
   * repeated.
   *
   * Another value, given to `g_object_new()`, makes a budget that never pays, and whose requests
   * fail with %RESILIENT_CLIENT_ERROR_INVALID_POLICY.
   *
   * Since: 1.0
   */
  props[PROP_RATIO] =
    g_param_spec_double ("ratio", NULL, NULL, -HUGE_VAL, HUGE_VAL, 0.2, construct);

  /**
   * ResilientRetryBudget:reserve: (getter get_reserve)
   *
   * How many retries there may be a minute without any deposit, from 0 to 10⁹. Another value is as
   * one of [property@RetryBudget:ratio] that is not valid.
   *
   * Since: 1.0
   */
  props[PROP_RESERVE] =
    g_param_spec_double ("reserve", NULL, NULL, -HUGE_VAL, HUGE_VAL, 10.0, construct);

  /**
   * ResilientRetryBudget:available: (getter get_available)
   *
   * How many retries could be paid now, with the part of the next one that has come. Not notified.
   *
   * Since: 1.0
   */
  props[PROP_AVAILABLE] = g_param_spec_double (
    "available", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, props);

  resilient_fork_watch ();
}

static void
resilient_retry_budget_init (ResilientRetryBudget *self)
{
  g_mutex_init (&self->lock);
  self->generation = resilient_fork_get_generation ();
}

/**
 * resilient_retry_budget_new:
 * @ratio: how much of a retry a deposit is worth, from 0 to 1
 * @reserve: how many retries there may be a minute without any deposit, from 0 to 10⁹
 * @error: return location for an error
 *
 * Creates a retry budget, whose reserve is full.
 *
 * What is not valid, as a budget that can never pay because both are 0, is
 * %RESILIENT_CLIENT_ERROR_INVALID_POLICY, and the message names it.
 *
 * Returns: (transfer full): a new retry budget, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientRetryBudget *
resilient_retry_budget_new (double ratio, double reserve, GError **error)
{
  g_autoptr (ResilientRetryBudget) self = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  self = g_object_new (RESILIENT_TYPE_RETRY_BUDGET, "ratio", ratio, "reserve", reserve, NULL);
  if (!resilient_retry_budget_check (self, error))
    return NULL;

  return g_steal_pointer (&self);
}

/**
 * resilient_retry_budget_deposit:
 * @self: a retry budget
 *
 * Says that there was a request, which is not a retry.
 *
 * It earns [property@RetryBudget:ratio] of a retry, for 60 seconds.
 *
 * Since: 1.0
 */
void
resilient_retry_budget_deposit (ResilientRetryBudget *self)
{
  gint64 now, room;
  gint64 *slot;

  g_return_if_fail (RESILIENT_IS_RETRY_BUDGET (self));

  g_mutex_lock (get_lock (self));
  now = resilient_clock_get_boot ();
  expire_locked (self, now);
  slot = get_slot (self, self->second);
  /* All of them together fit into a gint64. */
  room = G_MAXINT64 / (2 * N_SLOTS) - *slot;
  *slot += MIN (self->deposit, room);
  self->earned += MIN (self->deposit, room);
  g_mutex_unlock (&self->lock);
}

/**
 * resilient_retry_budget_try_withdraw:
 * @self: a retry budget
 *
 * Takes what one retry costs, if there is as much.
 *
 * This is atomic: of several threads that ask at once only as many get one as can be paid. Ask when
 * all else has said that there should be a retry.
 *
 * Returns: %TRUE if the retry is paid, %FALSE if there must be none
 *
 * Since: 1.0
 */
gboolean
resilient_retry_budget_try_withdraw (ResilientRetryBudget *self)
{
  gint64 now, reserve;
  gboolean paid;

  g_return_val_if_fail (RESILIENT_IS_RETRY_BUDGET (self), FALSE);

  g_mutex_lock (get_lock (self));
  now = resilient_clock_get_boot ();
  expire_locked (self, now);
  reserve = get_reserve_locked (self, now);
  paid = self->earned + reserve >= UNIT;
  if (paid)
    spend_locked (self, reserve, now);
  g_mutex_unlock (&self->lock);

  return paid;
}

/**
 * resilient_retry_budget_get_ratio: (get-property ratio)
 * @self: a retry budget
 *
 * Gets how much of a retry a deposit is worth.
 *
 * Returns: the part of a retry
 *
 * Since: 1.0
 */
double
resilient_retry_budget_get_ratio (ResilientRetryBudget *self)
{
  g_return_val_if_fail (RESILIENT_IS_RETRY_BUDGET (self), 0.0);

  return self->ratio;
}

/**
 * resilient_retry_budget_get_reserve: (get-property reserve)
 * @self: a retry budget
 *
 * Gets how many retries there may be a minute without any deposit.
 *
 * Returns: the number of retries a minute
 *
 * Since: 1.0
 */
double
resilient_retry_budget_get_reserve (ResilientRetryBudget *self)
{
  g_return_val_if_fail (RESILIENT_IS_RETRY_BUDGET (self), 0.0);

  return self->reserve;
}

/**
 * resilient_retry_budget_get_available: (get-property available)
 * @self: a retry budget
 *
 * Gets how many retries could be paid now.
 *
 * Returns: the number of retries, with the part of the next one that has come
 *
 * Since: 1.0
 */
double
resilient_retry_budget_get_available (ResilientRetryBudget *self)
{
  gint64 now, amount;

  g_return_val_if_fail (RESILIENT_IS_RETRY_BUDGET (self), 0.0);

  if (self->invalid != NULL)
    return 0.0;

  g_mutex_lock (get_lock (self));
  now = resilient_clock_get_boot ();
  expire_locked (self, now);
  amount = self->earned + get_reserve_locked (self, now);
  g_mutex_unlock (&self->lock);

  return (double) amount / UNIT;
}
