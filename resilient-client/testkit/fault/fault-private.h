/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What the sources of the misbehaving server share of connections. It knows nothing of the client;
 * who may touch what stands at each struct. */

#pragma once

#include "fault-log-private.h"
#include "fault-server.h"
#include "fault-script.h"

G_BEGIN_DECLS

/* How a connection ends. */
typedef enum
{
  FAULT_END_CLOSE,
  FAULT_END_CUT,
  FAULT_END_RESET,
} FaultEnd;

typedef struct
{
  FaultServer *server;
  FaultLog *log;
  guint number; /* set once, by the server, as is the next */
  GThread *thread;
  GCancellable *cancellable; /* ends the connection, from any thread */
  FaultEnd end;              /* the log's lock, as the next two */
  gboolean over;             /* the thread has nothing left to do */
  guint busy;                /* requests that are being served */
  GSocketConnection *raw;    /* the log's lock for disconnect and the end; else the thread's own */
  GIOStream *stream;         /* raw, or TLS over it */
  GByteArray *input;         /* read, not yet used */
  FaultScript *script;       /* nullable; for the beginning */
  FaultCertificate certificate;
} FaultConnection;

FaultConnection *fault_connection_new (FaultServer *server, FaultLog *log, GSocket *socket);
void fault_connection_free (FaultConnection *self);
/* The whole life of a connection, in its thread. */
void fault_connection_run (FaultConnection *self);
/* Asks the thread of the connection to end it so. */
void fault_connection_stop (FaultConnection *self, FaultEnd how);
gboolean fault_connection_write (FaultConnection *self, gconstpointer data, gsize size);
/* Appends to input. FALSE at the end of the stream, an error, or when stopped. */
gboolean fault_connection_fill (FaultConnection *self);
void fault_connection_consume (FaultConnection *self, gsize size);
/* A request begins, or ends, to be served. */
void fault_connection_add_busy (FaultConnection *self, int n);

/* @last: as in FaultStream. */
FaultScript *fault_server_take_script (FaultServer *self, const char *path, gboolean *last);
FaultLog *fault_server_get_log (FaultServer *self);
GTlsCertificate *fault_server_get_certificate (FaultServer *self, FaultCertificate which);

void fault_http1_run (FaultConnection *connection);
void fault_http2_run (FaultConnection *connection);

G_END_DECLS
