/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Records what happens where it happens: it counts, stores results, numbers events and hands them
 * to subscriptions and signals. It owns the result store, the statistics and the list of
 * subscriptions, under its lock. Any thread. */

#include "config.h"

#include "resilient-recorder-private.h"

#include <math.h>

#include "resilient-debug-private.h"
#include "resilient-reason-private.h"
#include "resilient-result-store-private.h"
#include "resilient-subscription-private.h"

#define DEFAULT_QUEUE_CAPACITY 1000

/* Two locks. @wanted_lock is held, for reading, while @wanted runs: so clearing it can wait for it.
 * @lock guards the rest, and makes the order of the sequence numbers the order in which every
 * stream and the queue get their events. The locks of the queue and of a stream are taken inside
 * it; nothing foreign runs under it, not even the free function of something that a user put into a
 * context: what has to go is collected and released afterwards. */
struct _ResilientRecorder
{
  ResilientEventQueue *queue; /* set once, locks for itself */

  GRWLock wanted_lock;
  ResilientRecorderWanted wanted;
  gpointer wanted_data;

  GMutex lock;
  guint64 sequence; /* of the last event */
  ResilientResultStore *store;
  ResilientStatsData stats;
  GPtrArray *streams; /* of ResilientEventBuffer */
  gboolean closed;
};

/* What is to be released once the lock is. Declare it before the locker: cleanup runs backwards. */
typedef struct
{
  ResilientEvent *event;
  ResilientEvent *without_body;
  GPtrArray *dropped; /* of ResilientEvent */
  GPtrArray *results;
} Leftovers;

static void
leftovers_clear (Leftovers *self)
{
  g_clear_pointer (&self->event, resilient_event_unref);
  g_clear_pointer (&self->without_body, resilient_event_unref);
  g_clear_pointer (&self->dropped, g_ptr_array_unref);
  g_clear_pointer (&self->results, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Leftovers, leftovers_clear)

static void
recorder_clear (gpointer data)
{
  ResilientRecorder *self = data;

  resilient_recorder_close (self);
  g_ptr_array_unref (self->streams);
  resilient_result_store_free (self->store);
  resilient_stats_data_clear (&self->stats);
  resilient_event_queue_unref (self->queue);
  g_rw_lock_clear (&self->wanted_lock);
  g_mutex_clear (&self->lock);
}

static gboolean
is_wanted (ResilientRecorder *self, ResilientEventType type)
{
  gboolean wanted;

  g_rw_lock_reader_lock (&self->wanted_lock);
  wanted = self->wanted != NULL && self->wanted (type, self->wanted_data);
  g_rw_lock_reader_unlock (&self->wanted_lock);
  return wanted;
}

/* Locked. A stream that ended has nothing left to free: its reader closed it, or is gone. */
static void
push_to_streams (ResilientRecorder *self, Leftovers *leftovers)
{
  guint i = 0;

  leftovers->without_body = resilient_event_without_body (leftovers->event);
  while (i < self->streams->len)
    {
      ResilientEvent *dropped = NULL;

      if (!resilient_event_buffer_push (self->streams->pdata[i], leftovers->without_body, &dropped))
        {
          g_ptr_array_remove_index_fast (self->streams, i);
          continue;
        }
      if (dropped != NULL)
        {
          if (leftovers->dropped == NULL)
            leftovers->dropped =
              g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_event_unref);
          g_ptr_array_add (leftovers->dropped, dropped);
        }
      i++;
    }
}

/* Locked. An event that nobody would see is counted, not made: observers see by the numbers that
 * there was one. */
static void
emit (ResilientRecorder *self,
      Leftovers *leftovers,
      gboolean wanted,
      ResilientEventType type,
      ResilientRequestContext *context,
      ResilientFailure failure,
      ResilientReason reason,
      ResilientResponse *response,
      const GError *error,
      double delay)
{
  self->sequence++;
  if (!wanted && self->streams->len == 0)
    return;

  leftovers->event =
    resilient_event_new (type, context, self->sequence, failure, reason, response, error, delay);
  if (self->streams->len > 0)
    push_to_streams (self, leftovers);
  if (wanted)
    resilient_event_queue_push (self->queue, leftovers->event);
}

ResilientRecorder *
resilient_recorder_new (void)
{
  ResilientRecorder *self = g_atomic_rc_box_new0 (ResilientRecorder);

  self->queue = resilient_event_queue_new (DEFAULT_QUEUE_CAPACITY);
  g_rw_lock_init (&self->wanted_lock);
  g_mutex_init (&self->lock);
  self->store = resilient_result_store_new ();
  self->streams = g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_event_buffer_unref);
  return self;
}

void
resilient_recorder_unref (ResilientRecorder *self)
{
  g_atomic_rc_box_release_full (self, recorder_clear);
}

void
resilient_recorder_set_wanted_func (ResilientRecorder *self,
                                    ResilientRecorderWanted func,
                                    gpointer data)
{
  g_rw_lock_writer_lock (&self->wanted_lock);
  self->wanted = func;
  self->wanted_data = data;
  g_rw_lock_writer_unlock (&self->wanted_lock);
}

ResilientEventQueue *
resilient_recorder_get_queue (ResilientRecorder *self)
{
  return self->queue;
}

void
resilient_recorder_set_max_results (ResilientRecorder *self, guint max_results)
{
  g_auto (Leftovers) leftovers = { NULL };
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  resilient_result_store_set_max_results (self->store, max_results);
  leftovers.results = resilient_result_store_steal_removed (self->store);
}

void
resilient_recorder_set_result_ttl (ResilientRecorder *self, double ttl)
{
  g_auto (Leftovers) leftovers = { NULL };
  g_autoptr (GMutexLocker) locker = NULL;

  g_return_if_fail (!isnan (ttl) && ttl >= 0);

  locker = g_mutex_locker_new (&self->lock);
  resilient_result_store_set_ttl (self->store, ttl);
  leftovers.results = resilient_result_store_steal_removed (self->store);
}

void
resilient_recorder_set_max_result_bytes (ResilientRecorder *self, guint64 max_bytes)
{
  g_auto (Leftovers) leftovers = { NULL };
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  resilient_result_store_set_max_bytes (self->store, max_bytes);
  leftovers.results = resilient_result_store_steal_removed (self->store);
}

void
resilient_recorder_started (ResilientRecorder *self)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  self->stats.requests++;
}

void
resilient_recorder_refused (ResilientRecorder *self)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  self->stats.refused++;
}

void
resilient_recorder_guarded (ResilientRecorder *self, ResilientGuardAct act)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  switch (act)
    {
    case RESILIENT_GUARD_ACT_HELD_BACK:
      self->stats.held_back++;
      break;
    case RESILIENT_GUARD_ACT_CIRCUIT_REFUSED:
      self->stats.circuit_refusals++;
      break;
    case RESILIENT_GUARD_ACT_BUDGET_REFUSED:
      self->stats.budget_refusals++;
      break;
    }
}

void
resilient_recorder_attempt (ResilientRecorder *self)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  self->stats.attempts++;
}

void
resilient_recorder_hedge (ResilientRecorder *self)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  self->stats.hedges++;
}

void
resilient_recorder_attempt_ended (ResilientRecorder *self,
                                  const char *origin,
                                  const char *method,
                                  guint status_code,
                                  ResilientFailure failure,
                                  double duration)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  resilient_stats_data_add_attempt (&self->stats, origin, method, status_code, failure, duration);
}

static void
tell (ResilientRequestContext *context, const char *what, double seconds, ResilientReason reason)
{
  g_autofree char *name =
    resilient_debug_name_new (resilient_request_context_get_request_id (context),
                              resilient_request_context_get_current_attempt (context) + 1);

  resilient_debug (name, "%s %g s: %s", what, seconds, resilient_reason_to_string (reason));
}

void
resilient_recorder_retry (ResilientRecorder *self,
                          ResilientRequestContext *context,
                          ResilientFailure failure,
                          ResilientReason reason,
                          ResilientResponse *response,
                          const GError *error,
                          double delay)
{
  gboolean wanted = is_wanted (self, RESILIENT_EVENT_TYPE_RETRY);
  g_auto (Leftovers) leftovers = { NULL };

  if (G_UNLIKELY (resilient_debug_is_on ()))
    tell (context, "comes after a sleep of", delay, reason);
  g_mutex_lock (&self->lock);
  self->stats.retries++;
  emit (self,
        &leftovers,
        wanted,
        RESILIENT_EVENT_TYPE_RETRY,
        context,
        failure,
        reason,
        response,
        error,
        delay);
  g_mutex_unlock (&self->lock);

  resilient_recorder_wake (self);
}

void
resilient_recorder_ended (ResilientRecorder *self,
                          ResilientResult *result,
                          ResilientReason reason,
                          double delay)
{
  g_auto (Leftovers) leftovers = { NULL };
  g_autoptr (GMutexLocker) locker = NULL;
  ResilientEventType type;
  gboolean wanted;

  switch (resilient_result_get_status (result))
    {
    case RESILIENT_RESULT_STATUS_SUCCESS:
      type = RESILIENT_EVENT_TYPE_SUCCESS;
      break;
    case RESILIENT_RESULT_STATUS_ERROR:
      type = RESILIENT_EVENT_TYPE_ERROR;
      break;
    case RESILIENT_RESULT_STATUS_TIMEOUT:
      type = RESILIENT_EVENT_TYPE_TIMEOUT;
      break;
    case RESILIENT_RESULT_STATUS_CANCELLED:
      type = RESILIENT_EVENT_TYPE_CANCELLED;
      break;
    case RESILIENT_RESULT_STATUS_PENDING:
    default:
      g_return_if_reached ();
    }

  if (G_UNLIKELY (resilient_debug_is_on ()))
    tell (resilient_result_get_context (result),
          "ended the request, after",
          resilient_result_get_total_time (result),
          reason);
  wanted = is_wanted (self, type);
  locker = g_mutex_locker_new (&self->lock);

  resilient_stats_data_add_ended (&self->stats,
                                  resilient_result_get_status (result),
                                  resilient_result_get_sends (result),
                                  resilient_result_get_total_time (result));
  resilient_result_store_add (self->store, result);
  emit (self,
        &leftovers,
        wanted,
        type,
        resilient_result_get_context (result),
        resilient_result_get_failure (result),
        reason,
        resilient_result_get_response (result),
        resilient_result_get_error (result),
        delay);
  leftovers.results = resilient_result_store_steal_removed (self->store);
}

void
resilient_recorder_wake (ResilientRecorder *self)
{
  resilient_event_queue_wake (self->queue);
}

ResilientResult *
resilient_recorder_get_result (ResilientRecorder *self, const char *request_id)
{
  g_auto (Leftovers) leftovers = { NULL };
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);
  ResilientResult *result = resilient_result_store_lookup (self->store, request_id);

  leftovers.results = resilient_result_store_steal_removed (self->store);
  return result;
}

GPtrArray *
resilient_recorder_list_results (ResilientRecorder *self)
{
  g_auto (Leftovers) leftovers = { NULL };
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);
  GPtrArray *list = resilient_result_store_list (self->store);

  leftovers.results = resilient_result_store_steal_removed (self->store);
  return list;
}

guint
resilient_recorder_clear_old_results (ResilientRecorder *self, double max_age)
{
  g_auto (Leftovers) leftovers = { NULL };
  g_autoptr (GMutexLocker) locker = NULL;
  guint n;

  g_return_val_if_fail (!isnan (max_age) && max_age >= 0, 0);

  locker = g_mutex_locker_new (&self->lock);
  n = resilient_result_store_clear (self->store, max_age);
  leftovers.results = resilient_result_store_steal_removed (self->store);
  return n;
}

guint
resilient_recorder_get_result_count (ResilientRecorder *self)
{
  g_auto (Leftovers) leftovers = { NULL };
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);
  guint n = resilient_result_store_get_length (self->store);

  leftovers.results = resilient_result_store_steal_removed (self->store);
  return n;
}

ResilientStats *
resilient_recorder_get_stats (ResilientRecorder *self)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  return resilient_stats_new (&self->stats);
}

ResilientSubscription *
resilient_recorder_subscribe (ResilientRecorder *self, guint capacity)
{
  ResilientSubscription *subscription = resilient_subscription_new (capacity);
  ResilientEventBuffer *stream = resilient_subscription_get_buffer (subscription);
  gboolean closed;

  g_mutex_lock (&self->lock);
  closed = self->closed;
  if (!closed)
    {
      /* Ended ones leave with the next event, but there may be none for long while others subscribe
       * and leave. */
      for (guint i = self->streams->len; i > 0; i--)
        if (resilient_event_buffer_is_ended (self->streams->pdata[i - 1]))
          g_ptr_array_remove_index_fast (self->streams, i - 1);
      g_ptr_array_add (self->streams, resilient_event_buffer_ref (stream));
    }
  g_mutex_unlock (&self->lock);

  if (closed)
    resilient_subscription_finish (stream);
  return subscription;
}

void
resilient_recorder_close (ResilientRecorder *self)
{
  g_autoptr (GPtrArray) streams = NULL;

  g_mutex_lock (&self->lock);
  self->closed = TRUE;
  streams = self->streams;
  self->streams = g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_event_buffer_unref);
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < streams->len; i++)
    resilient_subscription_finish (streams->pdata[i]);
}
