/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The steps of a scripted transport, and which comes next. It owns them, under one lock for the
 * process. Any thread. */

#include "config.h"

#include "resilient-test-stub-private.h"

static GMutex lock;

void
resilient_test_stub_lock (void)
{
  g_mutex_lock (&lock);
}

void
resilient_test_stub_unlock (void)
{
  g_mutex_unlock (&lock);
}

static void
stub_free (ResilientTransport *transport)
{
  ResilientTestStub *self = (ResilientTestStub *) transport;

  g_assert (self->n_live == 0);
  g_weak_ref_clear (&self->owner);
  g_hash_table_unref (self->next);
  g_hash_table_unref (self->lines);
  g_hash_table_unref (self->numbers);
  g_ptr_array_unref (self->attempts);
  g_free (self);
}

ResilientTestStub *
resilient_test_stub_new (void)
{
  static const ResilientTransportFuncs funcs = {
    .start = resilient_test_transport_attempt_start,
    .abandon = resilient_test_transport_attempt_abandon,
    .free = stub_free,
  };
  ResilientTestStub *self = g_new0 (ResilientTestStub, 1);

  self->parent.funcs = &funcs;
  self->parent.ref_count = 1;
  self->created = resilient_clock_get_boot ();
  g_weak_ref_init (&self->owner, NULL);
  self->lines =
    g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  self->next = g_hash_table_new (g_str_hash, g_str_equal);
  self->attempts = g_ptr_array_new_with_free_func (g_object_unref);
  self->numbers = g_hash_table_new (NULL, NULL);

  return self;
}

/* As an attempt will call it. */
static char *
normalize (const char *uri)
{
  g_autoptr (GUri) parsed = NULL;

  if (uri == NULL)
    return g_strdup ("");

  parsed = g_uri_parse (uri, SOUP_HTTP_URI_FLAGS, NULL);
  return parsed != NULL ? g_uri_to_string (parsed) : g_strdup (uri);
}

void
resilient_test_stub_add (ResilientTestStub *self, const char *uri, ResilientTestEnd *end)
{
  g_autofree char *key = normalize (uri);
  GPtrArray *line;

  g_mutex_lock (&lock);

  line = g_hash_table_lookup (self->lines, key);
  if (line == NULL)
    {
      line = g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_test_end_unref);
      g_hash_table_insert (self->lines, g_steal_pointer (&key), line);
    }
  g_ptr_array_add (line, end);

  g_mutex_unlock (&lock);
}

ResilientTestEnd *
resilient_test_stub_take (ResilientTestStub *self, const char *uri)
{
  gpointer key, value;
  GPtrArray *line;
  guint n;

  if (!g_hash_table_lookup_extended (self->lines, uri, &key, &value)
      && !g_hash_table_lookup_extended (self->lines, "", &key, &value))
    return NULL;

  line = value;
  n = GPOINTER_TO_UINT (g_hash_table_lookup (self->next, key));
  /* The last one repeats, until more are added. */
  if (n < line->len)
    g_hash_table_insert (self->next, key, GUINT_TO_POINTER (n + 1));
  else
    n = line->len - 1;

  return g_atomic_rc_box_acquire (line->pdata[n]);
}

void
resilient_test_stub_clear (ResilientTestStub *self)
{
  g_autoptr (GPtrArray) attempts = NULL;

  g_mutex_lock (&lock);

  g_hash_table_remove_all (self->next);
  g_hash_table_remove_all (self->lines);
  g_hash_table_remove_all (self->numbers);
  attempts = g_steal_pointer (&self->attempts);
  self->attempts = g_ptr_array_new_with_free_func (g_object_unref);
  self->n_started = 0;
  self->n_discarded = 0;
  self->n_new_connections = 0;
  self->max_live = self->n_live;

  g_mutex_unlock (&lock);
}
