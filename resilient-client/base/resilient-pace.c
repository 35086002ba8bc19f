/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Makes the sources of a busy client give way when something of a lower priority has waited for too
 * long. It owns the source that measures the wait, in the one context that it is for. */

#include "config.h"

#include "resilient-pace-private.h"

#include "resilient-clock-private.h"

/* How long something may wait, in microseconds: half a frame at 60 Hz. What is under way then still
 * comes before it. */
#define PATIENCE (8 * 1000)

struct _ResilientPace
{
  GSource *marker;
  int low; /* atomic */
  gint64
    since; /* when something waited for the first time, on the boot-time clock; 0 = nothing does */
};

typedef struct
{
  GSource source;
  ResilientPace *pace; /* a reference, as it may be asked while it is stopped elsewhere */
} Marker;

/* GLib asks a source whether it is ready only when none before it is: then nothing has to wait. */
static gboolean
marker_prepare (GSource *source, int *timeout)
{
  ((Marker *) source)->pace->since = 0;
  *timeout = -1;
  return FALSE;
}

static gboolean
marker_check (GSource *source)
{
  return FALSE;
}

static gboolean
marker_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static void
marker_finalize (GSource *source)
{
  resilient_pace_unref (((Marker *) source)->pace);
}

static GSourceFuncs marker_funcs = {
  .prepare = marker_prepare,
  .check = marker_check,
  .dispatch = marker_dispatch,
  .finalize = marker_finalize,
};

ResilientPace *
resilient_pace_new (GMainContext *context, int low)
{
  ResilientPace *self = g_atomic_rc_box_new0 (ResilientPace);

  self->low = low;
  self->marker = g_source_new (&marker_funcs, sizeof (Marker));
  ((Marker *) self->marker)->pace = resilient_pace_ref (self);
  g_source_set_static_name (self->marker, "[resilient] pace");
  g_source_set_priority (self->marker, low);
  g_source_attach (self->marker, context);
  return self;
}

ResilientPace *
resilient_pace_ref (ResilientPace *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
resilient_pace_unref (ResilientPace *self)
{
  g_atomic_rc_box_release (self);
}

void
resilient_pace_set_low (ResilientPace *self, int low)
{
  g_atomic_int_set (&self->low, low);
  if (self->marker != NULL)
    g_source_set_priority (self->marker, low);
}

void
resilient_pace_stop (ResilientPace *self)
{
  g_source_destroy (self->marker);
  g_clear_pointer (&self->marker, g_source_unref);
}

gboolean
resilient_pace_is_overdue (ResilientPace *self)
{
  gint64 now;

  if (self == NULL || g_atomic_int_get (&self->low) <= G_PRIORITY_DEFAULT)
    return FALSE;
  now = resilient_clock_get_boot ();
  if (self->since == 0)
    self->since = now;
  return now - self->since > PATIENCE;
}

int
resilient_pace_get_priority (ResilientPace *self, int priority)
{
  return resilient_pace_is_overdue (self) ? MAX (priority, g_atomic_int_get (&self->low))
                                          : priority;
}

gboolean
resilient_pace_hold (ResilientPace *self, GSource *source, int priority)
{
  gboolean held = FALSE;

  if (g_source_get_priority (source) != priority)
    g_source_set_priority (source, priority);
  else
    {
      int now = resilient_pace_get_priority (self, priority);

      held = now != priority;
      if (held)
        g_source_set_priority (source, now);
    }
  return held;
}
