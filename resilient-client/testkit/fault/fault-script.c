/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A script: the list of its steps, which it owns, and the way to follow them. It is immutable once
 * a server has it, and run in the thread of a stream; made in any thread. */

#include "config.h"

#include "fault-script-private.h"

#include "fault-step-private.h"

static void
add_steps (FaultScript *script, va_list steps)
{
  FaultStep *step;

  while ((step = va_arg (steps, FaultStep *)) != NULL)
    g_ptr_array_add (script, step);
}

FaultScript *
fault_script_new (FaultStep *first, ...)
{
  FaultScript *self = g_ptr_array_new_with_free_func ((GDestroyNotify) fault_step_free);
  va_list steps;

  if (first == NULL)
    return self;
  g_ptr_array_add (self, first);
  va_start (steps, first);
  add_steps (self, steps);
  va_end (steps);

  return self;
}

FaultScript *
fault_script_new_valist (va_list steps)
{
  FaultScript *self = fault_script_new (NULL, NULL);

  add_steps (self, steps);

  return self;
}

FaultScript *
fault_script_copy (FaultScript *self)
{
  FaultScript *copy = fault_script_new (NULL, NULL);

  for (guint i = 0; i < self->len; i++)
    g_ptr_array_add (copy, fault_step_ref (self->pdata[i]));

  return copy;
}

FaultScript *
fault_script_ref (FaultScript *self)
{
  return g_ptr_array_ref (self);
}

void
fault_script_unref (FaultScript *self)
{
  g_ptr_array_unref (self);
}

gboolean
fault_script_is_instant (FaultScript *self)
{
  for (guint i = 0; i < self->len; i++)
    if (!fault_step_is_instant (self->pdata[i]))
      return FALSE;

  return TRUE;
}

static gboolean
reads_by_itself (FaultScript *self)
{
  for (guint i = 0; i < self->len; i++)
    if (fault_step_reads (self->pdata[i]))
      return TRUE;

  return FALSE;
}

static void
finish (FaultStream *stream)
{
  if (stream->counted)
    fault_log_finish (fault_connection_get_log (stream->connection));
  stream->counted = FALSE;
}

gboolean
fault_script_run (FaultScript *self, FaultStream *stream)
{
  gboolean go_on = TRUE;

  stream->counted = stream->is_request;
  if (stream->is_request && !reads_by_itself (self))
    go_on = stream->funcs->read (stream, G_MAXUINT64);
  for (guint i = 0; go_on && i < self->len; i++)
    {
      FaultStep *step = self->pdata[i];

      /* A request stops being active just before the peer can know that it is answered: a peer that
       * then starts its next one must not be counted as having two at once. */
      if (fault_step_is_last_word (step, i + 1 == self->len))
        finish (stream);
      go_on = fault_step_run (step, stream);
    }
  finish (stream);

  return go_on;
}
