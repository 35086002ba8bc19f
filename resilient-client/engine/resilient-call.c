/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-call-private.h"
#include "resilient-clock-private.h"
#include "resilient-handlers-private.h"

/**
 * ResilientCall:
 *
 * One request while it lives: queued, sending, receiving, asleep before a retry, done.
 *
 * A call comes from [method@Client.start], or from the list [property@Client:calls], and shows in
 * its properties what a user interface wants to show: where the request stands, how many bytes have
 * gone, how long until the next attempt. It can be cancelled, retried at once, or given another
 * priority.
 *
 * All methods may be called from any thread. `notify` is emitted in the client's home context
 * ([property@Client:main-context]).
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE (ResilientCall, resilient_call, G_TYPE_OBJECT)

GParamSpec *resilient_call_props[RESILIENT_CALL_N_PROPS];
static guint notify_signal;

static void
notify_cb (gpointer data)
{
  ResilientCall *self = data;
  guint bits;

  g_mutex_lock (&self->lock);
  bits = self->notify_bits;
  self->notify_bits = 0;
  g_mutex_unlock (&self->lock);

  g_object_freeze_notify (G_OBJECT (self));
  for (guint prop = 1; prop < RESILIENT_CALL_N_PROPS; prop++)
    {
      if (bits & (1u << prop))
        g_object_notify_by_pspec (G_OBJECT (self), resilient_call_props[prop]);
    }
  g_object_thaw_notify (G_OBJECT (self));
}

void
resilient_call_changed (ResilientCall *self, guint props)
{
  /* Nearly always nobody looks. */
  if (!resilient_has_handler (self, notify_signal))
    return;

  if (self->notify_bits == 0)
    resilient_scheduler_invoke (self->engine->home, notify_cb, g_object_ref (self), g_object_unref);
  self->notify_bits |= props;
}

static void
resilient_call_finalize (GObject *object)
{
  ResilientCall *self = RESILIENT_CALL (object);

  g_slist_free_full (self->log, (GDestroyNotify) resilient_attempt_unref);
  g_clear_pointer (&self->result, resilient_result_unref);
  g_clear_pointer (&self->context, resilient_request_context_unref);
  g_clear_pointer (&self->last_context, resilient_request_context_unref);
  g_clear_pointer (&self->frozen, resilient_frozen_request_unref);
  g_clear_object (&self->origin);
  if (self->done_cond != NULL)
    g_cond_clear (self->done_cond);
  g_free (self->done_cond);
  g_clear_pointer (&self->limits, g_atomic_rc_box_release);
  g_free (self->deadline_timer);
  g_free (self->parking);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->task);
  g_clear_pointer (&self->tasks, g_queue_free);
  g_clear_pointer (&self->scheduler, resilient_scheduler_unref);
  g_clear_pointer (&self->engine, resilient_engine_unref);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (resilient_call_parent_class)->finalize (object);
}

static void
resilient_call_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  ResilientCall *self = RESILIENT_CALL (object);

  switch (prop_id)
    {
    case RESILIENT_CALL_PROP_REQUEST_ID:
      g_value_set_string (value, resilient_call_get_request_id (self));
      break;
    case RESILIENT_CALL_PROP_CONTEXT:
      g_value_take_boxed (value, resilient_call_get_context (self));
      break;
    case RESILIENT_CALL_PROP_STATE:
      g_value_set_enum (value, resilient_call_get_state (self));
      break;
    case RESILIENT_CALL_PROP_ATTEMPT:
      g_value_set_uint (value, resilient_call_get_attempt (self));
      break;
    case RESILIENT_CALL_PROP_MAX_ATTEMPTS:
      g_value_set_uint (value, resilient_call_get_max_attempts (self));
      break;
    case RESILIENT_CALL_PROP_FAILURE:
      g_value_set_flags (value, resilient_call_get_failure (self));
      break;
    case RESILIENT_CALL_PROP_STATUS_CODE:
      g_value_set_uint (value, resilient_call_get_status_code (self));
      break;
    case RESILIENT_CALL_PROP_RESULT:
      g_value_take_boxed (value, resilient_call_get_result (self));
      break;
    case RESILIENT_CALL_PROP_BYTES_SENT:
      g_value_set_int64 (value, resilient_call_get_bytes_sent (self));
      break;
    case RESILIENT_CALL_PROP_BYTES_RECEIVED:
      g_value_set_int64 (value, resilient_call_get_bytes_received (self));
      break;
    case RESILIENT_CALL_PROP_UPLOAD_SIZE:
      g_value_set_int64 (value, resilient_call_get_upload_size (self));
      break;
    case RESILIENT_CALL_PROP_DOWNLOAD_SIZE:
      g_value_set_int64 (value, resilient_call_get_download_size (self));
      break;
    case RESILIENT_CALL_PROP_PRIORITY:
      g_value_set_int (value, resilient_call_get_priority (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_call_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  ResilientCall *self = RESILIENT_CALL (object);

  switch (prop_id)
    {
    case RESILIENT_CALL_PROP_PRIORITY:
      resilient_call_set_priority (self, g_value_get_int (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_call_class_init (ResilientCallClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->finalize = resilient_call_finalize;
  object_class->get_property = resilient_call_get_property;
  object_class->set_property = resilient_call_set_property;

  /**
   * ResilientCall:request-id:
   *
   * The id of the request: that of its context, drawn when none was given. Unique only if the app
   * keeps it so.
   *
   * Since: 1.0
   */
  resilient_call_props[RESILIENT_CALL_PROP_REQUEST_ID] =
    g_param_spec_string ("request-id", NULL, NULL, NULL, flags);

  /**
   * ResilientCall:context:
   *
   * The context of the attempt that is being made, or that comes next.
   *
   * Since: 1.0
   */
  resilient_call_props[RESILIENT_CALL_PROP_CONTEXT] =
    g_param_spec_boxed ("context", NULL, NULL, RESILIENT_TYPE_REQUEST_CONTEXT, flags);

  /**
   * ResilientCall:state:
   *
   * Where the request stands.
   *
   * Since: 1.0
   */
  resilient_call_props[RESILIENT_CALL_PROP_STATE] = g_param_spec_enum (
    "state", NULL, NULL, RESILIENT_TYPE_CALL_STATE, RESILIENT_CALL_STATE_QUEUED, flags);

  /**
   * ResilientCall:attempt:
   *
   * The number of the newest attempt, from 1; 0 while none was begun.
   *
   * Since: 1.0
   */
  resilient_call_props[RESILIENT_CALL_PROP_ATTEMPT] =
    g_param_spec_uint ("attempt", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * ResilientCall:max-attempts:
   *
   * How many attempts its policy allows; 0 = no limit.
   *
   * Since: 1.0
   */
  resilient_call_props[RESILIENT_CALL_PROP_MAX_ATTEMPTS] =
    g_param_spec_uint ("max-attempts", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * ResilientCall:failure:
   *
   * The kind of the last failed attempt, or how the call failed; %RESILIENT_FAILURE_NONE while
   * nothing failed.
   *
   * Since: 1.0
   */
  resilient_call_props[RESILIENT_CALL_PROP_FAILURE] = g_param_spec_flags (
    "failure", NULL, NULL, RESILIENT_TYPE_FAILURE, RESILIENT_FAILURE_NONE, flags);

  /**
   * ResilientCall:status-code:
   *
   * The last HTTP status received, redirects that were followed left out; 0 = none yet.
   *
   * Since: 1.0
   */
  resilient_call_props[RESILIENT_CALL_PROP_STATUS_CODE] =
    g_param_spec_uint ("status-code", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * ResilientCall:result:
   *
   * How it ended; %NULL until [property@Call:state] is %RESILIENT_CALL_STATE_DONE.
   *
   * Since: 1.0
   */
  resilient_call_props[RESILIENT_CALL_PROP_RESULT] =
    g_param_spec_boxed ("result", NULL, NULL, RESILIENT_TYPE_RESULT, flags);

  /**
   * ResilientCall:bytes-sent:
   *
   * Bytes of the body handed to the network in this attempt.
   *
   * Since: 1.0
   */
  resilient_call_props[RESILIENT_CALL_PROP_BYTES_SENT] =
    g_param_spec_int64 ("bytes-sent", NULL, NULL, 0, G_MAXINT64, 0, flags);

  /**
   * ResilientCall:bytes-received:
   *
   * Bytes of the body received in this attempt, as they came: before decoding.
   *
   * Since: 1.0
   */
  resilient_call_props[RESILIENT_CALL_PROP_BYTES_RECEIVED] =
    g_param_spec_int64 ("bytes-received", NULL, NULL, 0, G_MAXINT64, 0, flags);

  /**
   * ResilientCall:upload-size:
   *
   * Bytes of the body to send; -1 = unknown.
   *
   * Since: 1.0
   */
  resilient_call_props[RESILIENT_CALL_PROP_UPLOAD_SIZE] =
    g_param_spec_int64 ("upload-size", NULL, NULL, -1, G_MAXINT64, 0, flags);

  /**
   * ResilientCall:download-size:
   *
   * Bytes of the body to receive, as the peer announced; -1 = unknown.
   *
   * Since: 1.0
   */
  resilient_call_props[RESILIENT_CALL_PROP_DOWNLOAD_SIZE] =
    g_param_spec_int64 ("download-size", NULL, NULL, -1, G_MAXINT64, -1, flags);

  /**
   * ResilientCall:priority:
   *
   * Who goes first among the calls that wait for a slot: lower numbers, like %G_PRIORITY_HIGH.
   * Starts as that of the request; setting it moves a waiting call at once.
   *
   * Since: 1.0
   */
  resilient_call_props[RESILIENT_CALL_PROP_PRIORITY] =
    g_param_spec_int ("priority", NULL, NULL, G_MININT, G_MAXINT, 0, flags | G_PARAM_WRITABLE);

  g_object_class_install_properties (object_class, RESILIENT_CALL_N_PROPS, resilient_call_props);

  notify_signal = g_signal_lookup ("notify", G_TYPE_OBJECT);
}

static void
resilient_call_init (ResilientCall *self)
{
  g_mutex_init (&self->lock);
  self->download_size = -1;
}
