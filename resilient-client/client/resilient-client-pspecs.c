/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-client-private.h"

/* What the properties are; reading and writing them stands in resilient-client-properties.c. */

void
resilient_client_install_properties (GObjectClass *object_class)
{
  const GParamFlags ro = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const GParamFlags rw = ro | G_PARAM_WRITABLE;
  const GParamFlags construct_only = rw | G_PARAM_CONSTRUCT_ONLY;
  GParamSpec *props[RESILIENT_CLIENT_N_PROPS] = { NULL };

  object_class->get_property = resilient_client_get_property;
  object_class->set_property = resilient_client_set_property;

  /**
   * ResilientClient:session:
   *
   * The session that everything is sent by: what the app gave, else %NULL, until
   * [method@Client.share_session] makes one. Reading it changes nothing, and the client never
   * changes a property of it.
   *
   * To be used in the home context only, like any session.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_SESSION] =
    g_param_spec_object ("session", NULL, NULL, SOUP_TYPE_SESSION, construct_only);

  /**
   * ResilientClient:main-context:
   *
   * The home context, in which signals are emitted and the properties of calls notified; by default
   * the thread-default main context in which the client was made. The app must iterate it, as the
   * thread-default context of the thread that does: libsoup puts its own sources there.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_MAIN_CONTEXT] =
    g_param_spec_boxed ("main-context", NULL, NULL, G_TYPE_MAIN_CONTEXT, construct_only);

  /**
   * ResilientClient:retry-policy:
   *
   * The policy of requests that bring none, neither themselves nor in their context. Never %NULL;
   * setting %NULL restores the default policy.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_RETRY_POLICY] =
    g_param_spec_boxed ("retry-policy", NULL, NULL, RESILIENT_TYPE_RETRY_POLICY, rw);

  /**
   * ResilientClient:user-agent:
   *
   * The `User-Agent` of requests that don't set their own; %NULL sends none of ours. A session's
   * own [property@Soup.Session:user-agent] overwrites both.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_USER_AGENT] =
    g_param_spec_string ("user-agent", NULL, NULL, NULL, rw);

  /**
   * ResilientClient:io-priority:
   *
   * How far the client gives way to what else its home context has to do, like
   * %G_PRIORITY_DEFAULT_IDLE: lower numbers go first.
   *
   * What serves requests has %G_PRIORITY_DEFAULT, as the sources of libsoup have. As long as there
   * is something to do at that priority nothing below is ever done, and a busy client would keep a
   * window from being drawn. So when a source of a priority between that and this one has waited
   * for 8 ms, no request is begun and no response is read before it has had its turn. By default
   * this is 150: below what GTK lays out and draws with (110 and 120), and above what is done when
   * there is nothing else to do (%G_PRIORITY_DEFAULT_IDLE, 200).
   *
   * With %G_PRIORITY_DEFAULT or less all of it, callbacks and signals included, has this priority
   * at all times, and gives way to nothing below.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_IO_PRIORITY] =
    g_param_spec_int ("io-priority", NULL, NULL, G_MININT, G_MAXINT, RESILIENT_IO_PRIORITY, rw);

  /**
   * ResilientClient:max-concurrent:
   *
   * How many requests may be under way at once, in all: at least 1. The rest waits. With a session
   * of the app's own the smaller of this and [property@Soup.Session:max-conns] is in force.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_MAX_CONCURRENT] =
    g_param_spec_uint ("max-concurrent", NULL, NULL, 1, G_MAXUINT, 100, rw);

  /**
   * ResilientClient:max-concurrent-per-host:
   *
   * How many requests may be under way at once to one origin (scheme, host and port); 0 =
   * automatic: 6, or 32 once the origin has answered over HTTP/2. Counts requests, not connections.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_MAX_CONCURRENT_PER_HOST] =
    g_param_spec_uint ("max-concurrent-per-host", NULL, NULL, 0, G_MAXUINT, 0, rw);

  /**
   * ResilientClient:max-pending:
   *
   * How many requests may wait for a slot; beyond that a request is refused with
   * %RESILIENT_CLIENT_ERROR_OVERLOADED.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_MAX_PENDING] =
    g_param_spec_uint ("max-pending", NULL, NULL, 0, G_MAXUINT, 10000, rw);

  /**
   * ResilientClient:connect-timeout:
   *
   * Seconds until a connection must stand: name, TCP and TLS, waiting for one that is open, or
   * inside libsoup, included; 0 = no limit.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_CONNECT_TIMEOUT] =
    g_param_spec_double ("connect-timeout", NULL, NULL, 0, G_MAXDOUBLE, 10, rw);

  /**
   * ResilientClient:read-timeout:
   *
   * Seconds without a byte received after which an attempt fails, from when the peer has the whole
   * request; 0 = no limit.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_READ_TIMEOUT] =
    g_param_spec_double ("read-timeout", NULL, NULL, 0, G_MAXDOUBLE, 30, rw);

  /**
   * ResilientClient:write-timeout:
   *
   * Seconds without a byte accepted by the peer after which an attempt fails; 0 = no limit.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_WRITE_TIMEOUT] =
    g_param_spec_double ("write-timeout", NULL, NULL, 0, G_MAXDOUBLE, 10, rw);

  /**
   * ResilientClient:queue-timeout:
   *
   * Seconds that a request may wait for a slot; 0 = no limit.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_QUEUE_TIMEOUT] =
    g_param_spec_double ("queue-timeout", NULL, NULL, 0, G_MAXDOUBLE, 0, rw);

  /**
   * ResilientClient:attempt-timeout:
   *
   * Seconds that one attempt may take in all; 0 = no limit.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_ATTEMPT_TIMEOUT] =
    g_param_spec_double ("attempt-timeout", NULL, NULL, 0, G_MAXDOUBLE, 0, rw);

  /**
   * ResilientClient:total-timeout:
   *
   * Seconds that a request may take in all, waiting, attempts and sleeps together; 0 = no limit.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_TOTAL_TIMEOUT] =
    g_param_spec_double ("total-timeout", NULL, NULL, 0, G_MAXDOUBLE, 0, rw);

  /**
   * ResilientClient:max-response-size:
   *
   * Bytes that a response body may have, after decoding; a larger one fails with
   * %RESILIENT_CLIENT_ERROR_TOO_LARGE. 0 = no limit.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_MAX_RESPONSE_SIZE] =
    g_param_spec_uint64 ("max-response-size", NULL, NULL, 0, G_MAXUINT64, 64 * 1024 * 1024, rw);

  /**
   * ResilientClient:event-queue-capacity:
   *
   * How many events may be on their way to signal handlers. Beyond it %RESILIENT_EVENT_TYPE_RETRY
   * events are dropped and counted in [property@Client:dropped-events]; the others lose their
   * response, never themselves. When the bodies of those on their way exceed 8 MiB in all, further
   * ones come without their body.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_EVENT_QUEUE_CAPACITY] =
    g_param_spec_uint ("event-queue-capacity", NULL, NULL, 0, G_MAXUINT, 1000, rw);

  /**
   * ResilientClient:max-results:
   *
   * How many results are kept; the oldest leave first. 0 keeps none.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_MAX_RESULTS] =
    g_param_spec_uint ("max-results", NULL, NULL, 0, G_MAXUINT, 1000, rw);

  /**
   * ResilientClient:result-ttl:
   *
   * Seconds for which a result is kept; suspended time counts. 0 keeps none.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_RESULT_TTL] =
    g_param_spec_double ("result-ttl", NULL, NULL, 0, G_MAXDOUBLE, 3600, rw);

  /**
   * ResilientClient:max-result-bytes:
   *
   * Bytes of response bodies that the kept results may hold together; the oldest lose their bodies
   * first. 0 keeps no body. Headers that take more than 4 KiB count as a part of the body, and go
   * with it.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_MAX_RESULT_BYTES] =
    g_param_spec_uint64 ("max-result-bytes", NULL, NULL, 0, G_MAXUINT64, 8 * 1024 * 1024, rw);

  /**
   * ResilientClient:active-count:
   *
   * How many requests run: they hold a slot, and have not ended. Notified in the home context.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_ACTIVE_COUNT] =
    g_param_spec_uint ("active-count", NULL, NULL, 0, G_MAXUINT, 0, ro);

  /**
   * ResilientClient:pending-count:
   *
   * How many requests wait for a slot; those asleep before a retry do not. Notified in the home
   * context.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_PENDING_COUNT] =
    g_param_spec_uint ("pending-count", NULL, NULL, 0, G_MAXUINT, 0, ro);

  /**
   * ResilientClient:result-count:
   *
   * How many results are kept. Not notified.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_RESULT_COUNT] =
    g_param_spec_uint ("result-count", NULL, NULL, 0, G_MAXUINT, 0, ro);

  /**
   * ResilientClient:event-queue-length:
   *
   * How many events are on their way to signal handlers. Not notified.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_EVENT_QUEUE_LENGTH] =
    g_param_spec_uint ("event-queue-length", NULL, NULL, 0, G_MAXUINT, 0, ro);

  /**
   * ResilientClient:dropped-events:
   *
   * How many events signal handlers did not get because too many were on their way already. Not
   * notified.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_DROPPED_EVENTS] =
    g_param_spec_uint64 ("dropped-events", NULL, NULL, 0, G_MAXUINT64, 0, ro);

  /**
   * ResilientClient:closed:
   *
   * Whether new requests are refused: %TRUE from the first [method@Client.close_async] on. Notified
   * in the home context.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_CLOSED] = g_param_spec_boolean ("closed", NULL, NULL, FALSE, ro);

  /**
   * ResilientClient:calls:
   *
   * The live calls, oldest first, as a list of [class@Call] for a user interface. To be used in the
   * home context only; kept up from the first time it is read.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_CALLS] =
    g_param_spec_object ("calls", NULL, NULL, G_TYPE_LIST_MODEL, ro);

  /**
   * ResilientClient:origins:
   *
   * The origins that the client knows, as a list of [class@Origin], oldest first, that keeps itself
   * up to date; for the home context only. An origin without settings is forgotten some time after
   * its last request, and leaves the list then.
   *
   * Since: 1.0
   */
  props[RESILIENT_CLIENT_PROP_ORIGINS] =
    g_param_spec_object ("origins", NULL, NULL, G_TYPE_LIST_MODEL, ro);

  g_object_class_install_properties (object_class, RESILIENT_CLIENT_N_PROPS, props);
}
