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
  g_mutex_lock (&self->lock);
  self->work_bits |= bits;
  if (!self->work_posted)
    {
      self->work_posted = TRUE;
      g_object_ref (self);
      resilient_driver_post (self->driver, &self->work, work_cb, self);
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
  g_mutex_lock (&self->lock);
  self->result = result;
  self->failure = resilient_result_get_failure (result);
  self->state = RESILIENT_CALL_STATE_DONE;
  resilient_call_changed (self,
                          1 << RESILIENT_CALL_PROP_STATE | 1 << RESILIENT_CALL_PROP_RESULT
                            | 1 << RESILIENT_CALL_PROP_FAILURE);
  g_mutex_unlock (&self->lock);

  /* The callbacks run from a piece of work of their own, not inside libsoup's dispatch that brought
   * the end. Who blocks is woken there too, after whatever else came in meanwhile, and when nobody
   * holds what he takes first. */
  resilient_call_post (self, RESILIENT_WORK_COMPLETE);
}

/* --- starting --------------------------------------------------------------------------------- */

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  resilient_call_cancel_for (user_data, RESILIENT_CANCEL_BY_CALLER);
}

/* The client's with what the request has in their place. */
static ResilientLimits *
override_limits (ResilientLimits *limits, const ResilientOverrides *overrides)
{
  ResilientLimits *own = g_atomic_rc_box_dup (sizeof *limits, limits);

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
  ResilientRecipe *recipe = self->recipe;
  ResilientSettings *settings = &self->core->settings;
  ResilientRetryPolicy *policy = NULL;

  g_mutex_lock (&self->core->lock);
  if (context != NULL)
    policy = resilient_request_context_get_policy (context);
  if (policy == NULL)
    policy = recipe->retry_policy != NULL ? recipe->retry_policy : settings->retry_policy;
  self->context = resilient_request_context_stamp (context, policy, recipe->metadata);
  self->limits = recipe->overrides != NULL
                   ? override_limits (settings->limits, recipe->overrides)
                   : g_atomic_rc_box_acquire (settings->limits);
  g_mutex_unlock (&self->core->lock);

  self->started = resilient_clock_get_boot ();
}

/* INVALID, OVERLOADED or CLOSED: the caller gets the error, nobody else hears of it. */
static void
refuse (ResilientCall *self, const GError *error)
{
  ResilientFailure failure = resilient_failure_from_error (error, TRUE);

  resilient_recorder_refused (self->core->recorder);
  resilient_call_set_ended (
    self,
    resilient_result_new (
      self->context, RESILIENT_RESULT_STATUS_ERROR, NULL, error, failure, 0, 0, 0, NULL));
  resilient_call_post (self, RESILIENT_WORK_START);
}

ResilientCall *
resilient_call_new_refused (ResilientCore *core, const GError *error)
{
  ResilientCall *self = g_object_new (RESILIENT_TYPE_CALL, NULL);

  self->core = resilient_core_ref (core);
  self->driver = resilient_core_dup_driver (core);
  self->context =
    resilient_request_context_stamp (NULL, resilient_retry_policy_get_default (), NULL);
  refuse (self, error);

  return self;
}

ResilientCall *
resilient_call_start (ResilientCore *core,
                      ResilientDriver *driver,
                      ResilientRecipe *recipe,
                      ResilientRequestContext *context,
                      GCancellable *cancellable)
{
  ResilientCall *self = g_object_new (RESILIENT_TYPE_CALL, NULL);
  ResilientGateAnswer answer;
  g_autoptr (GError) error = NULL;

  self->core = resilient_core_ref (core);
  self->driver = resilient_driver_ref (driver);
  self->recipe = resilient_recipe_ref (recipe);
  self->priority = recipe->priority;
  self->upload_size = recipe->body != NULL ? resilient_body_get_size (recipe->body) : 0;
  take_settings (self, context);

  if (!resilient_core_add_call (core, self, &error))
    {
      refuse (self, error);
      return self;
    }

  self->origin =
    resilient_gate_get_origin (core->gate, resilient_recipe_ensure_uri (self->recipe));

  /* The place in the queue is taken now, in the order of the calls; everything else happens in the
   * driving context: libsoup must not be touched by a thread while another iterates its context. */
  if (!resilient_call_enter_gate (self, FALSE, &answer))
    {
      error = g_error_new_literal (RESILIENT_CLIENT_ERROR,
                                   RESILIENT_CLIENT_ERROR_OVERLOADED,
                                   _ ("Too many requests are waiting already"));
      refuse (self, error);
      resilient_core_remove_call (core, self);
      return self;
    }

  resilient_recorder_started (core->recorder);

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

gboolean
resilient_call_cancel_for (ResilientCall *self, ResilientCancelCause cause)
{
  gboolean post;

  g_mutex_lock (&self->lock);
  post = !self->ending && self->state != RESILIENT_CALL_STATE_DONE;
  if (self->cancel_cause == RESILIENT_CANCEL_NONE)
    self->cancel_cause = cause;
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
