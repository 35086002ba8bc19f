/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Notices forks by pthread_atfork(), counts them, and makes sure that what a child inherits says
 * nothing to a peer. It owns the list of guarded sockets and descriptors, under one lock. Any
 * thread. */

#include "config.h"

#include "resilient-fork-private.h"

#include "resilient-error.h"
#include "resilient-i18n-private.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#define MAX_LOCKS 4
/* The guards are swept when there are twice as many as were left by the last time. */
#define SWEEP_MIN 32

static guint generation; /* atomic */

/* Guards objects that a child makes its own. No other is taken under it. */
static GMutex adoption_lock;

static GMutex guards_lock; /* guards all below, but for what only the forking thread has */
static GPtrArray *sockets; /* of GWeakRef, owned */
static guint sweep_at = SWEEP_MIN;
static GArray *descriptors; /* of int */
static GMutex *locks[MAX_LOCKS];
static guint n_locks;

/* From before a fork to after it. */
static GArray *inherited; /* of int: what the child shares with its parent */
static GPtrArray *held;   /* of GSocket, owned: those that were looked at */
/* In a child, those of its parent, which it neither uses nor frees: here only to be found. */
static GPtrArray *volatile kept;

static void
free_weak (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

/* A reference taken under the lock may be the last one when it is dropped, and what goes with the
 * socket may be anything. So they are held until the lock is free. */
static GPtrArray *
new_held (void)
{
  return g_ptr_array_new_with_free_func (g_object_unref);
}

static GSocket *
hold (GPtrArray *sockets_held, GWeakRef *weak)
{
  GSocket *socket = g_weak_ref_get (weak);

  if (socket != NULL)
    g_ptr_array_add (sockets_held, socket);
  return socket;
}

/* --- around a fork, in the thread that forks -------------------------------------------------- */

static void
before_cb (void)
{
  g_mutex_lock (&adoption_lock);
  for (guint i = 0; i < n_locks; i++)
    g_mutex_lock (locks[i]);
  g_mutex_lock (&guards_lock);

  held = new_held ();
  g_array_set_size (inherited, 0);
  g_array_append_vals (inherited, descriptors->data, descriptors->len);
  for (guint i = 0; i < sockets->len; i++)
    {
      GSocket *socket = hold (held, sockets->pdata[i]);
      int fd = socket != NULL ? g_socket_get_fd (socket) : -1;

      if (fd >= 0)
        g_array_append_val (inherited, fd);
    }
}

static void
unlock (void)
{
  g_mutex_unlock (&guards_lock);
  for (guint i = n_locks; i > 0; i--)
    g_mutex_unlock (locks[i - 1]);
  g_mutex_unlock (&adoption_lock);
}

static void
in_parent_cb (void)
{
  g_autoptr (GPtrArray) sockets_held G_GNUC_UNUSED = g_steal_pointer (&held);

  unlock ();
}

/* Only what may be called here: the other threads are gone, whatever they were at. The reading end
 * of a pipe whose other end stays open is never ready for anything, so that the sources of the
 * parent's connections, which the child may well turn, sleep for good. */
static void
in_child_cb (void)
{
  int pipes[2];

  g_atomic_int_inc (&generation);
  if (inherited->len > 0)
    {
      /* without a descriptor left it is one of those that serves */
      while (pipe (pipes) != 0)
        {
          if (inherited->len == 0)
            break;
          close (g_array_index (inherited, int, inherited->len - 1));
          inherited->len--;
        }
      for (guint i = 0; i < inherited->len; i++)
        {
          int fd = g_array_index (inherited, int, i);

          dup2 (pipes[0], fd);
          fcntl (fd, F_SETFD, FD_CLOEXEC);
        }
      fcntl (pipes[0], F_SETFD, FD_CLOEXEC);
      fcntl (pipes[1], F_SETFD, FD_CLOEXEC);
    }
  descriptors->len = 0;
  sockets->len = 0;
  kept = g_steal_pointer (&held);
  unlock ();
}

/* --- guards ----------------------------------------------------------------------------------- */

static void
ensure_guards_locked (void)
{
  if (sockets != NULL)
    return;
  sockets = g_ptr_array_new_with_free_func (free_weak);
  descriptors = g_array_new (FALSE, FALSE, sizeof (int));
  inherited = g_array_new (FALSE, FALSE, sizeof (int));
  pthread_atfork (before_cb, in_parent_cb, in_child_cb);
}

void
resilient_fork_watch (void)
{
  g_mutex_lock (&guards_lock);
  ensure_guards_locked ();
  g_mutex_unlock (&guards_lock);
}

guint
resilient_fork_get_generation (void)
{
  return g_atomic_int_get (&generation);
}

/* Not each by itself: of two threads of the child the second would free a lock that the first has
 * taken already. */
void
resilient_fork_adopt (guint *made_in, void (*adopt) (gpointer object), gpointer object)
{
  int now = g_atomic_int_get (&generation);

  if (G_LIKELY (g_atomic_int_get (made_in) == now))
    return;

  g_mutex_lock (&adoption_lock);
  if (g_atomic_int_get (made_in) != now)
    {
      adopt (object);
      g_atomic_int_set (made_in, now);
    }
  g_mutex_unlock (&adoption_lock);
}

gboolean
resilient_fork_is_foreign (guint made_in, GError **error)
{
  if (G_LIKELY (made_in == (guint) g_atomic_int_get (&generation)))
    return FALSE;
  g_set_error_literal (error,
                       RESILIENT_CLIENT_ERROR,
                       RESILIENT_CLIENT_ERROR_CLOSED,
                       _ ("The client belongs to the process from which this one was forked"));
  return TRUE;
}

/* What it looked at, to be let go when the lock is free; NULL if it was not yet time. */
static GPtrArray *
sweep_locked (void)
{
  GPtrArray *sockets_held;

  if (sockets->len < sweep_at)
    return NULL;
  sockets_held = new_held ();
  for (guint i = sockets->len; i > 0; i--)
    {
      GSocket *socket = hold (sockets_held, sockets->pdata[i - 1]);

      if (socket == NULL || g_socket_is_closed (socket))
        g_ptr_array_remove_index_fast (sockets, i - 1);
    }
  sweep_at = MAX (SWEEP_MIN, 2 * sockets->len);
  return sockets_held;
}

void
resilient_fork_guard_socket (GSocket *socket)
{
  g_autoptr (GPtrArray) sockets_held G_GNUC_UNUSED = NULL;
  GWeakRef *weak = g_new (GWeakRef, 1);

  g_weak_ref_init (weak, socket);
  g_mutex_lock (&guards_lock);
  ensure_guards_locked ();
  sockets_held = sweep_locked ();
  g_ptr_array_add (sockets, weak);
  g_mutex_unlock (&guards_lock);
}

void
resilient_fork_guard_fd (int fd)
{
  g_mutex_lock (&guards_lock);
  ensure_guards_locked ();
  g_array_append_val (descriptors, fd);
  g_mutex_unlock (&guards_lock);
}

void
resilient_fork_unguard_fd (int fd)
{
  g_mutex_lock (&guards_lock);
  for (guint i = 0; descriptors != NULL && i < descriptors->len; i++)
    if (g_array_index (descriptors, int, i) == fd)
      {
        g_array_remove_index_fast (descriptors, i);
        break;
      }
  g_mutex_unlock (&guards_lock);
}

void
resilient_fork_protect (GMutex *lock)
{
  g_mutex_lock (&guards_lock);
  ensure_guards_locked ();
  g_assert (n_locks < MAX_LOCKS);
  locks[n_locks++] = lock;
  g_mutex_unlock (&guards_lock);
}
