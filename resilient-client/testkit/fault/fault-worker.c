/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The life of one connection of the misbehaving server: the script of its beginning, TLS, then
 * HTTP/1 or HTTP/2. It owns the connection and the thread that all of it is in. */

#include "config.h"

#include "fault-worker-private.h"

#include "fault-http1-private.h"
#include "fault-http2-private.h"
#include "fault-script-private.h"

struct _FaultWorker
{
  FaultStream base; /* on which the script of the beginning is run */
  FaultService *service;
  FaultScript *script; /* nullable */
  FaultCertificate certificate;
  GThread *thread;
  gboolean over; /* the log's lock */
};

/* What a script may do before a new connection is looked at: raw bytes. */

static gboolean
raw_head (FaultStream *stream, guint status, const char *headers)
{
  return FALSE;
}

static gboolean
raw_data (FaultStream *stream, gconstpointer data, gsize size)
{
  return fault_connection_write (stream->connection, data, size);
}

static gboolean
raw_read (FaultStream *stream, guint64 size)
{
  return fault_connection_discard (stream->connection, size);
}

static gboolean
raw_read_done (FaultStream *stream)
{
  return FALSE;
}

static gboolean
raw_silence (FaultStream *stream)
{
  return fault_connection_discard (stream->connection, G_MAXUINT64);
}

static void
raw_show_certificate (FaultStream *stream, FaultCertificate which)
{
  ((FaultWorker *) stream)->certificate = which;
}

static const FaultStreamFuncs raw_funcs = {
  .head = raw_head,
  .await_next = raw_silence,
  .data = raw_data,
  .read = raw_read,
  .read_done = raw_read_done,
  .silence = raw_silence,
  .show_certificate = raw_show_certificate,
};

static void
speak (FaultWorker *self)
{
  FaultConnection *connection = self->base.connection;
  FaultServerFlags flags = self->service->flags;
  const char *protocol = "http/1.1";

  if (flags & FAULT_SERVER_TLS)
    protocol = fault_connection_handshake (connection,
                                           self->service->certificates[self->certificate],
                                           flags & FAULT_SERVER_CLIENT_CERTIFICATE,
                                           flags & FAULT_SERVER_HTTP2);
  if (g_strcmp0 (protocol, "h2") == 0)
    fault_http2_run (connection, self->service);
  else if (protocol != NULL)
    fault_http1_run (connection, self->service);
}

static gpointer
worker_thread (gpointer data)
{
  FaultWorker *self = data;
  FaultLog *log = self->service->log;

  if (self->script == NULL || fault_script_run (self->script, &self->base))
    speak (self);
  fault_connection_close (self->base.connection);

  g_mutex_lock (&log->lock);
  self->over = TRUE;
  g_mutex_unlock (&log->lock);

  return NULL;
}

FaultWorker *
fault_worker_new (FaultService *service, FaultConnection *connection, FaultScript *script)
{
  FaultWorker *self = g_new0 (FaultWorker, 1);

  self->base.funcs = &raw_funcs;
  self->base.connection = connection;
  self->service = service;
  self->script = script;
  self->certificate = service->flags & FAULT_SERVER_EXPIRED      ? FAULT_CERTIFICATE_EXPIRED
                      : service->flags & FAULT_SERVER_WRONG_HOST ? FAULT_CERTIFICATE_WRONG_HOST
                                                                 : FAULT_CERTIFICATE_GOOD;
  self->thread = g_thread_try_new ("fault-connection", worker_thread, self, NULL);
  if (self->thread == NULL)
    g_clear_pointer (&self, fault_worker_free);

  return self;
}

void
fault_worker_free (FaultWorker *self)
{
  g_clear_pointer (&self->thread, g_thread_join);
  fault_connection_free (self->base.connection);
  g_clear_pointer (&self->script, fault_script_unref);
  g_free (self);
}

void
fault_worker_cancel (FaultWorker *self)
{
  fault_connection_cancel (self->base.connection);
}

gboolean
fault_worker_is_over (FaultWorker *self)
{
  return self->over;
}

void
fault_worker_shut_down (FaultWorker *self, gboolean idle_only)
{
  fault_connection_shut_down (self->base.connection, idle_only);
}
