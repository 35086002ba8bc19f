/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What a forked child inherits belongs to its parent: threads that it does not have, locks that
 * they held, connections on which both would speak. In the child every object that was made before
 * is foreign: it does nothing any more, and is leaked where it can't be freed without a lock or a
 * thread of the parent's. Descriptors that are guarded lead nowhere there: nothing that the child
 * does, libsoup's closing included, reaches the peer or takes from the parent what comes from
 * it. */

/* From now on forks are noticed. */
void resilient_fork_watch (void);
/* How many forks lie between this process and the one that called resilient_fork_watch() first.
 * What was made in another generation is foreign. */
guint resilient_fork_get_generation (void);
/* Whether what was made in the generation @made_in is: sets @error, CLOSED, which says so. */
gboolean resilient_fork_is_foreign (guint made_in, GError **error);

/* Any thread. A socket is guarded until it is closed, a descriptor until it is unguarded, before it
 * is closed. */
void resilient_fork_guard_socket (GSocket *socket);
void resilient_fork_guard_fd (int fd);
void resilient_fork_unguard_fd (int fd);
/* For what goes on in a child without the threads of the parent, one of which may have its lock for
 * ever: calls @adopt with @object, once in each process that it was not made in, and before any
 * thread goes on. @made_in is its generation, which only this changes. @adopt makes the lock anew,
 * and whatever may have been left halfway; it takes no lock. Any thread. */
void resilient_fork_adopt (guint *made_in, void (*adopt) (gpointer object), gpointer object);
/* A lock of this kind is free in the child. Only for a static one, under which no other is
 * taken. */
void resilient_fork_protect (GMutex *lock);

G_END_DECLS
