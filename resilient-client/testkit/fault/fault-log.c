/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What arrived at a misbehaving server, and who waits for more. It owns the records, under its
 * lock. Any thread. */

#include "config.h"

#include <string.h>

#include "fault-log-private.h"

#define BODY_KEPT (64 * 1024)

typedef struct
{
  FaultRecord record;
  GByteArray *body;
  GChecksum *checksum;
  gboolean ended;
} Entry;

typedef struct
{
  guint passes;
  guint waiting;
  gboolean open;
} Gate;

static void
record_clear (FaultRecord *self)
{
  g_free (self->method);
  g_free (self->path);
  g_free (self->version);
  g_strfreev (self->headers);
  g_free (self->body_sha256);
  g_clear_pointer (&self->body, g_bytes_unref);
}

static void
entry_free (gpointer data)
{
  Entry *self = data;

  record_clear (&self->record);
  g_byte_array_unref (self->body);
  g_checksum_free (self->checksum);
  g_free (self);
}

void
fault_log_init (FaultLog *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->contexts = g_ptr_array_new ();
  self->entries = g_ptr_array_new_with_free_func (entry_free);
  self->gates = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

void
fault_log_clear (FaultLog *self)
{
  g_ptr_array_unref (self->contexts);
  g_ptr_array_unref (self->entries);
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
  Entry *entry = g_new0 (Entry, 1);
  guint index;

  entry->record.connection = connection;
  entry->record.method = g_strdup (method);
  entry->record.path = g_strdup (path);
  entry->record.version = g_strdup (version);
  entry->record.headers = headers;
  entry->record.arrived_at = g_get_monotonic_time ();
  entry->body = g_byte_array_new ();
  entry->checksum = g_checksum_new (G_CHECKSUM_SHA256);

  g_mutex_lock (&self->lock);
  index = self->entries->len;
  g_ptr_array_add (self->entries, entry);
  self->active++;
  self->max_active = MAX (self->max_active, self->active);
  fault_log_wake (self);
  g_mutex_unlock (&self->lock);

  return index;
}

void
fault_log_body (FaultLog *self, guint index, gconstpointer data, gsize size)
{
  Entry *entry;

  g_mutex_lock (&self->lock);
  entry = self->entries->pdata[index];
  entry->record.body_size += size;
  g_checksum_update (entry->checksum, data, size);
  if (entry->body->len < BODY_KEPT)
    g_byte_array_append (entry->body, data, MIN (size, BODY_KEPT - entry->body->len));
  g_mutex_unlock (&self->lock);
}

void
fault_log_body_end (FaultLog *self, guint index, gboolean whole)
{
  Entry *entry;

  g_mutex_lock (&self->lock);
  entry = self->entries->pdata[index];
  entry->record.whole |= whole;
  entry->ended = TRUE;
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
  return index < self->entries->len && ((Entry *) self->entries->pdata[index])->ended;
}

static gboolean
path_matches (const Entry *entry, const char *path)
{
  gsize length = strlen (path);

  return g_str_has_prefix (entry->record.path, path)
         && (entry->record.path[length] == '\0' || entry->record.path[length] == '?');
}

guint
fault_log_count (FaultLog *self, const char *path)
{
  guint n = 0;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->entries->len; i++)
    n += path_matches (self->entries->pdata[i], path) ? 1 : 0;
  g_mutex_unlock (&self->lock);

  return n;
}

static FaultRecord *
copy_entry (const Entry *entry)
{
  g_autoptr (GChecksum) checksum = g_checksum_copy (entry->checksum);
  FaultRecord *copy = g_memdup2 (&entry->record, sizeof (FaultRecord));

  copy->method = g_strdup (copy->method);
  copy->path = g_strdup (copy->path);
  copy->version = g_strdup (copy->version);
  copy->headers = g_strdupv (copy->headers);
  copy->body_sha256 = g_strdup (g_checksum_get_string (checksum));
  copy->body = g_bytes_new (entry->body->data, entry->body->len);

  return copy;
}

FaultRecord *
fault_log_copy (FaultLog *self, const char *path, guint n)
{
  FaultRecord *copy = NULL;

  g_mutex_lock (&self->lock);
  for (guint i = 0; copy == NULL && i < self->entries->len; i++)
    if ((path == NULL || path_matches (self->entries->pdata[i], path)) && n-- == 0)
      copy = copy_entry (self->entries->pdata[i]);
  g_mutex_unlock (&self->lock);

  return copy;
}

const char *
fault_record_get_header (FaultRecord *self, const char *name)
{
  gsize length = strlen (name);

  for (guint i = 0; self->headers[i] != NULL; i++)
    if (g_ascii_strncasecmp (self->headers[i], name, length) == 0
        && g_str_has_prefix (self->headers[i] + length, ": "))
      return self->headers[i] + length + 2;

  return NULL;
}

guint
fault_record_count_header (FaultRecord *self, const char *name)
{
  gsize length = strlen (name);
  guint n = 0;

  for (guint i = 0; self->headers[i] != NULL; i++)
    n += g_ascii_strncasecmp (self->headers[i], name, length) == 0
         && g_str_has_prefix (self->headers[i] + length, ": ");

  return n;
}

void
fault_record_free (FaultRecord *self)
{
  if (self == NULL)
    return;

  record_clear (self);
  g_free (self);
}
