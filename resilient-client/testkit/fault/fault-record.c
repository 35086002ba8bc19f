/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A request as it arrived at a misbehaving server. It owns its texts and the body that it keeps.
 * The log writes it under its lock; a copy of it is immutable, for any thread. */

#include "config.h"

#include "fault-record-private.h"

#include <string.h>

#include "fault-headers-private.h"

#define BODY_KEPT (64 * 1024)

struct _FaultRecord
{
  guint connection;
  char *method;
  char *path;
  char *version;
  char **headers;
  guint64 body_size;
  gboolean whole;
  gboolean ended;
  gint64 arrived_at;

  /* while it arrives, else NULL */
  GByteArray *arrived; /* of the body, as much as is kept */
  GChecksum *checksum;

  /* of a copy, else NULL */
  GBytes *body;
  char *body_sha256;
};

FaultRecord *
fault_record_new (guint connection,
                  const char *method,
                  const char *path,
                  const char *version,
                  char **headers)
{
  FaultRecord *self = g_new0 (FaultRecord, 1);

  self->connection = connection;
  self->method = g_strdup (method);
  self->path = g_strdup (path);
  self->version = g_strdup (version);
  self->headers = headers;
  self->arrived_at = g_get_monotonic_time ();
  self->arrived = g_byte_array_new ();
  self->checksum = g_checksum_new (G_CHECKSUM_SHA256);

  return self;
}

FaultRecord *
fault_record_copy (FaultRecord *self)
{
  g_autoptr (GChecksum) checksum = g_checksum_copy (self->checksum);
  FaultRecord *copy = g_memdup2 (self, sizeof *self);

  copy->method = g_strdup (self->method);
  copy->path = g_strdup (self->path);
  copy->version = g_strdup (self->version);
  copy->headers = g_strdupv (self->headers);
  copy->arrived = NULL;
  copy->checksum = NULL;
  copy->body = g_bytes_new (self->arrived->data, self->arrived->len);
  copy->body_sha256 = g_strdup (g_checksum_get_string (checksum));

  return copy;
}

void
fault_record_free (FaultRecord *self)
{
  if (self == NULL)
    return;

  g_free (self->method);
  g_free (self->path);
  g_free (self->version);
  g_strfreev (self->headers);
  g_clear_pointer (&self->arrived, g_byte_array_unref);
  g_clear_pointer (&self->checksum, g_checksum_free);
  g_clear_pointer (&self->body, g_bytes_unref);
  g_free (self->body_sha256);
  g_free (self);
}

void
fault_record_add_body (FaultRecord *self, gconstpointer data, gsize size)
{
  self->body_size += size;
  g_checksum_update (self->checksum, data, size);
  if (self->arrived->len < BODY_KEPT)
    g_byte_array_append (self->arrived, data, MIN (size, BODY_KEPT - self->arrived->len));
}

void
fault_record_end (FaultRecord *self, gboolean whole)
{
  self->whole |= whole;
  self->ended = TRUE;
}

gboolean
fault_record_has_ended (FaultRecord *self)
{
  return self->ended;
}

gboolean
fault_record_is_to (FaultRecord *self, const char *path)
{
  gsize length = strlen (path);

  return g_str_has_prefix (self->path, path)
         && (self->path[length] == '\0' || self->path[length] == '?');
}

const char *
fault_record_get_header (FaultRecord *self, const char *name)
{
  return fault_headers_get (self->headers, name);
}

guint
fault_record_count_header (FaultRecord *self, const char *name)
{
  return fault_headers_count (self->headers, name);
}

guint
fault_record_get_connection (FaultRecord *self)
{
  return self->connection;
}

const char *
fault_record_get_method (FaultRecord *self)
{
  return self->method;
}

const char *
fault_record_get_path (FaultRecord *self)
{
  return self->path;
}

const char *
fault_record_get_version (FaultRecord *self)
{
  return self->version;
}

char **
fault_record_get_headers (FaultRecord *self)
{
  return self->headers;
}

guint64
fault_record_get_body_size (FaultRecord *self)
{
  return self->body_size;
}

const char *
fault_record_get_body_sha256 (FaultRecord *self)
{
  return self->body_sha256;
}

GBytes *
fault_record_get_body (FaultRecord *self)
{
  return self->body;
}

gboolean
fault_record_is_whole (FaultRecord *self)
{
  return self->whole;
}

gint64
fault_record_get_arrived_at (FaultRecord *self)
{
  return self->arrived_at;
}
