/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What the sources of the misbehaving server share: steps, connections and streams. It knows
 * nothing of the client; who may touch what stands at each struct. */

#pragma once

#include "fault-log-private.h"
#include "fault-server.h"
#include "fault-step.h"

G_BEGIN_DECLS

typedef enum
{
  FAULT_OP_ANSWER,
  FAULT_OP_HEAD,
  FAULT_OP_SEND,
  FAULT_OP_DRIP,
  FAULT_OP_FILLER,
  FAULT_OP_FLOOD,
  FAULT_OP_READ,
  FAULT_OP_READ_SLOWLY,
  FAULT_OP_HOLD,
  FAULT_OP_PAUSE,
  FAULT_OP_SILENCE,
  FAULT_OP_AWAIT_NEXT,
  FAULT_OP_CERTIFICATE,
  FAULT_OP_CLOSE,
  FAULT_OP_CUT,
  FAULT_OP_RESET,
  FAULT_OP_RESET_STREAM,
  FAULT_OP_GOAWAY,
  FAULT_OP_TRAILERS,
  FAULT_OP_FRAMES,
  FAULT_OP_RAW,
} FaultOp;

struct _FaultStep
{
  FaultOp op;
  guint status;
  char *headers; /* nullable */
  GBytes *bytes; /* nullable */
  char *gate;    /* nullable */
  guint64 size;  /* of chunks, filler, reads; how many frames */
  guint number;  /* milliseconds, HTTP/2 error code, type of a frame, certificate */
  guint flags;
  gint64 stream;
  gboolean processed;
};

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

/* A request and the way to answer it: what a script is run on. */
typedef struct _FaultStream FaultStream;

/* Every one returns FALSE when nothing more can be done for this request. */
typedef struct
{
  gboolean (*head) (FaultStream *self, guint status, const char *headers);
  gboolean (*data) (FaultStream *self, gconstpointer data, gsize size);
  /* At most @size bytes of the request's body; TRUE also at its end. */
  gboolean (*read) (FaultStream *self, guint64 size);
  gboolean (*read_done) (FaultStream *self);
  gboolean (*silence) (FaultStream *self);
  gboolean (*end) (FaultStream *self);        /* nullable; of the answer */
  gboolean (*await_next) (FaultStream *self); /* nullable */
  /* HTTP/2 only, else NULL. */
  gboolean (*reset_stream) (FaultStream *self, guint code);
  gboolean (*goaway) (FaultStream *self, guint code, gboolean processed);
  gboolean (*trailers) (FaultStream *self, const char *headers);
  gboolean (*frame) (FaultStream *self, guint type, guint flags, gint64 stream, GBytes *payload);
  gboolean (*raw) (FaultStream *self, GBytes *bytes);
} FaultStreamFuncs;

struct _FaultStream
{
  const FaultStreamFuncs *funcs;
  FaultConnection *connection;
  guint index;         /* of its record */
  gboolean is_request; /* FALSE: a new connection, with raw bytes only */
  gboolean is_head;    /* HEAD: answers have no body */
  gboolean raw_chunks; /* HTTP/1.1: chunks are written by hand */
  gboolean last;       /* no other request may come on the connection */
  gboolean counted;    /* it is among the active ones */
  gboolean gone;       /* the log's lock: the peer gave it up */
};

/* FALSE: the connection is over (HTTP/2: or the stream is). */
gboolean fault_script_run (FaultScript *script, FaultStream *stream);
/* It waits for nothing, not even for a window: no thread is needed for it. */
gboolean fault_script_is_instant (FaultScript *script);

/* @last: as in FaultStream. */
FaultScript *fault_server_take_script (FaultServer *self, const char *path, gboolean *last);
FaultLog *fault_server_get_log (FaultServer *self);
GTlsCertificate *fault_server_get_certificate (FaultServer *self, FaultCertificate which);

void fault_http1_run (FaultConnection *connection);
void fault_http2_run (FaultConnection *connection);

G_END_DECLS
