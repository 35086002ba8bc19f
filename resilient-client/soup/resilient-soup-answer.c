/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What an attempt over libsoup does with a response: follows it, reads and decodes its body, throws
 * it away, or delivers it. Part of the attempt, in its context. */

#include "config.h"

#include "resilient-soup-attempt-private.h"

#include "resilient-clock-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"
#include "resilient-retry-after-private.h"
#include "resilient-verdict-private.h"

/* An unread response keeps its connection; to read it pays off only while it is short. */
#define DISCARD_SIZE (64 * 1024)
#define DISCARD_TIME (1 * G_USEC_PER_SEC)
/* Of an announced body so much memory is had at once. */
#define MAX_TRUSTED_SIZE (64 * 1024)
/* Of header sections: as much as browsers take. A few kilobytes of HTTP/2 can be megabytes of
 * it. */
#define MAX_HEADERS_SIZE (256 * 1024)

static SoupMessage *
get_message (SoupAttempt *self)
{
  return resilient_soup_send_get_message (self->transfer->send);
}

static gboolean
may_have_body (SoupAttempt *self, guint status_code)
{
  return !g_str_equal (self->plan.method, "HEAD") && status_code != SOUP_STATUS_NO_CONTENT
         && status_code != SOUP_STATUS_NOT_MODIFIED;
}

/* Content-Length, or -1. */
static gint64
get_declared_size (SoupMessageHeaders *headers)
{
  if (soup_message_headers_get_encoding (headers) != SOUP_ENCODING_CONTENT_LENGTH)
    return -1;
  return soup_message_headers_get_content_length (headers);
}

static void
set_cut (GError **error)
{
  g_set_error_literal (error,
                       G_IO_ERROR,
                       G_IO_ERROR_PARTIAL_INPUT,
                       _ ("The connection was closed before the whole response had come"));
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

/* What libsoup lets pass, and what can't be a response to a request: a final status has three
 * digits, from 200 on, and where a body ends must be beyond doubt. */
static gboolean
check_head (SoupAttempt *self, SoupMessage *message, GError **error)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  guint status_code = soup_message_get_status (message);

  if (status_code >= 200
      && (!may_have_body (self, status_code)
          || soup_message_headers_get_encoding (headers) != SOUP_ENCODING_CONTENT_LENGTH
          || is_length (soup_message_headers_get_list (headers, "Content-Length"))))
    return TRUE;

  g_set_error_literal (
    error, SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING, _ ("The response is not valid"));
  return FALSE;
}

static double
get_retry_after (ResilientHeaders *headers)
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

static void
deliver (SoupAttempt *self, GBytes *body)
{
  SoupMessage *message = get_message (self);
  gint64 elapsed = resilient_clock_get_boot () - self->deadlines.started;
  ResilientResponse *response =
    resilient_response_new_full (soup_message_get_status (message),
                                 soup_message_get_reason_phrase (message),
                                 soup_message_get_uri (message),
                                 soup_message_get_http_version (message),
                                 self->headers,
                                 body,
                                 resilient_clock_to_seconds (elapsed),
                                 self->retry_after);

  resilient_soup_attempt_finish (self, RESILIENT_FAILURE_NONE, NULL, response);
}

static void
next_send (SoupAttempt *self)
{
  resilient_soup_attempt_drop_transfer (self);
  self->received = 0;
  self->download_size = -1;
  if (!self->ended)
    resilient_soup_attempt_send_later (self);
}

/* Reads on without keeping anything: the connection serves again if the rest is short. */
static void
start_discard (SoupAttempt *self, ReadingMode mode)
{
  self->reading = mode;
  self->discard_due = resilient_clock_get_boot () + DISCARD_TIME;
  resilient_soup_attempt_arm (self);
  if (self->download_size > DISCARD_SIZE)
    resilient_soup_attempt_stop_reading (self);
  else
    resilient_reader_start (self->transfer->reader);
}

void
resilient_soup_attempt_stop_reading (SoupAttempt *self)
{
  ReadingMode mode = self->reading;

  self->reading = READING_NOTHING;
  self->discard_due = 0;
  if (mode == READING_DISCARD)
    deliver (self, NULL);
  else if (mode == READING_DRAIN)
    next_send (self);
}

void
resilient_soup_attempt_guard (SoupTransfer *transfer, GInputStream *stream)
{
  SoupMessage *message = resilient_soup_send_get_message (transfer->send);
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  ResilientFraming framing;
  ResilientTap *tap;

  if (soup_message_get_http_version (message) == SOUP_HTTP_2_0
      || resilient_soup_send_is_from_cache (transfer->send)
      || !resilient_soup_send_has_headers (transfer->send)
      || !may_have_body (transfer->attempt, soup_message_get_status (message)))
    return;

  switch (soup_message_headers_get_encoding (headers))
    {
    case SOUP_ENCODING_CHUNKED:
      framing = RESILIENT_FRAMING_CHUNKED;
      break;
    case SOUP_ENCODING_CONTENT_LENGTH:
      /* libsoup counts it by itself, unless the connection closes behind it */
      if (soup_message_is_keepalive (message))
        return;
      framing = RESILIENT_FRAMING_LENGTH;
      break;
    case SOUP_ENCODING_EOF:
      framing = RESILIENT_FRAMING_CLOSE;
      break;
    case SOUP_ENCODING_UNRECOGNIZED:
    case SOUP_ENCODING_NONE:
    case SOUP_ENCODING_BYTERANGES:
    default:
      return;
    }

  tap = resilient_tap_guard_body (resilient_soup_send_get_tap (transfer->send),
                                  stream,
                                  framing,
                                  (guint64) MAX (0, get_declared_size (headers)));
  g_set_object (&transfer->tap, tap);
}

/* The body has come, and what it decodes to is to be whole as well. */
static gboolean
check_decoded (SoupAttempt *self, GError **error)
{
  if (self->inflate != NULL && !self->checked
      && !resilient_inflate_finish (self->inflate, self->body, self->max_response_size, error))
    return FALSE;
  self->checked = TRUE;
  return TRUE;
}

/* Before anybody else, such as the session's cache, learns that the body is complete. */
static gboolean
check_decoded_cb (gpointer data, GError **error)
{
  SoupTransfer *transfer = data;
  SoupAttempt *self = transfer->attempt;

  return self->transfer != transfer || self->reading != READING_BODY || check_decoded (self, error);
}

static void
take_answer (SoupAttempt *self)
{
  SoupMessage *message = get_message (self);
  guint status_code = soup_message_get_status (message);
  SoupMessageHeaders *soup_headers = soup_message_get_response_headers (message);
  gboolean with_body = may_have_body (self, status_code);
  gboolean wanted;

  g_clear_pointer (&self->headers, resilient_headers_unref);
  self->headers = resilient_headers_new_from_soup (soup_headers);
  if (resilient_headers_get_size (self->headers) > MAX_HEADERS_SIZE)
    {
      GError *error = NULL;

      resilient_set_headers_too_large (&error);
      resilient_soup_attempt_fail (self, error);
      return;
    }
  self->download_size = with_body ? get_declared_size (soup_headers) : 0;
  self->retry_after = get_retry_after (self->headers);
  wanted = self->funcs->headers (&self->base, status_code, self->retry_after, self->data);
  if (self->ended)
    return;
  if (!wanted)
    {
      start_discard (self, READING_DISCARD);
      return;
    }
  if (self->download_size > 0 && (guint64) self->download_size > self->max_response_size)
    {
      GError *error = NULL;

      resilient_set_too_large (&error, self->max_response_size);
      resilient_soup_attempt_finish (self, RESILIENT_FAILURE_TOO_LARGE, error, NULL);
      return;
    }

  self->reading = READING_BODY;
  self->checked = FALSE;
  self->body = g_byte_array_sized_new ((guint) CLAMP (self->download_size, 0, MAX_TRUSTED_SIZE));
  if (with_body)
    self->inflate =
      resilient_inflate_new (self->decode ? resilient_soup_headers_get_coding (soup_headers) : NULL,
                             resilient_soup_send_is_from_cache (self->transfer->send));
  if (self->inflate != NULL && self->transfer->tap != NULL)
    resilient_tap_set_check (self->transfer->tap, check_decoded_cb, self->transfer);
  resilient_soup_attempt_arm (self);
  resilient_reader_start (self->transfer->reader);
}

/* A connection that was kept alive and turned out dead: nothing came back, and it was not the first
 * to be used on it. libsoup resends by itself what has a method that is idempotent by nature, so
 * this is left for what is by a key or mark. */
static gboolean
resend (SoupAttempt *self, const GError *error)
{
  ResilientSoupSend *send = self->transfer->send;

  /* FAILED: a stream of HTTP/2 that was reset, on a connection that lives on */
  if (self->resent || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_FAILED)
      || !resilient_soup_send_is_on_wire (send) || !resilient_soup_send_is_reused (send)
      || resilient_soup_send_has_response (send) || resilient_soup_send_get_resends (send) > 0
      || !resilient_soup_attempt_may_repeat (self)
      || resilient_method_is_idempotent (self->plan.method)
      || resilient_failure_from_error (error, FALSE) != RESILIENT_FAILURE_DISCONNECT
      || (self->plan.with_body && self->frozen->body != NULL
          && resilient_body_is_spent (self->frozen->body)))
    return FALSE;

  self->resent = TRUE;
  self->count_send = TRUE;
  self->new_connection = TRUE;
  resilient_soup_attempt_drop_transfer (self);
  if (!self->ended)
    resilient_soup_attempt_send_later (self);
  return TRUE;
}

/* A proxy wants credentials, which only the main lane can know. No send (RFC 9110, 15.5.8). */
static gboolean
answer_challenge (SoupAttempt *self, gboolean body_spent)
{
  SoupTransfer *transfer = self->transfer;
  SoupMessage *message = get_message (self);

  if (soup_message_get_status (message) != SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED
      || !transfer->lease.lane->bare)
    return FALSE;
  transfer->lease.route->challenges = TRUE;
  if (body_spent)
    return FALSE;
  self->count_send = transfer->counts && !transfer->started;
  self->download_size = get_declared_size (soup_message_get_response_headers (message));
  if (resilient_soup_send_has_headers (transfer->send))
    start_discard (self, READING_DRAIN);
  else
    next_send (self);
  return TRUE;
}

static SoupHSTSEnforcer *
get_enforcer (SoupAttempt *self)
{
  return (SoupHSTSEnforcer *) soup_session_get_feature_for_message (
    self->transfer->lease.lane->session, SOUP_TYPE_HSTS_ENFORCER, get_message (self));
}

/* NULL with @error. */
static GBytes *
decode_at_once (SoupAttempt *self, SoupMessageHeaders *headers, GByteArray *raw, GError **error)
{
  const char *coding = self->decode ? resilient_soup_headers_get_coding (headers) : NULL;
  g_autoptr (ResilientInflate) inflate = resilient_inflate_new (coding, FALSE);
  g_autoptr (GByteArray) body = g_byte_array_new ();
  ResilientInflateState state;

  if (inflate == NULL)
    return g_bytes_new (raw->data, raw->len);
  state =
    resilient_inflate_feed (inflate, raw->data, raw->len, body, self->max_response_size, error);
  while (state == RESILIENT_INFLATE_MORE)
    state = resilient_inflate_feed (inflate, NULL, 0, body, self->max_response_size, error);
  if (state == RESILIENT_INFLATE_FAILED
      || !resilient_inflate_finish (inflate, body, self->max_response_size, error))
    return NULL;
  return g_byte_array_free_to_bytes (g_steal_pointer (&body));
}

static void
deliver_early_answer (SoupAttempt *self, ResilientEarlyAnswer *answer)
{
  gint64 elapsed = resilient_clock_get_boot () - self->deadlines.started;
  g_autoptr (GBytes) body = NULL;
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&self->headers, resilient_headers_unref);
  self->headers = resilient_headers_new_from_soup (answer->headers);
  self->retry_after = get_retry_after (self->headers);
  if (self->funcs->headers (&self->base, answer->status_code, self->retry_after, self->data)
      && !self->ended)
    body = decode_at_once (self, answer->headers, answer->body, &error);
  if (error != NULL)
    resilient_soup_attempt_fail (self, g_steal_pointer (&error));
  else if (!self->ended)
    resilient_soup_attempt_finish (
      self,
      RESILIENT_FAILURE_NONE,
      NULL,
      resilient_response_new_full (answer->status_code,
                                   answer->reason_phrase,
                                   soup_message_get_uri (get_message (self)),
                                   answer->version,
                                   self->headers,
                                   body,
                                   resilient_clock_to_seconds (elapsed),
                                   self->retry_after));
}

/* It has passed by libsoup: what an app's session would do with it, say with its cookies, is not
 * done. */
gboolean
resilient_soup_attempt_take_early_answer (SoupAttempt *self)
{
  g_autoptr (ResilientEarlyAnswer) answer =
    self->transfer != NULL ? resilient_soup_send_take_early_answer (self->transfer->send) : NULL;
  g_autoptr (GError) error = NULL;

  if (answer == NULL)
    return FALSE;
  resilient_soup_attempt_enter (self, RESILIENT_PHASE_READING);
  self->outcome.status_code = answer->status_code;
  switch (resilient_redirect_decide (&self->plan,
                                     get_enforcer (self),
                                     soup_message_get_uri (get_message (self)),
                                     answer->status_code,
                                     soup_message_headers_get_one (answer->headers, "Location"),
                                     resilient_body_is_spent (self->frozen->body),
                                     &error))
    {
    case RESILIENT_REDIRECT_FOLLOW:
      self->resent = FALSE;
      self->no_expect = FALSE;
      next_send (self);
      break;
    case RESILIENT_REDIRECT_FAIL:
      resilient_soup_attempt_finish (
        self, RESILIENT_FAILURE_REDIRECT, g_steal_pointer (&error), NULL);
      break;
    case RESILIENT_REDIRECT_DELIVER:
    default:
      deliver_early_answer (self, answer);
      break;
    }
  return TRUE;
}

void
resilient_soup_attempt_answered (SoupAttempt *self, GInputStream *stream, GError *error)
{
  ResilientSoupSend *send = self->transfer->send;
  SoupMessage *message = resilient_soup_send_get_message (send);
  g_autoptr (GError) head_error = NULL;
  g_autoptr (GError) redirect_error = NULL;
  guint status_code = soup_message_get_status (message);
  gboolean body_spent = self->frozen->body != NULL && resilient_body_is_spent (self->frozen->body);

  /* what libsoup makes of half a head is of no account */
  if (resilient_soup_send_has_half_head (send)
      && (stream != NULL || error->domain == SOUP_SESSION_ERROR))
    {
      GError *cut_error = NULL;

      set_cut (&cut_error);
      resilient_soup_attempt_fail (self, cut_error);
      return;
    }
  if (stream == NULL)
    {
      if (!resilient_soup_attempt_take_early_answer (self) && !resend (self, error))
        resilient_soup_attempt_fail (self, g_error_copy (error));
      return;
    }
  if (answer_challenge (self, body_spent))
    return;
  if (!resilient_soup_send_has_headers (send))
    {
      resilient_soup_attempt_finish (
        self, RESILIENT_FAILURE_CONNECT, resilient_soup_send_make_proxy_error (message), NULL);
      return;
    }
  if (!check_head (self, message, &head_error))
    {
      resilient_soup_attempt_fail (self, g_steal_pointer (&head_error));
      return;
    }
  /* RFC 9110, 15.5.18: ask again without the expectation that could not be met */
  if (status_code == SOUP_STATUS_EXPECTATION_FAILED && !self->no_expect
      && (resilient_soup_send_is_expecting (send)
          || (resilient_soup_send_has_gone_on (send) && !body_spent)))
    {
      resilient_soup_attempt_avoid_expect (self);
      self->download_size = get_declared_size (soup_message_get_response_headers (message));
      start_discard (self, READING_DRAIN);
      return;
    }

  switch (resilient_redirect_decide (
    &self->plan,
    get_enforcer (self),
    soup_message_get_uri (message),
    status_code,
    soup_message_headers_get_one (soup_message_get_response_headers (message), "Location"),
    body_spent,
    &redirect_error))
    {
    case RESILIENT_REDIRECT_FOLLOW:
      self->resent = FALSE;
      self->no_expect = FALSE;
      self->download_size = get_declared_size (soup_message_get_response_headers (message));
      start_discard (self, READING_DRAIN);
      break;
    case RESILIENT_REDIRECT_FAIL:
      resilient_soup_attempt_finish (
        self, RESILIENT_FAILURE_REDIRECT, g_steal_pointer (&redirect_error), NULL);
      break;
    case RESILIENT_REDIRECT_DELIVER:
    default:
      take_answer (self);
      break;
    }
}

static gboolean decode_cb (gpointer data);

/* TRUE when all of it is decoded, and more may be read. */
static gboolean
decode (SoupAttempt *self, const guint8 *bytes, gsize length)
{
  g_autoptr (GError) error = NULL;

  switch (resilient_inflate_feed (
    self->inflate, bytes, length, self->body, self->max_response_size, &error))
    {
    case RESILIENT_INFLATE_DRAINED:
      if (self->download_size < 0 || self->received < (guint64) self->download_size
          || check_decoded (self, &error))
        return TRUE;
      resilient_soup_attempt_fail (self, g_steal_pointer (&error));
      return FALSE;

    case RESILIENT_INFLATE_MORE:
      self->decode_source = g_idle_source_new ();
      g_source_set_priority (self->decode_source,
                             resilient_pace_get_priority (self->pace, self->io_priority));
      g_source_set_callback (self->decode_source, decode_cb, self, NULL);
      g_source_set_static_name (self->decode_source, "[resilient-client] decode");
      g_source_attach (self->decode_source, self->context);
      return FALSE;

    case RESILIENT_INFLATE_FAILED:
    default:
      resilient_soup_attempt_fail (self, g_steal_pointer (&error));
      return FALSE;
    }
}

/* The others of the context have had their turn. */
static gboolean
decode_cb (gpointer data)
{
  SoupAttempt *self = data;

  g_clear_pointer (&self->decode_source, g_source_unref);
  /* it is not the server that keeps us waiting */
  self->deadlines.activity = resilient_clock_get_boot ();
  if (decode (self, NULL, 0))
    resilient_reader_start (self->transfer->reader);
  return G_SOURCE_REMOVE;
}

static gboolean
reader_data_cb (ResilientReader *reader, const guint8 *bytes, gsize length, gpointer data)
{
  SoupTransfer *transfer = data;
  SoupAttempt *self = transfer->attempt;
  g_autoptr (GError) error = NULL;

  self->deadlines.activity = resilient_clock_get_boot ();
  self->received += length;
  if (self->reading != READING_BODY)
    {
      if (self->received <= DISCARD_SIZE)
        return TRUE;
      resilient_soup_attempt_stop_reading (self);
      return FALSE;
    }

  /* on the wire too: a coding may take in any amount and yield nothing */
  if (self->received > self->max_response_size)
    {
      resilient_set_too_large (&error, self->max_response_size);
      resilient_soup_attempt_fail (self, g_steal_pointer (&error));
      return FALSE;
    }
  if (self->inflate == NULL)
    g_byte_array_append (self->body, bytes, (guint) length);
  resilient_soup_attempt_report_progress (self);
  if (self->transfer != transfer || self->ended)
    return FALSE;
  return self->inflate == NULL || decode (self, bytes, length);
}

/* A header section that is cut after a line looks to libsoup like a whole one whose body, of
 * unknown length, is empty. Where no tap saw how it ended, as on a connection that the app has
 * opened by itself, one that means an empty body is to say that it closes (RFC 9112, 9.6). */
static gboolean
may_end_in_headers (SoupAttempt *self, SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  ResilientTap *tap = resilient_soup_send_get_tap (self->transfer->send);

  return (tap == NULL || !resilient_tap_saw_head (tap)) && self->received == 0
         && soup_message_get_http_version (message) == SOUP_HTTP_1_1
         && soup_message_headers_get_encoding (headers) == SOUP_ENCODING_EOF
         && !soup_message_headers_header_contains (headers, "Connection", "close");
}

/* Did all of the body arrive? What the tap could tell has been told: a cut body did not get
 * here. */
static gboolean
check_whole (SoupAttempt *self, GError **error)
{
  SoupMessage *message = get_message (self);
  gint64 declared = get_declared_size (soup_message_get_response_headers (message));
  gboolean whole = TRUE;

  if (!may_have_body (self, soup_message_get_status (message))
      || resilient_soup_send_is_from_cache (self->transfer->send))
    return TRUE;
  if (declared >= 0)
    whole = self->received >= (guint64) declared;
  else
    whole = !may_end_in_headers (self, message);
  if (!whole)
    set_cut (error);
  return whole;
}

static void
reader_end_cb (ResilientReader *reader, const GError *read_error, gpointer data)
{
  SoupTransfer *transfer = data;
  SoupAttempt *self = transfer->attempt;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = NULL;
  gsize length;

  if (self->reading != READING_BODY)
    {
      resilient_soup_attempt_stop_reading (self);
      return;
    }
  if (read_error != NULL)
    {
      resilient_soup_attempt_fail (self, g_error_copy (read_error));
      return;
    }
  if (!check_whole (self, &error) || !check_decoded (self, &error))
    {
      resilient_soup_attempt_fail (self, g_steal_pointer (&error));
      return;
    }
  transfer->whole = !self->outcome.http2;
  length = self->body->len;
  /* the array grows in powers of two, and results are kept for long */
  body = g_bytes_new_take (
    g_realloc (g_byte_array_free (g_steal_pointer (&self->body), FALSE), length), length);
  deliver (self, body);
}

static void
reader_closed_cb (gpointer data)
{
  SoupTransfer *transfer = data;
  gboolean whole = transfer->whole && transfer->attempt->wrote_all;

  /* the connection serves again, though libsoup has yet to say that the message is finished */
  if (whole)
    resilient_soup_message_pass_on (transfer);
  resilient_soup_send_stream_closed (transfer->send, whole);
}

const ResilientReaderFuncs resilient_soup_reader_funcs = {
  reader_data_cb,
  reader_end_cb,
  reader_closed_cb,
};
