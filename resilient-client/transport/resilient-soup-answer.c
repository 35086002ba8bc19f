/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-soup-exchange-private.h"

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

static SoupMessage *
get_message (SoupExchange *self)
{
  return resilient_soup_hop_get_message (self->leg->hop);
}

static gboolean
may_have_body (SoupExchange *self, guint status_code)
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
deliver (SoupExchange *self, GBytes *body)
{
  SoupMessage *message = get_message (self);
  gint64 elapsed = resilient_clock_get_boot () - self->deadlines.started;
  ResilientResponse *response = resilient_response_new (soup_message_get_status (message),
                                                        soup_message_get_reason_phrase (message),
                                                        soup_message_get_uri (message),
                                                        soup_message_get_http_version (message),
                                                        self->headers,
                                                        body,
                                                        resilient_clock_to_seconds (elapsed),
                                                        self->retry_after);

  resilient_soup_exchange_finish (self, RESILIENT_FAILURE_NONE, NULL, response);
}

static void
next_hop (SoupExchange *self)
{
  g_autoptr (GError) error = NULL;

  resilient_soup_exchange_drop_leg (self);
  self->received = 0;
  self->download_size = -1;
  if (!resilient_soup_exchange_send (self, &error))
    resilient_soup_exchange_finish (
      self, RESILIENT_FAILURE_INVALID, g_steal_pointer (&error), NULL);
}

/* Reads on without keeping anything: the connection serves again if the rest is short. */
static void
start_discard (SoupExchange *self, ReadingMode mode)
{
  self->reading = mode;
  self->discard_due = resilient_clock_get_boot () + DISCARD_TIME;
  resilient_soup_exchange_arm (self);
  if (self->download_size > DISCARD_SIZE)
    resilient_soup_exchange_stop_reading (self);
  else
    resilient_reader_start (self->leg->reader);
}

void
resilient_soup_exchange_stop_reading (SoupExchange *self)
{
  ReadingMode mode = self->reading;

  self->reading = READING_NOTHING;
  self->discard_due = 0;
  if (mode == READING_DISCARD)
    deliver (self, NULL);
  else if (mode == READING_DRAIN)
    next_hop (self);
}

static void
take_answer (SoupExchange *self)
{
  SoupMessage *message = get_message (self);
  guint status_code = soup_message_get_status (message);
  SoupMessageHeaders *soup_headers = soup_message_get_response_headers (message);
  gboolean with_body = may_have_body (self, status_code);
  gboolean wanted;

  g_clear_pointer (&self->headers, resilient_headers_unref);
  self->headers = resilient_headers_new_from_soup (soup_headers);
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
  if (self->max_response_size > 0 && self->download_size > 0
      && (guint64) self->download_size > self->max_response_size)
    {
      GError *error = NULL;

      resilient_set_too_large (&error, self->max_response_size);
      resilient_soup_exchange_finish (self, RESILIENT_FAILURE_TOO_LARGE, error, NULL);
      return;
    }

  self->reading = READING_BODY;
  self->body =
    g_byte_array_sized_new ((guint) CLAMP (self->download_size, 0, MAX_TRUSTED_SIZE));
  if (with_body)
    self->inflate =
      resilient_inflate_new (self->decode ? resilient_soup_headers_get_coding (soup_headers) : NULL,
                             resilient_soup_hop_is_from_cache (self->leg->hop));
  resilient_soup_exchange_arm (self);
  resilient_reader_start (self->leg->reader);
}

/* A connection that was kept alive and turned out dead: nothing came back, and it was not the first
 * to be used on it. libsoup resends by itself what has a method that is idempotent by nature, so
 * this is left for what is by a key or mark. */
static gboolean
resend (SoupExchange *self, const GError *error)
{
  ResilientSoupHop *hop = self->leg->hop;
  g_autoptr (GError) local_error = NULL;

  /* FAILED: a stream of HTTP/2 that was reset, on a connection that lives on */
  if (self->resent || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_FAILED)
      || !resilient_soup_hop_is_on_wire (hop) || !resilient_soup_hop_is_reused (hop)
      || resilient_soup_hop_has_response (hop) || resilient_soup_hop_get_resends (hop) > 0
      || !resilient_soup_exchange_may_repeat (self)
      || resilient_method_is_idempotent (self->plan.method)
      || resilient_failure_from_error (error, FALSE) != RESILIENT_FAILURE_DISCONNECT
      || (self->plan.with_body && self->recipe->body != NULL
          && resilient_body_is_spent (self->recipe->body)))
    return FALSE;

  self->resent = TRUE;
  self->count_send = TRUE;
  self->new_connection = TRUE;
  resilient_soup_exchange_drop_leg (self);
  if (!resilient_soup_exchange_send (self, &local_error))
    resilient_soup_exchange_finish (
      self, RESILIENT_FAILURE_INVALID, g_steal_pointer (&local_error), NULL);
  return TRUE;
}

/* A proxy wants credentials, which only the main lane can know. No send (RFC 9110, 15.5.8). */
static gboolean
answer_challenge (SoupExchange *self, gboolean body_spent)
{
  SoupLeg *leg = self->leg;
  SoupMessage *message = get_message (self);

  if (soup_message_get_status (message) != SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED
      || !leg->pass.lane->bare)
    return FALSE;
  leg->pass.host->challenges = TRUE;
  if (body_spent)
    return FALSE;
  self->count_send = leg->counts && !leg->started;
  self->download_size = get_declared_size (soup_message_get_response_headers (message));
  if (resilient_soup_hop_has_headers (leg->hop))
    start_discard (self, READING_DRAIN);
  else
    next_hop (self);
  return TRUE;
}

void
resilient_soup_exchange_answered (SoupExchange *self, GInputStream *stream, GError *error)
{
  ResilientSoupHop *hop = self->leg->hop;
  SoupMessage *message = resilient_soup_hop_get_message (hop);
  g_autoptr (GError) redirect_error = NULL;
  guint status_code = soup_message_get_status (message);
  gboolean body_spent = self->recipe->body != NULL && resilient_body_is_spent (self->recipe->body);

  if (stream == NULL)
    {
      if (!resend (self, error))
        resilient_soup_exchange_fail (self, g_error_copy (error));
      return;
    }
  if (answer_challenge (self, body_spent))
    return;
  if (!resilient_soup_hop_has_headers (hop))
    {
      resilient_soup_exchange_finish (
        self, RESILIENT_FAILURE_CONNECT, resilient_soup_message_make_proxy_error (message), NULL);
      return;
    }
  /* RFC 9110, 15.5.18: ask again without the expectation that could not be met */
  if (status_code == SOUP_STATUS_EXPECTATION_FAILED && resilient_soup_hop_is_expecting (hop)
      && !self->no_expect)
    {
      resilient_soup_exchange_avoid_expect (self);
      self->download_size = get_declared_size (soup_message_get_response_headers (message));
      start_discard (self, READING_DRAIN);
      return;
    }

  switch (resilient_redirect_decide (
    &self->plan,
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
      resilient_soup_exchange_finish (
        self, RESILIENT_FAILURE_REDIRECT, g_steal_pointer (&redirect_error), NULL);
      break;
    case RESILIENT_REDIRECT_DELIVER:
    default:
      take_answer (self);
      break;
    }
}

static gboolean
reader_data_cb (ResilientReader *reader, const guint8 *bytes, gsize length, gpointer data)
{
  SoupLeg *leg = data;
  SoupExchange *self = leg->exchange;
  g_autoptr (GError) error = NULL;
  gboolean ok = TRUE;

  self->deadlines.activity = resilient_clock_get_boot ();
  self->received += length;
  if (self->reading != READING_BODY)
    {
      if (self->received <= DISCARD_SIZE)
        return TRUE;
      resilient_soup_exchange_stop_reading (self);
      return FALSE;
    }

  if (self->inflate != NULL)
    ok = resilient_inflate_feed (
      self->inflate, bytes, length, self->body, self->max_response_size, &error);
  else if (self->max_response_size > 0 && self->body->len + length > self->max_response_size)
    {
      resilient_set_too_large (&error, self->max_response_size);
      ok = FALSE;
    }
  else
    g_byte_array_append (self->body, bytes, (guint) length);
  if (!ok)
    {
      resilient_soup_exchange_fail (self, g_steal_pointer (&error));
      return FALSE;
    }
  resilient_soup_exchange_report_progress (self);
  return self->leg == leg && !self->ended;
}

/* A header section that is cut after a line looks to libsoup like a whole one whose body, of
 * unknown length, is empty. A server that means that says that it closes (RFC 9112, 9.6). */
static gboolean
ends_in_headers (SoupExchange *self, SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);

  return self->received == 0 && soup_message_get_http_version (message) == SOUP_HTTP_1_1
         && soup_message_headers_get_encoding (headers) == SOUP_ENCODING_EOF
         && !soup_message_headers_header_contains (headers, "Connection", "close");
}

/* Did all of the body arrive? libsoup says so in three cases where it has not: chunks that were cut
 * at a boundary, a length that was announced together with "Connection: close", and headers that
 * were cut. */
static gboolean
check_whole (SoupExchange *self, GError **error)
{
  SoupMessage *message = get_message (self);
  gint64 declared = get_declared_size (soup_message_get_response_headers (message));
  gboolean whole = TRUE;

  if (!may_have_body (self, soup_message_get_status (message))
      || resilient_soup_hop_is_from_cache (self->leg->hop))
    return TRUE;
  if (declared >= 0)
    whole = self->received >= (guint64) declared;
  else if (soup_message_get_http_version (message) != SOUP_HTTP_2_0
           && soup_message_headers_get_encoding (soup_message_get_response_headers (message))
                == SOUP_ENCODING_CHUNKED)
    whole = resilient_reader_is_whole (self->leg->reader);
  else
    whole = !ends_in_headers (self, message);
  if (!whole)
    g_set_error_literal (error,
                         G_IO_ERROR,
                         G_IO_ERROR_PARTIAL_INPUT,
                         _ ("The connection was closed before the whole response had come"));
  return whole;
}

static void
reader_end_cb (ResilientReader *reader, const GError *read_error, gpointer data)
{
  SoupLeg *leg = data;
  SoupExchange *self = leg->exchange;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = NULL;
  gsize length;

  if (self->reading != READING_BODY)
    {
      resilient_soup_exchange_stop_reading (self);
      return;
    }
  if (read_error != NULL)
    {
      resilient_soup_exchange_fail (self, g_error_copy (read_error));
      return;
    }
  if (!check_whole (self, &error)
      || (self->inflate != NULL
          && !resilient_inflate_finish (
            self->inflate, self->body, self->max_response_size, &error)))
    {
      resilient_soup_exchange_fail (self, g_steal_pointer (&error));
      return;
    }
  leg->whole = !self->outcome.http2;
  length = self->body->len;
  /* the array grows in powers of two, and results are kept for long */
  body = g_bytes_new_take (
    g_realloc (g_byte_array_free (g_steal_pointer (&self->body), FALSE), length), length);
  deliver (self, body);
}

static void
reader_closed_cb (gpointer data)
{
  SoupLeg *leg = data;
  gboolean whole = leg->whole && leg->exchange->wrote_all;

  /* the connection serves again, though libsoup has yet to say that the message is finished */
  if (whole)
    resilient_soup_message_pass_on (leg);
  resilient_soup_hop_stream_closed (leg->hop, whole);
}

const ResilientReaderFuncs resilient_soup_reader_funcs = {
  reader_data_cb,
  reader_end_cb,
  reader_closed_cb,
};
