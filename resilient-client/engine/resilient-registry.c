/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-call-private.h"
#include "resilient-engine-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"

/* The live calls of an engine, and its end. */

typedef struct
{
  ResilientIdleFunc func;
  gpointer data;
} IdleWaiter;

gboolean
resilient_engine_add_call (ResilientEngine *self, ResilientCall *call, GError **error)
{
  const char *id = resilient_request_context_get_request_id (call->context);

  g_mutex_lock (&self->lock);
  if (self->closing)
    {
      g_mutex_unlock (&self->lock);
      g_set_error_literal (
        error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CLOSED, _ ("The client is closed"));
      return FALSE;
    }

  g_object_ref (call);
  call->older_call = g_hash_table_lookup (self->calls_by_id, id);
  /* replace: the key must be the string of the call that is in the table */
  g_hash_table_replace (self->calls_by_id, (gpointer) id, call);

  call->previous_call = self->last_call;
  if (self->last_call != NULL)
    self->last_call->next_call = call;
  else
    self->first_call = call;
  self->last_call = call;
  self->n_calls++;

  if (self->calls_changed != NULL)
    self->calls_changed (call, TRUE, self->calls_changed_data);
  g_mutex_unlock (&self->lock);

  return TRUE;
}

static void
remove_from_id_locked (ResilientEngine *self, ResilientCall *call)
{
  const char *id = resilient_request_context_get_request_id (call->context);
  ResilientCall *newest = g_hash_table_lookup (self->calls_by_id, id);

  if (newest != call)
    {
      while (newest->older_call != call)
        newest = newest->older_call;
      newest->older_call = call->older_call;
    }
  else if (call->older_call == NULL)
    g_hash_table_remove (self->calls_by_id, id);
  else
    g_hash_table_replace (
      self->calls_by_id,
      /* Under that call's lock: its scheduler may be giving it the context of its next attempt. */
      (gpointer) resilient_call_get_request_id (call->older_call),
      call->older_call);
  call->older_call = NULL;
}

/* What is to be told when the last call ended. */
typedef struct
{
  ResilientEngine *engine;
  ResilientScheduler *scheduler;
  GSList *waiters; /* of IdleWaiter, oldest first */
  gboolean ended;
} Idle;

static void
idle_free (gpointer data)
{
  Idle *idle = data;

  g_slist_free_full (idle->waiters, g_free);
  resilient_scheduler_unref (idle->scheduler);
  resilient_engine_unref (idle->engine);
  g_free (idle);
}

/* One waiter in each piece of work: a nested loop in a callback goes on with the rest. */
static void
idle_run (gpointer data)
{
  Idle *idle = data;
  g_autofree IdleWaiter *waiter = NULL;

  if (idle->ended)
    resilient_recorder_close (idle->engine->recorder);
  if (idle->waiters == NULL)
    return;

  waiter = idle->waiters->data;
  idle->waiters = g_slist_delete_link (idle->waiters, idle->waiters);
  if (idle->waiters != NULL)
    {
      Idle *rest = g_new0 (Idle, 1);

      rest->engine = resilient_engine_ref (idle->engine);
      rest->scheduler = resilient_scheduler_ref (idle->scheduler);
      rest->waiters = g_steal_pointer (&idle->waiters);
      resilient_scheduler_invoke (rest->scheduler, idle_run, rest, idle_free);
    }
  waiter->func (waiter->data);
}

void
resilient_engine_remove_call (ResilientEngine *self, ResilientCall *call)
{
  Idle *idle = NULL;

  g_mutex_lock (&self->lock);
  remove_from_id_locked (self, call);

  if (call->previous_call != NULL)
    call->previous_call->next_call = call->next_call;
  else
    self->first_call = call->next_call;
  if (call->next_call != NULL)
    call->next_call->previous_call = call->previous_call;
  else
    self->last_call = call->previous_call;
  call->next_call = call->previous_call = NULL;
  self->n_calls--;

  if (self->calls_changed != NULL)
    self->calls_changed (call, FALSE, self->calls_changed_data);
  if (self->n_calls == 0 && (self->idle_waiters != NULL || (self->closing && !self->ended)))
    {
      idle = g_new0 (Idle, 1);
      idle->engine = resilient_engine_ref (self);
      idle->scheduler = resilient_scheduler_ref (call->scheduler);
      idle->waiters = g_slist_reverse (g_steal_pointer (&self->idle_waiters));
      idle->ended = self->closing && !self->ended;
      self->ended |= idle->ended;
    }
  g_mutex_unlock (&self->lock);

  /* An app's handlers and callbacks run from it, and may do anything: not inside libsoup's dispatch
   * that brought the end. */
  if (idle != NULL)
    resilient_scheduler_invoke (call->scheduler, idle_run, idle, idle_free);
  g_object_unref (call);
}

ResilientCall *
resilient_engine_find_call (ResilientEngine *self, const char *request_id)
{
  ResilientCall *call;

  g_mutex_lock (&self->lock);
  call = g_hash_table_lookup (self->calls_by_id, request_id);
  if (call != NULL)
    g_object_ref (call);
  g_mutex_unlock (&self->lock);

  return call;
}

GPtrArray *
resilient_engine_list_calls (ResilientEngine *self, const char *request_id)
{
  GPtrArray *calls = g_ptr_array_new_with_free_func (g_object_unref);

  g_mutex_lock (&self->lock);
  if (request_id != NULL)
    {
      for (ResilientCall *call = g_hash_table_lookup (self->calls_by_id, request_id); call != NULL;
           call = call->older_call)
        g_ptr_array_add (calls, g_object_ref (call));
    }
  else
    {
      for (ResilientCall *call = self->first_call; call != NULL; call = call->next_call)
        g_ptr_array_add (calls, g_object_ref (call));
    }
  g_mutex_unlock (&self->lock);

  return calls;
}

void
resilient_engine_when_idle (ResilientEngine *self, ResilientIdleFunc func, gpointer data)
{
  IdleWaiter *waiter = NULL;

  g_mutex_lock (&self->lock);
  if (self->n_calls > 0)
    {
      waiter = g_new0 (IdleWaiter, 1);
      waiter->func = func;
      waiter->data = data;
      self->idle_waiters = g_slist_prepend (self->idle_waiters, waiter);
    }
  g_mutex_unlock (&self->lock);

  if (waiter == NULL)
    func (data);
}

gboolean
resilient_engine_withdraw_idle (ResilientEngine *self, gpointer data)
{
  IdleWaiter *waiter = NULL;

  g_mutex_lock (&self->lock);
  for (GSList *link = self->idle_waiters; link != NULL && waiter == NULL; link = link->next)
    {
      if (((IdleWaiter *) link->data)->data == data)
        waiter = link->data;
    }
  self->idle_waiters = g_slist_remove (self->idle_waiters, waiter);
  g_mutex_unlock (&self->lock);

  if (waiter == NULL)
    return FALSE;
  g_free (waiter);
  return TRUE;
}

gboolean
resilient_engine_close (ResilientEngine *self)
{
  gboolean first, ended;

  g_mutex_lock (&self->lock);
  first = !self->closing;
  self->closing = TRUE;
  ended = self->n_calls == 0;
  self->ended |= ended;
  g_mutex_unlock (&self->lock);

  /* Perhaps again: who closes while the end of the last call has yet to be told is told at once. */
  if (ended)
    resilient_recorder_close (self->recorder);

  return first;
}

gboolean
resilient_engine_is_closing (ResilientEngine *self)
{
  gboolean closing;

  g_mutex_lock (&self->lock);
  closing = self->closing;
  g_mutex_unlock (&self->lock);

  return closing;
}
