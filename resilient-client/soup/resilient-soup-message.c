/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Makes the SoupMessage of one send: whose headers win, what is asked of the server; and reads what
 * the head of its answer says. Nothing is kept here. In the context of the attempt. */

#include "config.h"

#include "resilient-soup-message-private.h"

#include "resilient-clock-private.h"
#include "resilient-i18n-private.h"
#include "resilient-retry-after-private.h"
#include "resilient-verdict-private.h"

static gboolean
has_own_header (const ResilientSoupMessageParams *params, const char *name)
{
  return resilient_frozen_request_get_headers (params->frozen) != NULL
         && resilient_headers_get_one (resilient_frozen_request_get_headers (params->frozen), name)
              != NULL;
}

static gboolean
set_headers (const ResilientSoupMessageParams *params, SoupMessage *message, gboolean with_body)
{
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  g_autoptr (ResilientHeaders) merged = resilient_request_plan_merge_headers (
    params->plan, params->defaults, resilient_frozen_request_get_headers (params->frozen));
  gboolean own_codings, decode;

  if (resilient_headers_get_length (merged) > 0)
    {
      resilient_headers_append_to_soup (merged, headers);
      /* framing follows from the body, never from a default */
      soup_message_headers_remove (headers, "Content-Length");
      soup_message_headers_remove (headers, "Transfer-Encoding");
    }
  if (with_body
      && resilient_body_get_content_type (resilient_frozen_request_get_body (params->frozen))
           != NULL
      && !has_own_header (params, "Content-Type"))
    soup_message_headers_remove (headers, "Content-Type");

  if (params->idempotency_key != NULL && params->plan->with_body)
    soup_message_headers_replace (headers, "Idempotency-Key", params->idempotency_key);
  if (params->user_agent != NULL && !has_own_header (params, "User-Agent"))
    soup_message_headers_replace (headers, "User-Agent", params->user_agent);
  /* Who asks for codings by hand decodes by hand. A part of an encoded body can't be decoded, so
   * none is asked for. */
  own_codings = soup_message_headers_get_one (headers, "Accept-Encoding") != NULL;
  decode = !own_codings && soup_message_headers_get_one (headers, "Range") == NULL;
  if (!own_codings)
    soup_message_headers_append (headers, "Accept-Encoding", decode ? "gzip, deflate" : "identity");
  return decode;
}

SoupMessage *
resilient_soup_message_new (const ResilientSoupMessageParams *params, gboolean *decode)
{
  ResilientRequestPlan *plan = params->plan;
  SoupMessage *message = soup_message_new_from_uri (plan->method, plan->uri);
  SoupMessageFlags flags = SOUP_MESSAGE_NO_REDIRECT;

  if (params->new_connection)
    flags |= SOUP_MESSAGE_NEW_CONNECTION;
  /* Without it libsoup opens a connection for each POST; with it, it uses kept-alive ones, and does
   * not resend what was lost on a stale one: that is ours to do, or nobody's. */
  if (!resilient_method_is_idempotent (plan->method) && params->may_use_kept)
    flags |= SOUP_MESSAGE_IDEMPOTENT;
  soup_message_add_flags (message, flags);
  /* libsoup's decoder calls a cut or corrupt body a success */
  if (params->session != NULL
      && soup_session_has_feature (params->session, SOUP_TYPE_CONTENT_DECODER))
    soup_message_disable_feature (message, SOUP_TYPE_CONTENT_DECODER);
  /* it would read the beginning of a body before that is guarded */
  if (params->session != NULL
      && soup_session_has_feature (params->session, SOUP_TYPE_CONTENT_SNIFFER))
    soup_message_disable_feature (message, SOUP_TYPE_CONTENT_SNIFFER);
  *decode = set_headers (
    params, message, plan->with_body && resilient_frozen_request_get_body (params->frozen) != NULL);
  return message;
}

gboolean
resilient_soup_message_may_have_body (SoupMessage *message)
{
  guint status_code = soup_message_get_status (message);

  return !g_str_equal (soup_message_get_method (message), SOUP_METHOD_HEAD)
         && status_code != SOUP_STATUS_NO_CONTENT && status_code != SOUP_STATUS_NOT_MODIFIED;
}

gint64
resilient_soup_headers_get_size (SoupMessageHeaders *headers)
{
  if (soup_message_headers_get_encoding (headers) != SOUP_ENCODING_CONTENT_LENGTH)
    return -1;
  return soup_message_headers_get_content_length (headers);
}

/* Digits that fit (RFC 9110, 8.6); several fields must say the same (RFC 9112, 6.3). libsoup takes
 * a number with a sign, or none at all, or the last of several. */
static gboolean
is_length (const char *list)
{
  g_auto (GStrv) values = NULL;

  if (g_ascii_string_to_unsigned (list, 10, 0, G_MAXINT64, NULL, NULL))
    return TRUE;

  values = g_strsplit (list, ",", -1);
  for (guint i = 0; values[i] != NULL; i++)
    {
      g_strstrip (values[i]);
      if (!g_ascii_string_to_unsigned (values[i], 10, 0, G_MAXINT64, NULL, NULL)
          || !g_str_equal (values[i], values[0]))
        return FALSE;
    }
  return values[0] != NULL;
}

gboolean
resilient_soup_message_check_head (SoupMessage *message, GError **error)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  guint status_code = soup_message_get_status (message);

  if (status_code >= 200
      && (!resilient_soup_message_may_have_body (message)
          || soup_message_headers_get_encoding (headers) != SOUP_ENCODING_CONTENT_LENGTH
          || is_length (soup_message_headers_get_list (headers, "Content-Length"))))
    return TRUE;

  g_set_error_literal (
    error, SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING, _ ("The response is not valid"));
  return FALSE;
}

/* RFC 9112, 9.3 */
gboolean
resilient_soup_message_is_kept (SoupMessage *message)
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

double
resilient_soup_message_get_retry_after (ResilientHeaders *headers)
{
  g_autoptr (GPtrArray) values = NULL;
  const char *name, *value, *date = resilient_headers_get_one (headers, "Date");

  if (resilient_headers_get_one (headers, "Retry-After") == NULL)
    return -1;
  values = g_ptr_array_new ();
  for (guint i = 0; i < resilient_headers_get_length (headers); i++)
    {
      resilient_headers_get_nth (headers, i, &name, &value);
      if (g_ascii_strcasecmp (name, "Retry-After") == 0)
        g_ptr_array_add (values, (gpointer) value);
    }
  g_ptr_array_add (values, NULL);
  return resilient_retry_after_parse_all (
    (const char *const *) values->pdata, date, resilient_clock_get_real ());
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
