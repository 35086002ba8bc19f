/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What a request has for a body, and who may read it. It owns the bytes, the file or the stream, or
 * the app's function that opens one. Any thread; a stream that can be read once is taken under no
 * lock, the size of a file is found under one. */

#include "config.h"

#include "resilient-body-private.h"

#include "resilient-error.h"
#include "resilient-i18n-private.h"

typedef enum
{
  BODY_BYTES,
  BODY_FILE,
  BODY_FACTORY,
  BODY_STREAM,
} BodyKind;

/* Who has the one-shot stream. A send takes it, and either begins to read it or gives it back: so a
 * send that never got a connection does not cost the stream, and two sends of one request can't
 * read it both. */
typedef enum
{
  TURN_FREE,
  TURN_TAKEN,
  TURN_SPENT,
} Turn;

struct _ResilientBody
{
  BodyKind kind;
  char *content_type; /* nullable */
  GBytes *bytes;
  GFile *file;
  GInputStream *stream;
  ResilientLateStreamOpen func;
  gpointer func_data;
  GDestroyNotify func_destroy;
  gint64 length; /* of the stream, -1 = unknown; immutable */

  int turn; /* atomic: a Turn */
  GMutex lock;
  /* under the lock: as found at the first open; -2 = not opened yet, -1 = not a regular file */
  gint64 file_size;
};

static ResilientBody *
body_new (BodyKind kind, const char *content_type)
{
  ResilientBody *self = g_atomic_rc_box_new0 (ResilientBody);

  self->kind = kind;
  self->content_type = g_strdup (content_type);
  self->length = -1;
  self->file_size = -2;
  g_mutex_init (&self->lock);
  return self;
}

static void
body_free (gpointer data)
{
  ResilientBody *self = data;

  g_free (self->content_type);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_clear_object (&self->file);
  g_clear_object (&self->stream);
  if (self->func_destroy != NULL)
    self->func_destroy (self->func_data);
  g_mutex_clear (&self->lock);
}

/* -1 = not known, as of a file of the kernel's (in /proc), which says that it is empty. */
static gint64
get_file_size (GFileInputStream *stream)
{
  g_autoptr (GFileInfo) info = g_file_input_stream_query_info (
    stream, G_FILE_ATTRIBUTE_STANDARD_SIZE "," G_FILE_ATTRIBUTE_STANDARD_TYPE, NULL, NULL);
  char byte;

  if (info == NULL || !g_file_info_has_attribute (info, G_FILE_ATTRIBUTE_STANDARD_SIZE)
      || g_file_info_get_file_type (info) != G_FILE_TYPE_REGULAR)
    return -1;
  if (g_file_info_get_size (info) == 0
      && g_input_stream_read (G_INPUT_STREAM (stream), &byte, 1, NULL, NULL) > 0)
    return -1;
  return g_file_info_get_size (info);
}

/* Opened anew for every send, in the driving context: opening a local file takes microseconds; what
 * is read from it is read by a worker thread of GIO. But opening a pipe waits for its writer. */
static GInputStream *
open_file (ResilientBody *self, gint64 *size, GError **error)
{
  g_autoptr (GFileInputStream) stream = NULL;
  g_autofree char *name = g_file_get_parse_name (self->file);
  gboolean changed;

  if (g_file_query_file_type (self->file, G_FILE_QUERY_INFO_NONE, NULL) == G_FILE_TYPE_SPECIAL)
    {
      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                   _ ("“%s” is a device or a pipe, and can be sent as a stream only"),
                   name);
      return NULL;
    }
  stream = g_file_read (self->file, NULL, error);
  if (stream == NULL)
    return NULL;
  *size = get_file_size (stream);

  g_mutex_lock (&self->lock);
  if (self->file_size == -2)
    self->file_size = *size;
  changed = self->file_size != *size;
  g_mutex_unlock (&self->lock);

  if (changed)
    {
      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                   _ ("The size of the file “%s” has changed since it was first sent"),
                   name);
      return NULL;
    }
  /* a byte of it may be gone */
  if (*size < 0)
    return G_INPUT_STREAM (g_file_read (self->file, NULL, error));
  return G_INPUT_STREAM (g_steal_pointer (&stream));
}

static GInputStream *
open_factory (gpointer data, GError **error)
{
  ResilientBody *self = data;
  g_autoptr (GError) local_error = NULL;
  GInputStream *stream = self->func (self->func_data, &local_error);

  if (stream != NULL)
    return stream;
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else
    g_set_error_literal (error,
                         RESILIENT_CLIENT_ERROR,
                         RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                         _ ("The body of the request could not be opened"));
  return NULL;
}

ResilientBody *
resilient_body_new_bytes (const char *content_type, GBytes *bytes)
{
  ResilientBody *self = body_new (BODY_BYTES, content_type);

  self->bytes = g_bytes_ref (bytes);
  return self;
}

ResilientBody *
resilient_body_new_file (const char *content_type, GFile *file)
{
  ResilientBody *self = body_new (BODY_FILE, content_type);

  self->file = g_object_ref (file);
  return self;
}

ResilientBody *
resilient_body_new_factory (const char *content_type,
                            ResilientLateStreamOpen func,
                            gpointer data,
                            GDestroyNotify destroy)
{
  ResilientBody *self = body_new (BODY_FACTORY, content_type);

  self->func = func;
  self->func_data = data;
  self->func_destroy = destroy;
  return self;
}

ResilientBody *
resilient_body_new_stream (const char *content_type, GInputStream *stream, gint64 length)
{
  ResilientBody *self = body_new (BODY_STREAM, content_type);

  self->stream = g_object_ref (stream);
  self->length = length >= 0 ? length : -1;
  return self;
}

ResilientBody *
resilient_body_ref (ResilientBody *self)
{
  return g_atomic_rc_box_acquire (self);
}

ResilientBody *
resilient_body_ref_for_call (ResilientBody *self)
{
  return self->file != NULL ? resilient_body_new_file (self->content_type, self->file)
                            : resilient_body_ref (self);
}

void
resilient_body_unref (ResilientBody *self)
{
  g_atomic_rc_box_release_full (self, body_free);
}

static GInputStream *
open_base (ResilientBody *self, gboolean late, gint64 *size, GError **error)
{
  *size = -1;
  switch (self->kind)
    {
    case BODY_BYTES:
      *size = (gint64) g_bytes_get_size (self->bytes);
      return g_memory_input_stream_new_from_bytes (self->bytes);

    case BODY_FILE:
      return open_file (self, size, error);

    case BODY_FACTORY:
      return late ? resilient_late_stream_new (
               open_factory, resilient_body_ref (self), (GDestroyNotify) resilient_body_unref)
                  : open_factory (self, error);

    case BODY_STREAM:
    default:
      if (!g_atomic_int_compare_and_exchange (&self->turn, TURN_FREE, TURN_TAKEN))
        {
          g_set_error_literal (error,
                               RESILIENT_CLIENT_ERROR,
                               RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                               _ ("The body of the request can be read only once"));
          return NULL;
        }
      *size = self->length;
      return g_object_ref (self->stream);
    }
}

static GInputStream *
open_at (ResilientBody *self, gboolean late, gint64 *size, GError **error)
{
  g_autoptr (GInputStream) base = open_base (self, late, size, error);

  if (base == NULL || self->kind == BODY_BYTES)
    return g_steal_pointer (&base);
  return G_INPUT_STREAM (resilient_body_stream_new (base, *size, self->kind == BODY_STREAM));
}

GInputStream *
resilient_body_open (ResilientBody *self, gint64 *size, GError **error)
{
  return open_at (self, FALSE, size, error);
}

gboolean
resilient_body_apply (ResilientBody *self,
                      SoupMessage *message,
                      gboolean late,
                      ResilientBodyStream **applied,
                      GError **error)
{
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  gint64 size;
  g_autoptr (GInputStream) stream = open_at (self, late, &size, error);

  if (stream == NULL)
    return FALSE;

  /* The type is set here and not by libsoup, which warns of one without a slash and would overwrite
   * the header that the request set by hand. */
  if (self->content_type != NULL && soup_message_headers_get_one (headers, "Content-Type") == NULL)
    soup_message_headers_replace (headers, "Content-Type", self->content_type);
  g_clear_object (applied);
  if (RESILIENT_IS_BODY_STREAM (stream))
    {
      *applied = (ResilientBodyStream *) g_object_ref (stream);
      resilient_body_stream_set_message (*applied, message);
    }
  soup_message_set_request_body (message, NULL, stream, (gssize) size);
  return TRUE;
}

void
resilient_body_begin (ResilientBody *self)
{
  if (self->kind == BODY_STREAM)
    g_atomic_int_compare_and_exchange (&self->turn, TURN_TAKEN, TURN_SPENT);
}

void
resilient_body_release (ResilientBody *self)
{
  if (self->kind == BODY_STREAM)
    g_atomic_int_compare_and_exchange (&self->turn, TURN_TAKEN, TURN_FREE);
}

gboolean
resilient_body_is_replayable (ResilientBody *self)
{
  return self->kind != BODY_STREAM;
}

gboolean
resilient_body_is_spent (ResilientBody *self)
{
  return self->kind == BODY_STREAM && g_atomic_int_get (&self->turn) == TURN_SPENT;
}

GBytes *
resilient_body_get_bytes (ResilientBody *self)
{
  return self->bytes;
}

gint64
resilient_body_get_size (ResilientBody *self)
{
  gint64 size;

  switch (self->kind)
    {
    case BODY_BYTES:
      return (gint64) g_bytes_get_size (self->bytes);

    case BODY_FILE:
      g_mutex_lock (&self->lock);
      size = MAX (self->file_size, -1);
      g_mutex_unlock (&self->lock);
      return size;

    case BODY_FACTORY:
    case BODY_STREAM:
    default:
      return self->length;
    }
}

const char *
resilient_body_get_content_type (ResilientBody *self)
{
  return self->content_type;
}
