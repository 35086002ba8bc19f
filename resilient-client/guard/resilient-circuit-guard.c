/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The guard that asks the circuit breaker of an origin. It owns nothing; what it remembers of an
 * attempt is the breaker that admitted it and the lease that it gave. Any thread. */

#include "config.h"

#include "resilient-circuit-guard-private.h"

#include "resilient-circuit-breaker-private.h"
#include "resilient-clock-private.h"
#include "resilient-origin-private.h"

typedef struct
{
  ResilientGuardEntry parent;
  ResilientCircuitBreaker *breaker; /* owned; NULL: none admitted it */
  ResilientCircuitLease lease;
} CircuitEntry;

static gint64
get_next_probe (ResilientCircuitBreaker *breaker)
{
  return resilient_clock_add (resilient_clock_get_boot (),
                              resilient_circuit_breaker_get_retry_after (breaker));
}

static ResilientGuardAnswer
check (ResilientGuard *guard, ResilientOrigin *origin, gint64 *not_before, GError **error)
{
  g_autoptr (ResilientCircuitBreaker) breaker =
    resilient_origin_guards_dup_breaker (resilient_origin_get_guards (origin));

  if (breaker == NULL || resilient_circuit_breaker_check (breaker, error))
    return RESILIENT_GUARD_ADMIT;

  *not_before = get_next_probe (breaker);
  return RESILIENT_GUARD_REFUSE;
}

static ResilientGuardAnswer
enter (ResilientGuard *guard,
       ResilientGuardEntry *parent,
       ResilientOrigin *origin,
       gint64 *not_before,
       GError **error)
{
  CircuitEntry *entry = (CircuitEntry *) parent;
  g_autoptr (ResilientCircuitBreaker) breaker =
    resilient_origin_guards_dup_breaker (resilient_origin_get_guards (origin));

  if (breaker == NULL)
    return RESILIENT_GUARD_ADMIT;

  entry->lease = (ResilientCircuitLease){ 0 };
  if (!resilient_circuit_breaker_take (breaker, &entry->lease, error))
    {
      *not_before = get_next_probe (breaker);
      return RESILIENT_GUARD_REFUSE;
    }

  entry->breaker = g_steal_pointer (&breaker);
  return RESILIENT_GUARD_ADMIT;
}

/* A probe has shown what it was made for: its body may take longer than a lease, and others wait.
 */
static void
answered (ResilientGuard *guard, ResilientGuardEntry *parent, guint status_code)
{
  CircuitEntry *entry = (CircuitEntry *) parent;

  if (entry->breaker != NULL
      && resilient_guard_judge_status (status_code) == RESILIENT_GUARD_END_SUCCESS)
    resilient_circuit_breaker_answered (entry->breaker, &entry->lease);
}

static void
leave (ResilientGuard *guard, ResilientGuardEntry *parent, ResilientGuardEnd end)
{
  static const ResilientCircuitOutcome outcomes[] = {
    [RESILIENT_GUARD_END_UNUSED] = RESILIENT_CIRCUIT_OUTCOME_RELEASED,
    [RESILIENT_GUARD_END_NO_VERDICT] = RESILIENT_CIRCUIT_OUTCOME_RELEASED,
    [RESILIENT_GUARD_END_SUCCESS] = RESILIENT_CIRCUIT_OUTCOME_SUCCEEDED,
    [RESILIENT_GUARD_END_FAILURE] = RESILIENT_CIRCUIT_OUTCOME_FAILED,
  };
  CircuitEntry *entry = (CircuitEntry *) parent;
  g_autoptr (ResilientCircuitBreaker) breaker = g_steal_pointer (&entry->breaker);

  if (breaker != NULL)
    resilient_circuit_breaker_report (breaker, &entry->lease, outcomes[end]);
}

static void
circuit_guard_free (ResilientGuard *self)
{
  g_free (self);
}

ResilientGuard *
resilient_circuit_guard_new (void)
{
  static const ResilientGuardFuncs funcs = {
    .check = check,
    .enter = enter,
    .answered = answered,
    .leave = leave,
    .free = circuit_guard_free,
    .entry_size = sizeof (CircuitEntry),
  };
  ResilientGuard *self = g_new0 (ResilientGuard, 1);

  self->funcs = &funcs;

  return self;
}
