/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-body-stream-private.h"
#include "resilient-error.h"
#include "test-util.h"

#include <string.h>

#define SIZE ((gsize) 300 * 1000)
#define STEP ((gsize) 8 * 1024)

/* As a file has it: no asynchronous read of its own, and each read may fail. The numbers are
 * atomic, for GIO reads in a thread of its own. */
typedef struct
{
  GFilterInputStream parent_instance;

  int n_reads;
  int n_bytes;
  int fails_after; /* bytes; 0 = never */
  int *gone;       /* GIO's thread may be the last that has it */
} Base;

typedef GFilterInputStreamClass BaseClass;

static GType base_get_type (void);
G_DEFINE_FINAL_TYPE (Base, base, G_TYPE_FILTER_INPUT_STREAM)

static gssize
base_read (GInputStream *stream,
           void *buffer,
           gsize count,
           GCancellable *cancellable,
           GError **error)
{
  Base *self = (Base *) stream;
  int n_bytes = g_atomic_int_get (&self->n_bytes);
  int fails_after = g_atomic_int_get (&self->fails_after);
  gssize n;

  if (fails_after != 0 && n_bytes >= fails_after)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "a broken disk");
      return -1;
    }
  if (fails_after != 0)
    count = MIN (count, (gsize) (fails_after - n_bytes));
  n = g_input_stream_read (self->parent_instance.base_stream, buffer, count, cancellable, error);
  g_atomic_int_inc (&self->n_reads);
  g_atomic_int_add (&self->n_bytes, (int) n);
  return n;
}

static void
base_finalize (GObject *object)
{
  g_atomic_int_set (((Base *) object)->gone, TRUE);
  g_main_context_wakeup (NULL);
  G_OBJECT_CLASS (base_parent_class)->finalize (object);
}

static void
base_class_init (BaseClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = base_finalize;
  G_INPUT_STREAM_CLASS (klass)->read_fn = base_read;
}

static void
base_init (Base *self)
{
}

typedef struct
{
  guint8 *content;
  Base *base;
  GInputStream *stream; /* a ResilientBodyStream */
  int base_gone;
} Fixture;

static gboolean
is_base_gone (gpointer data)
{
  return g_atomic_int_get (&((Fixture *) data)->base_gone);
}

static GInputStream *
stream_new (GInputStream *base, gint64 length)
{
  return G_INPUT_STREAM (resilient_body_stream_new (base, length, FALSE));
}

static void
set_up (Fixture *self, gconstpointer data)
{
  g_autoptr (GInputStream) memory = NULL;

  self->content = g_malloc (SIZE);
  for (gsize i = 0; i < SIZE; i++)
    self->content[i] = (guint8) g_test_rand_int ();
  memory = g_memory_input_stream_new_from_data (self->content, (gssize) SIZE, NULL);
  self->base = g_object_new (base_get_type (), "base-stream", memory, NULL);
  self->base->gone = &self->base_gone;
  self->stream = stream_new (G_INPUT_STREAM (self->base), (gint64) SIZE + GPOINTER_TO_INT (data));
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_assert_finalize_object (self->stream);
  g_object_unref (self->base);
  test_run_until (is_base_gone, self);
  g_free (self->content);
}

static gssize
read_some (Fixture *self, guint8 *buffer, gsize count, GCancellable *cancellable, GError **error)
{
  TestResult result = { 0 };
  gssize n;

  g_input_stream_read_async (
    self->stream, buffer, count, G_PRIORITY_DEFAULT, cancellable, test_result_cb, &result);
  n = g_input_stream_read_finish (self->stream, test_result_wait (&result), error);
  test_result_clear (&result);
  return n;
}

/* From byte @at until there is no more, or an error. Returns where that is. */
static gsize
read_rest (Fixture *self, gsize at, GError **error)
{
  guint8 buffer[STEP];
  gssize n;

  while ((n = read_some (self, buffer, sizeof buffer, NULL, error)) > 0)
    {
      g_assert_cmpuint (at + (gsize) n, <=, SIZE);
      g_assert_cmpmem (buffer, (gsize) n, self->content + at, (gsize) n);
      at += (gsize) n;
    }
  return at;
}

static void
test_async (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (read_rest (self, 0, &error), ==, SIZE);
  g_assert_no_error (error);
  /* each is a visit to another thread */
  g_assert_cmpint (g_atomic_int_get (&self->base->n_reads), <=, SIZE / (64 * 1024) + 2);
}

static void
test_sync (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint8 *buffer = g_malloc (SIZE + 1);
  gsize n;

  g_assert_true (g_input_stream_read_all (self->stream, buffer, SIZE + 1, &n, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpmem (buffer, n, self->content, SIZE);
  g_free (buffer);
}

static void
test_mixed (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint8 buffer[100];
  TestResult result = { 0 };
  gssize skipped;

  g_assert_cmpint (
    g_input_stream_read (self->stream, buffer, sizeof buffer, NULL, &error), ==, 100);
  g_assert_cmpmem (buffer, sizeof buffer, self->content, sizeof buffer);
  g_assert_cmpint (g_input_stream_skip (self->stream, 150, NULL, &error), ==, 150);
  g_input_stream_skip_async (self->stream, 50, G_PRIORITY_DEFAULT, NULL, test_result_cb, &result);
  skipped = g_input_stream_skip_finish (self->stream, test_result_wait (&result), &error);
  test_result_clear (&result);
  g_assert_no_error (error);
  g_assert_cmpint (skipped, ==, 50);
  g_assert_cmpuint (read_rest (self, 300, &error), ==, SIZE);
  g_assert_no_error (error);
}

/* What was read before is delivered, and then the error. */
static void
test_error (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) sync_error = NULL;
  guint8 byte;

  g_atomic_int_set (&self->base->fails_after, 100 * 1000);
  g_assert_cmpuint (read_rest (self, 0, &error), ==, 100 * 1000);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpint (g_input_stream_read (self->stream, &byte, 1, NULL, &sync_error), ==, -1);
  g_assert_error (sync_error, G_IO_ERROR, G_IO_ERROR_FAILED);
}

static void
test_cancel (Fixture *self, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  guint8 buffer[10];

  g_cancellable_cancel (cancellable);
  g_assert_cmpint (read_some (self, buffer, sizeof buffer, cancellable, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_cmpint (g_atomic_int_get (&self->base->n_reads), ==, 0);
  g_assert_cmpuint (read_rest (self, 0, &error), ==, SIZE);
  g_assert_no_error (error);
}

static void
test_close (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (g_input_stream_close (self->stream, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (g_input_stream_is_closed (G_INPUT_STREAM (self->base)));
}

/* As long as was announced, whatever there is. */
static void
test_lengths (void)
{
  static const struct
  {
    gint64 length;
    const char *read;
    gboolean cut;
  } cases[] = {
    { -1, "hello", FALSE }, { 0, "", FALSE },     { 1, "h", FALSE },
    { 5, "hello", FALSE },  { 6, "hello", TRUE }, { G_MAXINT64, "hello", TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GInputStream) memory = g_memory_input_stream_new_from_data ("hello", 5, NULL);
      g_autoptr (GInputStream) stream = stream_new (memory, cases[i].length);
      g_autoptr (GError) error = NULL;
      char buffer[10];
      gsize n;
      gboolean whole = g_input_stream_read_all (stream, buffer, sizeof buffer, &n, NULL, &error);

      g_assert_cmpmem (buffer, n, cases[i].read, strlen (cases[i].read));
      g_assert_cmpint (whole, ==, !cases[i].cut);
      if (cases[i].cut)
        g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
    }
}

static void
test_cut_async (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (read_rest (self, 0, &error), ==, SIZE);
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
}

/* Of somebody else, and perhaps still of use to him. */
static void
test_lent (void)
{
  g_autoptr (GInputStream) memory = g_memory_input_stream_new_from_data ("hello", 5, NULL);
  GInputStream *stream = G_INPUT_STREAM (resilient_body_stream_new (memory, 5, TRUE));
  char byte;

  g_object_unref (stream);
  g_assert_false (g_input_stream_is_closed (memory));
  stream = G_INPUT_STREAM (resilient_body_stream_new (memory, 5, TRUE));
  g_assert_cmpint (g_input_stream_read (stream, &byte, 1, NULL, NULL), ==, 1);
  g_object_unref (stream);
  g_assert_true (g_input_stream_is_closed (memory));
}

static void
priority_cb (gpointer reader)
{
}

static void
expect_unread (Fixture *self, TestResult *reader, const guint8 *buffer)
{
  static const guint8 untouched[10] = { 0 };
  g_autoptr (GError) error = NULL;
  gssize n;

  n = g_input_stream_read_finish (self->stream, test_result_wait (reader), &error);
  g_assert_cmpint (n, ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpmem (buffer, 10, untouched, 10);
  test_result_clear (reader);
}

/* As libsoup does it for HTTP/2, which forgets a read, with its buffer, without a word. */
static void
test_forgotten (Fixture *self, gconstpointer data)
{
  g_autoptr (SoupMessage) message = soup_message_new ("PUT", "http://example.org/");
  TestResult reader = { 0 };
  g_autoptr (GError) error = NULL;
  guint8 buffer[10] = { 0 };

  resilient_body_stream_set_message ((ResilientBodyStream *) self->stream, message);
  for (guint i = 0; i < 2; i++)
    {
      /* first a read of the base, then of what was read ahead */
      gulong id =
        g_signal_connect_swapped (message, "notify::priority", G_CALLBACK (priority_cb), &reader);

      g_input_stream_read_async (
        self->stream, buffer, sizeof buffer, G_PRIORITY_DEFAULT, NULL, test_result_cb, &reader);
      g_signal_handler_disconnect (message, id);
      expect_unread (self, &reader, buffer);
    }

  g_signal_connect_swapped (message, "notify::priority", G_CALLBACK (priority_cb), &reader);
  g_input_stream_read_async (
    self->stream, buffer, sizeof buffer, G_PRIORITY_DEFAULT, NULL, test_result_cb, &reader);
  g_assert_cmpint (
    g_input_stream_read_finish (self->stream, test_result_wait (&reader), &error), ==, 10);
  g_assert_no_error (error);
  g_assert_cmpmem (buffer, sizeof buffer, self->content, sizeof buffer);
  test_result_clear (&reader);

  memset (buffer, 0, sizeof buffer);
  g_input_stream_read_async (
    self->stream, buffer, sizeof buffer, G_PRIORITY_DEFAULT, NULL, test_result_cb, &reader);
  g_clear_object (&message);
  expect_unread (self, &reader, buffer);
}

#define ADD(name, func) g_test_add ("/body-stream/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("async", test_async);
  ADD ("sync", test_sync);
  ADD ("mixed", test_mixed);
  ADD ("error", test_error);
  ADD ("cancel", test_cancel);
  ADD ("close", test_close);
  g_test_add (
    "/body-stream/cut-async", Fixture, GINT_TO_POINTER (1), set_up, test_cut_async, tear_down);
  ADD ("forgotten", test_forgotten);
  g_test_add_func ("/body-stream/lengths", test_lengths);
  g_test_add_func ("/body-stream/lent", test_lent);

  return g_test_run ();
}
