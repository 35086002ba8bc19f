/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-soup-exchange-private.h"

#include "resilient-i18n-private.h"
#include "resilient-verdict-private.h"

/* From here on a server is asked whether it wants the body at all (RFC 9110, 10.1.1). */
#define EXPECT_SIZE (1024 * 1024)

static gboolean
has_own_header (SoupExchange *self, const char *name)
{
  return self->recipe->headers != NULL
         && resilient_headers_get_one (self->recipe->headers, name) != NULL;
}

/* The order of who wins: the request's own headers, what the library knows better than defaults,
 * the defaults. */
static void
set_headers (SoupExchange *self, SoupMessage *message, gboolean with_body)
{
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  g_autoptr (ResilientHeaders) defaults = NULL;
  g_autoptr (ResilientHeaders) merged = NULL;

  if (self->funcs->default_headers != NULL)
    defaults = self->funcs->default_headers (self->plan.uri, self->data);
  merged = resilient_hop_merge_headers (&self->plan, defaults, self->recipe->headers);
  if (resilient_headers_get_length (merged) > 0)
    {
      resilient_headers_append_to_soup (merged, headers);
      /* framing follows from the body, never from a default */
      soup_message_headers_remove (headers, "Content-Length");
      soup_message_headers_remove (headers, "Transfer-Encoding");
    }
  if (with_body && resilient_body_get_content_type (self->recipe->body) != NULL
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

gboolean
resilient_soup_message_wants_own_connection (SoupExchange *self)
{
  return self->new_connection
         || (!resilient_soup_exchange_may_repeat (self)
             && !resilient_method_is_idempotent (self->plan.method));
}

/* RFC 9112, 9.3 */
static gboolean
is_kept (SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);

  if (soup_message_headers_get_encoding (headers) == SOUP_ENCODING_EOF)
    return FALSE;
  if (soup_message_get_http_version (message) == SOUP_HTTP_1_0)
    return soup_message_headers_header_contains (headers, "Connection", "keep-alive");
  return !soup_message_headers_header_contains (headers, "Connection", "close");
}

void
resilient_soup_message_pass_on (SoupLeg *leg)
{
  SoupMessage *message = resilient_soup_hop_get_message (leg->hop);

  resilient_pool_pass_on (leg->exchange->pool,
                          &leg->pass,
                          leg->pass.state == RESILIENT_PASS_UNCOUNTED || is_kept (message));
}

SoupMessage *
resilient_soup_message_new (SoupExchange *self, SoupLeg *leg)
{
  SoupMessage *message = soup_message_new_from_uri (self->plan.method, self->plan.uri);
  gboolean with_body = self->plan.with_body && self->recipe->body != NULL;
  SoupMessageFlags flags = SOUP_MESSAGE_NO_REDIRECT;

  if (self->new_connection)
    flags |= SOUP_MESSAGE_NEW_CONNECTION;
  /* Without it libsoup opens a connection for each POST; with it, it uses kept-alive ones, and does
   * not resend what was lost on a stale one: that is ours to do. */
  if (resilient_soup_exchange_may_repeat (self)
      && !resilient_method_is_idempotent (self->plan.method))
    flags |= SOUP_MESSAGE_IDEMPOTENT;
  soup_message_add_flags (message, flags);
  /* libsoup's decoder calls a cut or corrupt body a success */
  if (!leg->pass.lane->bare
      && soup_session_has_feature (leg->pass.lane->session, SOUP_TYPE_CONTENT_DECODER))
    soup_message_disable_feature (message, SOUP_TYPE_CONTENT_DECODER);
  set_headers (self, message, with_body);
  return message;
}

gboolean
resilient_soup_message_wants_expect (SoupExchange *self, SoupLeg *leg)
{
  const char *own;

  if (!self->plan.with_body || self->recipe->body == NULL || self->no_expect)
    return FALSE;
  own = self->recipe->headers != NULL ? resilient_headers_get_one (self->recipe->headers, "Expect")
                                      : NULL;
  if (own != NULL && g_ascii_strcasecmp (own, "100-continue") == 0)
    return TRUE;
  return resilient_body_get_size (self->recipe->body) > EXPECT_SIZE
         && !leg->pass.host->avoids_expect;
}

GError *
resilient_soup_message_make_proxy_error (SoupMessage *message)
{
  guint status_code = soup_message_get_status (message);
  const char *reason = soup_message_get_reason_phrase (message);

  return g_error_new (G_IO_ERROR,
                      status_code == SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED
                        ? G_IO_ERROR_PROXY_AUTH_FAILED
                        : G_IO_ERROR_PROXY_FAILED,
                      /* Translators: an HTTP status and what the proxy says about it. */
                      _ ("The proxy refused the connection: %u (%s)"),
                      status_code,
                      reason != NULL ? reason : soup_status_get_phrase (status_code));
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
