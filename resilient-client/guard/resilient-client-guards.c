/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The settings of a client that guards go by: circuit policy, rate limiter and retry budget, and
 * who is told of changes of circuits. It owns references to them. Any thread, under one lock. */

#include "config.h"

#include "resilient-client-guards-private.h"

struct _ResilientClientGuards
{
  GMainContext *context; /* set once, owned */
  gint adaptive;         /* atomic */

  GMutex lock;
  /* Under lock. */
  void (*needed) (gpointer data); /* NULL once it ran */
  gpointer needed_data;
  ResilientClientCircuitChanged changed; /* nullable */
  gpointer changed_data;                 /* owned */
  GDestroyNotify changed_unref;
  ResilientCircuitPolicy *circuit_policy; /* owned, nullable, as are those below */
  ResilientRateLimiter *rate_limiter;
  ResilientRetryBudget *retry_budget;
  gboolean budget_each;
};

ResilientClientGuards *
resilient_client_guards_new (GMainContext *context, void (*needed) (gpointer data), gpointer data)
{
  ResilientClientGuards *self = g_atomic_rc_box_new0 (ResilientClientGuards);

  g_mutex_init (&self->lock);
  self->context = g_main_context_ref (context);
  self->needed = needed;
  self->needed_data = data;

  return self;
}

ResilientClientGuards *
resilient_client_guards_ref (ResilientClientGuards *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
client_guards_free (gpointer data)
{
  ResilientClientGuards *self = data;

  resilient_client_guards_close (self);
  g_clear_pointer (&self->circuit_policy, resilient_circuit_policy_unref);
  g_clear_object (&self->rate_limiter);
  g_clear_object (&self->retry_budget);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->lock);
}

void
resilient_client_guards_unref (ResilientClientGuards *self)
{
  g_atomic_rc_box_release_full (self, client_guards_free);
}

void
resilient_client_guards_close (ResilientClientGuards *self)
{
  gpointer data;

  g_mutex_lock (&self->lock);
  self->needed = NULL;
  self->changed = NULL;
  data = g_steal_pointer (&self->changed_data);
  g_mutex_unlock (&self->lock);

  if (data != NULL)
    self->changed_unref (data);
}

void
resilient_client_guards_need (ResilientClientGuards *self)
{
  void (*needed) (gpointer data);

  /* Under the lock: what it works on may go when this is closed, and who comes second must find
   * that the guards are there. */
  g_mutex_lock (&self->lock);
  needed = g_steal_pointer (&self->needed);
  if (needed != NULL)
    needed (self->needed_data);
  g_mutex_unlock (&self->lock);
}

gboolean
resilient_client_guards_set_circuit_policy (ResilientClientGuards *self,
                                            ResilientCircuitPolicy *policy)
{
  g_autoptr (ResilientCircuitPolicy) old = NULL;
  gboolean changed;

  g_mutex_lock (&self->lock);
  old = self->circuit_policy;
  self->circuit_policy = policy != NULL ? resilient_circuit_policy_ref (policy) : NULL;
  changed = old != policy;
  g_mutex_unlock (&self->lock);

  if (policy != NULL)
    resilient_client_guards_need (self);
  return changed;
}

gboolean
resilient_client_guards_set_rate_limiter (ResilientClientGuards *self,
                                          ResilientRateLimiter *limiter)
{
  g_autoptr (ResilientRateLimiter) old = NULL;
  gboolean changed;

  g_mutex_lock (&self->lock);
  old = self->rate_limiter;
  self->rate_limiter = limiter != NULL ? g_object_ref (limiter) : NULL;
  changed = old != limiter;
  g_mutex_unlock (&self->lock);

  if (limiter != NULL)
    resilient_client_guards_need (self);
  return changed;
}

gboolean
resilient_client_guards_set_retry_budget (ResilientClientGuards *self,
                                          ResilientRetryBudget *budget,
                                          gboolean each)
{
  g_autoptr (ResilientRetryBudget) old = NULL;
  gboolean changed;

  g_mutex_lock (&self->lock);
  old = self->retry_budget;
  self->retry_budget = budget != NULL ? g_object_ref (budget) : NULL;
  self->budget_each = each;
  changed = old != budget;
  g_mutex_unlock (&self->lock);

  if (budget != NULL || each)
    resilient_client_guards_need (self);
  return changed;
}

gboolean
resilient_client_guards_set_adaptive_concurrency (ResilientClientGuards *self, gboolean adaptive)
{
  gboolean changed = g_atomic_int_compare_and_exchange (&self->adaptive, !adaptive, adaptive);

  if (adaptive)
    resilient_client_guards_need (self);
  return changed;
}

gboolean
resilient_client_guards_get_adaptive_concurrency (ResilientClientGuards *self)
{
  return g_atomic_int_get (&self->adaptive);
}

ResilientCircuitPolicy *
resilient_client_guards_dup_circuit_policy (ResilientClientGuards *self)
{
  ResilientCircuitPolicy *policy = NULL;

  g_mutex_lock (&self->lock);
  if (self->circuit_policy != NULL)
    policy = resilient_circuit_policy_ref (self->circuit_policy);
  g_mutex_unlock (&self->lock);

  return policy;
}

ResilientRateLimiter *
resilient_client_guards_dup_rate_limiter (ResilientClientGuards *self)
{
  ResilientRateLimiter *limiter = NULL;

  g_mutex_lock (&self->lock);
  if (self->rate_limiter != NULL)
    limiter = g_object_ref (self->rate_limiter);
  g_mutex_unlock (&self->lock);

  return limiter;
}

ResilientRetryBudget *
resilient_client_guards_dup_retry_budget (ResilientClientGuards *self, gboolean *each)
{
  ResilientRetryBudget *budget = NULL;

  g_mutex_lock (&self->lock);
  if (self->retry_budget != NULL)
    budget = g_object_ref (self->retry_budget);
  *each = self->budget_each;
  g_mutex_unlock (&self->lock);

  return budget;
}

GMainContext *
resilient_client_guards_get_context (ResilientClientGuards *self)
{
  return self->context;
}

void
resilient_client_guards_set_changed_func (ResilientClientGuards *self,
                                          ResilientClientCircuitChanged func,
                                          gpointer data,
                                          GDestroyNotify unref)
{
  g_mutex_lock (&self->lock);
  self->changed = func;
  self->changed_data = data;
  self->changed_unref = unref;
  g_mutex_unlock (&self->lock);
}

void
resilient_client_guards_tell_changed (ResilientClientGuards *self,
                                      gpointer origin,
                                      ResilientCircuitState old_state,
                                      ResilientCircuitState new_state)
{
  ResilientClientCircuitChanged changed;
  gpointer data = NULL;

  /* with a reference: another thread may let go of it meanwhile */
  g_mutex_lock (&self->lock);
  changed = self->changed;
  if (changed != NULL)
    data = g_atomic_rc_box_acquire (self->changed_data);
  g_mutex_unlock (&self->lock);

  if (changed == NULL)
    return;
  changed (origin, old_state, new_state, data);
  self->changed_unref (data);
}
