/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <resilient-test.h>

G_BEGIN_DECLS

/* A client that knows nothing of HTTP: it sends what it is given, and keeps what comes. Its sockets
 * block, and give up only after a time that is much too long. */
typedef struct
{
  GSocketConnection *connection;
  GIOStream *stream; /* the connection, or TLS over it */
  GString *seen;
} RawClient;

/* How a connection ended. */
typedef enum
{
  RAW_END_NONE, /* it did not */
  RAW_END_FIN,
  RAW_END_RST,
} RawEnd;

#define RAW_GET "GET /x HTTP/1.1\r\nHost: test\r\n\r\n"

/* Fails as connecting does. */
gboolean raw_client_connect (RawClient *self, ResilientTestServer *server, GError **error);
/* A handshake with the trust that the server gives. */
gboolean raw_client_start_tls (RawClient *self, ResilientTestServer *server, GError **error);
void raw_client_send (RawClient *self, const char *text);
/* Until so much was seen, or the end came. */
RawEnd raw_client_read (RawClient *self, gsize size);
RawEnd raw_client_read_end (RawClient *self);
void raw_client_clear (RawClient *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RawClient, raw_client_clear)

G_END_DECLS
