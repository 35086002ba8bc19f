/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What passes to libsoup, byte by byte. What is refused is tried with a server, in
 * test-attempt-http2-faults. */

#include "config.h"

#include "resilient-http2-frames-private.h"

#include <gio/gio.h>
#include <string.h>

typedef struct
{
  ResilientHttp2Frames *frames;
  GByteArray *in;
  GByteArray *out;
  guint n_changes;
} Fixture;

static void
changed_cb (gpointer data)
{
  (*(guint *) data)++;
}

static void
add (GByteArray *bytes, guint type, guint flags, guint32 stream, const char *payload, gsize size)
{
  guint8 head[9] = {
    (guint8) (size >> 16), (guint8) (size >> 8), (guint8) size, (guint8) type, (guint8) flags
  };

  stream = GUINT32_TO_BE (stream);
  memcpy (head + 5, &stream, 4);
  g_byte_array_append (bytes, head, 9);
  g_byte_array_append (bytes, (const guint8 *) payload, (guint) size);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->frames = resilient_http2_frames_new ();
  fixture->in = g_byte_array_new ();
  fixture->out = g_byte_array_new ();
  add (fixture->in, 4, 0, 0, "", 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  resilient_http2_frames_free (fixture->frames);
  g_byte_array_unref (fixture->in);
  g_byte_array_unref (fixture->out);
}

static ResilientHttp2Stream *
open_stream (Fixture *fixture)
{
  return resilient_http2_frames_open (fixture->frames, changed_cb, &fixture->n_changes);
}

/* In pieces of @step bytes. */
static void
feed (Fixture *fixture, gsize step)
{
  g_autoptr (GError) error = NULL;

  for (gsize at = 0; at < fixture->in->len; at += step)
    {
      resilient_http2_frames_feed (fixture->frames,
                                   fixture->in->data + at,
                                   MIN (step, fixture->in->len - at),
                                   fixture->out,
                                   &error);
      g_assert_no_error (error);
    }
  g_byte_array_set_size (fixture->in, 0);
}

/* @n times the same. How many of them passed. */
static guint
feed_many (Fixture *fixture,
           guint n,
           guint type,
           guint flags,
           guint32 stream,
           const char *payload,
           gsize size)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) error = NULL;

  add (bytes, type, flags, stream, payload, size);
  for (guint i = 0; i < n; i++)
    {
      g_byte_array_set_size (fixture->out, 0);
      if (!resilient_http2_frames_feed (
            fixture->frames, bytes->data, bytes->len, fixture->out, &error))
        {
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
          return i;
        }
    }
  return n;
}

static void
assert_out (Fixture *fixture, GByteArray *expected)
{
  g_assert_cmpmem (fixture->out->data, fixture->out->len, expected->data, expected->len);
}

/* All that is in order passes as it is, however it is cut into pieces. */
static void
test_pass (void)
{
  for (gsize step = 1; step < 200; step++)
    {
      Fixture fixture = { 0 };
      g_autoptr (GByteArray) expected = g_byte_array_new ();
      ResilientHttp2Stream *stream;

      set_up (&fixture, NULL);
      stream = open_stream (&fixture);
      add (fixture.in, 4, 1, 0, "", 0);
      add (fixture.in, 6, 0, 0, "12345678", 8);
      add (fixture.in, 8, 0, 0, "\0\0\1\0", 4);
      add (fixture.in, 8, 0, 1, "\0\0\1\0", 4);
      add (fixture.in, 1, 0, 1, "\x88", 1);
      add (fixture.in, 9, 4, 1, "\x40\x01x\x01y", 5);
      add (fixture.in, 0, 0, 1, "hello", 5);
      add (fixture.in, 0, 8, 1, "\2, world\0\0", 10);
      add (fixture.in, 2, 0, 1, "\0\0\0\0\1", 5);
      add (fixture.in, 0x42, 0xff, 7, "unknown", 7);
      add (fixture.in, 0, 0, 1, "", 0);
      add (fixture.in, 0, 1, 1, "!", 1);
      add (fixture.in, 3, 0, 1, "\0\0\0\0", 4);
      g_byte_array_append (expected, fixture.in->data, fixture.in->len);
      feed (&fixture, step);
      assert_out (&fixture, expected);
      g_assert_cmpint (stream->content, ==, strlen ("hello, world!"));
      g_assert_cmpuint (stream->n_sections, ==, 1);
      g_assert_true (stream->ended);
      g_assert_false (stream->reset || stream->malformed);
      g_assert_cmpuint (fixture.n_changes, ==, 0);
      tear_down (&fixture, NULL);
    }
}

/* A header section is held back until it is whole. */
static void
test_hold (Fixture *fixture, gconstpointer data)
{
  guint passed;

  open_stream (fixture);
  feed (fixture, 100);
  passed = fixture->out->len;
  add (fixture->in, 1, 0, 1, "\x88", 1);
  feed (fixture, 100);
  g_assert_cmpuint (fixture->out->len, ==, passed);
  add (fixture->in, 9, 4, 1, "", 0);
  feed (fixture, 100);
  g_assert_cmpuint (fixture->out->len, ==, passed + 9 + 1 + 9);
}

static void
test_trailers (Fixture *fixture, gconstpointer data)
{
  ResilientHttp2Stream *stream = open_stream (fixture);
  g_autoptr (GByteArray) expected = g_byte_array_new ();

  add (fixture->in, 1, 4, 1, "\x88", 1);
  add (fixture->in, 0, 0, 1, "hello", 5);
  g_byte_array_append (expected, fixture->in->data, fixture->in->len);
  add (fixture->in, 1, 5, 1, "\x40\x01x\x01y", 5);
  feed (fixture, 7);
  add (expected, 0, 1, 1, "", 0);
  add (expected, 3, 0, 1, "\0\0\0\0", 4);
  add (expected, 1, 5, 1, "\x40\x01x\x01y", 5);
  assert_out (fixture, expected);
  g_assert_true (stream->ended);
  g_assert_cmpuint (stream->n_sections, ==, 2);
  g_assert_cmpuint (fixture->n_changes, ==, 0);
}

static void
test_reset (Fixture *fixture, gconstpointer data)
{
  ResilientHttp2Stream *plain = open_stream (fixture);
  ResilientHttp2Stream *refused = open_stream (fixture);
  ResilientHttp2Stream *late = open_stream (fixture);
  g_autoptr (GByteArray) expected = g_byte_array_new ();

  add (fixture->in, 1, 4, 5, "\x88", 1);
  g_byte_array_append (expected, fixture->in->data, fixture->in->len);
  add (fixture->in, 3, 0, 1, "\0\0\0\0", 4);
  add (fixture->in, 3, 0, 3, "\0\0\0\7", 4);
  add (fixture->in, 3, 0, 5, "\0\0\0\7", 4);
  feed (fixture, 100);
  add (expected, 3, 0, 1, "\0\0\0\x8", 4);
  add (expected, 3, 0, 3, "\0\0\0\7", 4);
  add (expected, 3, 0, 5, "\0\0\0\7", 4);
  assert_out (fixture, expected);
  g_assert_true (plain->reset && refused->reset && late->reset);
  g_assert_cmpuint (plain->code, ==, 0);
  g_assert_true (refused->unprocessed);
  g_assert_false (plain->unprocessed || late->unprocessed);
  g_assert_cmpuint (fixture->n_changes, ==, 3);
}

/* A response that is whole is not lost any more. */
static void
test_reset_after (Fixture *fixture, gconstpointer data)
{
  ResilientHttp2Stream *stream = open_stream (fixture);
  g_autoptr (GByteArray) expected = g_byte_array_new ();

  add (fixture->in, 1, 5, 1, "\x88", 1);
  g_byte_array_append (expected, fixture->in->data, fixture->in->len);
  add (fixture->in, 3, 0, 1, "\0\0\0\x8", 4);
  feed (fixture, 100);
  add (expected, 3, 0, 1, "\0\0\0\0", 4);
  assert_out (fixture, expected);
  g_assert_true (stream->ended);
  g_assert_false (stream->reset);
  g_assert_cmpuint (fixture->n_changes, ==, 0);
}

static void
test_goaway (Fixture *fixture, gconstpointer data)
{
  ResilientHttp2Stream *before = open_stream (fixture);
  ResilientHttp2Stream *after = open_stream (fixture);
  g_autoptr (GByteArray) expected = g_byte_array_new ();

  g_byte_array_append (expected, fixture->in->data, fixture->in->len);
  add (fixture->in, 7, 0, 0, "\0\0\0\1\0\0\0\0bye", 11);
  feed (fixture, 100);
  add (expected, 3, 0, 3, "\0\0\0\7", 4);
  add (expected, 7, 0, 0, "\x7f\xff\xff\xff\0\0\0\0bye", 11);
  assert_out (fixture, expected);
  g_assert_false (before->reset);
  g_assert_true (after->reset && after->unprocessed);

  /* with an error it is for libsoup to fail them */
  add (fixture->in, 7, 0, 0, "\0\0\0\0\0\0\0\1", 8);
  add (expected, 7, 0, 0, "\0\0\0\0\0\0\0\1", 8);
  feed (fixture, 100);
  assert_out (fixture, expected);
  g_assert_true (before->reset && before->unprocessed);
}

/* Of requests that are not known nobody can be told, so libsoup has to find out. */
static void
test_goaway_foreign (Fixture *fixture, gconstpointer data)
{
  ResilientHttp2Stream *stream;
  g_autoptr (GByteArray) expected = g_byte_array_new ();

  resilient_http2_frames_note_foreign (fixture->frames);
  stream = open_stream (fixture);
  g_assert_cmpuint (stream->id, ==, 3);
  add (fixture->in, 7, 0, 0, "\0\0\0\1\0\0\0\0", 8);
  g_byte_array_append (expected, fixture->in->data, fixture->in->len);
  feed (fixture, 100);
  assert_out (fixture, expected);
  g_assert_true (stream->reset && stream->unprocessed);
}

static void
test_declare (Fixture *fixture, gconstpointer data)
{
  ResilientHttp2Stream *before = open_stream (fixture);
  ResilientHttp2Stream *after = open_stream (fixture);
  ResilientHttp2Stream *right = open_stream (fixture);

  resilient_http2_frames_declare (fixture->frames, before, 4);
  resilient_http2_frames_declare (fixture->frames, right, 5);
  for (guint32 id = 1; id <= 5; id += 2)
    {
      add (fixture->in, 1, 4, id, "\x88", 1);
      add (fixture->in, 0, 1, id, "hello", 5);
    }
  feed (fixture, 100);
  g_assert_true (before->malformed);
  g_assert_cmpuint (fixture->n_changes, ==, 1);
  resilient_http2_frames_declare (fixture->frames, after, 6);
  g_assert_true (after->malformed);
  g_assert_false (right->malformed);
  g_assert_cmpuint (fixture->n_changes, ==, 2);
}

/* What libsoup is given when the connection broke within a frame, and when nothing ever came. */
static void
test_wind_up (Fixture *fixture, gconstpointer data)
{
  ResilientHttp2Stream *reading = open_stream (fixture);
  ResilientHttp2Stream *waiting = open_stream (fixture);
  ResilientHttp2Stream *ended = open_stream (fixture);
  g_autoptr (GByteArray) expected = g_byte_array_new ();
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "lost");

  waiting->resend = TRUE;
  add (fixture->in, 1, 5, 5, "\x88", 1);
  add (fixture->in, 1, 4, 1, "\x88", 1);
  add (fixture->in, 0, 0, 1, "hello", 5);
  g_byte_array_append (expected, fixture->in->data, fixture->in->len - 2);
  g_byte_array_append (expected, (const guint8 *) "\0\0", 2);
  g_byte_array_set_size (fixture->in, fixture->in->len - 2);
  feed (fixture, 100);
  resilient_http2_frames_fail (fixture->frames, error);
  g_assert_cmpuint (fixture->n_changes, ==, 3);
  g_assert_false (resilient_http2_frames_wind_up (fixture->frames, fixture->out));
  add (expected, 7, 0, 0, "\x7f\xff\xff\xff\0\0\0\0", 8);
  g_assert_cmpmem (fixture->out->data, expected->len, expected->data, expected->len);
  /* two resets, in any order */
  g_assert_cmpuint (fixture->out->len, ==, expected->len + 2 * 13);
  g_assert_false (resilient_http2_frames_wind_up (fixture->frames, fixture->out));
  g_assert_cmpuint (fixture->out->len, ==, expected->len + 2 * 13);
  resilient_http2_frames_close (fixture->frames, reading);
  resilient_http2_frames_close (fixture->frames, waiting);
  g_assert_false (resilient_http2_frames_wind_up (fixture->frames, fixture->out));
  resilient_http2_frames_close (fixture->frames, ended);
  g_assert_true (resilient_http2_frames_wind_up (fixture->frames, fixture->out));
}

static void
test_wind_up_early (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) expected = g_byte_array_new ();
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "lost");

  open_stream (fixture);
  resilient_http2_frames_fail (fixture->frames, error);
  g_assert_false (resilient_http2_frames_wind_up (fixture->frames, fixture->out));
  add (expected, 4, 0, 0, "", 0);
  add (expected, 7, 0, 0, "\x7f\xff\xff\xff\0\0\0\0", 8);
  add (expected, 3, 0, 1, "\0\0\0\x8", 4);
  assert_out (fixture, expected);
}

/* Streams that are numbered otherwise than was thought: nothing is held back or changed any
 * more. */
static void
test_off (Fixture *fixture, gconstpointer data)
{
  ResilientHttp2Stream *stream = open_stream (fixture);
  g_autoptr (GByteArray) expected = g_byte_array_new ();

  resilient_http2_frames_set_shared (fixture->frames);
  add (fixture->in, 1, 4, 3, "\x88", 1);
  add (fixture->in, 1, 0, 5, "\x88", 1);
  g_byte_array_append (expected, fixture->in->data, fixture->in->len);
  feed (fixture, 100);
  resilient_http2_frames_verify (fixture->frames, stream);
  add (fixture->in, 0xff, 0xff, 0xff, "whatever", 8);
  g_byte_array_append (expected, fixture->in->data, fixture->in->len);
  feed (fixture, 3);
  assert_out (fixture, expected);
}

/* --- what brings nothing ---------------------------------------------------------------------- */

#define MANY 5000

static void
test_useless (void)
{
  const struct
  {
    guint type;
    guint32 stream;
    const char *payload;
    gsize size;
  } cases[] = {
    { 0, 1, "", 0 },
    { 2, 1, "\0\0\0\0\1", 5 },
    { 4, 0, "", 0 },
    { 6, 0, "12345678", 8 },
    { 7, 0, "\x7f\xff\xff\xff\0\0\0\0", 8 },
    { 8, 0, "\0\0\0\1", 4 },
    { 8, 1, "\0\0\0\1", 4 },
    { 0x42, 0, "unknown", 7 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Fixture fixture = { 0 };

      set_up (&fixture, NULL);
      open_stream (&fixture);
      add (fixture.in, 1, 4, 1, "\x88", 1);
      feed (&fixture, 100);
      g_assert_cmpuint (
        feed_many (
          &fixture, MANY, cases[i].type, 0, cases[i].stream, cases[i].payload, cases[i].size),
        ==,
        1000);
      tear_down (&fixture, NULL);
    }
}

/* What comes for the app's own requests, which nobody told of, or whose streams nobody knows. */
static void
test_useless_of_others (gconstpointer data)
{
  const struct
  {
    guint type;
    guint flags;
    const char *payload;
    gsize size;
  } cases[] = {
    { 1, 4, "\x88", 1 }, { 1, 5, "\x88", 1 },     { 0, 0, "x", 1 },
    { 0, 1, "", 0 },     { 3, 0, "\0\0\0\0", 4 }, { 8, 0, "\0\0\0\1", 4 },
  };
  gboolean shared = GPOINTER_TO_INT (data);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Fixture fixture = { 0 };

      set_up (&fixture, NULL);
      open_stream (&fixture);
      if (shared)
        resilient_http2_frames_set_shared (fixture.frames);
      else
        resilient_http2_frames_note_foreign (fixture.frames);
      feed (&fixture, 100);
      g_assert_cmpuint (
        feed_many (
          &fixture, MANY, cases[i].type, cases[i].flags, 3, cases[i].payload, cases[i].size),
        ==,
        MANY);
      g_assert_cmpuint (feed_many (&fixture, MANY, 6, 0, 0, "12345678", 8), <=, 1000);
      tear_down (&fixture, NULL);
    }
}

/* What was under way for a request when it was given up: a window full of content, in frames of any
 * size, is not held against the others. The limit counts from the SETTINGS on. */
static void
test_useless_late (Fixture *fixture, gconstpointer data)
{
  g_autofree char *content = g_strnfill (16384, 'x');
  const guint n = 32 * 1024 * 1024 / 16384;

  open_stream (fixture);
  resilient_http2_frames_close (fixture->frames, open_stream (fixture));
  feed (fixture, 100);
  g_assert_cmpuint (feed_many (fixture, MANY, 0, 0, 3, "x", 1), ==, MANY);
  /* as little as the rest of the window has room for */
  g_assert_cmpuint (feed_many (fixture, 2 * n, 0, 0, 3, content, 16384), ==, n - 1 + 999);
}

static void
test_useless_late_frames (Fixture *fixture, gconstpointer data)
{
  open_stream (fixture);
  for (guint i = 0; i < MANY; i++)
    resilient_http2_frames_close (fixture->frames, open_stream (fixture));
  feed (fixture, 100);
  g_assert_cmpuint (feed_many (fixture, MANY, 1, 4, 3, "\x88", 1), ==, MANY);
  g_assert_cmpuint (feed_many (fixture, MANY, 1, 4, 3, "\x88", 1), ==, MANY);
  g_assert_cmpuint (feed_many (fixture, MANY, 3, 0, 3, "\0\0\0\x8", 4), ==, MANY);
  g_assert_cmpuint (feed_many (fixture, MANY, 1, 4, 3, "\x88", 1), ==, 999);
}

/* Requests that are all refused, by no more than a frame each. */
static void
test_useless_resets (Fixture *fixture, gconstpointer data)
{
  feed (fixture, 100);
  for (guint32 id = 1; id < MANY; id += 2)
    {
      ResilientHttp2Stream *stream = open_stream (fixture);

      g_assert_cmpuint (feed_many (fixture, 1, 3, 0, id, "\0\0\0\7", 4), ==, 1);
      resilient_http2_frames_close (fixture->frames, stream);
    }
}

/* A server may give credit in small steps, also for what it was sent long ago, and by a request
 * that is over. */
static void
test_useless_updates (Fixture *fixture, gconstpointer data)
{
  ResilientHttp2Stream *stream = open_stream (fixture);
  ResilientHttp2Stream *gone = open_stream (fixture);

  feed (fixture, 100);
  resilient_http2_frames_note_sent (fixture->frames, stream, MANY);
  resilient_http2_frames_note_sent (fixture->frames, gone, MANY);
  resilient_http2_frames_close (fixture->frames, gone);
  for (guint32 id = 0; id <= 3; id++)
    if (id != 2)
      g_assert_cmpuint (feed_many (fixture, MANY, 8, 0, id, "\0\0\0\1", 4), ==, MANY);
  g_assert_cmpuint (feed_many (fixture, MANY, 8, 0, 0, "\0\0\0\1", 4), ==, MANY);
  g_assert_cmpuint (feed_many (fixture, MANY, 8, 0, 0, "\0\0\0\1", 4), ==, 1000);
}

static void
test_work (Fixture *fixture, gconstpointer data)
{
  open_stream (fixture);
  feed (fixture, 100);
  resilient_http2_frames_take_work (fixture->frames);
  add (fixture->in, 6, 0, 0, "12345678", 8);
  feed (fixture, 100);
  g_assert_cmpuint (resilient_http2_frames_take_work (fixture->frames), ==, 17 + 512);
  g_assert_cmpuint (resilient_http2_frames_take_work (fixture->frames), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add (path, Fixture, NULL, set_up, test, tear_down)
  g_test_add_func ("/http2-frames/lease", test_pass);
  ADD ("/http2-frames/hold", test_hold);
  ADD ("/http2-frames/trailers", test_trailers);
  ADD ("/http2-frames/reset", test_reset);
  ADD ("/http2-frames/reset-after", test_reset_after);
  ADD ("/http2-frames/goaway", test_goaway);
  ADD ("/http2-frames/goaway-foreign", test_goaway_foreign);
  ADD ("/http2-frames/declare", test_declare);
  ADD ("/http2-frames/wind-up", test_wind_up);
  ADD ("/http2-frames/wind-up-early", test_wind_up_early);
  ADD ("/http2-frames/off", test_off);
  ADD ("/http2-frames/work", test_work);
  g_test_add_func ("/http2-frames/useless", test_useless);
  g_test_add_data_func (
    "/http2-frames/useless/foreign", GINT_TO_POINTER (FALSE), test_useless_of_others);
  g_test_add_data_func (
    "/http2-frames/useless/shared", GINT_TO_POINTER (TRUE), test_useless_of_others);
  ADD ("/http2-frames/useless/late", test_useless_late);
  ADD ("/http2-frames/useless/late-frames", test_useless_late_frames);
  ADD ("/http2-frames/useless/resets", test_useless_resets);
  ADD ("/http2-frames/useless/updates", test_useless_updates);
  return g_test_run ();
}
