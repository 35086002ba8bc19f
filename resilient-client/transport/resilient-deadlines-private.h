/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-failure-private.h"

G_BEGIN_DECLS

/* The deadlines of an attempt, as arithmetic: what falls due when, in which phase. Times on the
 * boot clock and durations, all in microseconds; a duration of 0 is no limit. Only the owner calls
 * it. */
typedef struct
{
  gint64 connect;
  gint64 write;
  gint64 read;
  gint64 attempt;

  ResilientPhase phase;
  gint64 started;  /* the attempt */
  gint64 activity; /* the last sign of life in this phase, or its beginning */
  gboolean
    held; /* the phase's deadline was found due, and is looked into: it does not fall due again */
} ResilientDeadlines;

/* Durations in seconds. */
void resilient_deadlines_init (ResilientDeadlines *self,
                               gint64 now,
                               double connect,
                               double write,
                               double read,
                               double attempt);
void resilient_deadlines_enter (ResilientDeadlines *self, ResilientPhase phase, gint64 now);
/* G_MAXINT64 = never. */
gint64 resilient_deadlines_get_due (ResilientDeadlines *self);
/* That of the attempt alone, which is final. */
gint64 resilient_deadlines_get_attempt_due (ResilientDeadlines *self);
/* What has passed at @now, or NONE. @nothing_sent tells a connect time-out from one of a later
 * plan.
 */
ResilientFailure
resilient_deadlines_check (ResilientDeadlines *self, gint64 now, gboolean nothing_sent);
/* How often to look at the send queue, so that neither the write nor the read time-out is missed by
 * much. */
gint64 resilient_deadlines_get_poll_interval (ResilientDeadlines *self);
/* The error of a deadline that has passed. */
GError *resilient_deadlines_make_error (ResilientDeadlines *self, ResilientFailure failure);

G_END_DECLS
