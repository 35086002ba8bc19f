/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* What is known of a session's connections: their sockets, by the id that libsoup gives to messages. Any thread. */
typedef struct _ResilientConnections ResilientConnections;

ResilientConnections *resilient_connections_new (void);
ResilientConnections *resilient_connections_ref (ResilientConnections *self);
void resilient_connections_unref (ResilientConnections *self);

/* @stream is connected: a socket, or TLS over one. Keeps a weak reference. */
void resilient_connections_add (ResilientConnections *self, guint64 id, GIOStream *stream);
/* A request starts on connection @id. @reused: it had one before, or somebody else opened it. Its socket (transfer full),
 * or NULL if that is not known. */
GSocket *resilient_connections_use (ResilientConnections *self, guint64 id, gboolean *reused);

/* Requests that share connection @id, as those of HTTP/2 do: one more, one less. */
void resilient_connections_join (ResilientConnections *self, guint64 id);
void resilient_connections_leave (ResilientConnections *self, guint64 id);
/* Nobody shares @id, and no message but those that were marked is under way in the watched session. */
gboolean resilient_connections_is_deserted (ResilientConnections *self, guint64 id);
void resilient_connections_watch (ResilientConnections *self, SoupSession *session);
void resilient_connections_unwatch (ResilientConnections *self, SoupSession *session);
/* @message is one of ours; before it is sent. */
void resilient_connections_mark (SoupMessage *message);

/* Whether a socket of any is still open. */
gboolean resilient_connections_any_open (ResilientConnections *self);
/* For tests: how many are remembered, dead ones included. */
guint resilient_connections_get_length (ResilientConnections *self);

/* Bytes that the peer has not acknowledged; FALSE when the system can't tell. */
gboolean resilient_socket_get_unsent (GSocket *socket, guint *bytes);
/* How long ago, in microseconds, the peer acknowledged or sent something; FALSE when the system can't tell. */
gboolean resilient_socket_get_last_ack (GSocket *socket, gint64 *age);
gboolean resilient_socket_get_last_receive (GSocket *socket, gint64 *age);
/* The peer has closed, or the connection is broken, and nothing is left to read. */
gboolean resilient_socket_is_dead (GSocket *socket);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientConnections, resilient_connections_unref)

G_END_DECLS
