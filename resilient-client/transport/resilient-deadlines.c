/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Which deadline of an attempt is due in which phase. Plain arithmetic on data of its owner, in the
 * owner's context. */

#include "config.h"

#include "resilient-deadlines-private.h"

#include "resilient-clock-private.h"
#include "resilient-i18n-private.h"

#define POLL_MIN (5 * G_TIME_SPAN_MILLISECOND)
#define POLL_MAX (250 * G_TIME_SPAN_MILLISECOND)
#define POLL_FRACTION 20

/* A limit that is shorter than a microsecond is still a limit. */
static gint64
duration (double seconds)
{
  if (!(seconds > 0))
    return 0;
  return MAX (resilient_clock_from_seconds (seconds), 1);
}

static gint64
due_after (gint64 start, gint64 span)
{
  if (span == 0 || start > G_MAXINT64 - span)
    return G_MAXINT64;
  return start + span;
}

void
resilient_deadlines_init (ResilientDeadlines *self,
                          gint64 now,
                          double connect,
                          double write,
                          double read,
                          double attempt)
{
  *self = (ResilientDeadlines){
    .connect = duration (connect),
    .write = duration (write),
    .read = duration (read),
    .attempt = duration (attempt),
    .phase = RESILIENT_PHASE_CONNECTING,
    .started = now,
    .activity = now,
  };
}

void
resilient_deadlines_enter (ResilientDeadlines *self, ResilientPhase phase, gint64 now)
{
  self->phase = phase;
  self->activity = now;
  self->held = FALSE;
}

static gint64
get_phase_span (ResilientDeadlines *self)
{
  switch (self->phase)
    {
    case RESILIENT_PHASE_CONNECTING:
      return self->connect;
    case RESILIENT_PHASE_WRITING:
      return self->write;
    case RESILIENT_PHASE_WAITING:
    case RESILIENT_PHASE_READING:
      return self->read;
    case RESILIENT_PHASE_DONE:
    default:
      return 0;
    }
}

gint64
resilient_deadlines_get_due (ResilientDeadlines *self)
{
  gint64 attempt_due = resilient_deadlines_get_attempt_due (self);

  return self->held ? attempt_due
                    : MIN (due_after (self->activity, get_phase_span (self)), attempt_due);
}

gint64
resilient_deadlines_get_attempt_due (ResilientDeadlines *self)
{
  return due_after (self->started, self->attempt);
}

ResilientFailure
resilient_deadlines_check (ResilientDeadlines *self, gint64 now, gboolean nothing_sent)
{
  gint64 phase_due = due_after (self->activity, get_phase_span (self));
  gint64 attempt_due = resilient_deadlines_get_attempt_due (self);

  /* after a jump of the clock both may have passed: the earlier one did it */
  if (attempt_due <= now && attempt_due < phase_due)
    return RESILIENT_FAILURE_DEADLINE;
  if (phase_due > now)
    return RESILIENT_FAILURE_NONE;

  switch (self->phase)
    {
    case RESILIENT_PHASE_CONNECTING:
      return nothing_sent ? RESILIENT_FAILURE_CONNECT_TIMEOUT : RESILIENT_FAILURE_READ_TIMEOUT;
    case RESILIENT_PHASE_WRITING:
      return RESILIENT_FAILURE_WRITE_TIMEOUT;
    case RESILIENT_PHASE_WAITING:
    case RESILIENT_PHASE_READING:
    case RESILIENT_PHASE_DONE:
    default:
      return RESILIENT_FAILURE_READ_TIMEOUT;
    }
}

gint64
resilient_deadlines_get_poll_interval (ResilientDeadlines *self)
{
  gint64 span = MIN (due_after (0, self->write), due_after (0, self->read));

  return MIN (CLAMP (span / POLL_FRACTION, POLL_MIN, POLL_MAX), span);
}

GError *
resilient_deadlines_make_error (ResilientDeadlines *self, ResilientFailure failure)
{
  const char *message;

  if (failure == RESILIENT_FAILURE_DEADLINE)
    message = _ ("The attempt took too long");
  else
    switch (self->phase)
      {
      case RESILIENT_PHASE_CONNECTING:
        message = _ ("Connecting took too long");
        break;
      case RESILIENT_PHASE_WRITING:
        message = _ ("The server accepted no more of the request for too long");
        break;
      case RESILIENT_PHASE_WAITING:
        message = _ ("The server did not answer in time");
        break;
      case RESILIENT_PHASE_READING:
      case RESILIENT_PHASE_DONE:
      default:
        message = _ ("The server sent no more of the response for too long");
        break;
      }
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, message);
}
