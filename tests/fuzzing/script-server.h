/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A server that answers what it is told, byte for byte, in the default main context.
 *
 * A script is what it sends, with commands between: a backslash and a letter.
 *
 *   \n  wait for the next whole request on this connection (one comes before all else, too)
 *   \p  pause: go on when there is nothing else to do
 *   \c  close this connection; the next one goes on with what follows
 *   \s  say no more on this connection, and leave it open
 *   \e  close this connection without reading what came
 *
 * Any other letter, and whatever comes before it, is sent as it is. At its end the connection is
 * closed, and every later one as soon as its request is there. */
typedef struct _ScriptServer ScriptServer;

/* What a request said, as it came. */
typedef struct
{
  char *method;
  char *path;
  char *head;
  gsize body_size;
} ScriptRequest;

ScriptServer *script_server_new (void);
/* Where it listens; what a session takes for the address of every host. */
GSocketConnectable *script_server_get_address (ScriptServer *self);
/* Begins anew with @script, which must stay. */
void script_server_start (ScriptServer *self, const guint8 *script, gsize size);
/* Closes all connections; requests stay until the next start. */
void script_server_stop (ScriptServer *self);
/* Goes on after a pause; FALSE if there was none. */
gboolean script_server_resume (ScriptServer *self);
/* Of ScriptRequest, every whole one in the order in which they came. */
GPtrArray *script_server_get_requests (ScriptServer *self);
/* Whether it sent @text, in one piece or several. */
gboolean script_server_has_sent (ScriptServer *self, const char *text);

G_END_DECLS
