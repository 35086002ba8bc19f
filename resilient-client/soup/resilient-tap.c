/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-tap-private.h"

#include <string.h>

#include "resilient-chunked-private.h"
#include "resilient-i18n-private.h"

/* libsoup 3.2 reads a connection of HTTP/1 through a filter stream of its own, and is too kind to
 * what it reads there: a head that was cut after a line is a head; a chunk's size is whatever
 * strtoul() makes of it; a body may be shorter than was announced when the connection closes after
 * it. A tap sits below that filter, in the public base_stream field of its parent class, and knows
 * better:
 *
 *   - it sees the connection end inside a head, which no one can tell from the message;
 *   - it decodes chunks itself, strictly, and hands libsoup plain ones;
 *   - it counts a body whose length was announced;
 *   - it says "100 Continue" in place of a server that does not, as libsoup waits for that without
 *     end, and there is no other way to have it send the body on the same connection.
 *
 * What is wrong becomes an error of the read. So no stream in between, such as that of a cache,
 * ever sees such a body end as a whole one does.
 *
 * There is no way to ask libsoup for the filter of a connection, only for that of a response, by
 * when the head is read. So the first tap of a connection is put in its place when the first bytes
 * of the first head have just been read, by a hook on the signal with which filters tell of each
 * read. The hook is there only while a new connection waits for its first byte; a kept connection
 * has its tap already.
 *
 * The names of libsoup's types and of that signal are no API. Where they are not found, libsoup's
 * view counts, as it would without a tap. */

#define FILTER_TYPE_NAME "SoupFilterInputStream"
#define BODY_TYPE_NAME "SoupBodyInputStream"
#define READ_SIGNAL_NAME "read-data"

/* A block of chunks is decoded in place, and handed on as one, however many there were: with
 * "SIZE CRLF" before its bytes, and CRLF behind. */
#define BLOCK_SIZE (16 * 1024)
#define BLOCK_HEAD 16
#define BLOCK_TAIL 2
#define LAST_CHUNK "0\r\n\r\n"

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

typedef enum
{
  MODE_PASS, /* whatever comes */
  MODE_DRY,  /* what was read, and then nothing */
  MODE_CHUNKED,
  MODE_LENGTH,
  MODE_CLOSE,
} TapMode;

struct _ResilientTap
{
  GInputStream parent_instance;

  GInputStream *base;
  GWeakRef connection; /* the GTlsConnection to which that belongs, if it does */
  GWeakRef filter;     /* libsoup's, when installed */

  gboolean installed; /* below a filter of libsoup's */
  gboolean waiting;   /* to be installed: in the table below */
  gboolean in_head;   /* a head is expected, and not complete */
  gboolean saw_head;  /* from its first byte on */
  gboolean ended;     /* the connection ended inside the head */
  gboolean expecting; /* "100 Continue" would be of use */
  gboolean between;   /* in front of a head: libsoup has no part of one */
  GSource *waker;     /* nullable; of the source by which libsoup waits, while @expecting */

  TapMode mode;
  ResilientChunked chunked;
  guint64 n_left;          /* of a length that was announced */
  GError *error;           /* nullable; what each further read says */
  ResilientTapCheck check; /* nullable */
  gpointer check_data;

  /* What was read and is to be handed on, from start to end. */
  guint8 *block; /* nullable */
  gsize start, end;
  gsize n_behind; /* behind the end: bytes that came after the last chunk */
};

static void tap_pollable_init (GPollableInputStreamInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ResilientTap,
                               resilient_tap,
                               G_TYPE_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM,
                                                      tap_pollable_init))

/* Taps of all threads that wait for the first byte of their connection. */
static struct
{
  GMutex lock;
  GHashTable *taps; /* base stream → tap, a reference; NULL before the first */
  guint signal_id;
  gulong hook_id; /* 0 = the hook is not set */
} waiting;

static void
install (ResilientTap *self, GFilterInputStream *filter)
{
  g_assert (filter->base_stream == self->base);
  g_set_object (&filter->base_stream, G_INPUT_STREAM (self));
  g_weak_ref_set (&self->filter, filter);
  self->installed = TRUE;
}

/* Inside a read of @filter, from its base stream, in the thread that drives the connection. */
static gboolean
read_data_hook (GSignalInvocationHint *hint, guint n_values, const GValue *values, gpointer data)
{
  GFilterInputStream *filter = g_value_get_object (&values[0]);
  g_autoptr (ResilientTap) tap = NULL;
  gpointer found = NULL;
  gboolean stays;

  g_mutex_lock (&waiting.lock);
  if (g_hash_table_steal_extended (waiting.taps, filter->base_stream, NULL, &found))
    tap = found;
  stays = g_hash_table_size (waiting.taps) > 0;
  if (!stays)
    waiting.hook_id = 0;
  g_mutex_unlock (&waiting.lock);

  if (tap != NULL)
    {
      tap->waiting = FALSE;
      tap->saw_head = TRUE;
      install (tap, filter);
    }
  return stays;
}

static void
wait_for_first_byte (ResilientTap *self)
{
  GType filter_type = g_type_from_name (FILTER_TYPE_NAME);

  if (filter_type == 0)
    return;

  g_mutex_lock (&waiting.lock);
  if (waiting.taps == NULL)
    {
      waiting.taps = g_hash_table_new_full (NULL, NULL, NULL, g_object_unref);
      waiting.signal_id = g_signal_lookup (READ_SIGNAL_NAME, filter_type);
    }
  if (waiting.signal_id != 0)
    {
      g_hash_table_insert (waiting.taps, self->base, g_object_ref (self));
      self->waiting = TRUE;
      if (waiting.hook_id == 0)
        waiting.hook_id =
          g_signal_add_emission_hook (waiting.signal_id, 0, read_data_hook, NULL, NULL);
    }
  g_mutex_unlock (&waiting.lock);
}

static void
stop_waiting (ResilientTap *self)
{
  self->waiting = FALSE;
  g_mutex_lock (&waiting.lock);
  g_hash_table_remove (waiting.taps, self->base);
  if (waiting.hook_id != 0 && g_hash_table_size (waiting.taps) == 0)
    {
      g_signal_remove_emission_hook (waiting.signal_id, waiting.hook_id);
      waiting.hook_id = 0;
    }
  g_mutex_unlock (&waiting.lock);
}

static void
clear_block (ResilientTap *self)
{
  g_clear_pointer (&self->block, g_free);
  self->start = self->end = self->n_behind = 0;
}

static void
set_cut (ResilientTap *self)
{
  g_set_error_literal (&self->error,
                       G_IO_ERROR,
                       G_IO_ERROR_PARTIAL_INPUT,
                       _ ("The connection was closed before the whole response had come"));
}

static gboolean
check_end (ResilientTap *self)
{
  return self->check == NULL || self->check (self->check_data, &self->error);
}

/* @n bytes of chunks are in the block. */
static void
take_chunks (ResilientTap *self, gsize n)
{
  guint8 *data = self->block + BLOCK_HEAD;
  gsize n_decoded, n_consumed;

  self->start = self->end = BLOCK_HEAD;
  if (!resilient_chunked_decode (&self->chunked, data, n, &n_decoded, &n_consumed, &self->error))
    return;

  self->n_behind = n - n_consumed;
  if (n_decoded > 0)
    {
      char size[BLOCK_HEAD];
      gsize size_length =
        (gsize) g_snprintf (size, sizeof size, "%" G_GSIZE_MODIFIER "x\r\n", n_decoded);

      self->start -= size_length;
      memcpy (self->block + self->start, size, size_length);
      memmove (data + n_decoded + 2, data + n_consumed, self->n_behind);
      memcpy (data + n_decoded, "\r\n", 2);
      self->end += n_decoded + 2;
    }
  else
    memmove (data, data + n_consumed, self->n_behind);
}

/* All but the end of a chunked body has been handed on, and read, as libsoup asks for more only
 * then. */
static void
end_chunks (ResilientTap *self)
{
  gsize n = strlen (LAST_CHUNK);
  guint8 *block;

  if (!check_end (self))
    return;
  self->mode = MODE_PASS;
  block = g_malloc (n + self->n_behind);
  memcpy (block, LAST_CHUNK, n);
  memcpy (block + n, self->block + self->end, self->n_behind);
  n += self->n_behind;
  clear_block (self);
  self->block = block;
  self->end = n;
}

/* Those bytes of the body were read. */
static void
count (ResilientTap *self, gsize n)
{
  self->n_left -= MIN (self->n_left, n);
  if (self->n_left == 0)
    self->mode = MODE_PASS;
}

/* The base stream has ended: FALSE when it must not. */
static gboolean
take_end (ResilientTap *self)
{
  if (self->in_head)
    self->ended = TRUE;
  if (self->mode == MODE_CHUNKED || self->mode == MODE_LENGTH)
    set_cut (self);
  else if (self->mode == MODE_CLOSE && check_end (self))
    self->mode = MODE_PASS;
  return self->error == NULL;
}

/* Those bytes go to libsoup, maybe of a head: does one end with them? To say no in doubt is
 * safe. */
static gssize
note (ResilientTap *self, const char *bytes, gssize n)
{
  if (self->expecting && n > 0)
    self->between = (n >= 2 && memcmp (bytes + n - 2, "\n\n", 2) == 0)
                    || (n >= 3 && memcmp (bytes + n - 3, "\n\r\n", 3) == 0);
  return n;
}

static gssize
hand_on (ResilientTap *self, void *buffer, gsize size)
{
  gsize n = MIN (size, self->end - self->start);

  memcpy (buffer, self->block + self->start, n);
  self->start += n;
  if (self->start == self->end && self->mode != MODE_CHUNKED)
    clear_block (self);
  return note (self, buffer, (gssize) n);
}

static gssize
tap_read (ResilientTap *self,
          void *buffer,
          gsize size,
          gboolean blocking,
          GCancellable *cancellable,
          GError **error)
{
  while (self->error == NULL)
    {
      gboolean decodes = self->mode == MODE_CHUNKED;
      gssize n;

      if (self->start < self->end)
        return hand_on (self, buffer, size);
      if (self->mode == MODE_DRY)
        return 0;
      if (decodes && resilient_chunked_is_done (&self->chunked))
        {
          end_chunks (self);
          continue;
        }

      n = g_pollable_stream_read (self->base,
                                  decodes ? self->block + BLOCK_HEAD : buffer,
                                  decodes ? BLOCK_SIZE : size,
                                  blocking,
                                  cancellable,
                                  error);
      if (n < 0 || (n == 0 && take_end (self)))
        return n;
      if (n == 0)
        break;
      if (self->mode == MODE_LENGTH)
        count (self, (gsize) n);
      if (!decodes)
        return note (self, buffer, n);
      take_chunks (self, (gsize) n);
    }

  g_propagate_error (error, g_error_copy (self->error));
  return -1;
}

static gssize
tap_read_fn (GInputStream *stream,
             void *buffer,
             gsize size,
             GCancellable *cancellable,
             GError **error)
{
  return tap_read (RESILIENT_TAP (stream), buffer, size, TRUE, cancellable, error);
}

static gssize
tap_read_nonblocking (GPollableInputStream *stream, void *buffer, gsize size, GError **error)
{
  return tap_read ((ResilientTap *) stream, buffer, size, FALSE, NULL, error);
}

static gboolean
tap_can_poll (GPollableInputStream *stream)
{
  ResilientTap *self = RESILIENT_TAP (stream);

  return G_IS_POLLABLE_INPUT_STREAM (self->base)
         && g_pollable_input_stream_can_poll (G_POLLABLE_INPUT_STREAM (self->base));
}

/* Something can be said without the base stream. */
static gboolean
is_ready (ResilientTap *self)
{
  return self->start < self->end || self->error != NULL
         || (self->mode == MODE_CHUNKED && resilient_chunked_is_done (&self->chunked));
}

static gboolean
tap_is_readable (GPollableInputStream *stream)
{
  ResilientTap *self = RESILIENT_TAP (stream);

  return is_ready (self)
         || g_pollable_input_stream_is_readable (G_POLLABLE_INPUT_STREAM (self->base));
}

/* What waits by the source of which this is a part is dispatched as well. */
static gboolean
wake_cb (GSource *waker, GSourceFunc callback, gpointer data)
{
  return G_SOURCE_REMOVE;
}

static void
clear_waker (ResilientTap *self)
{
  g_clear_pointer (&self->waker, g_source_unref);
}

/* The filter above waits by it and gives it a callback that does nothing, so the source of the base
 * stream will do, and spares each response another one around it; unless something may have to be
 * said without the base stream later. */
static GSource *
tap_create_source (GPollableInputStream *stream, GCancellable *cancellable)
{
  static GSourceFuncs waker_funcs = { .dispatch = wake_cb };
  ResilientTap *self = RESILIENT_TAP (stream);
  g_autoptr (GSource) base_source = NULL;
  GSource *source;

  if (is_ready (self))
    return g_timeout_source_new (0);
  base_source =
    g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (self->base), cancellable);
  if (!self->expecting)
    return g_steal_pointer (&base_source);

  source = g_pollable_source_new_full (self, base_source, NULL);
  clear_waker (self);
  self->waker = g_source_new (&waker_funcs, sizeof (GSource));
  g_source_set_static_name (self->waker, "[resilient-client] continue");
  g_source_add_child_source (source, self->waker);
  return source;
}

static void
resilient_tap_finalize (GObject *object)
{
  ResilientTap *self = RESILIENT_TAP (object);

  clear_block (self);
  clear_waker (self);
  g_clear_error (&self->error);
  g_weak_ref_clear (&self->connection);
  g_weak_ref_clear (&self->filter);
  g_object_unref (self->base);
  G_OBJECT_CLASS (resilient_tap_parent_class)->finalize (object);
}

static void
tap_pollable_init (GPollableInputStreamInterface *iface)
{
  iface->can_poll = tap_can_poll;
  iface->is_readable = tap_is_readable;
  iface->create_source = tap_create_source;
  iface->read_nonblocking = tap_read_nonblocking;
}

static void
resilient_tap_class_init (ResilientTapClass *class)
{
  G_OBJECT_CLASS (class)->finalize = resilient_tap_finalize;
  G_INPUT_STREAM_CLASS (class)->read_fn = tap_read_fn;
}

static void
resilient_tap_init (ResilientTap *self)
{
  g_weak_ref_init (&self->connection, NULL);
  g_weak_ref_init (&self->filter, NULL);
}

static ResilientTap *
tap_new (GInputStream *base)
{
  ResilientTap *self = g_object_new (RESILIENT_TYPE_TAP, NULL);

  self->base = g_object_ref (base);
  return self;
}

ResilientTap *
resilient_tap_new (GIOStream *connection)
{
  ResilientTap *self = tap_new (g_io_stream_get_input_stream (connection));

  if (G_IS_TLS_CONNECTION (connection))
    g_weak_ref_set (&self->connection, connection);
  return self;
}

void
resilient_tap_expect_head (ResilientTap *self, gboolean expecting)
{
  self->in_head = TRUE;
  self->expecting = expecting;
  self->between = self->installed;
  self->saw_head = self->installed;
  self->ended = FALSE;
  if (!self->installed && !self->waiting)
    wait_for_first_byte (self);
}

gboolean
resilient_tap_end_head (ResilientTap *self)
{
  self->in_head = FALSE;
  self->expecting = FALSE;
  clear_waker (self);
  if (self->waiting)
    stop_waiting (self);
  return self->ended;
}

GInputStream *
resilient_tap_dup_filter (ResilientTap *self)
{
  return g_weak_ref_get (&self->filter);
}

gboolean
resilient_tap_saw_head (ResilientTap *self)
{
  return self->saw_head;
}

static GFilterInputStream *
find_filter (GInputStream *stream)
{
  while (g_strcmp0 (G_OBJECT_TYPE_NAME (stream), BODY_TYPE_NAME) != 0)
    {
      if (!G_IS_FILTER_INPUT_STREAM (stream))
        return NULL;
      stream = g_filter_input_stream_get_base_stream (G_FILTER_INPUT_STREAM (stream));
    }
  stream = g_filter_input_stream_get_base_stream (G_FILTER_INPUT_STREAM (stream));
  if (g_strcmp0 (G_OBJECT_TYPE_NAME (stream), FILTER_TYPE_NAME) != 0)
    return NULL;
  return G_FILTER_INPUT_STREAM (stream);
}

/* What the filter had read ahead, together with the head, goes through our hands as well. */
static gsize
take_back (ResilientTap *self, GFilterInputStream *filter)
{
  gsize capacity = BLOCK_SIZE, n = 0;
  guint8 *block = g_malloc (BLOCK_HEAD + capacity + BLOCK_TAIL);
  gssize n_read;

  self->mode = MODE_DRY;
  while ((n_read = g_pollable_input_stream_read_nonblocking (
            G_POLLABLE_INPUT_STREAM (filter), block + BLOCK_HEAD + n, capacity - n, NULL, NULL))
         > 0)
    {
      n += (gsize) n_read;
      if (n == capacity)
        {
          capacity *= 2;
          block = g_realloc (block, BLOCK_HEAD + capacity + BLOCK_TAIL);
        }
    }

  clear_block (self);
  self->block = block;
  return n;
}

void
resilient_tap_end_interim (ResilientTap *self)
{
  g_autoptr (GFilterInputStream) filter = g_weak_ref_get (&self->filter);
  gsize n;

  if (!self->expecting || filter == NULL)
    return;
  n = take_back (self, filter);
  self->mode = MODE_PASS;
  self->start = BLOCK_HEAD;
  self->end = BLOCK_HEAD + n;
  self->between = TRUE;
  if (n == 0)
    clear_block (self);
}

gboolean
resilient_tap_say_continue (ResilientTap *self)
{
  if (!self->expecting || !self->between || is_ready (self) || self->ended || self->waker == NULL)
    return FALSE;

  clear_block (self);
  self->block = (guint8 *) g_strdup (CONTINUE);
  self->end = strlen (CONTINUE);
  self->expecting = FALSE;
  g_source_set_ready_time (self->waker, 0);
  clear_waker (self);
  return TRUE;
}

ResilientTap *
resilient_tap_guard_body (ResilientTap *self,
                          GInputStream *response,
                          ResilientFraming framing,
                          guint64 length)
{
  GFilterInputStream *filter = find_filter (response);
  gsize n;

  if (filter == NULL)
    {
      static gboolean logged = FALSE;

      if (!logged)
        g_info ("The response stream is not of the known kind: what libsoup takes for a whole body"
                " is one");
      logged = TRUE;
      return NULL;
    }

  if (RESILIENT_IS_TAP (filter->base_stream))
    self = RESILIENT_TAP (filter->base_stream);
  else
    {
      g_autoptr (ResilientTap) new_tap = self == NULL ? tap_new (filter->base_stream) : NULL;

      if (self == NULL)
        self = new_tap;
      else if (self->base != filter->base_stream)
        return NULL;
      install (self, filter);
    }

  n = take_back (self, filter);
  switch (framing)
    {
    case RESILIENT_FRAMING_CHUNKED:
      self->mode = MODE_CHUNKED;
      resilient_chunked_init (&self->chunked);
      take_chunks (self, n);
      break;

    case RESILIENT_FRAMING_LENGTH:
    case RESILIENT_FRAMING_CLOSE:
    default:
      self->mode = framing == RESILIENT_FRAMING_LENGTH ? MODE_LENGTH : MODE_CLOSE;
      self->start = BLOCK_HEAD;
      self->end = BLOCK_HEAD + n;
      self->n_left = length;
      if (self->mode == MODE_LENGTH)
        count (self, n);
      break;
    }

  /* Without a length only the farewell of TLS tells that nothing was cut off (RFC 9112, 9.8). For
   * other bodies it is not asked for: many servers never send it. */
  if (framing == RESILIENT_FRAMING_CLOSE)
    {
      g_autoptr (GTlsConnection) connection = g_weak_ref_get (&self->connection);

      if (connection != NULL)
        g_tls_connection_set_require_close_notify (connection, TRUE);
    }
  return self;
}

void
resilient_tap_set_check (ResilientTap *self, ResilientTapCheck check, gpointer user_data)
{
  self->check = check;
  self->check_data = user_data;
}
