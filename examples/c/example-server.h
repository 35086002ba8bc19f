/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

/* A small server on loopback, in a thread of its own, so that every example can be tried without a
 * network:
 *
 *   /hello            200, a line of text
 *   /missing          404
 *   /large            200, 1 MiB
 *   /slow             never answers
 *   /headers          200, the request's headers as a JSON object
 *   /flaky/N/…        503 to the first N requests for the path, then 200 */
typedef struct _ExampleServer ExampleServer;

ExampleServer *example_server_new (GError **error);
void example_server_free (ExampleServer *server);

/* http://127.0.0.1:PORT */
const char *example_server_get_uri (ExampleServer *server);

/* One that refuses connections for as long as the server lives. */
const char *example_server_get_refusing_uri (ExampleServer *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ExampleServer, example_server_free)

/* What the command line of an example says: the URI given, or, for --self-test, that of a server
 * which is started here. Ends the program when it says neither. */
char *example_uri_from_args (int argc, char **argv, ExampleServer **server);
