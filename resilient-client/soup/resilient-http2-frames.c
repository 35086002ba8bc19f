/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The frames that a server sends (RFC 9113, 4 and 6). What nghttp2 would end the connection for is
 * an error here, so the rules are its own; only after the end of a stream, and about pushes, those
 * of the RFC are stricter.
 *
 * libsoup 3.2 also loses connections, descriptor and all: when it has failed to write to one that
 * broke, and its last request is done, it waits for ever until it could say goodbye. So the
 * requests end first, each by a reset of its stream, behind a GOAWAY that keeps others away, and
 * only then the connection.
 *
 * Three frames are changed on their way to libsoup 3.2. Trailers, which it takes for headers and
 * then waits for the end of the content, come after an end of the stream, so that it passes over
 * them. A reset without error in the midst of a response gets one, or it would not be noticed; one
 * with an error after a whole response loses it, or the response would be lost. And a GOAWAY
 * without error leaves the requests alone that the server will still answer, which libsoup
 * would fail, and resets the others as not processed. */

#include "config.h"

#include "resilient-http2-frames-private.h"

#include "resilient-hpack-sizes-private.h"
#include "resilient-i18n-private.h"

#include <gio/gio.h>
#include <string.h>

#define FRAME_HEAD 9
/* SETTINGS_MAX_FRAME_SIZE and SETTINGS_HEADER_TABLE_SIZE of the client, as libsoup leaves and
 * announces them. */
#define MAX_FRAME 16384
#define HEADER_TABLE_SIZE 65536
#define DEFAULT_WINDOW 65535
#define MAX_WINDOW ((gint64) G_MAXINT32)
/* Limits of nghttp2's. */
#define MAX_CONTINUATIONS 8
#define MAX_SETTINGS 32
/* Frames in a row that bring no request further. nghttp2 has to answer most of them and gives the
 * connection up, without a word, when it can't send a thousand answers. */
#define MAX_USELESS 1000
/* What may still be on its way for a request that was given up: sections of headers, of 1xx and of
 * the response, and a reset; and as much content as the window of a stream holds, which is 32 MiB
 * as libsoup announces it. */
#define LATE_FRAMES 3
#define LATE_CONTENT (32 * 1024 * 1024)
/* What a frame costs, in bytes that could have been read instead. */
#define FRAME_WORK 512

typedef enum
{
  FRAME_DATA,
  FRAME_HEADERS,
  FRAME_PRIORITY,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_PUSH_PROMISE,
  FRAME_PING,
  FRAME_GOAWAY,
  FRAME_WINDOW_UPDATE,
  FRAME_CONTINUATION,
  FRAME_UNKNOWN = 0x2a,
} FrameType;

#define FLAG_END_STREAM 0x1
#define FLAG_ACK 0x1
#define FLAG_END_HEADERS 0x4
#define FLAG_PADDED 0x8
#define FLAG_PRIORITY 0x20

#define SETTING_ENABLE_PUSH 2
#define SETTING_INITIAL_WINDOW_SIZE 4
#define SETTING_MAX_FRAME_SIZE 5
#define SETTING_ENABLE_CONNECT_PROTOCOL 8
#define SETTING_NO_RFC7540_PRIORITIES 9

#define CODE_NO_ERROR 0
#define CODE_REFUSED_STREAM 7
#define CODE_CANCEL 8

typedef struct
{
  guint type;
  guint flags;
  guint32 stream;
  gsize size;
  guint8 *payload;
} Frame;

struct _ResilientHttp2Frames
{
  GHashTable *streams; /* id → ResilientHttp2Stream, of requests that are under way */
  guint32 next_id;
  gboolean shared;   /* ids from next_id on may be in use */
  gboolean off;      /* everything passes */
  gboolean wound_up; /* libsoup was told of the end of each stream */
  gboolean foreign;  /* some of those before are of others, whose streams nobody knows */
  GError *error;

  GByteArray *frame; /* a part of one */
  gsize data_left;   /* of a DATA frame that passes */
  guint32 data_stream;
  gboolean data_ends;
  gsize work;
  guint n_useless;
  guint64 late_frames;  /* of those that may still come for requests that were given up */
  guint64 late_content; /* bytes of it */
  guint64 updates;      /* WINDOW_UPDATEs that may come for what was sent of bodies */

  ResilientHpackSizes *sizes;
  GByteArray *held;     /* the frames of a header section, until it is whole */
  GByteArray *block;    /* the section itself */
  guint32 block_stream; /* 0: none is under way */
  guint block_flags;
  guint n_continuations;

  gboolean greeted;      /* the first SETTINGS passed: some of them can't change any more */
  gboolean acknowledged; /* ours were */
  guint32 connect_protocol;
  guint32 no_priorities;
  guint32 last_id;   /* the latest GOAWAY's */
  guint32 passed_id; /* and what libsoup was told */
  gint64 initial_window;
  gint64 window; /* of the connection: what the server takes */
};

static guint32
get_number (const guint8 *data)
{
  guint32 number;

  memcpy (&number, data, sizeof number);
  return GUINT32_FROM_BE (number);
}

static void
put_number (guint8 *data, guint32 number)
{
  number = GUINT32_TO_BE (number);
  memcpy (data, &number, sizeof number);
}

static gboolean
broken (GError **error, const char *how)
{
  g_debug ("HTTP/2: the server broke a rule: %s", how);
  g_set_error_literal (
    error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _ ("The server broke the rules of HTTP/2"));
  return FALSE;
}

static gboolean
note_useless (ResilientHttp2Frames *self, GError **error)
{
  return ++self->n_useless <= MAX_USELESS
         || broken (error, "frames without end that bring nothing");
}

/* A frame is part of a response: of that to @stream, or, being NULL, of one that nobody here waits
 * for. It may be for another user of the connection then, or have been under way when its request
 * was given up, for which @late holds how much of that is to be expected. */
static gboolean
note_response (ResilientHttp2Frames *self,
               ResilientHttp2Stream *stream,
               guint64 *late,
               guint64 size,
               GError **error)
{
  if (stream != NULL || self->shared || self->foreign)
    self->n_useless = 0;
  else if (*late < size)
    return note_useless (self, error);
  else
    *late -= size;
  return TRUE;
}

static void
tell (ResilientHttp2Stream *stream)
{
  if (stream->changed != NULL)
    stream->changed (stream->data);
}

static ResilientHttp2Stream *
find (ResilientHttp2Frames *self, guint32 id)
{
  return g_hash_table_lookup (self->streams, GUINT_TO_POINTER (id));
}

/* What may still come for a stream that was reset is ignored. */
static ResilientHttp2Stream *
find_open (ResilientHttp2Frames *self, guint32 id)
{
  ResilientHttp2Stream *stream = find (self, id);

  return stream != NULL && !stream->reset ? stream : NULL;
}

/* A server's own streams, with even numbers, could only be pushed, which libsoup forbids. */
static gboolean
is_idle (ResilientHttp2Frames *self, guint32 id)
{
  return id % 2 == 0 || (id >= self->next_id && !self->shared);
}

static void
make_malformed (ResilientHttp2Stream *stream)
{
  if (stream->malformed)
    return;
  stream->malformed = TRUE;
  tell (stream);
}

static void
end_stream (ResilientHttp2Stream *stream)
{
  stream->ended = TRUE;
  if (stream->declared >= 0 && stream->content != stream->declared)
    make_malformed (stream);
}

static void
add_reset (GByteArray *out, guint32 stream, guint32 code)
{
  guint8 frame[FRAME_HEAD + 4] = { 0, 0, 4, FRAME_RST_STREAM };

  put_number (frame + 5, stream);
  put_number (frame + FRAME_HEAD, code);
  g_byte_array_append (out, frame, sizeof frame);
}

static void
add_goaway (GByteArray *out, guint32 last)
{
  guint8 frame[FRAME_HEAD + 8] = { 0, 0, 8, FRAME_GOAWAY };

  put_number (frame + FRAME_HEAD, last);
  put_number (frame + FRAME_HEAD + 4, CODE_NO_ERROR);
  g_byte_array_append (out, frame, sizeof frame);
}

static void
add_end (GByteArray *out, guint32 stream)
{
  guint8 frame[FRAME_HEAD] = { 0, 0, 0, FRAME_DATA, FLAG_END_STREAM };

  put_number (frame + 5, stream);
  g_byte_array_append (out, frame, sizeof frame);
}

/* --- frames ----------------------------------------------------------------------------------- */

/* Takes padding off. */
static gboolean
strip (Frame *frame)
{
  gsize padding = 0;

  if (frame->flags & FLAG_PADDED)
    {
      if (frame->size < 1)
        return FALSE;
      padding = *frame->payload++;
      frame->size--;
    }
  if (frame->type == FRAME_HEADERS && frame->flags & FLAG_PRIORITY)
    {
      if (frame->size < 5 || (get_number (frame->payload) & G_MAXINT32) == frame->stream)
        return FALSE;
      frame->payload += 5;
      frame->size -= 5;
    }
  if (padding > frame->size)
    return FALSE;
  frame->size -= padding;
  return TRUE;
}

/* nghttp2 decodes what comes for a stream that is closed, as its table of headers must be kept in
 * step, and forgets it. The stream is closed by its end, unless the request is not whole yet or the
 * content not as long as it was to be. */
static void
on_trailers (ResilientHttp2Stream *stream, gboolean ends, GByteArray *out)
{
  if (!ends)
    make_malformed (stream);
  add_end (out, stream->id);
  add_reset (out, stream->id, CODE_NO_ERROR);
}

static gboolean
on_section (ResilientHttp2Frames *self, GByteArray *out, GError **error)
{
  ResilientHttp2Stream *stream = find_open (self, self->block_stream);
  gboolean ends = (self->block_flags & FLAG_END_STREAM) != 0;
  gint64 size = resilient_hpack_sizes_measure (
    self->sizes, self->block->data, self->block->len, RESILIENT_HTTP2_MAX_SECTION);

  self->block_stream = 0;
  if (size < 0)
    return broken (error, "headers that can't be decoded");
  if (size > RESILIENT_HTTP2_MAX_SECTION)
    {
      if (stream != NULL)
        stream->too_large = TRUE;
      /* that is not the fault of the others */
      g_set_error_literal (error,
                           G_IO_ERROR,
                           G_IO_ERROR_CONNECTION_CLOSED,
                           _ ("The connection was lost while the response was read"));
      return FALSE;
    }
  if (!note_response (self, stream, &self->late_frames, 1, error))
    return FALSE;
  if (stream != NULL)
    {
      stream->n_sections++;
      if (stream->has_data)
        on_trailers (stream, ends, out);
      if (ends)
        end_stream (stream);
    }
  g_byte_array_append (out, self->held->data, self->held->len);
  g_byte_array_set_size (self->held, 0);
  g_byte_array_set_size (self->block, 0);
  return TRUE;
}

static gboolean
on_header_block (ResilientHttp2Frames *self, Frame *frame, GByteArray *out, GError **error)
{
  ResilientHttp2Stream *stream;

  g_byte_array_append (self->held, self->frame->data, self->frame->len);
  if (frame->type == FRAME_HEADERS)
    {
      if (is_idle (self, frame->stream))
        return broken (error, "HEADERS of a stream that is idle");
      stream = find_open (self, frame->stream);
      if (stream != NULL && stream->ended)
        return broken (error, "HEADERS of a stream that has ended");
      if (!strip (frame))
        return broken (error, "HEADERS that do not fit");
      self->block_stream = frame->stream;
      self->block_flags = frame->flags;
      self->n_continuations = 0;
    }
  else if (++self->n_continuations > MAX_CONTINUATIONS)
    return broken (error, "CONTINUATION without end");
  g_byte_array_append (self->block, frame->payload, (guint) frame->size);
  return (frame->flags & FLAG_END_HEADERS) == 0 || on_section (self, out, error);
}

/* Of the frame, its head and the length of the padding are there. */
static gboolean
on_data (ResilientHttp2Frames *self, Frame *frame, GError **error)
{
  ResilientHttp2Stream *stream = find_open (self, frame->stream);
  gsize overhead = 0;
  gboolean noted;

  if (is_idle (self, frame->stream))
    return broken (error, "DATA of a stream that is idle");
  if (stream != NULL && stream->ended)
    return broken (error, "DATA of a stream that has ended");
  if (stream != NULL && stream->n_sections == 0)
    return broken (error, "DATA before headers");
  if (frame->flags & FLAG_PADDED)
    {
      overhead = 1 + (frame->size > 0 ? frame->payload[0] : 0);
      if (overhead > frame->size)
        return broken (error, "padding that does not fit");
    }
  self->data_left = frame->size - (self->frame->len - FRAME_HEAD);
  self->data_stream = frame->stream;
  self->data_ends = (frame->flags & FLAG_END_STREAM) != 0;
  if (frame->size > overhead)
    noted = note_response (self, stream, &self->late_content, frame->size, error);
  else if (self->data_ends)
    noted = note_response (self, stream, &self->late_frames, 1, error);
  else
    noted = note_useless (self, error);
  if (stream == NULL || !noted)
    return noted;
  stream->has_data = TRUE;
  stream->content += (gint64) (frame->size - overhead);
  if (stream->declared >= 0 && stream->content > stream->declared)
    make_malformed (stream);
  return TRUE;
}

static void
on_data_whole (ResilientHttp2Frames *self)
{
  ResilientHttp2Stream *stream = find_open (self, self->data_stream);

  if (self->data_ends && stream != NULL)
    end_stream (stream);
}

static gboolean
on_reset (ResilientHttp2Frames *self, Frame *frame, GError **error)
{
  ResilientHttp2Stream *stream = find_open (self, frame->stream);

  if (frame->size != 4 || is_idle (self, frame->stream))
    return broken (error, "RST_STREAM of a stream that is idle, or that does not fit");
  /* After a whole response it says no more than that the rest of the request is not wanted. For any
   * code but NO_ERROR libsoup would throw the response away. */
  if (stream != NULL && stream->ended)
    {
      put_number (frame->payload, CODE_NO_ERROR);
      return note_useless (self, error);
    }
  if (!note_response (self, stream, &self->late_frames, 1, error))
    return FALSE;
  if (stream == NULL)
    return TRUE;
  stream->reset = TRUE;
  stream->code = get_number (frame->payload);
  stream->unprocessed = stream->code == CODE_REFUSED_STREAM && stream->n_sections == 0;
  if (stream->code == CODE_NO_ERROR)
    put_number (frame->payload, CODE_CANCEL);
  tell (stream);
  return TRUE;
}

static gboolean
change_initial_window (ResilientHttp2Frames *self, gint64 size)
{
  GHashTableIter iter;
  gpointer value;

  self->initial_window = size;
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ResilientHttp2Stream *stream = value;

      if (size + stream->credit - stream->sent > MAX_WINDOW)
        return FALSE;
    }
  return TRUE;
}

static gboolean
on_setting (ResilientHttp2Frames *self, guint id, guint32 value)
{
  switch (id)
    {
    case SETTING_ENABLE_PUSH:
      return value == 0;
    case SETTING_INITIAL_WINDOW_SIZE:
      return value <= MAX_WINDOW && change_initial_window (self, value);
    case SETTING_MAX_FRAME_SIZE:
      return value >= MAX_FRAME && value < 1 << 24;
    case SETTING_ENABLE_CONNECT_PROTOCOL:
      if (value > 1 || value < self->connect_protocol)
        return FALSE;
      self->connect_protocol = value;
      return TRUE;
    case SETTING_NO_RFC7540_PRIORITIES:
      if (value > 1 || (self->greeted && value != self->no_priorities))
        return FALSE;
      self->no_priorities = value;
      return TRUE;
    default:
      return TRUE;
    }
}

static gboolean
on_settings (ResilientHttp2Frames *self, Frame *frame, GError **error)
{
  if (frame->stream != 0 || frame->size % 6 != 0 || frame->size / 6 > MAX_SETTINGS)
    return broken (error, "SETTINGS that do not fit");
  if (frame->flags & FLAG_ACK)
    {
      if (frame->size > 0 || self->acknowledged)
        return broken (error, "SETTINGS acknowledged that were not sent");
      self->acknowledged = TRUE;
      resilient_hpack_sizes_set_max_table (self->sizes, HEADER_TABLE_SIZE);
      return TRUE;
    }
  for (gsize i = 0; i < frame->size; i += 6)
    if (!on_setting (self,
                     (guint) (frame->payload[i] << 8 | frame->payload[i + 1]),
                     get_number (frame->payload + i + 2)))
      return broken (error, "SETTINGS with a value that is not allowed");
  self->greeted = TRUE;
  return TRUE;
}

static gboolean
on_goaway (ResilientHttp2Frames *self, Frame *frame, GByteArray *out, GError **error)
{
  guint32 last, code;
  gboolean graceful;
  GHashTableIter iter;
  gpointer value;

  if (frame->stream != 0 || frame->size < 8)
    return broken (error, "GOAWAY that does not fit");
  last = get_number (frame->payload) & G_MAXINT32;
  code = get_number (frame->payload + 4);
  if ((last > 0 && last % 2 == 0) || last > self->last_id)
    return broken (error, "GOAWAY with a stream that can't be");
  self->last_id = last;
  graceful = code == CODE_NO_ERROR && !self->foreign;
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ResilientHttp2Stream *stream = value;

      if (stream->id <= last || stream->ended || stream->reset)
        continue;
      stream->reset = TRUE;
      stream->code = CODE_REFUSED_STREAM;
      stream->unprocessed = stream->n_sections == 0;
      if (graceful)
        add_reset (out, stream->id, CODE_REFUSED_STREAM);
      tell (stream);
    }
  /* as if it were the notice of a shutdown that has yet to begin (RFC 9113, 6.8) */
  if (graceful)
    put_number (frame->payload, self->passed_id);
  else
    self->passed_id = last;
  return TRUE;
}

static gboolean
on_window_update (ResilientHttp2Frames *self, Frame *frame, GError **error)
{
  ResilientHttp2Stream *stream = find (self, frame->stream);
  guint32 more = frame->size == 4 ? get_number (frame->payload) & G_MAXINT32 : 0;

  if (more == 0)
    return broken (error, "WINDOW_UPDATE of nothing");
  if (frame->stream != 0 && is_idle (self, frame->stream))
    return broken (error, "WINDOW_UPDATE of a stream that is idle");
  if (self->updates > 0)
    self->updates--;
  else if (!self->shared && !self->foreign && !note_useless (self, error))
    return FALSE;
  if (stream != NULL)
    stream->credit += more;
  /* of what others send nobody knows */
  if (frame->stream != 0 || self->shared || self->foreign)
    return TRUE;
  self->window += more;
  return self->window <= MAX_WINDOW || broken (error, "a window that is too large");
}

/* A frame that is all there, but for the content of DATA. */
static gboolean
on_frame (ResilientHttp2Frames *self, Frame *frame, GByteArray *out, GError **error)
{
  switch (frame->type)
    {
    case FRAME_DATA:
      return on_data (self, frame, error);
    case FRAME_PRIORITY:
      return (frame->stream != 0 && frame->size == 5
              && (get_number (frame->payload) & G_MAXINT32) != frame->stream)
             || broken (error, "PRIORITY that does not fit");
    case FRAME_RST_STREAM:
      return on_reset (self, frame, error);
    case FRAME_SETTINGS:
      return on_settings (self, frame, error);
    case FRAME_PUSH_PROMISE:
      return broken (error, "PUSH_PROMISE that was forbidden");
    case FRAME_PING:
      return (frame->stream == 0 && frame->size == 8) || broken (error, "PING that does not fit");
    case FRAME_GOAWAY:
      return on_goaway (self, frame, out, error);
    case FRAME_WINDOW_UPDATE:
      return on_window_update (self, frame, error);
    default:
      return TRUE;
    }
}

static void
parse_head (ResilientHttp2Frames *self, Frame *frame)
{
  guint8 *head = self->frame->data;

  frame->size = (gsize) head[0] << 16 | (gsize) head[1] << 8 | head[2];
  frame->type = head[3];
  frame->flags = head[4];
  frame->stream = get_number (head + 5) & G_MAXINT32;
  frame->payload = head + FRAME_HEAD;
}

/* What holds of any frame, whatever is in it. */
static gboolean
check_head (ResilientHttp2Frames *self, Frame *frame, GError **error)
{
  gboolean goes_on = frame->type == FRAME_CONTINUATION;

  if (frame->size > MAX_FRAME)
    return broken (error, "a frame that is too large");
  if (!self->greeted && (frame->type != FRAME_SETTINGS || frame->flags & FLAG_ACK))
    return broken (error, "something before SETTINGS");
  if (goes_on ? self->block_stream == 0 || self->block_stream != frame->stream
              : self->block_stream != 0)
    return broken (error, "a header section that is interrupted, or goes on without a beginning");
  switch (frame->type)
    {
    case FRAME_DATA:
    case FRAME_HEADERS:
    case FRAME_CONTINUATION:
    case FRAME_RST_STREAM:
    case FRAME_WINDOW_UPDATE:
      /* whether they bring something depends on what for */
      return TRUE;
    default:
      return note_useless (self, error);
    }
}

/* How much of the frame is looked at before it passes. */
static gsize
get_judged_size (Frame *frame)
{
  if (frame->type != FRAME_DATA)
    return FRAME_HEAD + frame->size;
  return FRAME_HEAD + (frame->flags & FLAG_PADDED && frame->size > 0 ? 1 : 0);
}

static gboolean
feed (ResilientHttp2Frames *self, const guint8 *data, gsize length, GByteArray *out, GError **error)
{
  while (length > 0)
    {
      Frame frame;
      gsize wanted = FRAME_HEAD;
      gsize n;

      if (self->data_left > 0)
        {
          n = MIN (self->data_left, length);
          g_byte_array_append (out, data, (guint) n);
          self->data_left -= n;
          data += n;
          length -= n;
          if (self->data_left == 0)
            on_data_whole (self);
          continue;
        }
      if (self->frame->len >= FRAME_HEAD)
        {
          parse_head (self, &frame);
          wanted = get_judged_size (&frame);
        }
      n = MIN (wanted - self->frame->len, length);
      g_byte_array_append (self->frame, data, (guint) n);
      data += n;
      length -= n;
      if (self->frame->len < wanted)
        return TRUE;

      parse_head (self, &frame);
      if (wanted == FRAME_HEAD && !check_head (self, &frame, error))
        return FALSE;
      if (self->frame->len < get_judged_size (&frame))
        continue;
      self->work += FRAME_WORK;
      if (frame.type == FRAME_HEADERS || frame.type == FRAME_CONTINUATION)
        {
          if (!on_header_block (self, &frame, out, error))
            return FALSE;
        }
      else
        {
          if (!on_frame (self, &frame, out, error))
            return FALSE;
          g_byte_array_append (out, self->frame->data, self->frame->len);
          if (frame.type == FRAME_DATA && self->data_left == 0)
            on_data_whole (self);
        }
      g_byte_array_set_size (self->frame, 0);
    }
  return TRUE;
}

/* Without a look. */
static void
lease (ResilientHttp2Frames *self, const guint8 *data, gsize length, GByteArray *out)
{
  g_byte_array_append (out, self->held->data, self->held->len);
  g_byte_array_append (out, self->frame->data, self->frame->len);
  g_byte_array_append (out, data, (guint) length);
  g_byte_array_set_size (self->held, 0);
  g_byte_array_set_size (self->frame, 0);
}

/* --- functions -------------------------------------------------------------------------------- */

ResilientHttp2Frames *
resilient_http2_frames_new (void)
{
  ResilientHttp2Frames *self = g_new0 (ResilientHttp2Frames, 1);

  self->streams = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->next_id = 1;
  self->frame = g_byte_array_new ();
  self->sizes = resilient_hpack_sizes_new ();
  self->held = g_byte_array_new ();
  self->block = g_byte_array_new ();
  self->last_id = G_MAXINT32;
  self->passed_id = G_MAXINT32;
  self->initial_window = DEFAULT_WINDOW;
  self->window = DEFAULT_WINDOW;
  return self;
}

void
resilient_http2_frames_free (ResilientHttp2Frames *self)
{
  g_hash_table_unref (self->streams);
  g_byte_array_unref (self->frame);
  resilient_hpack_sizes_free (self->sizes);
  g_byte_array_unref (self->held);
  g_byte_array_unref (self->block);
  g_clear_error (&self->error);
  g_free (self);
}

gboolean
resilient_http2_frames_feed (ResilientHttp2Frames *self,
                             const guint8 *data,
                             gsize length,
                             GByteArray *out,
                             GError **error)
{
  g_autoptr (GError) local_error = NULL;

  self->work += length;
  if (self->off)
    lease (self, data, length, out);
  else if (self->error == NULL && !feed (self, data, length, out, &local_error))
    resilient_http2_frames_fail (self, local_error);
  if (self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));
  return self->error == NULL;
}

void
resilient_http2_frames_fail (ResilientHttp2Frames *self, const GError *error)
{
  GHashTableIter iter;
  gpointer stream;

  if (self->error != NULL)
    return;
  self->error = g_error_copy (error);
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    tell (stream);
}

/* Requests of others that wait are failed by the error that follows. Their readers of bodies could
 * not be told: libsoup 3.2 wakes these for content or its end only, not for a reset or the loss of
 * the connection, and an end would make a whole of a part. */
static void
end_all (ResilientHttp2Frames *self, GByteArray *out)
{
  const guint8 settings[FRAME_HEAD] = { 0, 0, 0, FRAME_SETTINGS };
  GHashTableIter iter;
  gpointer value;
  guint at = out->len;

  if (!self->greeted)
    g_byte_array_append (out, settings, sizeof settings);
  /* in the midst of a frame: what is missing of it goes to a request that has failed already */
  if (self->data_left > 0)
    {
      g_byte_array_set_size (out, at + (guint) self->data_left);
      memset (out->data + at, 0, self->data_left);
    }
  add_goaway (out, self->passed_id);
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ResilientHttp2Stream *stream = value;

      if (!stream->ended && !stream->reset)
        add_reset (out, stream->id, stream->resend ? CODE_REFUSED_STREAM : CODE_CANCEL);
    }
}

gboolean
resilient_http2_frames_wind_up (ResilientHttp2Frames *self, GByteArray *out)
{
  if (self->off || g_hash_table_size (self->streams) == 0)
    return TRUE;
  if (!self->wound_up && (self->data_left == 0 || find (self, self->data_stream) != NULL))
    end_all (self, out);
  self->wound_up = TRUE;
  return FALSE;
}

const GError *
resilient_http2_frames_get_error (ResilientHttp2Frames *self)
{
  return self->error;
}

void
resilient_http2_frames_add_unknown (ResilientHttp2Frames *self, GByteArray *out)
{
  const guint8 frame[FRAME_HEAD] = { 0, 0, 0, FRAME_UNKNOWN };

  if (!self->off && self->greeted && self->data_left == 0)
    g_byte_array_append (out, frame, sizeof frame);
}

gboolean
resilient_http2_frames_is_going_away (ResilientHttp2Frames *self)
{
  return self->passed_id < G_MAXINT32;
}

gboolean
resilient_http2_frames_is_awaited (ResilientHttp2Frames *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (resilient_http2_stream_is_open (value))
      return TRUE;
  return FALSE;
}

gboolean
resilient_http2_stream_is_open (const ResilientHttp2Stream *self)
{
  return !self->ended && !self->reset;
}

gsize
resilient_http2_frames_take_work (ResilientHttp2Frames *self)
{
  gsize work = self->work;

  self->work = 0;
  return work;
}

ResilientHttp2Stream *
resilient_http2_frames_open (ResilientHttp2Frames *self,
                             void (*changed) (gpointer data),
                             gpointer data)
{
  ResilientHttp2Stream *stream = g_new0 (ResilientHttp2Stream, 1);

  stream->id = self->next_id;
  stream->declared = -1;
  stream->changed = changed;
  stream->data = data;
  self->next_id += 2;
  g_hash_table_insert (self->streams, GUINT_TO_POINTER (stream->id), stream);
  return stream;
}

void
resilient_http2_frames_close (ResilientHttp2Frames *self, ResilientHttp2Stream *stream)
{
  if (resilient_http2_stream_is_open (stream))
    {
      self->late_frames += LATE_FRAMES;
      self->late_content += LATE_CONTENT;
    }
  g_hash_table_remove (self->streams, GUINT_TO_POINTER (stream->id));
}

void
resilient_http2_frames_note_foreign (ResilientHttp2Frames *self)
{
  self->next_id += 2;
  self->foreign = TRUE;
}

void
resilient_http2_frames_set_shared (ResilientHttp2Frames *self)
{
  self->shared = TRUE;
}

void
resilient_http2_frames_verify (ResilientHttp2Frames *self, ResilientHttp2Stream *stream)
{
  if (stream->n_sections > 0 || self->off)
    return;
  g_debug ("HTTP/2: streams are not numbered as expected");
  self->off = TRUE;
}

gboolean
resilient_http2_frames_is_off (ResilientHttp2Frames *self)
{
  return self->off;
}

void
resilient_http2_frames_declare (ResilientHttp2Frames *self,
                                ResilientHttp2Stream *stream,
                                gint64 size)
{
  stream->declared = size;
  if (stream->content > size || (stream->ended && stream->content < size))
    make_malformed (stream);
}

void
resilient_http2_frames_note_sent (ResilientHttp2Frames *self,
                                  ResilientHttp2Stream *stream,
                                  gsize size)
{
  stream->sent += (gint64) size;
  self->window -= (gint64) size;
  /* each byte may be credited by itself, to the stream and to the connection */
  self->updates += 2 * (guint64) size;
  self->n_useless = 0;
}
