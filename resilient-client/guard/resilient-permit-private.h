/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-permit.h"

G_BEGIN_DECLS

/* What a breaker knows of one admitted call. Embedded in its owner, zeroed before the first use;
 * owned by the breaker's lock from when it is taken until it is reported. */
typedef struct
{
  gboolean taken; /* and not reported */
  gboolean probe; /* in the breaker's queue of probes */
  guint64 epoch;  /* of the breaker, when it was taken */
  gint64 due;     /* of a probe: when its place is free again; boot-time clock, microseconds */
  GList link;     /* in the queue of probes */
} ResilientCircuitLease;

typedef enum
{
  RESILIENT_CIRCUIT_OUTCOME_RELEASED, /* without a verdict */
  RESILIENT_CIRCUIT_OUTCOME_SUCCEEDED,
  RESILIENT_CIRCUIT_OUTCOME_FAILED,
} ResilientCircuitOutcome;

/* What a permit tells the breaker that gave it; any thread. */
typedef void (*ResilientPermitFunc) (GObject *breaker,
                                     ResilientCircuitLease *lease,
                                     ResilientCircuitOutcome outcome);

/* A permit of @breaker, of which it takes a reference, that nothing has admitted yet: its lease is
 * to be taken. Any thread. */
ResilientPermit *resilient_permit_new (GObject *breaker, ResilientPermitFunc report_func);
/* What the breaker knows it by; it lives as long as the permit. */
ResilientCircuitLease *resilient_permit_get_lease (ResilientPermit *self);

G_END_DECLS
