/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Keeps the newest results within limits of number, age and size. It owns its entries. One thread
 * at a time: the recorder, which has it, locks. */

#include "config.h"

#include "resilient-result-store-private.h"

#include "resilient-clock-private.h"

#define DEFAULT_MAX_RESULTS 1000
#define DEFAULT_TTL (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)
#define DEFAULT_MAX_BYTES (G_GUINT64_CONSTANT (8) * 1024 * 1024)

/* One thread at a time: the owner's lock guards it all. */
struct _ResilientResultStore
{
  GHashTable *by_id; /* id (of its result) → Entry, which it owns */
  GQueue entries;    /* of Entry, oldest first */
  GQueue bodies;     /* of those with a body, oldest first */
  guint64 bytes;     /* of all bodies */

  guint max_results;
  gint64 ttl; /* microseconds */
  guint64 max_bytes;

  GPtrArray *removed; /* of ResilientResult, nullable */
};

typedef struct
{
  ResilientResult *result; /* whose id is the key */
  gsize body_size;
  GList link;      /* in @entries */
  GList body_link; /* in @bodies, unless body_size is 0 */
} Entry;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_clear_pointer (&entry->result, resilient_result_unref);
  g_free (entry);
}

static void
set_aside (ResilientResultStore *self, ResilientResult *result)
{
  if (self->removed == NULL)
    self->removed = g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_result_unref);
  g_ptr_array_add (self->removed, result);
}

static void
forget_body (ResilientResultStore *self, Entry *entry)
{
  if (entry->body_size == 0)
    return;

  g_queue_unlink (&self->bodies, &entry->body_link);
  self->bytes -= entry->body_size;
  entry->body_size = 0;
}

static void
remove_entry (ResilientResultStore *self, Entry *entry)
{
  forget_body (self, entry);
  g_queue_unlink (&self->entries, &entry->link);
  /* it is kept until the entry is out of the table */
  set_aside (self, resilient_result_ref (entry->result));
  g_hash_table_remove (self->by_id, resilient_result_get_request_id (entry->result));
}

/* The order of addition is that of creation, but for the moment between a result's making and its
 * recording, so the first one that is young enough ends the search. */
static guint
remove_older (ResilientResultStore *self, gint64 age)
{
  gint64 limit = resilient_clock_get_boot () - age;
  guint n = 0;

  while (!g_queue_is_empty (&self->entries))
    {
      Entry *oldest = g_queue_peek_head (&self->entries);

      if (resilient_result_get_created_boot (oldest->result) > limit)
        break;
      remove_entry (self, oldest);
      n++;
    }
  return n;
}

static void
apply_max_results (ResilientResultStore *self)
{
  while (self->entries.length > self->max_results)
    remove_entry (self, g_queue_peek_head (&self->entries));
}

static void
apply_max_bytes (ResilientResultStore *self)
{
  while (self->bytes > self->max_bytes)
    {
      Entry *oldest = g_queue_peek_head (&self->bodies);
      ResilientResult *with_body = oldest->result;

      forget_body (self, oldest);
      oldest->result = resilient_result_without_body (with_body);
      set_aside (self, with_body);
    }
}

ResilientResultStore *
resilient_result_store_new (void)
{
  ResilientResultStore *self = g_new0 (ResilientResultStore, 1);

  self->by_id = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, entry_free);
  g_queue_init (&self->entries);
  g_queue_init (&self->bodies);
  self->max_results = DEFAULT_MAX_RESULTS;
  self->ttl = DEFAULT_TTL;
  self->max_bytes = DEFAULT_MAX_BYTES;
  return self;
}

void
resilient_result_store_free (ResilientResultStore *self)
{
  g_hash_table_unref (self->by_id);
  g_clear_pointer (&self->removed, g_ptr_array_unref);
  g_free (self);
}

void
resilient_result_store_set_max_results (ResilientResultStore *self, guint max_results)
{
  self->max_results = max_results;
  remove_older (self, self->ttl);
  apply_max_results (self);
}

void
resilient_result_store_set_ttl (ResilientResultStore *self, double ttl)
{
  self->ttl = resilient_clock_from_seconds (ttl);
  remove_older (self, self->ttl);
}

void
resilient_result_store_set_max_bytes (ResilientResultStore *self, guint64 max_bytes)
{
  self->max_bytes = max_bytes;
  remove_older (self, self->ttl);
  apply_max_bytes (self);
}

void
resilient_result_store_add (ResilientResultStore *self, ResilientResult *result)
{
  const char *id = resilient_result_get_request_id (result);
  gsize body_size = resilient_result_get_weight (result);
  Entry *entry = g_hash_table_lookup (self->by_id, id);

  if (entry != NULL)
    remove_entry (self, entry);

  entry = g_new0 (Entry, 1);
  entry->link.data = entry;
  entry->body_link.data = entry;
  /* A body that could never be kept does not push out those that can. */
  if (body_size > self->max_bytes)
    entry->result = resilient_result_without_body (result);
  else
    entry->result = resilient_result_ref (result);

  g_hash_table_insert (
    self->by_id, (gpointer) resilient_result_get_request_id (entry->result), entry);
  g_queue_push_tail_link (&self->entries, &entry->link);
  if (body_size > 0 && body_size <= self->max_bytes)
    {
      entry->body_size = body_size;
      self->bytes += body_size;
      g_queue_push_tail_link (&self->bodies, &entry->body_link);
    }

  /* Those that expired first: they take their bytes with them. */
  remove_older (self, self->ttl);
  apply_max_results (self);
  apply_max_bytes (self);
}

ResilientResult *
resilient_result_store_lookup (ResilientResultStore *self, const char *request_id)
{
  Entry *entry;

  remove_older (self, self->ttl);
  entry = g_hash_table_lookup (self->by_id, request_id);
  return entry != NULL ? resilient_result_ref (entry->result) : NULL;
}

GPtrArray *
resilient_result_store_list (ResilientResultStore *self)
{
  GPtrArray *list;

  remove_older (self, self->ttl);
  list = g_ptr_array_new_full (self->entries.length, (GDestroyNotify) resilient_result_unref);
  for (GList *l = self->entries.head; l != NULL; l = l->next)
    g_ptr_array_add (list, resilient_result_ref (((Entry *) l->data)->result));
  return list;
}

guint
resilient_result_store_get_length (ResilientResultStore *self)
{
  remove_older (self, self->ttl);
  return self->entries.length;
}

guint
resilient_result_store_clear (ResilientResultStore *self, double max_age)
{
  remove_older (self, self->ttl);
  return remove_older (self, resilient_clock_from_seconds (max_age));
}

GPtrArray *
resilient_result_store_steal_removed (ResilientResultStore *self)
{
  return g_steal_pointer (&self->removed);
}
