/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-batch.h"

#include "resilient-client-private.h"
#include "resilient-error.h"
#include "resilient-fork-private.h"
#include "resilient-i18n-private.h"
#include "resilient-main-context-private.h"
#include "resilient-request-context-private.h"
#include "resilient-request-private.h"
#include "resilient-result-private.h"

/* Many requests as one operation. It has their list, the calls that run now, and the results. All
 * that moves it happens in the main context in which it was run, where the calls end too; any
 * thread may read it, set its limit and cancel it, which posts a turn to that context. */

/* Others of the main context get their turn after so many starts. */
#define MAX_STARTS_PER_TURN 256

/**
 * ResilientBatch:
 *
 * Sends many requests as one operation, and gives their results in the order of the requests.
 *
 * It starts no more of them than may run at once ([property@Batch:max-concurrent]), so that a
 * hundred thousand need little more memory than their list and their results. A request is taken as
 * it is when its turn comes. Each has retries, deadlines, events and a place in the client's limits
 * as if it had been sent alone, with a context of its own and a random id.
 *
 * A request has failed when its result is no success ([method@Result.is_success]): an answer that
 * the policy accepts is one, a 404 included. By default all requests are sent, and the results tell
 * which of them failed. With %RESILIENT_BATCH_FLAGS_FAIL_FAST the first failure ends the batch.
 *
 * However the batch ends, nothing of it goes on after that: what ran has ended or was cancelled,
 * and its result is there. While it runs it keeps itself and the client alive. A client that is
 * closed meanwhile ends the requests that run, and refuses the others, which is their result.
 *
 * Each result keeps the body of its response for as long as the batch, or whoever has the result,
 * lives. For large ones give the requests a response size that fits
 * ([property@Request:max-response-size]), or send them one by one.
 *
 * A batch runs once. In a forked child a batch that the parent runs stays as it was, and its
 * callback does not come.
 *
 * Since: 1.0
 */
struct _ResilientBatch
{
  GObject parent_instance;

  /* Set once. */
  ResilientClient *client; /* nullable: without requests */
  GPtrArray *requests;
  ResilientBatchFlags flags;

  guint generation; /* of the process; see resilient-fork-private.h */
  GMutex lock;
  /* Under the lock. */
  gboolean orphaned;  /* in a forked child, whose parent runs it */
  GPtrArray *results; /* of ResilientResult, by the place of the request; NULL: not ended yet */
  guint n_done;
  guint n_failed;
  guint max_concurrent;
  gboolean started;
  gboolean cancelled;
  GMainContext *context; /* in which it runs; NULL before and after that */
  gboolean turn_posted;

  /* Of that context. */
  GTask *task;
  GCancellable *cancellable; /* nullable, owned while it is connected to */
  gulong cancelled_id;
  GQueue running; /* of Item */
  guint next;     /* the first request that was not started */
  gboolean stopping;
  GError *failure; /* what it fails with; NULL: nothing */
};

/* A request that runs. It is of the run's context, as its task is, which keeps the batch. */
typedef struct
{
  ResilientCall *call;
  guint index;
  GList link;
} Item;

enum
{
  PROP_CLIENT = 1,
  PROP_N_DONE,
  PROP_N_FAILED,
  PROP_N_TOTAL,
  PROP_MAX_CONCURRENT,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (ResilientBatch, resilient_batch, G_TYPE_OBJECT)

static void run_turn (ResilientBatch *self);

/* In a forked child the lock may be a thread's that is not there, and the run is the parent's. */
static void
adopt (gpointer batch)
{
  ResilientBatch *self = batch;

  g_mutex_init (&self->lock);
  self->orphaned = self->task != NULL;
}

/* To take it. */
static GMutex *
get_lock (ResilientBatch *self)
{
  resilient_fork_adopt (&self->generation, adopt, self);
  return &self->lock;
}

/* --- turns ----------------------------------------------------------------------------------- */

static gboolean
turn_cb (gpointer data)
{
  ResilientBatch *self = data;

  g_mutex_lock (get_lock (self));
  self->turn_posted = FALSE;
  g_mutex_unlock (&self->lock);

  run_turn (self);
  return G_SOURCE_REMOVE;
}

/* Any thread; nothing happens if it does not run. */
static void
post_turn (ResilientBatch *self)
{
  g_autoptr (GMainContext) context = NULL;

  g_mutex_lock (get_lock (self));
  if (self->context != NULL && !self->turn_posted && !self->orphaned)
    {
      self->turn_posted = TRUE;
      context = g_main_context_ref (self->context);
    }
  g_mutex_unlock (&self->lock);

  if (context == NULL)
    return;

  resilient_main_context_post (
    context, G_PRIORITY_DEFAULT, "[resilient] batch", turn_cb, g_object_ref (self), g_object_unref);
}

/* In the thread that cancels, perhaps under the cancellable's lock. */
static void
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  resilient_batch_cancel (data);
}

/* --- the end --------------------------------------------------------------------------------- */

static void
result_clear (gpointer data)
{
  if (data != NULL)
    resilient_result_unref (data);
}

/* The place of a request that was never started is taken by one result that they share. */
static ResilientResult *
make_cancelled_result (ResilientBatch *self)
{
  g_autoptr (ResilientRetryPolicy) policy = resilient_client_get_retry_policy (self->client);
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_stamp (NULL, policy, NULL);
  g_autoptr (GError) error = g_error_new_literal (
    G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("The batch ended before the request was sent"));

  return resilient_result_new (context,
                               RESILIENT_RESULT_STATUS_CANCELLED,
                               NULL,
                               error,
                               RESILIENT_FAILURE_CANCELLED,
                               0,
                               0,
                               0.0,
                               NULL);
}

static void
fill_up_results (ResilientBatch *self)
{
  g_autoptr (ResilientResult) cancelled = NULL;

  if (self->next == self->requests->len)
    return;

  cancelled = make_cancelled_result (self);
  g_mutex_lock (get_lock (self));
  for (guint i = self->next; i < self->requests->len; i++)
    self->results->pdata[i] = resilient_result_ref (cancelled);
  self->n_done = self->requests->len;
  g_mutex_unlock (&self->lock);
  self->next = self->requests->len;

  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_N_DONE]);
}

static void
end_run (ResilientBatch *self)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);
  g_autoptr (GCancellable) cancellable = g_steal_pointer (&self->cancellable);
  GMainContext *context;
  gboolean cancelled;

  /* Not g_cancellable_disconnect(): it waits for a handler that runs, and this may be inside one.
   * The handler's data is a reference. */
  if (cancellable != NULL)
    g_signal_handler_disconnect (cancellable, self->cancelled_id);

  g_mutex_lock (get_lock (self));
  context = g_steal_pointer (&self->context);
  cancelled = self->cancelled;
  g_mutex_unlock (&self->lock);

  /* It may run a handler, for which the batch has not ended yet. */
  fill_up_results (self);

  if (self->failure != NULL)
    g_task_return_error (task, g_steal_pointer (&self->failure));
  else if (cancelled)
    g_task_return_new_error (
      task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s", _ ("The batch was cancelled"));
  else
    g_task_return_pointer (
      task, resilient_batch_list_results (self), (GDestroyNotify) g_ptr_array_unref);
  g_main_context_unref (context);
}

static void
stop (ResilientBatch *self)
{
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);

  self->stopping = TRUE;
  for (GList *link = self->running.head; link != NULL; link = link->next)
    g_ptr_array_add (calls, g_object_ref (((Item *) link->data)->call));
  for (guint i = 0; i < calls->len; i++)
    resilient_call_cancel (calls->pdata[i]);
}

/* --- the requests ---------------------------------------------------------------------------- */

/* Why the batch fails, when it fails fast. A status that the policy lists has no error. */
static GError *
describe_failure (ResilientResult *result)
{
  const GError *error = resilient_result_get_error (result);
  ResilientResponse *response = resilient_result_get_response (result);
  GError *status = NULL;

  if (error != NULL)
    return g_error_copy (error);

  /* A policy lists statuses of failures only. */
  resilient_response_check_status (response, &status);
  return status;
}

static void
keep_result (ResilientBatch *self, guint index, ResilientResult *result)
{
  gboolean failed = !resilient_result_is_success (result);

  /* What was cancelled because the batch ends did not fail. */
  if (self->stopping && resilient_result_get_status (result) == RESILIENT_RESULT_STATUS_CANCELLED)
    failed = FALSE;

  g_mutex_lock (get_lock (self));
  self->results->pdata[index] = result;
  self->n_done++;
  if (failed)
    self->n_failed++;
  g_mutex_unlock (&self->lock);

  if (failed && (self->flags & RESILIENT_BATCH_FLAGS_FAIL_FAST) != 0 && !self->stopping)
    {
      self->failure = describe_failure (result);
      stop (self);
    }

  g_object_freeze_notify (G_OBJECT (self));
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_N_DONE]);
  if (failed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_N_FAILED]);
  g_object_thaw_notify (G_OBJECT (self));
}

static void
ended_cb (GObject *source, GAsyncResult *task, gpointer data)
{
  ResilientBatch *self = RESILIENT_BATCH (source);
  Item *item = data;
  ResilientResult *result = g_task_propagate_pointer (G_TASK (task), NULL);

  keep_result (self, item->index, result);
  /* Only now: a nested loop in a handler must not find the batch at its end. */
  g_queue_unlink (&self->running, &item->link);
  g_object_unref (item->call);
  g_free (item);

  run_turn (self);
}

/* FALSE: it has to wait until one of those that run has ended. */
static gboolean
start_next (ResilientBatch *self)
{
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientFrozenRequest) frozen = NULL;
  g_autoptr (GError) error = NULL;
  GTask *task;
  Item *item;

  frozen = resilient_request_freeze (self->requests->pdata[self->next], &error);
  /* A short queue of the client's, or one that others have filled, is no failure of a batch that
   * can wait. */
  if (g_queue_is_empty (&self->running))
    call = resilient_client_start_frozen (self->client, frozen, error, NULL, NULL);
  else
    call = resilient_client_try_start_frozen (self->client, frozen, error);
  if (call == NULL)
    return FALSE;

  item = g_new0 (Item, 1);
  item->call = g_steal_pointer (&call);
  item->index = self->next++;
  item->link.data = item;
  g_queue_push_tail_link (&self->running, &item->link);

  task = g_task_new (self, NULL, ended_cb, item);
  g_task_set_source_tag (task, start_next);
  resilient_call_add_task (item->call, task, TRUE, -1.0, NULL);
  return TRUE;
}

static guint
get_limit (ResilientBatch *self)
{
  guint limit = resilient_batch_get_max_concurrent (self);

  return limit > 0 ? limit : resilient_client_get_max_concurrent (self->client);
}

static void
start_some (ResilientBatch *self)
{
  for (guint n = 0; self->next < self->requests->len && self->running.length < get_limit (self);
       n++)
    {
      if (n == MAX_STARTS_PER_TURN)
        {
          post_turn (self);
          return;
        }
      if (!start_next (self))
        return;
    }
}

/* In the run's context, also after the end, when there is nothing to do. */
static void
run_turn (ResilientBatch *self)
{
  g_autoptr (GMainContext) context = NULL;
  GMainContext *thread_default = g_main_context_get_thread_default ();
  gboolean cancelled, orphaned, push;

  if (self->task == NULL)
    return;

  g_mutex_lock (get_lock (self));
  context = g_main_context_ref (self->context);
  cancelled = self->cancelled;
  orphaned = self->orphaned;
  g_mutex_unlock (&self->lock);

  if (orphaned)
    return;

  if (cancelled && !self->stopping)
    stop (self);

  /* The calls belong to this context, also where an app iterates it without having made it the
   * thread-default one. */
  push = context != (thread_default != NULL ? thread_default : g_main_context_default ());
  if (push)
    g_main_context_push_thread_default (context);
  if (!self->stopping)
    start_some (self);
  if (push)
    g_main_context_pop_thread_default (context);

  if (g_queue_is_empty (&self->running) && (self->stopping || self->next == self->requests->len))
    end_run (self);
}

/* --- the object ------------------------------------------------------------------------------ */

static void
resilient_batch_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  ResilientBatch *self = RESILIENT_BATCH (object);

  switch (prop_id)
    {
    case PROP_CLIENT:
      g_value_set_object (value, resilient_batch_get_client (self));
      break;
    case PROP_N_DONE:
      g_value_set_uint (value, resilient_batch_get_n_done (self));
      break;
    case PROP_N_FAILED:
      g_value_set_uint (value, resilient_batch_get_n_failed (self));
      break;
    case PROP_N_TOTAL:
      g_value_set_uint (value, resilient_batch_get_n_total (self));
      break;
    case PROP_MAX_CONCURRENT:
      g_value_set_uint (value, resilient_batch_get_max_concurrent (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_batch_set_property (GObject *object,
                              guint prop_id,
                              const GValue *value,
                              GParamSpec *pspec)
{
  ResilientBatch *self = RESILIENT_BATCH (object);

  switch (prop_id)
    {
    case PROP_MAX_CONCURRENT:
      resilient_batch_set_max_concurrent (self, g_value_get_uint (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

/* A run holds a reference, so that none goes on, unless somebody runs dispose by hand. */
static void
resilient_batch_dispose (GObject *object)
{
  resilient_batch_cancel (RESILIENT_BATCH (object));

  G_OBJECT_CLASS (resilient_batch_parent_class)->dispose (object);
}

static void
resilient_batch_finalize (GObject *object)
{
  ResilientBatch *self = RESILIENT_BATCH (object);

  g_assert (self->task == NULL);
  g_clear_object (&self->client);
  g_ptr_array_unref (self->requests);
  g_clear_pointer (&self->results, g_ptr_array_unref);
  if (self->generation == resilient_fork_get_generation ())
    g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (resilient_batch_parent_class)->finalize (object);
}

static void
resilient_batch_class_init (ResilientBatchClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = resilient_batch_get_property;
  object_class->set_property = resilient_batch_set_property;
  object_class->dispose = resilient_batch_dispose;
  object_class->finalize = resilient_batch_finalize;

  /**
   * ResilientBatch:client: (getter get_client)
   *
   * The client that sends.
   *
   * Since: 1.0
   */
  props[PROP_CLIENT] = g_param_spec_object ("client", NULL, NULL, RESILIENT_TYPE_CLIENT, flags);

  /**
   * ResilientBatch:n-done: (getter get_n_done)
   *
   * How many requests have a result: at the end all of them.
   *
   * Notified in the main context in which the batch was run, when the result is there.
   *
   * Since: 1.0
   */
  props[PROP_N_DONE] = g_param_spec_uint ("n-done", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * ResilientBatch:n-failed: (getter get_n_failed)
   *
   * How many of those failed. What was cancelled because the batch ended before is not counted.
   *
   * Notified in the main context in which the batch was run.
   *
   * Since: 1.0
   */
  props[PROP_N_FAILED] = g_param_spec_uint ("n-failed", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * ResilientBatch:n-total: (getter get_n_total)
   *
   * How many requests there are.
   *
   * Since: 1.0
   */
  props[PROP_N_TOTAL] = g_param_spec_uint ("n-total", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * ResilientBatch:max-concurrent: (getter get_max_concurrent) (setter set_max_concurrent)
   *
   * How many of its requests are on their way at once, those that sleep before a retry or wait for
   * a slot of the client included; 0 for as many as the client allows
   * ([property@Client:max-concurrent]).
   *
   * The limits of the client hold besides, those for a host too. It may be changed while the batch
   * runs; a lower one ends no request.
   *
   * Notified in the thread that sets it.
   *
   * Since: 1.0
   */
  props[PROP_MAX_CONCURRENT] =
    g_param_spec_uint ("max-concurrent", NULL, NULL, 0, G_MAXUINT, 0, flags | G_PARAM_WRITABLE);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
resilient_batch_init (ResilientBatch *self)
{
  resilient_fork_watch ();
  self->generation = resilient_fork_get_generation ();
  g_mutex_init (&self->lock);
  self->requests = g_ptr_array_new_with_free_func (g_object_unref);
  g_queue_init (&self->running);
}

static gpointer
copy_request (gconstpointer request, gpointer data)
{
  return g_object_ref ((gpointer) request);
}

/**
 * resilient_batch_new:
 * @client: what sends
 * @requests: (element-type ResilientRequest) (transfer none): the requests; the same one may be
 *   there several times
 * @flags: what to do when one fails
 *
 * Makes a batch. Nothing is sent until [method@Batch.run_async].
 *
 * The batch has a list of its own: what is done to @requests later does not matter.
 *
 * Returns: (transfer full): a new batch
 *
 * Since: 1.0
 */
ResilientBatch *
resilient_batch_new (ResilientClient *client, GPtrArray *requests, ResilientBatchFlags flags)
{
  ResilientBatch *self;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (client), NULL);
  g_return_val_if_fail (requests != NULL, NULL);
  for (guint i = 0; i < requests->len; i++)
    g_return_val_if_fail (RESILIENT_IS_REQUEST (requests->pdata[i]), NULL);

  self = g_object_new (RESILIENT_TYPE_BATCH, NULL);
  self->client = g_object_ref (client);
  g_ptr_array_extend (self->requests, requests, copy_request, NULL);
  self->flags = flags;
  return self;
}

/**
 * resilient_batch_run_async:
 * @self: a batch
 * @cancellable: (nullable): ends the batch, as [method@Batch.cancel] does
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Sends the requests.
 *
 * The batch, and with it the client, stays alive until it has ended.
 *
 * Since: 1.0
 */
void
resilient_batch_run_async (ResilientBatch *self,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  gboolean started;

  g_return_if_fail (RESILIENT_IS_BATCH (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, resilient_batch_run_async);
  /* How it ended is decided when it ends. */
  g_task_set_check_cancellable (task, FALSE);

  g_mutex_lock (get_lock (self));
  started = self->started;
  self->started = TRUE;
  g_mutex_unlock (&self->lock);
  if (started)
    {
      g_task_return_new_error (task,
                               RESILIENT_CLIENT_ERROR,
                               RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                               "%s",
                               _ ("A batch can’t be run a second time"));
      return;
    }

  if (cancellable != NULL)
    {
      self->cancelled_id = g_cancellable_connect (
        cancellable, G_CALLBACK (cancelled_cb), g_object_ref (self), g_object_unref);
      if (self->cancelled_id != 0)
        self->cancellable = g_object_ref (cancellable);
    }

  /* From here on it is the context's, which may be that of another thread. */
  g_mutex_lock (get_lock (self));
  self->results = g_ptr_array_new_full (self->requests->len, result_clear);
  g_ptr_array_set_size (self->results, (int) self->requests->len);
  self->context = g_main_context_ref (g_task_get_context (task));
  self->task = g_steal_pointer (&task);
  g_mutex_unlock (&self->lock);
  post_turn (self);
}

/**
 * resilient_batch_run_finish:
 * @self: a batch
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Batch.run_async].
 *
 * With %RESILIENT_BATCH_FLAGS_FAIL_FAST it fails with the error of the first request that failed,
 * in the domain %RESILIENT_HTTP_ERROR if that was a status. A batch that was cancelled fails with
 * `G_IO_ERROR_CANCELLED`, one that was run before with %RESILIENT_CLIENT_ERROR_INVALID_REQUEST. Its
 * results are in [method@Batch.list_results] all the same.
 *
 * Returns: (transfer container) (element-type ResilientResult): a result for each request, in the
 *   order of the requests, or %NULL with @error set
 *
 * Since: 1.0
 */
GPtrArray *
resilient_batch_run_finish (ResilientBatch *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_BATCH (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, resilient_batch_run_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * resilient_batch_cancel:
 * @self: a batch
 *
 * Ends the batch: requests that run are cancelled, the others are not sent.
 *
 * It ends as soon as they have. One that has not been run yet ends at once when it is; one that has
 * ended stays as it is.
 *
 * Since: 1.0
 */
void
resilient_batch_cancel (ResilientBatch *self)
{
  g_return_if_fail (RESILIENT_IS_BATCH (self));

  g_mutex_lock (get_lock (self));
  self->cancelled = TRUE;
  g_mutex_unlock (&self->lock);
  post_turn (self);
}

/**
 * resilient_batch_list_results:
 * @self: a batch
 *
 * Lists the results that there are: of the requests that have ended, in the order of the requests.
 *
 * Once the batch has ended, however it did, there is one for each request. Those that were not sent
 * are of status CANCELLED, and may share one result.
 *
 * Returns: (transfer container) (element-type ResilientResult): the results
 *
 * Since: 1.0
 */
GPtrArray *
resilient_batch_list_results (ResilientBatch *self)
{
  GPtrArray *results;

  g_return_val_if_fail (RESILIENT_IS_BATCH (self), NULL);

  g_mutex_lock (get_lock (self));
  results = g_ptr_array_new_full (self->n_done, (GDestroyNotify) resilient_result_unref);
  for (guint i = 0; self->results != NULL && i < self->results->len; i++)
    {
      if (self->results->pdata[i] != NULL)
        g_ptr_array_add (results, resilient_result_ref (self->results->pdata[i]));
    }
  g_mutex_unlock (&self->lock);

  return results;
}

/**
 * resilient_batch_get_client: (get-property client)
 * @self: a batch
 *
 * Gets the client that sends.
 *
 * Returns: (transfer none) (nullable): the client; %NULL for a batch that was made without one, and
 *   is empty
 *
 * Since: 1.0
 */
ResilientClient *
resilient_batch_get_client (ResilientBatch *self)
{
  g_return_val_if_fail (RESILIENT_IS_BATCH (self), NULL);

  return self->client;
}

/* Any thread may ask. */
static guint
read_count (ResilientBatch *self, const guint *count)
{
  guint value;

  g_mutex_lock (get_lock (self));
  value = *count;
  g_mutex_unlock (&self->lock);

  return value;
}

/**
 * resilient_batch_get_n_done: (get-property n-done)
 * @self: a batch
 *
 * Gets how many requests have a result.
 *
 * Returns: the number of requests
 *
 * Since: 1.0
 */
guint
resilient_batch_get_n_done (ResilientBatch *self)
{
  g_return_val_if_fail (RESILIENT_IS_BATCH (self), 0);

  return read_count (self, &self->n_done);
}

/**
 * resilient_batch_get_n_failed: (get-property n-failed)
 * @self: a batch
 *
 * Gets how many requests failed.
 *
 * Returns: the number of requests
 *
 * Since: 1.0
 */
guint
resilient_batch_get_n_failed (ResilientBatch *self)
{
  g_return_val_if_fail (RESILIENT_IS_BATCH (self), 0);

  return read_count (self, &self->n_failed);
}

/**
 * resilient_batch_get_n_total: (get-property n-total)
 * @self: a batch
 *
 * Gets how many requests there are.
 *
 * Returns: the number of requests
 *
 * Since: 1.0
 */
guint
resilient_batch_get_n_total (ResilientBatch *self)
{
  g_return_val_if_fail (RESILIENT_IS_BATCH (self), 0);

  return self->requests->len;
}

/**
 * resilient_batch_get_max_concurrent: (get-property max-concurrent)
 * @self: a batch
 *
 * Gets how many of its requests are on their way at once.
 *
 * Returns: the number of requests, 0 for as many as the client allows
 *
 * Since: 1.0
 */
guint
resilient_batch_get_max_concurrent (ResilientBatch *self)
{
  g_return_val_if_fail (RESILIENT_IS_BATCH (self), 0);

  return read_count (self, &self->max_concurrent);
}

/**
 * resilient_batch_set_max_concurrent: (set-property max-concurrent)
 * @self: a batch
 * @max_concurrent: how many requests, 0 for as many as the client allows
 *
 * Sets how many of its requests are on their way at once.
 *
 * Since: 1.0
 */
void
resilient_batch_set_max_concurrent (ResilientBatch *self, guint max_concurrent)
{
  gboolean changed;

  g_return_if_fail (RESILIENT_IS_BATCH (self));

  g_mutex_lock (get_lock (self));
  changed = self->max_concurrent != max_concurrent;
  self->max_concurrent = max_concurrent;
  g_mutex_unlock (&self->lock);

  if (changed)
    {
      post_turn (self);
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_CONCURRENT]);
    }
}
