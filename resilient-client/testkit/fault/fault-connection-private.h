/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A connection that a misbehaving server has accepted: bytes, TLS, and the ways to end. It knows
 * nothing of what is said over it. In the thread that serves it, where nothing else is said. */

#pragma once

#include "fault-log-private.h"

G_BEGIN_DECLS

/* How a connection ends. */
typedef enum
{
  FAULT_END_CLOSE,
  FAULT_END_CUT,
  FAULT_END_RESET,
} FaultEnd;

typedef struct _FaultConnection FaultConnection;

FaultConnection *fault_connection_new (FaultLog *log, guint number, GSocket *socket);
void fault_connection_free (FaultConnection *self);
/* Any thread. From 1. */
guint fault_connection_get_number (FaultConnection *self);
/* Any thread. */
FaultLog *fault_connection_get_log (FaultConnection *self);

/* Any thread, one at a time. */
gboolean fault_connection_write (FaultConnection *self, gconstpointer data, gsize size);
/* Waits for more. FALSE at the end of the stream, an error, or when stopped. */
gboolean fault_connection_fill (FaultConnection *self);
/* The same until there are @size bytes. */
gboolean fault_connection_fill_to (FaultConnection *self, gsize size);
/* What has come and is not consumed, until the next fill. */
const guint8 *fault_connection_peek (FaultConnection *self, gsize *size);
void fault_connection_consume (FaultConnection *self, gsize size);
/* Waits for @size bytes, no more, and forgets them. Before anything else is read. */
gboolean fault_connection_discard (FaultConnection *self, guint64 size);

/* TLS from now on, with @certificate. @ask: refuses a client that shows none. Returns the protocol
 * that was agreed upon, "h2" if that is offered or "http/1.1"; NULL: the handshake failed. */
const char *fault_connection_handshake (FaultConnection *self,
                                        GTlsCertificate *certificate,
                                        gboolean ask,
                                        gboolean offer_http2);

/* Any thread: what waits for the peer, or writes to it, waits no more. */
void fault_connection_cancel (FaultConnection *self);
/* Any thread: the same, and it is to be closed so. */
void fault_connection_stop (FaultConnection *self, FaultEnd how);
void fault_connection_close (FaultConnection *self);

/* Any thread: a request begins, or ends, to be served. */
void fault_connection_add_busy (FaultConnection *self, int n);
/* Any thread, under the log's lock: FIN now, if it is open and, @idle_only, serves nothing. */
void fault_connection_shut_down (FaultConnection *self, gboolean idle_only);

G_END_DECLS
