/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-call-private.h"

#include "resilient-completion-private.h"
#include "resilient-handlers-private.h"
#include "resilient-i18n-private.h"

/* A call as an object: what an app sees of it and may do with it, and who waits for its end. It has
 * the waiting tasks and the caller's cancellable; all else of it is in its machine, under whose
 * lock these are too. Any thread, but for what is said to be in a context. */

/* Who waits for a call, with a completion of its own. */
typedef struct
{
  ResilientCompletion *completion; /* owned by the call's list, in which this is */
  ResilientCall *call;             /* owned */
  gboolean want_result;
} CallTask;

/* What cancels a call from outside. */
typedef struct
{
  GCancellable *cancellable; /* owned */
  gulong id;
} Canceller;

/* A hundred thousand may wait: what few of them need is made when they need it. */
struct _ResilientCall
{
  GObject parent_instance;

  ResilientCallMachine *machine; /* set once */

  /* Under the machine's lock. */
  GTask *task;          /* the first who waits, if only for the end; owned, nullable */
  GQueue *tasks;        /* of CallTask, the others, oldest first; owned, nullable */
  Canceller *canceller; /* owned, nullable */
  guint16 notify_bits;  /* of 1 << RESILIENT_CALL_PROP_* */
  guint8 task_wants_result;
};

G_STATIC_ASSERT (RESILIENT_CALL_N_PROPS <= 16); /* notify_bits */

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

static GParamSpec *props[RESILIENT_CALL_N_PROPS];
static guint notify_signal;

static const ResilientCallView *
lock (ResilientCall *self)
{
  return resilient_call_machine_lock (self->machine);
}

static void
unlock (ResilientCall *self)
{
  resilient_call_machine_unlock (self->machine);
}

/* --- notifications --------------------------------------------------------------------------- */

static void
notify_cb (gpointer data)
{
  ResilientCall *self = data;
  guint bits;

  lock (self);
  bits = self->notify_bits;
  self->notify_bits = 0;
  unlock (self);

  g_object_freeze_notify (G_OBJECT (self));
  for (guint prop = 1; prop < RESILIENT_CALL_N_PROPS; prop++)
    {
      if (bits & (1u << prop))
        g_object_notify_by_pspec (G_OBJECT (self), props[prop]);
    }
  g_object_thaw_notify (G_OBJECT (self));
}

/* Under the lock. */
static void
changed (ResilientCall *self, guint bits)
{
  /* Nearly always nobody looks. */
  if (!resilient_has_handler (self, notify_signal))
    return;

  if (self->notify_bits == 0)
    resilient_scheduler_invoke (
      resilient_engine_get_home (resilient_call_machine_get_engine (self->machine)),
      notify_cb,
      g_object_ref (self),
      g_object_unref);
  self->notify_bits |= bits;
}

/* --- who waits ------------------------------------------------------------------------------- */

static void
call_task_free (gpointer data)
{
  CallTask *waiting = data;

  g_object_unref (waiting->call);
  g_free (waiting);
}

/* It is done, and its result does not change any more. */
static ResilientResult *
peek_result (ResilientCall *self)
{
  ResilientResult *result = lock (self)->result;

  unlock (self);
  return result;
}

static void
return_task (ResilientCall *self, GTask *task, gboolean want_result)
{
  GError *error = NULL;

  if (want_result)
    {
      g_task_return_pointer (
        task, resilient_result_ref (peek_result (self)), (GDestroyNotify) resilient_result_unref);
    }
  else
    {
      ResilientResponse *response = resilient_call_take_response (self, &error);

      if (response != NULL)
        g_task_return_pointer (task, response, (GDestroyNotify) resilient_response_unref);
      else
        g_task_return_error (task, error);
    }
}

static gboolean
has_tasks (ResilientCall *self)
{
  return self->task != NULL || (self->tasks != NULL && !g_queue_is_empty (self->tasks));
}

/* The oldest who still waits, with what it is to be given. */
static GTask *
take_oldest (ResilientCall *self, gboolean *want_result, gboolean *more)
{
  GTask *task;

  do
    {
      CallTask *waiting = NULL;

      lock (self);
      task = g_steal_pointer (&self->task);
      *want_result = self->task_wants_result;
      if (task == NULL && self->tasks != NULL)
        waiting = g_queue_pop_head (self->tasks);
      *more = has_tasks (self);
      unlock (self);

      if (waiting != NULL)
        {
          g_autoptr (ResilientCompletion) completion = waiting->completion;

          *want_result = waiting->want_result;
          task = resilient_completion_take (completion);
        }
    }
  while (task == NULL && *more);

  return task;
}

static void
canceller_free (Canceller *canceller)
{
  g_object_unref (canceller->cancellable);
  g_free (canceller);
}

/* Returns its oldest task, and sees to it that the next one is. */
static void
complete (ResilientCall *self)
{
  gboolean want_result, more;
  g_autoptr (GTask) task = take_oldest (self, &want_result, &more);
  Canceller *canceller;

  lock (self);
  canceller = g_steal_pointer (&self->canceller);
  unlock (self);

  /* Not g_cancellable_disconnect(): it would wait for a handler that may be what runs us, in a
   * nested loop. The handler's data is a reference, so it may well run on meanwhile. */
  if (canceller != NULL)
    {
      if (canceller->id != 0)
        g_signal_handler_disconnect (canceller->cancellable, canceller->id);
      canceller_free (canceller);
    }

  /* Before the callback: a nested loop in it goes on with the rest. */
  if (more)
    resilient_call_machine_ask_complete (self->machine);

  if (task != NULL)
    return_task (self, task, want_result);
}

static const ResilientCallMachineFuncs machine_funcs = {
  .changed = changed,
  .complete = complete,
};

/* --- the object ------------------------------------------------------------------------------ */

static void
resilient_call_finalize (GObject *object)
{
  ResilientCall *self = RESILIENT_CALL (object);

  g_clear_pointer (&self->canceller, canceller_free);
  g_clear_object (&self->task);
  g_clear_pointer (&self->tasks, g_queue_free);
  resilient_call_machine_free (self->machine);

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
  props[RESILIENT_CALL_PROP_REQUEST_ID] =
    g_param_spec_string ("request-id", NULL, NULL, NULL, flags);

  /**
   * ResilientCall:context:
   *
   * The context of the attempt that is being made, or that comes next.
   *
   * Since: 1.0
   */
  props[RESILIENT_CALL_PROP_CONTEXT] =
    g_param_spec_boxed ("context", NULL, NULL, RESILIENT_TYPE_REQUEST_CONTEXT, flags);

  /**
   * ResilientCall:state:
   *
   * Where the request stands.
   *
   * Since: 1.0
   */
  props[RESILIENT_CALL_PROP_STATE] = g_param_spec_enum (
    "state", NULL, NULL, RESILIENT_TYPE_CALL_STATE, RESILIENT_CALL_STATE_QUEUED, flags);

  /**
   * ResilientCall:attempt:
   *
   * The number of the newest attempt, from 1; 0 while none was begun.
   *
   * Since: 1.0
   */
  props[RESILIENT_CALL_PROP_ATTEMPT] =
    g_param_spec_uint ("attempt", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * ResilientCall:max-attempts:
   *
   * How many attempts its policy allows; 0 = no limit.
   *
   * Since: 1.0
   */
  props[RESILIENT_CALL_PROP_MAX_ATTEMPTS] =
    g_param_spec_uint ("max-attempts", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * ResilientCall:failure:
   *
   * The kind of the last failed attempt, or how the call failed; %RESILIENT_FAILURE_NONE while
   * nothing failed.
   *
   * Since: 1.0
   */
  props[RESILIENT_CALL_PROP_FAILURE] = g_param_spec_flags (
    "failure", NULL, NULL, RESILIENT_TYPE_FAILURE, RESILIENT_FAILURE_NONE, flags);

  /**
   * ResilientCall:status-code:
   *
   * The last HTTP status received, redirects that were followed left out; 0 = none yet.
   *
   * Since: 1.0
   */
  props[RESILIENT_CALL_PROP_STATUS_CODE] =
    g_param_spec_uint ("status-code", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * ResilientCall:result:
   *
   * How it ended; %NULL until [property@Call:state] is %RESILIENT_CALL_STATE_DONE.
   *
   * Since: 1.0
   */
  props[RESILIENT_CALL_PROP_RESULT] =
    g_param_spec_boxed ("result", NULL, NULL, RESILIENT_TYPE_RESULT, flags);

  /**
   * ResilientCall:bytes-sent:
   *
   * Bytes of the body handed to the network in this attempt.
   *
   * Since: 1.0
   */
  props[RESILIENT_CALL_PROP_BYTES_SENT] =
    g_param_spec_int64 ("bytes-sent", NULL, NULL, 0, G_MAXINT64, 0, flags);

  /**
   * ResilientCall:bytes-received:
   *
   * Bytes of the body received in this attempt, as they came: before decoding.
   *
   * Since: 1.0
   */
  props[RESILIENT_CALL_PROP_BYTES_RECEIVED] =
    g_param_spec_int64 ("bytes-received", NULL, NULL, 0, G_MAXINT64, 0, flags);

  /**
   * ResilientCall:upload-size:
   *
   * Bytes of the body to send; -1 = unknown.
   *
   * Since: 1.0
   */
  props[RESILIENT_CALL_PROP_UPLOAD_SIZE] =
    g_param_spec_int64 ("upload-size", NULL, NULL, -1, G_MAXINT64, 0, flags);

  /**
   * ResilientCall:download-size:
   *
   * Bytes of the body to receive, as the peer announced; -1 = unknown.
   *
   * Since: 1.0
   */
  props[RESILIENT_CALL_PROP_DOWNLOAD_SIZE] =
    g_param_spec_int64 ("download-size", NULL, NULL, -1, G_MAXINT64, -1, flags);

  /**
   * ResilientCall:priority:
   *
   * Who goes first among the calls that wait for a slot: lower numbers, like %G_PRIORITY_HIGH.
   * Starts as that of the request; setting it moves a waiting call at once.
   *
   * Since: 1.0
   */
  props[RESILIENT_CALL_PROP_PRIORITY] =
    g_param_spec_int ("priority", NULL, NULL, G_MININT, G_MAXINT, 0, flags | G_PARAM_WRITABLE);

  g_object_class_install_properties (object_class, RESILIENT_CALL_N_PROPS, props);

  notify_signal = g_signal_lookup ("notify", G_TYPE_OBJECT);
}

static void
resilient_call_init (ResilientCall *self)
{
  self->machine = resilient_call_machine_new (self, &machine_funcs);
}

/* --- what an app does with it ---------------------------------------------------------------- */

/**
 * resilient_call_get_request_id:
 * @self: a call
 *
 * Gets the id of the request.
 *
 * Returns: (transfer none): the id
 *
 * Since: 1.0
 */
const char *
resilient_call_get_request_id (ResilientCall *self)
{
  const ResilientCallView *view;
  const char *id;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), NULL);

  view = lock (self);
  /* Every context of a call shares the one string of the id. */
  id = view->context != NULL ? resilient_request_context_get_request_id (view->context) : NULL;
  unlock (self);

  return id;
}

/**
 * resilient_call_get_context:
 * @self: a call
 *
 * Gets the context of the attempt that is being made, or that comes next.
 *
 * Returns: (transfer full): the context
 *
 * Since: 1.0
 */
ResilientRequestContext *
resilient_call_get_context (ResilientCall *self)
{
  const ResilientCallView *view;
  ResilientRequestContext *value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), NULL);

  view = lock (self);
  value = view->context != NULL ? resilient_request_context_ref (view->context) : NULL;
  unlock (self);

  return value;
}

/**
 * resilient_call_get_state:
 * @self: a call
 *
 * Gets where the request stands.
 *
 * Returns: the state
 *
 * Since: 1.0
 */
ResilientCallState
resilient_call_get_state (ResilientCall *self)
{
  const ResilientCallView *view;
  ResilientCallState value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), RESILIENT_CALL_STATE_DONE);

  view = lock (self);
  value = view->state;
  unlock (self);

  return value;
}

/**
 * resilient_call_get_attempt:
 * @self: a call
 *
 * Gets the number of the newest attempt.
 *
 * Returns: the number, from 1; 0 while none was begun
 *
 * Since: 1.0
 */
guint
resilient_call_get_attempt (ResilientCall *self)
{
  const ResilientCallView *view;
  guint value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), 0);

  view = lock (self);
  value = view->attempts;
  unlock (self);

  return value;
}

/**
 * resilient_call_get_max_attempts:
 * @self: a call
 *
 * Gets how many attempts the policy of the call allows.
 *
 * Returns: the number; 0 = no limit
 *
 * Since: 1.0
 */
guint
resilient_call_get_max_attempts (ResilientCall *self)
{
  const ResilientCallView *view;
  int max_retries = -1;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), 0);

  view = lock (self);
  if (view->context != NULL)
    max_retries = resilient_request_context_get_max_retries (view->context);
  unlock (self);

  return (guint) max_retries + 1;
}

/**
 * resilient_call_get_failure:
 * @self: a call
 *
 * Gets the kind of the last failed attempt, or how the call failed.
 *
 * Returns: the kind; %RESILIENT_FAILURE_NONE while nothing failed
 *
 * Since: 1.0
 */
ResilientFailure
resilient_call_get_failure (ResilientCall *self)
{
  const ResilientCallView *view;
  ResilientFailure value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), RESILIENT_FAILURE_NONE);

  view = lock (self);
  value = view->failure;
  unlock (self);

  return value;
}

/**
 * resilient_call_get_status_code:
 * @self: a call
 *
 * Gets the last HTTP status received, redirects that were followed left out.
 *
 * Returns: the status; 0 = none yet
 *
 * Since: 1.0
 */
guint
resilient_call_get_status_code (ResilientCall *self)
{
  const ResilientCallView *view;
  guint value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), 0);

  view = lock (self);
  value = view->status_code;
  unlock (self);

  return value;
}

/**
 * resilient_call_get_result:
 * @self: a call
 *
 * Gets how the call ended.
 *
 * Returns: (nullable) (transfer full): the result, or %NULL until the call is done
 *
 * Since: 1.0
 */
ResilientResult *
resilient_call_get_result (ResilientCall *self)
{
  const ResilientCallView *view;
  ResilientResult *value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), NULL);

  view = lock (self);
  value = view->result != NULL ? resilient_result_ref (view->result) : NULL;
  unlock (self);

  return value;
}

/**
 * resilient_call_get_bytes_sent:
 * @self: a call
 *
 * Gets how much of the body was handed to the network in this attempt.
 *
 * Returns: bytes
 *
 * Since: 1.0
 */
gint64
resilient_call_get_bytes_sent (ResilientCall *self)
{
  const ResilientCallView *view;
  gint64 value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), 0);

  view = lock (self);
  value = view->bytes_sent;
  unlock (self);

  return value;
}

/**
 * resilient_call_get_bytes_received:
 * @self: a call
 *
 * Gets how much of the body was received in this attempt, before decoding.
 *
 * Returns: bytes
 *
 * Since: 1.0
 */
gint64
resilient_call_get_bytes_received (ResilientCall *self)
{
  const ResilientCallView *view;
  gint64 value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), 0);

  view = lock (self);
  value = view->bytes_received;
  unlock (self);

  return value;
}

/**
 * resilient_call_get_upload_size:
 * @self: a call
 *
 * Gets the size of the body to send.
 *
 * Returns: bytes; -1 = unknown
 *
 * Since: 1.0
 */
gint64
resilient_call_get_upload_size (ResilientCall *self)
{
  const ResilientCallView *view;
  gint64 value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), -1);

  view = lock (self);
  value = view->upload_size;
  unlock (self);

  return value;
}

/**
 * resilient_call_get_download_size:
 * @self: a call
 *
 * Gets the size of the body to receive, as the peer announced it.
 *
 * Returns: bytes; -1 = unknown
 *
 * Since: 1.0
 */
gint64
resilient_call_get_download_size (ResilientCall *self)
{
  const ResilientCallView *view;
  gint64 value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), -1);

  view = lock (self);
  value = view->download_size;
  unlock (self);

  return value;
}

/**
 * resilient_call_get_priority:
 * @self: a call
 *
 * Gets the priority among the calls that wait for a slot.
 *
 * Returns: the priority; lower goes first
 *
 * Since: 1.0
 */
int
resilient_call_get_priority (ResilientCall *self)
{
  const ResilientCallView *view;
  int value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), 0);

  view = lock (self);
  value = view->priority;
  unlock (self);

  return value;
}

/**
 * resilient_call_set_priority:
 * @self: a call
 * @priority: any number, like %G_PRIORITY_HIGH or %G_PRIORITY_LOW; lower goes first
 *
 * Sets the priority; a call that waits for a slot moves at once.
 *
 * Since: 1.0
 */
void
resilient_call_set_priority (ResilientCall *self, int priority)
{
  g_return_if_fail (RESILIENT_IS_CALL (self));

  resilient_call_machine_set_priority (self->machine, priority);
}

/**
 * resilient_call_get_delay_left:
 * @self: a call
 *
 * Gets how long the call will still sleep before its next attempt, or is held back by a guard.
 *
 * A call that a guard refused tells, also after its end, in how long a new one may be admitted.
 *
 * While the network monitor says that the machine is offline a call waits on, in the state
 * %RESILIENT_CALL_STATE_OFFLINE, and this is 0.
 *
 * Returns: seconds; 0 when it does not sleep and nothing holds it back
 *
 * Since: 1.0
 */
double
resilient_call_get_delay_left (ResilientCall *self)
{
  double left;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), 0);

  lock (self);
  left = resilient_call_machine_get_delay_left_locked (self->machine);
  unlock (self);

  return left;
}

/**
 * resilient_call_retry_now:
 * @self: a call
 *
 * Ends the sleep before the next attempt: what a "Retry now" button does.
 *
 * The attempt counts like any other. It may still have to wait for a slot.
 *
 * Returns: %TRUE if the call slept, in the state %RESILIENT_CALL_STATE_WAITING, or waited for the
 * network, in %RESILIENT_CALL_STATE_OFFLINE
 *
 * Since: 1.0
 */
gboolean
resilient_call_retry_now (ResilientCall *self)
{
  g_return_val_if_fail (RESILIENT_IS_CALL (self), FALSE);

  return resilient_call_machine_retry_now (self->machine);
}

/**
 * resilient_call_cancel:
 * @self: a call
 *
 * Cancels the call: it ends with %G_IO_ERROR_CANCELLED in the next turn of its context, wherever it
 * stands. Does nothing once it is done.
 *
 * Since: 1.0
 */
void
resilient_call_cancel (ResilientCall *self)
{
  g_return_if_fail (RESILIENT_IS_CALL (self));
  g_return_if_fail (resilient_call_machine_get_engine (self->machine) != NULL);
  if (resilient_engine_is_foreign (resilient_call_machine_get_engine (self->machine), NULL))
    return;

  resilient_call_cancel_for (self, RESILIENT_CANCEL_BY_CALLER);
}

/**
 * resilient_call_wait_async:
 * @self: a call
 * @cancellable: (nullable): ends the waiting, not the call
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Waits for the end of the call. Any number may wait, also after the end.
 *
 * Since: 1.0
 */
void
resilient_call_wait_async (ResilientCall *self,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GError) foreign = NULL;
  ResilientEngine *engine;
  GTask *task;

  g_return_if_fail (RESILIENT_IS_CALL (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  engine = resilient_call_machine_get_engine (self->machine);
  g_return_if_fail (engine != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, resilient_call_wait_async);
  g_task_set_priority (task, resilient_engine_get_source_priority (engine));
  if (resilient_engine_is_foreign (engine, &foreign))
    {
      g_task_return_error (task, g_steal_pointer (&foreign));
      g_object_unref (task);
      return;
    }
  g_task_set_check_cancellable (task, FALSE);
  resilient_call_add_task (self, task, FALSE, -1, cancellable);
}

/**
 * resilient_call_wait_finish:
 * @self: a call
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Call.wait_async].
 *
 * Fails as [method@Client.send_finish] does, and with %G_IO_ERROR_CANCELLED when the waiting was
 * cancelled.
 *
 * Returns: (transfer full): the response, of any status, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_call_wait_finish (ResilientCall *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_CALL (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, resilient_call_wait_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- for the library ------------------------------------------------------------------------- */

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  resilient_call_cancel_for (user_data, RESILIENT_CANCEL_BY_CALLER);
}

static ResilientCall *
start (ResilientEngine *engine,
       ResilientScheduler *scheduler,
       ResilientFrozenRequest *frozen,
       ResilientRequestContext *context,
       GCancellable *cancellable,
       gboolean blocks)
{
  ResilientCall *self = g_object_new (RESILIENT_TYPE_CALL, NULL);

  if (!resilient_call_machine_enter (self->machine, engine, scheduler, frozen, context, blocks))
    return self;

  if (cancellable != NULL)
    {
      Canceller *canceller = g_new (Canceller, 1);

      canceller->cancellable = g_object_ref (cancellable);
      canceller->id = g_cancellable_connect (
        cancellable, G_CALLBACK (cancelled_cb), g_object_ref (self), g_object_unref);
      lock (self);
      self->canceller = canceller;
      unlock (self);
    }

  resilient_call_machine_begin (self->machine);

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
resilient_call_try_start (ResilientEngine *engine,
                          ResilientScheduler *scheduler,
                          ResilientFrozenRequest *frozen)
{
  g_autoptr (ResilientCall) self = g_object_new (RESILIENT_TYPE_CALL, NULL);

  resilient_call_machine_set_quiet (self->machine);
  if (resilient_call_machine_enter (self->machine, engine, scheduler, frozen, NULL, FALSE))
    resilient_call_machine_begin (self->machine);
  else if (resilient_result_get_failure (peek_result (self)) == RESILIENT_FAILURE_OVERLOADED)
    return NULL;

  return g_steal_pointer (&self);
}

ResilientCall *
resilient_call_start_blocking (ResilientEngine *engine,
                               ResilientScheduler *scheduler,
                               ResilientFrozenRequest *frozen,
                               ResilientRequestContext *context,
                               GCancellable *cancellable)
{
  return start (engine, scheduler, frozen, context, cancellable, TRUE);
}

ResilientCall *
resilient_call_new_refused (ResilientEngine *engine, const GError *error)
{
  ResilientCall *self = g_object_new (RESILIENT_TYPE_CALL, NULL);
  g_autoptr (ResilientScheduler) scheduler = resilient_engine_dup_scheduler (engine, NULL);

  resilient_call_machine_refuse (self->machine,
                                 engine,
                                 scheduler != NULL ? scheduler : resilient_engine_get_home (engine),
                                 error);

  return self;
}

ResilientCall *
resilient_call_new_foreign (ResilientEngine *engine, const GError *error)
{
  ResilientCall *self = g_object_new (RESILIENT_TYPE_CALL, NULL);

  resilient_call_machine_refuse_foreign (self->machine, engine, error);

  return self;
}

ResilientCallMachine *
resilient_call_get_machine (ResilientCall *self)
{
  return self->machine;
}

gboolean
resilient_call_cancel_for (ResilientCall *self, ResilientCancelCause cause)
{
  return resilient_call_machine_cancel (self->machine, cause);
}

ResilientResponse *
resilient_call_take_response (ResilientCall *self, GError **error)
{
  ResilientResult *result = peek_result (self);
  ResilientResponse *response = resilient_result_get_response (result);

  if (response != NULL)
    return resilient_response_ref (response);

  g_propagate_error (error, g_error_copy (resilient_result_get_error (result)));
  return NULL;
}

static void
stopped_waiting_cb (ResilientCompletion *completion, gpointer data)
{
  CallTask *waiting = data;
  ResilientCall *self = waiting->call;
  gboolean removed;

  lock (self);
  removed = g_queue_remove (self->tasks, waiting);
  unlock (self);

  if (removed)
    resilient_completion_unref (completion);
}

void
resilient_call_add_task (ResilientCall *self,
                         GTask *task,
                         gboolean want_result,
                         double timeout,
                         GCancellable *cancellable)
{
  g_autoptr (ResilientCompletion) completion = NULL;
  gboolean own_end = timeout >= 0 || cancellable != NULL;
  CallTask *waiting;

  /* Until the callbacks that wait already were called, also a late one waits its turn. */
  if (lock (self)->state == RESILIENT_CALL_STATE_DONE && !has_tasks (self))
    {
      unlock (self);
      return_task (self, task, want_result);
      g_object_unref (task);
      return;
    }

  if (!has_tasks (self) && !own_end)
    {
      self->task = task;
      self->task_wants_result = want_result;
      unlock (self);
      return;
    }

  waiting = g_new (CallTask, 1);
  waiting->call = g_object_ref (self);
  waiting->want_result = want_result;
  waiting->completion =
    resilient_completion_new (task, stopped_waiting_cb, waiting, call_task_free);
  completion = resilient_completion_ref (waiting->completion);
  if (self->tasks == NULL)
    self->tasks = g_queue_new ();
  g_queue_push_tail (self->tasks, waiting);
  unlock (self);

  /* Outside of the lock, which those who end the call take while a cancellable calls its
   * handlers. */
  if (own_end)
    resilient_completion_arm (completion,
                              cancellable,
                              timeout,
                              _ ("The request has not ended in the time given for waiting"));
}

ResilientResponse *
resilient_call_block (ResilientCall *self, GError **error)
{
  GError *gave_up = resilient_call_machine_block (self->machine);

  if (gave_up != NULL)
    {
      g_propagate_error (error, gave_up);
      return NULL;
    }

  return resilient_call_take_response (self, error);
}

ResilientResult *
resilient_call_snapshot (ResilientCall *self)
{
  return resilient_call_machine_snapshot (self->machine);
}
