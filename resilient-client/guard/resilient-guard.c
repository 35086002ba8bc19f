/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The guards of a client, and the way of one attempt through them. An admission owns what each
 * guard remembers of the attempt, in one piece of memory, and sees to it that each of them hears of
 * its end once. It is of the thread that drives the attempt, but for the wish to be asked again,
 * which comes from any thread and under its lock. */

#include "config.h"

#include "resilient-guard-private.h"

struct _ResilientAdmission
{
  /* Set once. */
  ResilientGuard *const *guards;
  guint n_guards;
  ResilientOrigin *origin;
  ResilientAskAgainFunc ask_again;
  gpointer data;

  gatomicrefcount refs; /* one of its owner, others of who is about to ask again */
  GMutex lock;
  GObject *owner; /* under lock; not owned; NULL after the end */
};

/* Entries follow each other, each as it would lie after a malloc(). */
#define ALIGN(size) (((size) + 15) & ~(gsize) 15)

static ResilientGuardEntry *
first_entry (ResilientAdmission *self)
{
  return (ResilientGuardEntry *) ((char *) self + ALIGN (sizeof (ResilientAdmission)));
}

static ResilientGuardEntry *
next_entry (ResilientGuardEntry *entry, ResilientGuard *guard)
{
  return (ResilientGuardEntry *) ((char *) entry + ALIGN (guard->funcs->entry_size));
}

ResilientGuardEnd
resilient_guard_judge_status (guint status_code)
{
  return status_code >= 500 || status_code == 408 || status_code == 425 || status_code == 429
           ? RESILIENT_GUARD_END_FAILURE
           : RESILIENT_GUARD_END_SUCCESS;
}

void
resilient_guards_add (ResilientGuards *self, ResilientGuard *guard)
{
  gint n = g_atomic_int_get (&self->n_guards);

  g_assert (n < RESILIENT_MAX_GUARDS && guard->funcs->entry_size >= sizeof (ResilientGuardEntry));
  self->guards[n] = guard;
  g_atomic_int_set (&self->n_guards, n + 1);
}

void
resilient_guards_clear (ResilientGuards *self)
{
  while (self->n_guards > 0)
    {
      ResilientGuard *guard = self->guards[--self->n_guards];

      guard->funcs->free (guard);
    }
}

ResilientGuardAnswer
resilient_guards_check (ResilientGuards *self,
                        ResilientOrigin *origin,
                        gint64 *not_before,
                        GError **error)
{
  ResilientGuardAnswer answer = RESILIENT_GUARD_ADMIT;
  gint n = g_atomic_int_get (&self->n_guards);

  /* They are in the order in which they were first set: a refusal outweighs a wait in any. */
  for (gint i = 0; i < n && answer != RESILIENT_GUARD_REFUSE; i++)
    {
      ResilientGuard *guard = self->guards[i];
      ResilientGuardAnswer its = RESILIENT_GUARD_ADMIT;
      gint64 when = 0;

      if (guard->funcs->check != NULL)
        its = guard->funcs->check (guard, origin, &when, error);
      if (its == RESILIENT_GUARD_ADMIT)
        continue;
      *not_before = its == RESILIENT_GUARD_REFUSE ? when : MAX (*not_before, when);
      answer = its;
    }
  return answer;
}

ResilientAdmission *
resilient_admission_new (ResilientGuards *guards,
                         ResilientOrigin *origin,
                         gpointer owner,
                         ResilientAskAgainFunc ask_again,
                         gpointer data)
{
  gint n = g_atomic_int_get (&guards->n_guards);
  gsize size = ALIGN (sizeof (ResilientAdmission));
  ResilientGuardEntry *entry;
  ResilientAdmission *self;

  for (gint i = 0; i < n; i++)
    size += ALIGN (guards->guards[i]->funcs->entry_size);

  self = g_malloc0 (size);
  self->guards = guards->guards;
  self->n_guards = n;
  self->origin = g_object_ref (origin);
  self->owner = owner;
  self->ask_again = ask_again;
  self->data = data;
  g_atomic_ref_count_init (&self->refs);
  g_mutex_init (&self->lock);
  entry = first_entry (self);
  for (gint i = 0; i < n; i++)
    {
      entry->admission = self;
      entry = next_entry (entry, self->guards[i]);
    }

  return self;
}

static void
admission_unref (ResilientAdmission *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;

  g_object_unref (self->origin);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* All but the entry that is to stay. */
static void
leave_all (ResilientAdmission *self, ResilientGuardEnd end, ResilientGuardEntry *stays)
{
  ResilientGuardEntry *entry = first_entry (self);

  for (guint i = 0; i < self->n_guards; i++)
    {
      ResilientGuard *guard = self->guards[i];

      if (entry->inside && entry != stays)
        {
          entry->inside = FALSE;
          guard->funcs->leave (guard, entry, end);
        }
      entry = next_entry (entry, guard);
    }
}

ResilientGuardAnswer
resilient_admission_enter (ResilientAdmission *self, gint64 *not_before, GError **error)
{
  ResilientGuardEntry *entry = first_entry (self);
  ResilientGuardEntry *next;

  for (guint i = 0; i < self->n_guards; i++, entry = next)
    {
      ResilientGuard *guard = self->guards[i];
      ResilientGuardAnswer answer = RESILIENT_GUARD_ADMIT;

      next = next_entry (entry, guard);
      if (guard->funcs->enter == NULL)
        continue;
      answer = guard->funcs->enter (guard, entry, self->origin, not_before, error);
      entry->inside = answer != RESILIENT_GUARD_REFUSE;
      if (answer != RESILIENT_GUARD_ADMIT)
        {
          /* What the ones before gave would grow old. */
          leave_all (
            self, RESILIENT_GUARD_END_UNUSED, answer == RESILIENT_GUARD_REFUSE ? NULL : entry);
          return answer;
        }
    }
  return RESILIENT_GUARD_ADMIT;
}

void
resilient_admission_step_back (ResilientAdmission *self)
{
  leave_all (self, RESILIENT_GUARD_END_UNUSED, NULL);
}

void
resilient_admission_started (ResilientAdmission *self)
{
  ResilientGuardEntry *entry = first_entry (self);

  for (guint i = 0; i < self->n_guards; i++)
    {
      ResilientGuard *guard = self->guards[i];

      if (entry->inside && guard->funcs->started != NULL)
        guard->funcs->started (guard, entry);
      entry = next_entry (entry, guard);
    }
}

void
resilient_admission_answered (ResilientAdmission *self, guint status_code)
{
  ResilientGuardEntry *entry = first_entry (self);

  for (guint i = 0; i < self->n_guards; i++)
    {
      ResilientGuard *guard = self->guards[i];

      if (entry->inside && guard->funcs->answered != NULL)
        guard->funcs->answered (guard, entry, status_code);
      entry = next_entry (entry, guard);
    }
}

void
resilient_admission_end (ResilientAdmission *self, ResilientGuardEnd end)
{
  leave_all (self, end, NULL);

  g_mutex_lock (&self->lock);
  self->owner = NULL;
  g_mutex_unlock (&self->lock);

  admission_unref (self);
}

void
resilient_guard_entry_ask_again (ResilientGuardEntry *entry)
{
  ResilientAdmission *self = entry->admission;
  g_autoptr (GObject) owner = NULL;

  /* It may end at any moment in another thread; until then its owner is there. */
  g_mutex_lock (&self->lock);
  if (self->owner != NULL)
    owner = g_object_ref (self->owner);
  g_mutex_unlock (&self->lock);

  if (owner != NULL)
    self->ask_again (self->data);
}

void
resilient_guard_entry_hold (ResilientGuardEntry *entry)
{
  g_atomic_ref_count_inc (&entry->admission->refs);
}

void
resilient_guard_entry_release (ResilientGuardEntry *entry)
{
  admission_unref (entry->admission);
}
