/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Makes the SoupMessage of an attempt: whose headers win, what is asked of the server, what it may
 * be sent over. It owns nothing; in the context of the attempt. */

#include "config.h"

#include "resilient-soup-attempt-private.h"

#include "resilient-verdict-private.h"

/* From here on a server is asked whether it wants the body at all (RFC 9110, 10.1.1). */
#define EXPECT_SIZE (1024 * 1024)

static gboolean
has_own_header (SoupAttempt *self, const char *name)
{
  return self->frozen->headers != NULL
         && resilient_headers_get_one (self->frozen->headers, name) != NULL;
}

/* The order of who wins: the request's own headers, what the library knows better than defaults,
 * the defaults. */
static void
set_headers (SoupAttempt *self, SoupMessage *message, gboolean with_body)
{
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  g_autoptr (ResilientHeaders) defaults = NULL;
  g_autoptr (ResilientHeaders) merged = NULL;

  if (self->funcs->default_headers != NULL)
    defaults = self->funcs->default_headers (self->plan.uri, self->data);
  merged = resilient_request_plan_merge_headers (&self->plan, defaults, self->frozen->headers);
  if (resilient_headers_get_length (merged) > 0)
    {
      resilient_headers_append_to_soup (merged, headers);
      /* framing follows from the body, never from a default */
      soup_message_headers_remove (headers, "Content-Length");
      soup_message_headers_remove (headers, "Transfer-Encoding");
    }
  if (with_body && resilient_body_get_content_type (self->frozen->body) != NULL
      && !has_own_header (self, "Content-Type"))
    soup_message_headers_remove (headers, "Content-Type");

  if (self->idempotency_key != NULL && self->plan.with_body)
    soup_message_headers_replace (headers, "Idempotency-Key", self->idempotency_key);
  if (self->user_agent != NULL && !has_own_header (self, "User-Agent"))
    soup_message_headers_replace (headers, "User-Agent", self->user_agent);
  /* Who asks for codings by hand decodes by hand. A part of an encoded body can't be decoded, so
   * none is asked for. */
  self->decode = soup_message_headers_get_one (headers, "Accept-Encoding") == NULL
                 && soup_message_headers_get_one (headers, "Range") == NULL;
  if (soup_message_headers_get_one (headers, "Accept-Encoding") == NULL)
    soup_message_headers_append (
      headers, "Accept-Encoding", self->decode ? "gzip, deflate" : "identity");
}

ResilientReuse
resilient_soup_message_get_reuse (SoupAttempt *self)
{
  if (self->new_connection)
    return RESILIENT_REUSE_NONE;
  if (resilient_soup_attempt_may_repeat (self)
      || resilient_method_is_idempotent (self->plan.method))
    return RESILIENT_REUSE_ANY;
  return RESILIENT_REUSE_FRESH;
}

/* RFC 9112, 9.3 */
static gboolean
is_kept (SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);

  if (soup_message_headers_get_encoding (headers) == SOUP_ENCODING_EOF
      || soup_message_headers_header_contains (
        soup_message_get_request_headers (message), "Connection", "close"))
    return FALSE;
  if (soup_message_get_http_version (message) == SOUP_HTTP_1_0)
    return soup_message_headers_header_contains (headers, "Connection", "keep-alive");
  return !soup_message_headers_header_contains (headers, "Connection", "close");
}

void
resilient_soup_message_pass_on (SoupTransfer *transfer)
{
  ResilientLease *lease = &transfer->lease;
  gboolean kept = is_kept (resilient_soup_send_get_message (transfer->send));

  resilient_soup_send_served (transfer->send);
  if (lease->exclusive)
    kept = resilient_connections_settle (lease->lane->connections) && kept;
  resilient_pool_pass_on (transfer->attempt->pool, lease, kept);
}

SoupMessage *
resilient_soup_message_new (SoupAttempt *self, SoupTransfer *transfer)
{
  SoupMessage *message = soup_message_new_from_uri (self->plan.method, self->plan.uri);
  gboolean with_body = self->plan.with_body && self->frozen->body != NULL;
  SoupMessageFlags flags = SOUP_MESSAGE_NO_REDIRECT;

  if (self->new_connection)
    flags |= SOUP_MESSAGE_NEW_CONNECTION;
  /* Without it libsoup opens a connection for each POST; with it, it uses kept-alive ones, and does
   * not resend what was lost on a stale one: that is ours to do, or nobody's. */
  if (!resilient_method_is_idempotent (self->plan.method)
      && (resilient_soup_attempt_may_repeat (self) || transfer->lease.fresh_only))
    flags |= SOUP_MESSAGE_IDEMPOTENT;
  soup_message_add_flags (message, flags);
  /* libsoup's decoder calls a cut or corrupt body a success */
  if (!transfer->lease.lane->bare
      && soup_session_has_feature (transfer->lease.lane->session, SOUP_TYPE_CONTENT_DECODER))
    soup_message_disable_feature (message, SOUP_TYPE_CONTENT_DECODER);
  /* it would read the beginning of a body before that is guarded */
  if (!transfer->lease.lane->bare
      && soup_session_has_feature (transfer->lease.lane->session, SOUP_TYPE_CONTENT_SNIFFER))
    soup_message_disable_feature (message, SOUP_TYPE_CONTENT_SNIFFER);
  set_headers (self, message, with_body);
  return message;
}

gboolean
resilient_soup_message_wants_expect (SoupAttempt *self, SoupTransfer *transfer)
{
  const char *own;

  if (!self->plan.with_body || self->frozen->body == NULL || self->no_expect)
    return FALSE;
  own = self->frozen->headers != NULL ? resilient_headers_get_one (self->frozen->headers, "Expect")
                                      : NULL;
  if (own != NULL && g_ascii_strcasecmp (own, "100-continue") == 0)
    return TRUE;
  return resilient_body_get_size (self->frozen->body) > EXPECT_SIZE
         && !transfer->lease.route->avoids_expect;
}

const char *
resilient_soup_headers_get_coding (SoupMessageHeaders *headers)
{
  const char *type = soup_message_headers_get_content_type (headers, NULL);

  if (type != NULL
      && (g_ascii_strcasecmp (type, "application/gzip") == 0
          || g_ascii_strcasecmp (type, "application/x-gzip") == 0))
    return NULL;
  return soup_message_headers_get_list (headers, "Content-Encoding");
}
