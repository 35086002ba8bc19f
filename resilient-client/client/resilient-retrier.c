/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-retrier.h"

#include "resilient-clock-private.h"
#include "resilient-completion-private.h"
#include "resilient-error.h"
#include "resilient-event-private.h"
#include "resilient-failure-private.h"
#include "resilient-fork-private.h"
#include "resilient-i18n-private.h"
#include "resilient-request-context-private.h"
#include "resilient-retry-policy-private.h"
#include "resilient-timer-queue-private.h"
#include "resilient-verdict-private.h"

/* The waiting between the attempts of an operation that is not ours. It has the context that counts
 * them, and while somebody sleeps a timer in that one's main context. Any thread may use it; what
 * changes is under its lock. */

/**
 * ResilientRetrier:
 *
 * Makes any asynchronous operation resilient: a D-Bus call, a file on a remote mount, a WebSocket.
 *
 * The app makes the attempts, in a loop: when one failed, [method@Retrier.backoff_async] decides
 * with the error whether there is another, and sleeps until it is time for that. It is the same
 * decision as for a request, by the same [struct@RetryPolicy], with the same backoff, jitter and
 * limits. When it has none left, the operation fails with the error of the last attempt.
 *
 * A retrier stands for one operation at a time. [method@Retrier.reset] begins anew, as after a
 * success in an operation that goes on, like a connection that is made again whenever it is lost.
 *
 * What is repeated may be done twice: after a time-out nobody knows whether the other side has done
 * what it was asked for. Only give it what may be done again.
 *
 * Which errors are retried is a matter of the policy's failure kinds
 * ([method@RetryPolicy.get_retry_on]). An error is sorted by its domain and code, never by its
 * text:
 *
 * - RESOLVE: `G_IO_ERROR_HOST_NOT_FOUND`, all of [error@Gio.ResolverError]
 * - CONNECT: `G_IO_ERROR_CONNECTION_REFUSED`, `HOST_UNREACHABLE`, `NETWORK_UNREACHABLE`,
 *   `PROXY_FAILED`, `BUSY` and `WOULD_BLOCK`; `G_DBUS_ERROR_SERVICE_UNKNOWN`, `NAME_HAS_NO_OWNER`,
 *   `NO_SERVER`, `NO_NETWORK`, `LIMITS_EXCEEDED`, `SPAWN_CHILD_EXITED`, `SPAWN_CHILD_SIGNALED` and
 *   `SPAWN_FORK_FAILED`
 * - TLS: [error@Gio.TlsError], but for what is wrong with a certificate, and `EOF`
 * - READ_TIMEOUT: `G_IO_ERROR_TIMED_OUT`; `G_DBUS_ERROR_NO_REPLY`, `TIMEOUT` and `TIMED_OUT`
 * - DISCONNECT: `G_IO_ERROR_CONNECTION_CLOSED`, `NOT_CONNECTED` and `PARTIAL_INPUT`;
 *   `G_DBUS_ERROR_DISCONNECTED`; `G_TLS_ERROR_EOF`
 * - STATUS: all of [error@HttpError], as [method@Response.check_status] gives it, if the policy
 *   lists the status
 * - PROTOCOL: what libsoup can't parse
 *
 * All other errors are answers, such as `G_IO_ERROR_NOT_FOUND` or an error of a D-Bus service, and
 * the operation fails with them at once. To repeat it after one of those give %NULL as the cause.
 *
 * Nothing but the policy and the cancellable bounds how long it all may take: cancel it when the
 * time is up. Sleeps go on while the machine is suspended, and end at resume if they were due
 * before.
 *
 * Any thread may use a retrier. In a forked child it counts on by itself, and who sleeps in the
 * parent does not sleep there.
 *
 * Since: 1.0
 */
struct _ResilientRetrier
{
  GObject parent_instance;

  ResilientRetryPolicy *policy; /* set once */

  guint generation; /* of the process; see resilient-fork-private.h */
  GMutex lock;
  /* Under the lock. */
  /* Of the attempt that is being made, or comes next; never one that is gone, nor NULL: another
   * thread may fork meanwhile. */
  ResilientRequestContext *context;
  guint64 n_events;
  gboolean sleeping; /* from before the decision on */
};

/* Somebody who sleeps; owned by the completion. The timer has a reference to that while it is set,
 * and is of the task's context, as is all of this. */
typedef struct
{
  ResilientRetrier *retrier; /* owned */
  ResilientCompletion *completion;
  ResilientTimerQueue *timers; /* owned */
  ResilientTimer timer;
} Sleep;

enum
{
  PROP_RETRY_POLICY = 1,
  PROP_CONTEXT,
  PROP_ATTEMPT,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
static guint event_signal;

G_DEFINE_FINAL_TYPE (ResilientRetrier, resilient_retrier, G_TYPE_OBJECT)

/* In a forked child the lock may be a thread's that is not there, and who sleeps is the parent's.
 */
static void
adopt (gpointer retrier)
{
  ResilientRetrier *self = retrier;

  g_mutex_init (&self->lock);
  self->sleeping = FALSE;
}

/* To take it. */
static GMutex *
get_lock (ResilientRetrier *self)
{
  resilient_fork_adopt (&self->generation, adopt, self);
  return &self->lock;
}

static void
tell (ResilientRetrier *self,
      ResilientEventType type,
      ResilientFailure failure,
      const ResilientVerdict *verdict,
      const GError *error)
{
  g_autoptr (ResilientRequestContext) context = NULL;
  g_autoptr (ResilientEvent) event = NULL;
  guint64 sequence;

  g_mutex_lock (get_lock (self));
  context = resilient_request_context_ref (self->context);
  sequence = ++self->n_events;
  g_mutex_unlock (&self->lock);

  event = resilient_event_new (
    type, context, sequence, failure, verdict->reason, NULL, error, verdict->delay);
  g_signal_emit (self, event_signal, 0, event);
}

static void
tell_end (ResilientRetrier *self,
          ResilientFailure failure,
          ResilientReason reason,
          const GError *error)
{
  const ResilientVerdict verdict = { .retry = FALSE, .delay = 0.0, .reason = reason };
  ResilientEventType type = RESILIENT_EVENT_TYPE_ERROR;

  if (failure == RESILIENT_FAILURE_CANCELLED)
    type = RESILIENT_EVENT_TYPE_CANCELLED;
  else if ((failure & RESILIENT_FAILURE_ANY_TIMEOUT) != 0)
    type = RESILIENT_EVENT_TYPE_TIMEOUT;

  tell (self, type, failure, &verdict, error);
}

/* --- the decision ---------------------------------------------------------------------------- */

/* A kind that the policy retries, for a failure of which the app does not say what it was: NONE if
 * the policy retries nothing. */
static ResilientFailure
any_failure (ResilientRetryPolicy *policy, guint *status_code)
{
  ResilientFailure retried = resilient_retry_policy_get_retry_on (policy);
  const guint16 *statuses;
  gsize n_statuses;

  if ((retried & ~RESILIENT_FAILURE_STATUS) != 0)
    return retried & ~RESILIENT_FAILURE_STATUS;

  statuses = resilient_retry_policy_get_retry_statuses (policy, &n_statuses);
  *status_code = n_statuses > 0 ? statuses[0] : 0;
  return retried;
}

/* Who gives an operation to a retrier says that it may be done again: for the verdict it is a safe
 * request. */
static ResilientVerdict
judge (ResilientRetrier *self,
       ResilientRequestContext *context,
       const GError *cause,
       ResilientFailure failure)
{
  guint status_code = 0;
  ResilientVerdictInput input = {
    .context = context,
    .policy = self->policy,
    .method = "GET",
    .idempotency = RESILIENT_IDEMPOTENCY_YES,
    .retry_after = -1.0,
    .now = resilient_clock_get_boot (),
  };

  if (failure == RESILIENT_FAILURE_STATUS)
    status_code = MAX (cause->code, 0);
  input.failure = cause != NULL ? failure : any_failure (self->policy, &status_code);
  input.status_code = status_code;

  /* Without a failure the verdict would be success. */
  if (input.failure == RESILIENT_FAILURE_NONE)
    input.failure = RESILIENT_FAILURE_INVALID;
  return resilient_verdict (&input);
}

static GError *
describe_end (ResilientRetrier *self, const GError *cause)
{
  guint attempt = resilient_retrier_get_attempt (self);

  if (cause != NULL)
    return g_error_copy (cause);

  return g_error_new (RESILIENT_CLIENT_ERROR,
                      RESILIENT_CLIENT_ERROR_RETRIES_EXHAUSTED,
                      resilient_ngettext ("No attempt is left after %u attempt",
                                          "No attempt is left after %u attempts",
                                          attempt),
                      attempt);
}

/* --- the sleep ------------------------------------------------------------------------------- */

static void
sleep_free (gpointer data)
{
  Sleep *sleep = data;

  resilient_timer_queue_unref (sleep->timers);
  g_object_unref (sleep->retrier);
  g_free (sleep);
}

static void
end_sleep (ResilientRetrier *self)
{
  g_mutex_lock (get_lock (self));
  self->sleeping = FALSE;
  g_mutex_unlock (&self->lock);
}

static void
woke_cb (gpointer data)
{
  Sleep *sleep = data;
  g_autoptr (ResilientCompletion) completion = sleep->completion;
  g_autoptr (GTask) task = resilient_completion_take (completion);

  if (task == NULL)
    return;

  /* Before the callback, which may well begin the next one. */
  end_sleep (sleep->retrier);
  g_task_return_boolean (task, TRUE);
}

static void
withdrawn_cb (ResilientCompletion *completion, gpointer data)
{
  Sleep *sleep = data;
  g_autoptr (GError) error = NULL;

  if (resilient_timer_queue_clear (sleep->timers, &sleep->timer))
    resilient_completion_unref (completion);
  end_sleep (sleep->retrier);

  error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("The wait was cancelled"));
  tell_end (sleep->retrier, RESILIENT_FAILURE_CANCELLED, RESILIENT_REASON_CANCELLED, error);
}

/* Takes the task. */
static void
fall_asleep (ResilientRetrier *self, GTask *task, double delay)
{
  g_autoptr (ResilientCompletion) completion = NULL;
  g_autoptr (GCancellable) cancellable = NULL;
  Sleep *sleep = g_new0 (Sleep, 1);

  if (g_task_get_cancellable (task) != NULL)
    cancellable = g_object_ref (g_task_get_cancellable (task));
  sleep->retrier = g_object_ref (self);
  sleep->timers = resilient_timer_queue_get (g_task_get_context (task));
  completion = resilient_completion_new (task, withdrawn_cb, sleep, sleep_free);
  sleep->completion = completion;

  /* Of the timer, which may fire at once: a thread without a context sleeps in that of another. */
  resilient_completion_ref (completion);
  resilient_timer_queue_set (sleep->timers,
                             &sleep->timer,
                             resilient_clock_add (resilient_clock_get_boot (), delay),
                             woke_cb,
                             sleep);
  resilient_completion_arm (completion, cancellable, -1.0, NULL);
}

/* --- the object ------------------------------------------------------------------------------ */

static void
resilient_retrier_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  ResilientRetrier *self = RESILIENT_RETRIER (object);

  switch (prop_id)
    {
    case PROP_RETRY_POLICY:
      g_value_set_boxed (value, resilient_retrier_get_retry_policy (self));
      break;
    case PROP_CONTEXT:
      g_value_take_boxed (value, resilient_retrier_get_context (self));
      break;
    case PROP_ATTEMPT:
      g_value_set_uint (value, resilient_retrier_get_attempt (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_retrier_set_property (GObject *object,
                                guint prop_id,
                                const GValue *value,
                                GParamSpec *pspec)
{
  ResilientRetrier *self = RESILIENT_RETRIER (object);

  switch (prop_id)
    {
    case PROP_RETRY_POLICY:
      self->policy = g_value_dup_boxed (value);
      break;
    case PROP_CONTEXT:
      self->context = g_value_dup_boxed (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

/* A context's policy wins, as for a request. */
static void
resilient_retrier_constructed (GObject *object)
{
  ResilientRetrier *self = RESILIENT_RETRIER (object);
  g_autoptr (ResilientRequestContext) given = g_steal_pointer (&self->context);
  ResilientRetryPolicy *own = given != NULL ? resilient_request_context_get_policy (given) : NULL;

  if (own != NULL)
    {
      g_clear_pointer (&self->policy, resilient_retry_policy_unref);
      self->policy = resilient_retry_policy_ref (own);
    }
  if (self->policy == NULL)
    self->policy = resilient_retry_policy_ref (resilient_retry_policy_get_standard ());
  self->context = resilient_request_context_stamp (given, self->policy, NULL);

  G_OBJECT_CLASS (resilient_retrier_parent_class)->constructed (object);
}

static void
resilient_retrier_finalize (GObject *object)
{
  ResilientRetrier *self = RESILIENT_RETRIER (object);

  if (self->generation == resilient_fork_get_generation ())
    {
      g_assert (!self->sleeping);
      g_mutex_clear (&self->lock);
    }
  resilient_request_context_unref (self->context);
  resilient_retry_policy_unref (self->policy);

  G_OBJECT_CLASS (resilient_retrier_parent_class)->finalize (object);
}

static void
resilient_retrier_class_init (ResilientRetrierClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = resilient_retrier_constructed;
  object_class->finalize = resilient_retrier_finalize;
  object_class->get_property = resilient_retrier_get_property;
  object_class->set_property = resilient_retrier_set_property;

  /**
   * ResilientRetrier:retry-policy: (getter get_retry_policy)
   *
   * What decides: how often, with which backoff, and after which kinds of failure.
   *
   * Since: 1.0
   */
  props[PROP_RETRY_POLICY] =
    g_param_spec_boxed ("retry-policy",
                        NULL,
                        NULL,
                        RESILIENT_TYPE_RETRY_POLICY,
                        G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * ResilientRetrier:context: (getter get_context)
   *
   * The context of the attempt that is being made, or that comes next.
   *
   * Notified in the thread that calls [method@Retrier.backoff_async] or [method@Retrier.reset].
   *
   * Since: 1.0
   */
  props[PROP_CONTEXT] = g_param_spec_boxed ("context",
                                            NULL,
                                            NULL,
                                            RESILIENT_TYPE_REQUEST_CONTEXT,
                                            G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY
                                              | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * ResilientRetrier:attempt: (getter get_attempt)
   *
   * The number of the attempt that is being made, or that comes next: from 1.
   *
   * Notified in the thread that calls [method@Retrier.backoff_async] or [method@Retrier.reset].
   *
   * Since: 1.0
   */
  props[PROP_ATTEMPT] =
    g_param_spec_uint ("attempt",
                       NULL,
                       NULL,
                       0,
                       G_MAXUINT,
                       0,
                       G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, N_PROPS, props);

  /**
   * ResilientRetrier::event:
   * @self: the retrier
   * @event: the event
   *
   * Emitted when another attempt was decided (RETRY, with its context and the delay before it), or
   * when there is none (ERROR, TIMEOUT or CANCELLED). There is no event of success, which only the
   * app knows of.
   *
   * Emitted in the thread that calls [method@Retrier.backoff_async], before that returns; CANCELLED
   * for who sleeps in the main context in which the callback runs.
   *
   * Since: 1.0
   */
  event_signal = g_signal_new ("event",
                               G_TYPE_FROM_CLASS (klass),
                               G_SIGNAL_RUN_LAST,
                               0,
                               NULL,
                               NULL,
                               NULL,
                               G_TYPE_NONE,
                               1,
                               RESILIENT_TYPE_EVENT);
}

static void
resilient_retrier_init (ResilientRetrier *self)
{
  resilient_fork_watch ();
  self->generation = resilient_fork_get_generation ();
  g_mutex_init (&self->lock);
}

/**
 * resilient_retrier_new:
 * @policy: (nullable): what decides; %NULL for [func@RetryPolicy.get_standard]
 * @context: (nullable): who the operation is to observers, never changed; %NULL for one with a
 *   random id
 *
 * Makes a retrier for an operation of which no attempt was made yet.
 *
 * A context with a policy of its own wins over @policy, as for a request. The attempt is 1 whatever
 * the context says.
 *
 * Returns: (transfer full): a new retrier
 *
 * Since: 1.0
 */
ResilientRetrier *
resilient_retrier_new (ResilientRetryPolicy *policy, ResilientRequestContext *context)
{
  return g_object_new (RESILIENT_TYPE_RETRIER, "retry-policy", policy, "context", context, NULL);
}

static void
notify_attempt (ResilientRetrier *self)
{
  g_object_freeze_notify (G_OBJECT (self));
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CONTEXT]);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_ATTEMPT]);
  g_object_thaw_notify (G_OBJECT (self));
}

/**
 * resilient_retrier_backoff_async:
 * @self: a retrier
 * @cause: (nullable): why the attempt failed; %NULL, or a
 * %RESILIENT_CLIENT_ERROR_RETRIES_EXHAUSTED, is retried whatever kinds of failure the policy
 * retries, unless it retries none
 * @cancellable: (nullable): ends the sleep
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Sleeps until it is time for the next attempt, if there is one.
 *
 * The decision is taken at once: when this returns, [property@Retrier:attempt] is that of the
 * attempt to come.
 *
 * PyGObject can't pass %NULL for an error. Without the override that comes with this library, a
 * program in Python gives %RESILIENT_CLIENT_ERROR_RETRIES_EXHAUSTED in its place.
 *
 * Since: 1.0
 */
void
resilient_retrier_backoff_async (ResilientRetrier *self,
                                 const GError *cause,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (ResilientRequestContext) last = NULL;
  g_autoptr (ResilientRequestContext) next = NULL;
  gboolean pending;
  ResilientFailure failure;
  ResilientVerdict verdict;

  g_return_if_fail (RESILIENT_IS_RETRIER (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  /* PyGObject has no other word for it. */
  if (g_error_matches (cause, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_RETRIES_EXHAUSTED))
    cause = NULL;

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, resilient_retrier_backoff_async);
  /* What was decided stays so. */
  g_task_set_check_cancellable (task, FALSE);
  failure = cause != NULL ? resilient_failure_of_operation (cause) : RESILIENT_FAILURE_NONE;

  if (g_cancellable_is_cancelled (cancellable))
    {
      g_autoptr (GError) error =
        g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("The wait was cancelled"));

      tell_end (self, RESILIENT_FAILURE_CANCELLED, RESILIENT_REASON_CANCELLED, error);
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  g_mutex_lock (get_lock (self));
  pending = self->sleeping;
  self->sleeping = TRUE;
  last = resilient_request_context_ref (self->context);
  g_mutex_unlock (&self->lock);

  if (pending)
    {
      g_task_return_new_error (task,
                               G_IO_ERROR,
                               G_IO_ERROR_PENDING,
                               "%s",
                               _ ("Somebody waits for the next attempt already"));
      return;
    }

  /* Without the lock: it is told to who debugs, and an app's writer of logs may look at us. */
  verdict = judge (self, last, cause, failure);
  next = verdict.retry ? resilient_request_context_advance (last, verdict.delay) : NULL;

  g_mutex_lock (get_lock (self));
  self->sleeping = verdict.retry;
  /* else it was reset meanwhile, and the attempt after the sleep is the first one */
  if (next != NULL && self->context == last)
    {
      self->context = g_steal_pointer (&next);
      resilient_request_context_unref (last);
    }
  g_mutex_unlock (&self->lock);

  if (!verdict.retry)
    {
      g_autoptr (GError) error = describe_end (self, cause);

      tell_end (self, failure, verdict.reason, error);
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  tell (self, RESILIENT_EVENT_TYPE_RETRY, failure, &verdict, cause);
  notify_attempt (self);
  fall_asleep (self, g_steal_pointer (&task), verdict.delay);
}

/**
 * resilient_retrier_backoff_finish:
 * @self: a retrier
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Retrier.backoff_async].
 *
 * Without another attempt it fails with a copy of the cause, or with
 * %RESILIENT_CLIENT_ERROR_RETRIES_EXHAUSTED if none was given. `G_IO_ERROR_CANCELLED` says that the
 * sleep was cancelled, `G_IO_ERROR_PENDING` that another one is not over yet.
 *
 * Returns: %TRUE if it is time for the next attempt, %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
resilient_retrier_backoff_finish (ResilientRetrier *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_RETRIER (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, resilient_retrier_backoff_async), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * resilient_retrier_reset:
 * @self: a retrier
 *
 * Begins anew, with all attempts and the shortest delay.
 *
 * Who sleeps meanwhile sleeps on, and the attempt after that is the first one.
 *
 * Since: 1.0
 */
void
resilient_retrier_reset (ResilientRetrier *self)
{
  g_autoptr (ResilientRequestContext) last = NULL;

  g_return_if_fail (RESILIENT_IS_RETRIER (self));

  g_mutex_lock (get_lock (self));
  last = self->context;
  self->context = resilient_request_context_reset_attempts (last);
  g_mutex_unlock (&self->lock);

  if (resilient_request_context_get_current_attempt (last) > 0)
    notify_attempt (self);
}

/**
 * resilient_retrier_get_attempt: (get-property attempt)
 * @self: a retrier
 *
 * Gets the number of the attempt that is being made, or that comes next.
 *
 * Returns: the number, from 1
 *
 * Since: 1.0
 */
guint
resilient_retrier_get_attempt (ResilientRetrier *self)
{
  guint attempt;

  g_return_val_if_fail (RESILIENT_IS_RETRIER (self), 0);

  g_mutex_lock (get_lock (self));
  attempt = resilient_request_context_get_current_attempt (self->context);
  g_mutex_unlock (&self->lock);

  return attempt < G_MAXUINT ? attempt + 1 : attempt;
}

/**
 * resilient_retrier_get_context: (get-property context)
 * @self: a retrier
 *
 * Gets the context of the attempt that is being made, or that comes next.
 *
 * Returns: (transfer full): the context
 *
 * Since: 1.0
 */
ResilientRequestContext *
resilient_retrier_get_context (ResilientRetrier *self)
{
  ResilientRequestContext *context;

  g_return_val_if_fail (RESILIENT_IS_RETRIER (self), NULL);

  g_mutex_lock (get_lock (self));
  context = resilient_request_context_ref (self->context);
  g_mutex_unlock (&self->lock);

  return context;
}

/**
 * resilient_retrier_get_retry_policy: (get-property retry-policy)
 * @self: a retrier
 *
 * Gets what decides.
 *
 * Returns: (transfer none): the policy
 *
 * Since: 1.0
 */
ResilientRetryPolicy *
resilient_retrier_get_retry_policy (ResilientRetrier *self)
{
  g_return_val_if_fail (RESILIENT_IS_RETRIER (self), NULL);

  return self->policy;
}
