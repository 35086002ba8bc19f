/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-call-private.h"
#include "resilient-clock-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"
#include "resilient-request-context-private.h"

/* How a call is started, waited for and ended, from any thread. */

/* --- work ------------------------------------------------------------------------------------- */

static void
work_cb (gpointer data)
{
  ResilientCall *self = data;
  guint bits;

  g_mutex_lock (&self->lock);
  bits = self->work_bits;
  self->work_bits = 0;
  self->work_posted = FALSE;
  g_mutex_unlock (&self->lock);

  resilient_call_run (self, bits);
  g_object_unref (self);
}

void
resilient_call_post (ResilientCall *self, guint bits)
{
  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  g_mutex_lock (&self->lock);
  self->work_bits |= bits;
  if (!self->work_posted)
    {
      self->work_posted = TRUE;
      g_object_ref (self);
      resilient_scheduler_post (self->scheduler, &self->work, work_cb, self);
    }
  g_mutex_unlock (&self->lock);
}

gint64
resilient_call_get_deadline (ResilientCall *self)
{
  double timeout = self->limits->total_timeout;

  return timeout > 0 ? resilient_clock_add (self->started, timeout) : 0;
}

/* --- ending ----------------------------------------------------------------------------------- */

void
resilient_call_set_ended (ResilientCall *self, ResilientResult *result)
{
  g_autoptr (ResilientCall) blocked = NULL;

  g_mutex_lock (&self->lock);
  self->result = result;
  self->failure = resilient_result_get_failure (result);
  self->state = RESILIENT_CALL_STATE_DONE;
  resilient_call_changed (self,
                          1 << RESILIENT_CALL_PROP_STATE | 1 << RESILIENT_CALL_PROP_RESULT
                            | 1 << RESILIENT_CALL_PROP_FAILURE);
  /* who blocks may take its result, and drop the call, at any moment from now on */
  if (self->done_cond != NULL)
    blocked = g_object_ref (self);
  g_mutex_unlock (&self->lock);

  /* The callbacks run from a piece of work of their own, not inside libsoup's dispatch that brought
   * the end. */
  resilient_call_post (self, RESILIENT_WORK_COMPLETE);
  if (blocked != NULL)
    g_cond_broadcast (blocked->done_cond);
}

/* --- starting --------------------------------------------------------------------------------- */

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  resilient_call_cancel_for (user_data, RESILIENT_CANCEL_BY_CALLER);
}

/* The client's with what the request has in their place. */
static ResilientCallOptions *
override_limits (ResilientCallOptions *limits, const ResilientOverrides *overrides)
{
  ResilientCallOptions *own = g_atomic_rc_box_dup (sizeof *limits, limits);

#define OVERRIDE(field)                                                                            \
  if (overrides->field >= 0)                                                                       \
    own->field = overrides->field;
  OVERRIDE (connect_timeout)
  OVERRIDE (read_timeout)
  OVERRIDE (write_timeout)
  OVERRIDE (queue_timeout)
  OVERRIDE (attempt_timeout)
  OVERRIDE (total_timeout)
  OVERRIDE (max_response_size)
#undef OVERRIDE

  return own;
}

static void
take_settings (ResilientCall *self, ResilientRequestContext *context)
{
  ResilientFrozenRequest *frozen = self->frozen;
  ResilientSettings *settings = &self->engine->settings;
  ResilientRetryPolicy *policy = NULL;

  g_mutex_lock (&self->engine->lock);
  if (context != NULL)
    policy = resilient_request_context_get_policy (context);
  if (policy == NULL)
    policy = frozen->retry_policy != NULL ? frozen->retry_policy : settings->retry_policy;
  self->context = resilient_request_context_stamp (context, policy, frozen->metadata);
  self->limits = frozen->overrides != NULL ? override_limits (settings->limits, frozen->overrides)
                                           : g_atomic_rc_box_acquire (settings->limits);
  g_mutex_unlock (&self->engine->lock);

  self->started = resilient_clock_get_boot ();
}

/* INVALID, OVERLOADED or CLOSED: the caller gets the error, nobody else hears of it. */
static void
refuse (ResilientCall *self, const GError *error)
{
  ResilientFailure failure = resilient_failure_from_error (error, TRUE);

  resilient_recorder_refused (self->engine->recorder);
  resilient_call_set_ended (
    self,
    resilient_result_new (
      self->context, RESILIENT_RESULT_STATUS_ERROR, NULL, error, failure, 0, 0, 0, NULL));
  resilient_call_post (self, RESILIENT_WORK_START);
}

ResilientCall *
resilient_call_new_refused (ResilientEngine *engine, const GError *error)
{
  ResilientCall *self = g_object_new (RESILIENT_TYPE_CALL, NULL);

  self->engine = resilient_engine_ref (engine);
  self->scheduler = resilient_engine_dup_scheduler (engine, NULL);
  if (self->scheduler == NULL)
    self->scheduler = resilient_scheduler_ref (engine->home);
  self->context =
    resilient_request_context_stamp (NULL, resilient_retry_policy_get_default (), NULL);
  refuse (self, error);

  return self;
}

ResilientCall *
resilient_call_new_foreign (ResilientEngine *engine, const GError *error)
{
  ResilientCall *self = g_object_new (RESILIENT_TYPE_CALL, NULL);

  self->engine = resilient_engine_ref (engine);
  self->scheduler = resilient_scheduler_ref (engine->home);
  self->context =
    resilient_request_context_stamp (NULL, resilient_retry_policy_get_default (), NULL);
  self->failure = RESILIENT_FAILURE_CLOSED;
  self->result = resilient_result_new (
    self->context, RESILIENT_RESULT_STATUS_ERROR, NULL, error, self->failure, 0, 0, 0, NULL);
  self->ending = TRUE;
  self->state = RESILIENT_CALL_STATE_DONE;

  return self;
}

GError *
resilient_call_make_overloaded (ResilientCall *self)
{
  return g_error_new_literal (
    RESILIENT_CLIENT_ERROR,
    RESILIENT_CLIENT_ERROR_OVERLOADED,
    self->blocks_home ? _ ("The session has no connection left, and the thread that is to free one"
                           " would wait for it")
                      : _ ("Too many requests are waiting already"));
}

static ResilientCall *
start (ResilientEngine *engine,
       ResilientScheduler *scheduler,
       ResilientFrozenRequest *frozen,
       ResilientRequestContext *context,
       GCancellable *cancellable,
       gboolean blocks_home)
{
  ResilientCall *self = g_object_new (RESILIENT_TYPE_CALL, NULL);
  ResilientGateAnswer answer;
  g_autoptr (GError) error = NULL;

  self->engine = resilient_engine_ref (engine);
  self->scheduler = resilient_scheduler_ref (scheduler);
  self->frozen = resilient_frozen_request_ref (frozen);
  self->blocks_home = blocks_home != FALSE;
  self->priority = frozen->priority;
  self->upload_size = frozen->body != NULL ? resilient_body_get_size (frozen->body) : 0;
  take_settings (self, context);

  if (!resilient_engine_add_call (engine, self, &error))
    {
      refuse (self, error);
      return self;
    }

  self->origin =
    resilient_gate_get_origin (engine->gate, resilient_frozen_request_ensure_uri (self->frozen));

  /* The place in the queue is taken now, in the order of the calls; everything else happens in the
   * driving context: libsoup must not be touched by a thread while another iterates its context. */
  if (!resilient_call_enter_gate (self, FALSE, &answer))
    {
      error = resilient_call_make_overloaded (self);
      refuse (self, error);
      resilient_engine_remove_call (engine, self);
      return self;
    }

  resilient_recorder_started (engine->recorder);

  if (cancellable != NULL)
    {
      gulong id;

      self->cancellable = g_object_ref (cancellable);
      id = g_cancellable_connect (
        cancellable, G_CALLBACK (cancelled_cb), g_object_ref (self), g_object_unref);
      g_mutex_lock (&self->lock);
      self->cancelled_id = id;
      g_mutex_unlock (&self->lock);
    }

  resilient_call_post (self, RESILIENT_WORK_START);

  return self;
}

ResilientCall *
resilient_call_start (ResilientEngine *engine,
                      ResilientScheduler *scheduler,
                      ResilientFrozenRequest *frozen,
                      ResilientRequestContext *context,
                      GCancellable *cancellable)
{
  return start (engine, scheduler, frozen, context, cancellable, FALSE);
}

ResilientCall *
resilient_call_start_blocking (ResilientEngine *engine,
                               ResilientScheduler *scheduler,
                               ResilientFrozenRequest *frozen,
                               ResilientRequestContext *context,
                               GCancellable *cancellable)
{
  return start (
    engine, scheduler, frozen, context, cancellable, resilient_engine_is_home_thread (engine));
}

gboolean
resilient_call_cancel_for (ResilientCall *self, ResilientCancelCause cause)
{
  gboolean post;

  g_mutex_lock (&self->lock);
  post = !self->ending && self->state != RESILIENT_CALL_STATE_DONE;
  if (self->cancel_cause == RESILIENT_CANCEL_NONE)
    self->cancel_cause = cause;
  if (post && self->done_cond != NULL)
    g_cond_broadcast (self->done_cond);
  g_mutex_unlock (&self->lock);

  if (post)
    resilient_call_post (self, RESILIENT_WORK_CANCEL);

  return post;
}

ResilientResult *
resilient_call_snapshot (ResilientCall *self)
{
  ResilientResult *result;

  g_mutex_lock (&self->lock);
  if (self->result != NULL)
    result = resilient_result_ref (self->result);
  else
    result = resilient_result_new (
      self->context,
      RESILIENT_RESULT_STATUS_PENDING,
      NULL,
      NULL,
      self->failure,
      self->attempts,
      self->sends,
      resilient_clock_to_seconds (resilient_clock_get_boot () - self->started),
      NULL);
  g_mutex_unlock (&self->lock);

  return result;
}
