/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What a step of a script is run on: a request, or a new connection. Whoever speaks a version of
 * HTTP implements it, in the thread that runs the script. */

#pragma once

#include "fault-certs.h"
#include "fault-connection-private.h"

G_BEGIN_DECLS

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
  gboolean (*end) (FaultStream *self); /* nullable; of the answer */
  gboolean (*await_next) (FaultStream *self);
  /* nullable; of a new connection */
  void (*show_certificate) (FaultStream *self, FaultCertificate which);
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

G_END_DECLS
