/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <libsoup/soup.h>

#include "resilient-http2-input-private.h"
#include "resilient-tap-private.h"

G_BEGIN_DECLS

/* What is known of a session's connections: their sockets, by the id that libsoup gives to
 * messages. Any thread. */
typedef struct _ResilientConnections ResilientConnections;

ResilientConnections *resilient_connections_new (void);
ResilientConnections *resilient_connections_ref (ResilientConnections *self);
void resilient_connections_unref (ResilientConnections *self);

/* @stream is connected to the origin of @uri: a socket, or TLS over one. Keeps weak references. In
 * the context of the connection, which hears from now on when the peer closes it. */
void resilient_connections_add (ResilientConnections *self,
                                guint64 id,
                                GUri *uri,
                                GIOStream *stream,
                                int io_priority,
                                ResilientPace *pace);
/* A request starts on connection @id, over HTTP/2 or not. @reused: it had one before, or somebody
 * else opened it. Its socket (transfer full), or NULL if that is not known. */
GSocket *resilient_connections_use (ResilientConnections *self,
                                    guint64 id,
                                    gboolean http2,
                                    gboolean *reused);
/* In a session with one request at a time: its connection, if it is open, has served. FALSE if none
 * is open, or the peer closed one. */
gboolean resilient_connections_settle (ResilientConnections *self);
/* In another: an answer came over connection @id. */
void resilient_connections_served (ResilientConnections *self, guint64 id);
/* What was connected; transfer full, NULL if that is not known, or gone. */
GIOStream *resilient_connections_dup_stream (ResilientConnections *self, guint64 id);
/* What is read of connection @id, of HTTP/2 (transfer full); or NULL. */
ResilientHttp2Input *resilient_connections_get_input (ResilientConnections *self, guint64 id);
/* A request starts there in which nobody here takes an interest. */
void resilient_connections_note_foreign (ResilientConnections *self, guint64 id);

/* The tap of connection @id, of HTTP/1 (transfer full), or NULL if the connection is not known. */
ResilientTap *resilient_connections_get_tap (ResilientConnections *self, guint64 id);

/* The peer has closed a connection. Without a function, it is closed here when nobody can be using
 * it. */
typedef void (*ResilientConnectionLost) (gpointer data);
void resilient_connections_set_lost_func (ResilientConnections *self,
                                          ResilientConnectionLost func,
                                          gpointer data);

/* The connection that libsoup takes for the next request to the origin of @uri may be used for what
 * can't be sent twice: it served, or was opened, a moment ago, and it is found open. */
gboolean resilient_connections_is_fresh (ResilientConnections *self, GUri *uri);
/* A request to the origin of @uri is about to be sent by a session that has several. The connection
 * that it is expected to take, which other requests are then not; 0 = none, or one that they share.
 * With @fresh the same as is_fresh(), and where that is FALSE the connection is closed, if it is
 * idle, as a new one takes its place. */
guint64 resilient_connections_claim (ResilientConnections *self, GUri *uri, gboolean *fresh);
/* The request has its connection, or will have none: once for each claim(), whatever that said. */
void resilient_connections_release (ResilientConnections *self, guint64 claim);
/* Closes those that are idle for longest beyond @per_origin to one origin, and beyond @in_all. */
void resilient_connections_trim (ResilientConnections *self, guint per_origin, guint in_all);
/* Before they are closed by libsoup, which waits then until the peer takes the farewell of TLS:
 * cuts what it might not take; or @all, as nobody will look at them any more. */
void resilient_connections_hang_up (ResilientConnections *self, gboolean all);

/* Requests that are on connection @id, of which HTTP/2 has several: one more, one less. */
void resilient_connections_join (ResilientConnections *self, guint64 id);
void resilient_connections_leave (ResilientConnections *self, guint64 id);
/* Nobody shares @id, and no message but those that were marked is under way in the watched
 * session. */
gboolean resilient_connections_is_deserted (ResilientConnections *self, guint64 id);
void resilient_connections_watch (ResilientConnections *self, SoupSession *session);
void resilient_connections_unwatch (ResilientConnections *self, SoupSession *session);
/* @message is one of ours; before it is sent. */
void resilient_connections_mark (SoupMessage *message);

/* Whether a socket of any is still open. */
gboolean resilient_connections_any_open (ResilientConnections *self);
/* For tests: how many are remembered, dead ones included. */
guint resilient_connections_get_length (ResilientConnections *self);

/* The socket below a connection of any kind; transfer full, nullable. */
GSocket *resilient_socket_find (GIOStream *stream);
/* Bytes that the peer has not acknowledged; FALSE when the system can't tell. */
gboolean resilient_socket_get_unsent (GSocket *socket, guint *bytes);
/* How long ago, in microseconds, the peer acknowledged or sent something; FALSE when the system
 * can't tell. */
gboolean resilient_socket_get_last_ack (GSocket *socket, gint64 *age);
gboolean resilient_socket_get_last_receive (GSocket *socket, gint64 *age);
/* Bytes that came from the peer, in all; FALSE when the system can't tell. */
gboolean resilient_socket_get_received (GSocket *socket, guint64 *bytes);
/* Bytes that were received and not read. */
gsize resilient_socket_get_unread (GSocket *socket);
/* The kernel would take more to send. */
gboolean resilient_socket_has_room (GSocket *socket);
/* The peer has closed, or the connection is broken, and nothing is left to read. */
gboolean resilient_socket_is_dead (GSocket *socket);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientConnections, resilient_connections_unref)

G_END_DECLS
