/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-client-private.h"
#include "resilient-seams-private.h"

/**
 * ResilientClient:
 *
 * Sends HTTP requests that survive real networks: a [class@Soup.Session] with retries that never
 * send a request twice by accident, with backoff, limits, deadlines, and a view of what is going
 * on.
 *
 * A client is made once and kept: it holds the connections. Its simplest use is one call, such as
 * [method@Client.get_async]; [class@Request] says more about what is sent and how,
 * [struct@RequestContext] who the request is to observers, and [class@Call] shows a request while
 * it lives.
 *
 * What happens is told by signals ([signal@Client::event] and one for each type of event), by
 * subscriptions ([method@Client.subscribe]), results ([method@Client.get_result]) and statistics
 * ([method@Client.get_stats]).
 *
 * The client may be used from any thread. Callbacks run in the thread-default main context in which
 * their operation was started; signals in the home context ([property@Client:main-context]).
 * Dropping the last reference while requests run is fine: they end as if it were still there,
 * without signals.
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE (ResilientClient, resilient_client, G_TYPE_OBJECT)

static void
weak_client_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static void
resilient_client_constructed (GObject *object)
{
  ResilientClient *self = RESILIENT_CLIENT (object);
  GWeakRef *weak = g_new0 (GWeakRef, 1);

  G_OBJECT_CLASS (resilient_client_parent_class)->constructed (object);

  if (self->main_context == NULL)
    self->main_context = g_main_context_ref_thread_default ();

  self->engine = resilient_engine_new (self->main_context, self->given_session);
  g_clear_object (&self->given_session);

  resilient_client_watch_counts (self);
  resilient_recorder_set_wanted_func (self->engine->recorder, resilient_client_wants_event, self);
  g_weak_ref_init (weak, self);
  self->monitor =
    resilient_event_queue_attach (resilient_recorder_get_queue (self->engine->recorder),
                                  self->main_context,
                                  resilient_client_emit_event,
                                  weak,
                                  weak_client_free);
  g_source_set_priority (self->monitor, resilient_engine_get_source_priority (self->engine));
}

static void
resilient_client_dispose (GObject *object)
{
  ResilientClient *self = RESILIENT_CLIENT (object);

  /* in a forked child it stays where it is, and does nothing */
  if (self->monitor != NULL && !resilient_engine_is_foreign (self->engine, NULL))
    {
      resilient_recorder_set_wanted_func (self->engine->recorder, NULL, NULL);
      g_source_destroy (self->monitor);
      g_clear_pointer (&self->monitor, g_source_unref);
    }

  G_OBJECT_CLASS (resilient_client_parent_class)->dispose (object);
}

static void
resilient_client_finalize (GObject *object)
{
  ResilientClient *self = RESILIENT_CLIENT (object);

  g_clear_object (&self->calls);
  g_clear_object (&self->origins);
  g_clear_pointer (&self->engine, resilient_engine_unref);
  g_clear_pointer (&self->main_context, g_main_context_unref);

  G_OBJECT_CLASS (resilient_client_parent_class)->finalize (object);
}

static void
resilient_client_class_init (ResilientClientClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = resilient_client_constructed;
  object_class->dispose = resilient_client_dispose;
  object_class->finalize = resilient_client_finalize;

  resilient_client_install_properties (object_class);
  resilient_client_install_signals (object_class);
  resilient_seams_offer (G_TYPE_FROM_CLASS (klass));
}

static void
resilient_client_init (ResilientClient *self)
{
}

/**
 * resilient_client_new:
 *
 * Makes a client with a session of its own, at home in the thread-default main context.
 *
 * Returns: (transfer full): a client
 *
 * Since: 1.0
 */
ResilientClient *
resilient_client_new (void)
{
  return g_object_new (RESILIENT_TYPE_CLIENT, NULL);
}

/**
 * resilient_client_new_with_session:
 * @session: a session of the app's own
 *
 * Makes a client that sends through @session, with its features (cookies, cache, proxies,
 * authentication, logging).
 *
 * No property of @session is changed. The smaller of its limits and the client's is in force, and
 * its [property@Soup.Session:timeout] still applies to each socket operation: set it to 0 to leave
 * time-outs to the client.
 *
 * Returns: (transfer full): a client
 *
 * Since: 1.0
 */
ResilientClient *
resilient_client_new_with_session (SoupSession *session)
{
  g_return_val_if_fail (SOUP_IS_SESSION (session), NULL);

  return g_object_new (RESILIENT_TYPE_CLIENT, "session", session, NULL);
}

/**
 * resilient_client_get_session:
 * @self: a client
 *
 * Gets [property@Client:session]. Reading it changes nothing.
 *
 * Returns: (transfer none) (nullable): the session, or %NULL while the client keeps its own to
 *   itself
 *
 * Since: 1.0
 */
SoupSession *
resilient_client_get_session (ResilientClient *self)
{
  SoupSession *session;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return self->engine->session;

  /* Once it is there the engine keeps it for as long as it lives. */
  g_mutex_lock (&self->engine->lock);
  session = self->engine->session;
  g_mutex_unlock (&self->engine->lock);

  return session;
}

/**
 * resilient_client_share_session:
 * @self: a client
 *
 * Makes the client send everything from now on by one session, and gives it to the app, to be set
 * up with features, a logger or handlers of signals. With a session of the app's own that is the
 * one.
 *
 * It has a price. A client that keeps its connections to itself sends HTTP/1 requests that run at
 * the same time by a session each, as libsoup looks at all connections of a session at every step:
 * with one session for all, a request costs the more the more of them are under way. And it can't
 * be undone.
 *
 * Call it before the first request, in the home context, as the session belongs there: requests
 * that are under way end by where they began, and soup_session_abort() doesn't reach them. The
 * client never changes a property of the session.
 *
 * Returns: (transfer none) (nullable): the session, or %NULL in a forked child, which has none
 *
 * Since: 1.0
 */
SoupSession *
resilient_client_share_session (ResilientClient *self)
{
  g_autoptr (SoupSession) session = NULL;
  gboolean known;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return NULL;

  known = resilient_client_get_session (self) != NULL;
  session = resilient_engine_dup_session (self->engine);
  if (!known)
    g_object_notify (G_OBJECT (self), "session");

  /* The engine keeps it. */
  return session;
}

/**
 * resilient_client_get_main_context:
 * @self: a client
 *
 * Gets the home context.
 *
 * Returns: (transfer none): the context in which signals are emitted
 *
 * Since: 1.0
 */
GMainContext *
resilient_client_get_main_context (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);

  return self->main_context;
}

/**
 * resilient_client_get_closed:
 * @self: a client
 *
 * Gets whether new requests are refused.
 *
 * Returns: %TRUE from the first [method@Client.close_async] on
 *
 * Since: 1.0
 */
gboolean
resilient_client_get_closed (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), TRUE);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return TRUE;

  return resilient_engine_is_closing (self->engine);
}

/**
 * resilient_client_get_calls:
 * @self: a client
 *
 * Gets the live calls, oldest first, as a list that keeps itself up to date; for the home context
 * only.
 *
 * Returns: (transfer none): a list of [class@Call]
 *
 * Since: 1.0
 */
GListModel *
resilient_client_get_calls (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);

  if (self->calls == NULL)
    self->calls = resilient_call_list_new (self->engine);

  return G_LIST_MODEL (self->calls);
}
