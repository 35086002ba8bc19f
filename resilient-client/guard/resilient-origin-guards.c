/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What guards know of one origin: until when its server has asked not to be asked. It is owned by
 * the origin. Any thread, under a lock of its own. */

#include "config.h"

#include "resilient-origin-guards-private.h"

#include "resilient-clock-private.h"

struct _ResilientOriginGuards
{
  gint has_hold; /* atomic: it is, or was, held; most never are */

  GMutex lock;
  /* Under lock. */
  gint64 held_until; /* boot-time clock, microseconds */
  gint64 held_date;  /* the same moment since 1970 */
  double spread;     /* seconds */
  gint64 told_date;  /* what was notified last; 0: that it is not held */
};

ResilientOriginGuards *
resilient_origin_guards_new (void)
{
  ResilientOriginGuards *self = g_new0 (ResilientOriginGuards, 1);

  g_mutex_init (&self->lock);

  return self;
}

void
resilient_origin_guards_free (ResilientOriginGuards *self)
{
  g_mutex_clear (&self->lock);
  g_free (self);
}

gboolean
resilient_origin_guards_is_marked (ResilientOriginGuards *self)
{
  gint64 until;
  double spread;

  return resilient_origin_guards_is_held (self, &until, &spread);
}

gboolean
resilient_origin_guards_hold (ResilientOriginGuards *self, gint64 until, double spread)
{
  gint64 now = resilient_clock_get_boot ();
  gboolean later;

  g_mutex_lock (&self->lock);
  /* What a server has asked for it does not take back by asking somebody else for less. */
  later = until > MAX (self->held_until, now);
  if (later)
    {
      self->held_until = until;
      self->held_date = resilient_clock_get_real () + (until - now);
      self->spread = spread;
    }
  g_mutex_unlock (&self->lock);

  if (later)
    g_atomic_int_set (&self->has_hold, TRUE);
  return later;
}

gboolean
resilient_origin_guards_is_held (ResilientOriginGuards *self, gint64 *until, double *spread)
{
  if (!g_atomic_int_get (&self->has_hold))
    return FALSE;

  g_mutex_lock (&self->lock);
  *until = self->held_until;
  *spread = self->spread;
  g_mutex_unlock (&self->lock);

  return *until > resilient_clock_get_boot ();
}

gint64
resilient_origin_guards_get_held_until (ResilientOriginGuards *self)
{
  gint64 date = 0;

  if (!g_atomic_int_get (&self->has_hold))
    return 0;

  g_mutex_lock (&self->lock);
  if (self->held_until > resilient_clock_get_boot ())
    date = self->held_date;
  g_mutex_unlock (&self->lock);

  return date;
}

gboolean
resilient_origin_guards_take_hold_change (ResilientOriginGuards *self, gint64 *again)
{
  gboolean changed, held;
  gint64 date;

  *again = 0;
  if (!g_atomic_int_get (&self->has_hold))
    return FALSE;

  g_mutex_lock (&self->lock);
  held = self->held_until > resilient_clock_get_boot ();
  date = held ? self->held_date : 0;
  changed = date != self->told_date;
  self->told_date = date;
  if (changed && held)
    *again = self->held_until;
  g_mutex_unlock (&self->lock);

  return changed;
}
