/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "held-resolver.h"

#include "test-util.h"

struct _HeldResolver
{
  GResolver parent_instance;

  GMutex lock;
  GPtrArray *questions; /* under lock: of GTask */
};

typedef struct
{
  gboolean ipv6;
  GSource *cancelled; /* owned, nullable */
} Question;

G_DEFINE_FINAL_TYPE (HeldResolver, held_resolver, G_TYPE_RESOLVER)

static HeldResolver *installed;

static void
question_free (gpointer data)
{
  Question *question = data;

  g_clear_pointer (&question->cancelled, g_source_unref);
  g_free (question);
}

/* Who takes it from the list answers it. */
static gboolean
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  GTask *task = user_data;
  HeldResolver *self = g_task_get_source_object (task);
  gboolean taken;

  g_mutex_lock (&self->lock);
  taken = g_ptr_array_remove (self->questions, task);
  g_mutex_unlock (&self->lock);
  if (taken)
    g_task_return_error_if_cancelled (task);

  return G_SOURCE_REMOVE;
}

static void
held_resolver_lookup_async (GResolver *resolver,
                            const char *name,
                            GResolverNameLookupFlags flags,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  HeldResolver *self = HELD_RESOLVER (resolver);
  gboolean stubborn = g_str_has_prefix (name, "stubborn");
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Question *question = g_new0 (Question, 1);

  question->ipv6 = (flags & G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY) != 0;
  g_task_set_task_data (task, question, question_free);
  g_task_set_check_cancellable (task, !stubborn);

  if (cancellable != NULL && !stubborn)
    {
      question->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (
        question->cancelled, G_SOURCE_FUNC (cancelled_cb), g_object_ref (task), g_object_unref);
      g_source_attach (question->cancelled, g_task_get_context (task));
    }
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->questions, g_object_ref (task));
  g_mutex_unlock (&self->lock);
  g_main_context_wakeup (NULL);
}

static GList *
held_resolver_lookup_finish (GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
free_addresses (gpointer addresses)
{
  g_resolver_free_addresses (addresses);
}

static void
held_resolver_init (HeldResolver *self)
{
  g_mutex_init (&self->lock);
  self->questions = g_ptr_array_new_with_free_func (g_object_unref);
}

static void
held_resolver_class_init (HeldResolverClass *klass)
{
  GResolverClass *resolver_class = G_RESOLVER_CLASS (klass);

  /* what asynchronous connections of GIO ask */
  resolver_class->lookup_by_name_with_flags_async = held_resolver_lookup_async;
  resolver_class->lookup_by_name_with_flags_finish = held_resolver_lookup_finish;
}

void
held_resolver_install (void)
{
  installed = g_object_new (HELD_TYPE_RESOLVER, NULL);
  g_resolver_set_default (G_RESOLVER (installed));
}

static guint
count_questions (void)
{
  guint n;

  g_mutex_lock (&installed->lock);
  n = installed->questions->len;
  g_mutex_unlock (&installed->lock);

  return n;
}

static gboolean
has_questions (gpointer data)
{
  return count_questions () >= GPOINTER_TO_UINT (data);
}

void
held_resolver_wait (guint n)
{
  test_run_until (has_questions, GUINT_TO_POINTER (n));
}

static void
answer (GTask *task)
{
  Question *question = g_task_get_task_data (task);

  if (question->cancelled != NULL)
    g_source_destroy (question->cancelled);
  if (question->ipv6)
    g_task_return_new_error (
      task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "it has no address of IPv6");
  else
    g_task_return_pointer (
      task, g_list_append (NULL, g_inet_address_new_from_string ("127.0.0.1")), free_addresses);
}

void
held_resolver_release (void)
{
  g_autoptr (GPtrArray) questions = g_ptr_array_new_with_free_func (g_object_unref);

  g_mutex_lock (&installed->lock);
  g_ptr_array_extend_and_steal (questions, g_steal_pointer (&installed->questions));
  installed->questions = g_ptr_array_new_with_free_func (g_object_unref);
  g_mutex_unlock (&installed->lock);

  for (guint i = 0; i < questions->len; i++)
    answer (questions->pdata[i]);
}
