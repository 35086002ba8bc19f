/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-circuit-breaker.h"
#include "resilient-rate-limiter.h"
#include "resilient-retry-budget.h"

G_BEGIN_DECLS

/* The settings of a client that guards go by. Any thread: one lock inside, under which nothing is
 * called. Origins keep it, too, and may outlive the client. */
typedef struct _ResilientClientGuards ResilientClientGuards;

/* @needed runs at most once, in any thread and under the lock of this, when the first of these
 * settings is made, here or of an origin: without any, requests pass no guard. @context: in which
 * the signals of breakers come. */
ResilientClientGuards *
resilient_client_guards_new (GMainContext *context, void (*needed) (gpointer data), gpointer data);
ResilientClientGuards *resilient_client_guards_ref (ResilientClientGuards *self);
void resilient_client_guards_unref (ResilientClientGuards *self);
/* Nobody is called any more. */
void resilient_client_guards_close (ResilientClientGuards *self);
/* A setting is there. */
void resilient_client_guards_need (ResilientClientGuards *self);

/* FALSE: it was that already. All are nullable: none. */
gboolean resilient_client_guards_set_circuit_policy (ResilientClientGuards *self,
                                                     ResilientCircuitPolicy *policy);
gboolean resilient_client_guards_set_rate_limiter (ResilientClientGuards *self,
                                                   ResilientRateLimiter *limiter);
/* With NULL and @each, each origin has one of its own, with the usual share and reserve. */
gboolean resilient_client_guards_set_retry_budget (ResilientClientGuards *self,
                                                   ResilientRetryBudget *budget,
                                                   gboolean each);
/* Whether each origin finds out how many requests its server takes at once. */
gboolean
resilient_client_guards_set_adaptive_concurrency (ResilientClientGuards *self, gboolean adaptive);
gboolean resilient_client_guards_get_adaptive_concurrency (ResilientClientGuards *self);
/* Transfer full, nullable. */
ResilientCircuitPolicy *resilient_client_guards_dup_circuit_policy (ResilientClientGuards *self);
ResilientRateLimiter *resilient_client_guards_dup_rate_limiter (ResilientClientGuards *self);
ResilientRetryBudget *
resilient_client_guards_dup_retry_budget (ResilientClientGuards *self, gboolean *each);
GMainContext *resilient_client_guards_get_context (ResilientClientGuards *self);

/* @func runs in any thread, under no lock, after the circuit of an origin changed. */
typedef void (*ResilientClientCircuitChanged) (gpointer origin,
                                               ResilientCircuitState old_state,
                                               ResilientCircuitState new_state,
                                               gpointer data);
/* Before the first request. Takes @data, an atomic box with a reference, which @unref drops. */
void resilient_client_guards_set_changed_func (ResilientClientGuards *self,
                                               ResilientClientCircuitChanged func,
                                               gpointer data,
                                               GDestroyNotify unref);
void resilient_client_guards_tell_changed (ResilientClientGuards *self,
                                           gpointer origin,
                                           ResilientCircuitState old_state,
                                           ResilientCircuitState new_state);

G_END_DECLS
