/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-fork-private.h"

#include <sys/wait.h>
#include <unistd.h>

/* The guards drop no reference under their lock: it may be the last one, and what goes with a
 * socket may need that lock. */

/* More than are kept without a sweep. */
#define N_SOCKETS 100
#define N_ORPHANS 20000

static guint n_gone;

static void
gone_cb (gpointer data)
{
  resilient_fork_unguard_fd (-1);
  n_gone++;
}

static GSocket *
make_socket (void)
{
  GSocket *socket =
    g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);

  g_assert_nonnull (socket);
  return socket;
}

/* Whoever takes a reference has the last one: as if another thread had just dropped its own. */
static void
toggle_cb (gpointer data, GObject *socket, gboolean is_last_ref)
{
  if (!is_last_ref)
    g_object_remove_toggle_ref (socket, toggle_cb, NULL);
}

static void
guard_fleeting (void)
{
  GSocket *socket = make_socket ();

  g_object_set_data_full (G_OBJECT (socket), "gone", socket, gone_cb);
  resilient_fork_guard_socket (socket);
  g_object_add_toggle_ref (G_OBJECT (socket), toggle_cb, NULL);
  g_object_unref (socket);
  n_gone = 0;
}

static void
test_sweep (void)
{
  g_autoptr (GPtrArray) sockets = g_ptr_array_new_with_free_func (g_object_unref);

  guard_fleeting ();
  for (guint i = 0; i < N_SOCKETS; i++)
    {
      g_ptr_array_add (sockets, make_socket ());
      resilient_fork_guard_socket (sockets->pdata[i]);
    }
  g_assert_cmpuint (n_gone, ==, 1);
}

static void
test_fork (void)
{
  int status = -1;
  pid_t pid;

  guard_fleeting ();
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      /* the lock is free here, and the parent's is left alone */
      resilient_fork_unguard_fd (-1);
      g_assert_cmpuint (n_gone, ==, 0);
      _exit (0);
    }
  g_assert_cmpuint (n_gone, ==, 1);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

/* What a child makes its own. */
typedef struct
{
  guint made_in;
  int n_here; /* atomic: threads that want it */
  guint n_adopted;
} Orphan;

static void
adopt_cb (gpointer object)
{
  /* The other one's turn. */
  g_thread_yield ();
  ((Orphan *) object)->n_adopted++;
}

static gpointer
adopt_thread (gpointer data)
{
  Orphan *orphans = data;

  for (guint i = 0; i < N_ORPHANS; i++)
    {
      g_atomic_int_inc (&orphans[i].n_here);
      while (g_atomic_int_get (&orphans[i].n_here) < 2)
        g_thread_yield ();
      resilient_fork_adopt (&orphans[i].made_in, adopt_cb, &orphans[i]);
      g_assert_cmpuint (orphans[i].n_adopted, ==, 1);
    }
  return NULL;
}

/* Once, also when two threads of the child come first. */
static void
test_adopt (void)
{
  g_autofree Orphan *orphans = g_new0 (Orphan, N_ORPHANS);
  Orphan own = { resilient_fork_get_generation (), 0, 0 };
  GThread *thread;

  resilient_fork_adopt (&own.made_in, adopt_cb, &own);
  g_assert_cmpuint (own.n_adopted, ==, 0);

  for (guint i = 0; i < N_ORPHANS; i++)
    orphans[i].made_in = resilient_fork_get_generation () + 1;
  thread = g_thread_new ("adopts", adopt_thread, orphans);
  adopt_thread (orphans);
  g_thread_join (thread);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/fork-guards/sweep", test_sweep);
  g_test_add_func ("/fork-guards/fork", test_fork);
  g_test_add_func ("/fork-guards/adopt", test_adopt);

  return g_test_run ();
}
