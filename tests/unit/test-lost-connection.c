/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-connections-private.h"

#include <sys/socket.h>
#include <unistd.h>

/* Who is told that a peer has closed its connection may go at that moment, in another thread. */

/* So long is waited for what must not come, in microseconds. */
#define A_WHILE (G_USEC_PER_SEC / 10)

typedef struct
{
  ResilientConnections *connections;
  GMutex lock;
  GCond cond;
  gboolean called;    /* under lock */
  gboolean cleared;   /* under lock: nobody is called any more */
  gboolean was_early; /* cleared while it was being called */
} Lost;

static void
lost_cb (gpointer data)
{
  Lost *self = data;
  gint64 until = g_get_monotonic_time () + A_WHILE;

  g_mutex_lock (&self->lock);
  self->called = TRUE;
  g_cond_broadcast (&self->cond);
  while (!self->cleared && g_cond_wait_until (&self->cond, &self->lock, until))
    ;
  self->was_early = self->cleared;
  g_mutex_unlock (&self->lock);

  /* it may do so itself */
  resilient_connections_set_lost_func (self->connections, NULL, NULL);
}

static gpointer
clear_thread (gpointer data)
{
  Lost *self = data;

  g_mutex_lock (&self->lock);
  while (!self->called)
    g_cond_wait (&self->cond, &self->lock);
  g_mutex_unlock (&self->lock);
  resilient_connections_set_lost_func (self->connections, NULL, NULL);
  g_mutex_lock (&self->lock);
  self->cleared = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  return NULL;
}

static void
test_clear (void)
{
  Lost self = { .connections = resilient_connections_new () };
  g_autoptr (GUri) uri = g_uri_parse ("http://example.org/", SOUP_HTTP_URI_FLAGS, NULL);
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GSocketConnection) connection = NULL;
  GThread *thread;
  int ends[2];

  g_mutex_init (&self.lock);
  g_cond_init (&self.cond);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
  socket = g_socket_new_from_fd (ends[0], NULL);
  connection = g_socket_connection_factory_create_connection (socket);
  resilient_connections_add (self.connections, 1, uri, G_IO_STREAM (connection), 0, NULL);
  resilient_connections_set_lost_func (self.connections, lost_cb, &self);

  thread = g_thread_new ("clear", clear_thread, &self);
  close (ends[1]);
  while (!self.called)
    g_main_context_iteration (NULL, TRUE);
  g_thread_join (thread);
  g_assert_true (self.cleared);
  g_assert_false (self.was_early);
  resilient_connections_unref (self.connections);
  g_mutex_clear (&self.lock);
  g_cond_clear (&self.cond);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/lost-connection/clear", test_clear);

  return g_test_run ();
}
