/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The maker of attempts that go over libsoup. Any thread, but for what is said to be in a context.
 * */

#pragma once

#include <libsoup/soup.h>

#include "resilient-transport-attempt-private.h"

G_BEGIN_DECLS

/* Over libsoup, by @session, of which it never changes a property; or by sessions of its own if
 * that is NULL. @home (NULL: the global default context) is where a shared one of them belongs. */
ResilientTransport *resilient_soup_transport_new (SoupSession *session, GMainContext *home);
/* The session by which everything goes from now on: who sees it may give it features and handlers.
 * Transfer full. */
SoupSession *resilient_soup_transport_share (ResilientTransport *self);
/* In @context (NULL: the global default one): ends what its own sessions do there, and closes their
 * connections; not those of a shared one. Nothing, here and below, for a transport of another kind:
 * share() then gives a session that nobody uses. */
void resilient_soup_transport_abort (ResilientTransport *self, GMainContext *context);
/* Whether a connection that it used there, at home also one of a shared session, is still open, or
 * being closed. */
gboolean resilient_soup_transport_is_connected (ResilientTransport *self, GMainContext *context);
/* Nothing will be done there any more: its own sessions go, in the thread that has driven them. */
void resilient_soup_transport_leave (ResilientTransport *self, GMainContext *context);

G_END_DECLS
