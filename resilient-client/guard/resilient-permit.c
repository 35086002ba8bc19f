/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-permit-private.h"

/**
 * ResilientPermit:
 *
 * The permission of a circuit breaker to make one call, which waits for its outcome.
 *
 * [method@CircuitBreaker.acquire] gives one for each call that may be made. Report how the call
 * ended with [method@Permit.succeed] or [method@Permit.fail]; only the first report counts. A call
 * that says nothing about the other side, because it was cancelled or never sent, reports nothing:
 * when the last reference to a permit is dropped without a report, it is released without a
 * verdict, also by the garbage collector of a language. A place that is
 * held blocks other probes, so report, or drop, as soon as the outcome is known.
 *
 * A permit of a half-open circuit is a lease: a report that comes later than the policy's lease
 * ([method@CircuitPolicy.get_lease]) counts for nothing. Neither does one of a call that was
 * admitted before the circuit opened, closed, or was reset.
 *
 * Any thread may report and drop it.
 *
 * Since: 1.0
 */
struct _ResilientPermit
{
  GObject parent_instance;

  /* Set once; NULL when a binding made the permit by itself. */
  GObject *breaker;
  ResilientPermitFunc report;

  ResilientCircuitLease lease; /* of the breaker's lock */
};

G_DEFINE_FINAL_TYPE (ResilientPermit, resilient_permit, G_TYPE_OBJECT)

static void
report (ResilientPermit *self, ResilientCircuitOutcome outcome)
{
  if (self->breaker != NULL)
    self->report (self->breaker, &self->lease, outcome);
}

static void
resilient_permit_dispose (GObject *object)
{
  report (RESILIENT_PERMIT (object), RESILIENT_CIRCUIT_OUTCOME_RELEASED);

  G_OBJECT_CLASS (resilient_permit_parent_class)->dispose (object);
}

static void
resilient_permit_finalize (GObject *object)
{
  g_clear_object (&RESILIENT_PERMIT (object)->breaker);

  G_OBJECT_CLASS (resilient_permit_parent_class)->finalize (object);
}

static void
resilient_permit_class_init (ResilientPermitClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = resilient_permit_dispose;
  object_class->finalize = resilient_permit_finalize;
}

static void
resilient_permit_init (ResilientPermit *self)
{
}

ResilientPermit *
resilient_permit_new (GObject *breaker, ResilientPermitFunc report_func)
{
  ResilientPermit *self = g_object_new (RESILIENT_TYPE_PERMIT, NULL);

  self->breaker = g_object_ref (breaker);
  self->report = report_func;
  return self;
}

ResilientCircuitLease *
resilient_permit_get_lease (ResilientPermit *self)
{
  return &self->lease;
}

/**
 * resilient_permit_succeed:
 * @self: a permit
 *
 * Reports that the call succeeded.
 *
 * An answer that says that the request was wrong, such as status 404, is a success here: the other
 * side works.
 *
 * Since: 1.0
 */
void
resilient_permit_succeed (ResilientPermit *self)
{
  g_return_if_fail (RESILIENT_IS_PERMIT (self));

  report (self, RESILIENT_CIRCUIT_OUTCOME_SUCCEEDED);
}

/**
 * resilient_permit_fail:
 * @self: a permit
 *
 * Reports that the call failed in a way that another call may fail in, too, such as no connection,
 * a time-out, or status 503.
 *
 * Since: 1.0
 */
void
resilient_permit_fail (ResilientPermit *self)
{
  g_return_if_fail (RESILIENT_IS_PERMIT (self));

  report (self, RESILIENT_CIRCUIT_OUTCOME_FAILED);
}
