/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "fuzz.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#include "resilient-http2-frames-private.h"

/* What a server sends over HTTP/2, as far as it passes to libsoup, whose engine is nghttp2: what
 * that would end the connection for must not reach it.
 *
 * An input has a line with the size of the pieces in which the rest arrives. */

#define N_STREAMS 3

typedef struct
{
  ResilientHttp2Frames *frames;
  ResilientHttp2Stream *streams[N_STREAMS];
  GByteArray *out;
  GError *error;
} Passed;

static void
passed_init (Passed *passed, const guint8 *data, gsize size, gsize step)
{
  *passed = (Passed){ .frames = resilient_http2_frames_new (), .out = g_byte_array_new () };
  for (guint i = 0; i < N_STREAMS; i++)
    passed->streams[i] = resilient_http2_frames_open (passed->frames, NULL, NULL);
  for (gsize i = 0; i < size && passed->error == NULL; i += step)
    {
      gsize length = MIN (step, size - i);
      g_autofree guint8 *piece = g_memdup2 (data + i, length);

      resilient_http2_frames_feed (passed->frames, piece, length, passed->out, &passed->error);
    }
}

static void
passed_clear (Passed *passed)
{
  resilient_http2_frames_free (passed->frames);
  g_byte_array_unref (passed->out);
  g_clear_error (&passed->error);
}

static void
assert_equal (Passed *a, Passed *b)
{
  g_assert_cmpint (a->error != NULL, ==, b->error != NULL);
  g_assert_cmpmem (a->out->data, a->out->len, b->out->data, b->out->len);
  for (guint i = 0; i < N_STREAMS; i++)
    {
      ResilientHttp2Stream *stream = a->streams[i], *other = b->streams[i];

      g_assert_cmpuint (stream->n_sections, ==, other->n_sections);
      g_assert_cmpint (stream->content, ==, other->content);
      g_assert_cmpint (stream->ended, ==, other->ended);
      g_assert_cmpint (stream->malformed, ==, other->malformed);
      g_assert_cmpint (stream->reset, ==, other->reset);
      g_assert_cmpint (stream->unprocessed, ==, other->unprocessed);
    }
}

/* --- libsoup's side --------------------------------------------------------------------------- */

static ssize_t
send_cb (nghttp2_session *session, const uint8_t *data, size_t length, int flags, void *user_data)
{
  return (ssize_t) length;
}

static int
frame_send_cb (nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
  gboolean *given_up = user_data;

  if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
    *given_up = TRUE;
  return 0;
}

static int
error_cb (nghttp2_session *session, int code, const char *message, size_t length, void *user_data)
{
  g_debug ("%.*s", (int) length, message);
  return 0;
}

static nghttp2_session *
session_new (gboolean *given_up)
{
  /* as libsoup's */
  const nghttp2_settings_entry settings[] = {
    { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 32 * 1024 * 1024 },
    { NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 65536 },
    { NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
  };
  nghttp2_nv fields[] = {
    { (uint8_t *) ":method", (uint8_t *) "GET", 7, 3, 0 },
    { (uint8_t *) ":scheme", (uint8_t *) "https", 7, 5, 0 },
    { (uint8_t *) ":authority", (uint8_t *) "a", 10, 1, 0 },
    { (uint8_t *) ":path", (uint8_t *) "/", 5, 1, 0 },
  };
  nghttp2_session_callbacks *callbacks;
  nghttp2_session *session;

  nghttp2_session_callbacks_new (&callbacks);
  nghttp2_session_callbacks_set_send_callback (callbacks, send_cb);
  nghttp2_session_callbacks_set_on_frame_send_callback (callbacks, frame_send_cb);
  nghttp2_session_callbacks_set_error_callback2 (callbacks, error_cb);
  g_assert_cmpint (nghttp2_session_client_new (&session, callbacks, given_up), ==, 0);
  nghttp2_session_callbacks_del (callbacks);

  nghttp2_session_set_local_window_size (session, NGHTTP2_FLAG_NONE, 0, 32 * 1024 * 1024);
  nghttp2_submit_settings (session, NGHTTP2_FLAG_NONE, settings, G_N_ELEMENTS (settings));
  for (guint i = 0; i < N_STREAMS; i++)
    nghttp2_submit_request (session, NULL, fields, G_N_ELEMENTS (fields), NULL, NULL);
  nghttp2_session_send (session);
  return session;
}

static void
assert_taken (GByteArray *bytes)
{
  gboolean given_up = FALSE;
  nghttp2_session *session = session_new (&given_up);

  /* answers go out between the reads, as they do there */
  for (guint at = 0; at < bytes->len; at += 4096)
    {
      gsize length = MIN (4096, bytes->len - at);

      g_assert_cmpint (
        nghttp2_session_mem_recv (session, bytes->data + at, length), ==, (ssize_t) length);
      nghttp2_session_send (session);
    }
  g_assert_false (given_up);
  nghttp2_session_del (session);
}

/* ---------------------------------------------------------------------------------------------- */

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  gsize step = (gsize) fuzz_take_integer (&input, 1, 64 * 1024);
  Passed whole, pieces;

  if (input.size == 0)
    return 0;

  passed_init (&whole, input.data, input.size, input.size);
  passed_init (&pieces, input.data, input.size, step);
  assert_equal (&whole, &pieces);
  assert_taken (whole.out);
  /* and what makes libsoup let go of its requests is nothing else */
  if (whole.error != NULL)
    {
      resilient_http2_frames_wind_up (whole.frames, whole.out);
      assert_taken (whole.out);
    }
  passed_clear (&whole);
  passed_clear (&pieces);
  return 0;
}
