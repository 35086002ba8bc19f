/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-circuit-breaker.h"
#include "resilient-permit-private.h"

G_BEGIN_DECLS

/* What the rest of the library asks of a breaker beyond what apps do: to take a call without an
 * object for it, to ask without taking, and to be told of changes at once. Any thread. */

/* The signals come in @context, NULL being the global default one. */
ResilientCircuitBreaker *
resilient_circuit_breaker_new_for_context (ResilientCircuitPolicy *policy, GMainContext *context);

/* Runs right after a change in the thread that made it, under no lock; changes that other threads
 * make meanwhile follow in the same thread, in order, one after the other. It may use the
 * breaker. */
typedef void (*ResilientCircuitChangedFunc) (ResilientCircuitBreaker *breaker,
                                             ResilientCircuitState old_state,
                                             ResilientCircuitState new_state,
                                             gpointer user_data);

/* Once, before another thread has the breaker. @destroy (nullable) runs with the breaker's end. */
void resilient_circuit_breaker_set_changed_func (ResilientCircuitBreaker *self,
                                                 ResilientCircuitChangedFunc func,
                                                 gpointer user_data,
                                                 GDestroyNotify destroy);

/* FALSE with CIRCUIT_OPEN when a call would be refused now; changes nothing. Any thread. */
gboolean resilient_circuit_breaker_check (ResilientCircuitBreaker *self, GError **error);
/* Admits a call, of which @lease must be reported before its memory goes, or FALSE with
 * CIRCUIT_OPEN. What resilient_circuit_breaker_acquire() does, without an object. Any thread. */
gboolean resilient_circuit_breaker_take (ResilientCircuitBreaker *self,
                                         ResilientCircuitLease *lease,
                                         GError **error);
/* What it is for has begun to go well: enough for a probe, which is over with that. Any thread. */
void
resilient_circuit_breaker_answered (ResilientCircuitBreaker *self, ResilientCircuitLease *lease);
/* Only the first one of a lease counts. Any thread. */
void resilient_circuit_breaker_report (ResilientCircuitBreaker *self,
                                       ResilientCircuitLease *lease,
                                       ResilientCircuitOutcome outcome);

G_END_DECLS
