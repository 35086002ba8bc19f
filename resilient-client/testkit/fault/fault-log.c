/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What arrived at a misbehaving server, and who waits for more. It owns the records, under its
 * lock. Any thread. */

#include "config.h"

#include "fault-log-private.h"

#include "fault-record-private.h"

typedef struct
{
  guint passes;
  guint waiting;
  gboolean open;
} Gate;

void
fault_log_init (FaultLog *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->contexts = g_ptr_array_new ();
  self->records = g_ptr_array_new_with_free_func ((GDestroyNotify) fault_record_free);
  self->gates = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

void
fault_log_clear (FaultLog *self)
{
  g_ptr_array_unref (self->contexts);
  g_ptr_array_unref (self->records);
  g_hash_table_unref (self->gates);
  g_cond_clear (&self->changed);
  g_mutex_clear (&self->lock);
}

void
fault_log_wake (FaultLog *self)
{
  g_cond_broadcast (&self->changed);
  for (guint i = 0; i < self->contexts->len; i++)
    g_main_context_wakeup (self->contexts->pdata[i]);
}

void
fault_log_close (FaultLog *self)
{
  g_mutex_lock (&self->lock);
  self->closing = TRUE;
  fault_log_wake (self);
  g_mutex_unlock (&self->lock);
}

guint
fault_log_add_connection (FaultLog *self)
{
  fault_log_wake (self);

  return ++self->connections;
}

void
fault_log_connection_closed (FaultLog *self)
{
  g_mutex_lock (&self->lock);
  self->closed++;
  fault_log_wake (self);
  g_mutex_unlock (&self->lock);
}

guint
fault_log_begin (FaultLog *self,
                 guint connection,
                 const char *method,
                 const char *path,
                 const char *version,
                 char **headers)
{
  FaultRecord *record = fault_record_new (connection, method, path, version, headers);
  guint index;

  g_mutex_lock (&self->lock);
  index = self->records->len;
  g_ptr_array_add (self->records, record);
  self->active++;
  self->max_active = MAX (self->max_active, self->active);
  fault_log_wake (self);
  g_mutex_unlock (&self->lock);

  return index;
}

void
fault_log_body (FaultLog *self, guint index, gconstpointer data, gsize size)
{
  g_mutex_lock (&self->lock);
  fault_record_add_body (self->records->pdata[index], data, size);
  g_mutex_unlock (&self->lock);
}

void
fault_log_body_end (FaultLog *self, guint index, gboolean whole)
{
  g_mutex_lock (&self->lock);
  fault_record_end (self->records->pdata[index], whole);
  fault_log_wake (self);
  g_mutex_unlock (&self->lock);
}

void
fault_log_finish (FaultLog *self)
{
  g_mutex_lock (&self->lock);
  self->active--;
  fault_log_wake (self);
  g_mutex_unlock (&self->lock);
}

/* The lock is held. */
static Gate *
get_gate (FaultLog *self, const char *name)
{
  Gate *gate = g_hash_table_lookup (self->gates, name);

  if (gate == NULL)
    {
      gate = g_new0 (Gate, 1);
      g_hash_table_insert (self->gates, g_strdup (name), gate);
    }

  return gate;
}

gboolean
fault_log_pass (FaultLog *self, const char *name, const gboolean *gone)
{
  Gate *gate;
  gboolean passed = FALSE;

  g_mutex_lock (&self->lock);
  gate = get_gate (self, name);
  gate->waiting++;
  fault_log_wake (self);
  while (!self->closing && !*gone && !gate->open && gate->passes == 0)
    g_cond_wait (&self->changed, &self->lock);
  gate->waiting--;
  if (!self->closing && !*gone)
    {
      passed = TRUE;
      if (!gate->open)
        gate->passes--;
    }
  fault_log_wake (self);
  g_mutex_unlock (&self->lock);

  return passed;
}

gboolean
fault_log_pause (FaultLog *self, guint milliseconds, const gboolean *gone)
{
  gint64 end = g_get_monotonic_time () + milliseconds * (gint64) G_TIME_SPAN_MILLISECOND;
  gboolean go_on;

  g_mutex_lock (&self->lock);
  while (!self->closing && !*gone && g_cond_wait_until (&self->changed, &self->lock, end))
    ;
  go_on = !self->closing && !*gone;
  g_mutex_unlock (&self->lock);

  return go_on;
}

void
fault_log_release (FaultLog *self, const char *name, guint n, gboolean open)
{
  Gate *gate;

  g_mutex_lock (&self->lock);
  gate = get_gate (self, name);
  gate->passes += n;
  gate->open |= open;
  fault_log_wake (self);
  g_mutex_unlock (&self->lock);
}

guint
fault_log_get_held (FaultLog *self, const char *gate)
{
  return get_gate (self, gate)->waiting;
}

gboolean
fault_log_has_ended (FaultLog *self, guint index)
{
  return index < self->records->len && fault_record_has_ended (self->records->pdata[index]);
}

guint
fault_log_count (FaultLog *self, const char *path)
{
  guint n = 0;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->records->len; i++)
    n += fault_record_is_to (self->records->pdata[i], path) ? 1 : 0;
  g_mutex_unlock (&self->lock);

  return n;
}

FaultRecord *
fault_log_copy (FaultLog *self, const char *path, guint n)
{
  FaultRecord *copy = NULL;

  g_mutex_lock (&self->lock);
  for (guint i = 0; copy == NULL && i < self->records->len; i++)
    if ((path == NULL || fault_record_is_to (self->records->pdata[i], path)) && n-- == 0)
      copy = fault_record_copy (self->records->pdata[i]);
  g_mutex_unlock (&self->lock);

  return copy;
}
