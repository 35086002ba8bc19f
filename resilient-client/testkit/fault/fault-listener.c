/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Binds a port on loopback, accepts connections in a thread of its own, and may refuse them or let
 * them hang. It owns the sockets and that thread. */

#include "config.h"

#include "fault-listener-private.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

static GSocket *
bind_socket (guint16 port, GError **error)
{
  g_autoptr (GSocket) socket =
    g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", port);

  /* allow_reuse: the reservation and the listener share the port */
  if (socket == NULL || !g_socket_bind (socket, address, TRUE, error))
    return NULL;

  return g_steal_pointer (&socket);
}

gboolean
fault_listener_init (FaultListener *self,
                     FaultAccepted accepted,
                     gpointer user_data,
                     GError **error)
{
  g_autoptr (GSocketAddress) address = NULL;

  g_mutex_init (&self->control);
  self->accepted = accepted;
  self->user_data = user_data;
  self->door = FAULT_DOOR_CLOSED;
  self->filler = -1;
  self->reservation = bind_socket (0, error);
  if (self->reservation == NULL)
    return FALSE;
  address = g_socket_get_local_address (self->reservation, error);
  if (address == NULL)
    return FALSE;
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));

  return TRUE;
}

void
fault_listener_clear (FaultListener *self)
{
  g_clear_object (&self->reservation);
  g_mutex_clear (&self->control);
}

static gpointer
accept_thread (gpointer data)
{
  FaultListener *self = data;
  GSocket *socket;

  while ((socket = g_socket_accept (self->socket, self->stop, NULL)) != NULL)
    {
      self->accepted (socket, self->user_data);
      g_object_unref (socket);
    }

  return NULL;
}

/* With a backlog of 0 the kernel keeps one connection; a SYN beyond that gets no answer. */
static gboolean
fill_backlog (FaultListener *self, GError **error)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (self->port),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };

  /* a client may be first: then this one would wait for minutes, and is not needed */
  self->filler = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (self->filler >= 0
      && (connect (self->filler, (struct sockaddr *) &address, sizeof address) == 0
          || errno == EINPROGRESS))
    {
      struct pollfd established = { self->filler, POLLOUT, 0 };

      poll (&established, 1, 1000);
      return TRUE;
    }
  g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (errno), g_strerror (errno));

  return FALSE;
}

static void
stop_accepting (FaultListener *self)
{
  if (self->stop != NULL)
    g_cancellable_cancel (self->stop);
  g_clear_pointer (&self->thread, g_thread_join);
  g_clear_object (&self->stop);
  if (self->socket != NULL)
    g_socket_close (self->socket, NULL);
  g_clear_object (&self->socket);
  if (self->filler >= 0)
    close (self->filler);
  self->filler = -1;
}

static gboolean
start_accepting (FaultListener *self, GError **error)
{
  self->stop = g_cancellable_new ();
  self->thread = g_thread_try_new ("fault-accept", accept_thread, self, error);

  return self->thread != NULL;
}

/* The socket stays, lest a connect that hangs be refused meanwhile. */
static gboolean
unblock (FaultListener *self, GError **error)
{
  g_autoptr (GSocket) filled = g_socket_accept (self->socket, NULL, error);

  if (filled == NULL)
    return FALSE;
  close (self->filler);
  self->filler = -1;
  listen (g_socket_get_fd (self->socket), BACKLOG);

  return start_accepting (self, error);
}

static gboolean
listen_now (FaultListener *self, gboolean stuck, GError **error)
{
  self->socket = bind_socket (self->port, error);
  if (self->socket == NULL)
    return FALSE;
  g_socket_set_listen_backlog (self->socket, stuck ? 0 : BACKLOG);
  if (!g_socket_listen (self->socket, error))
    return FALSE;

  return stuck ? fill_backlog (self, error) : start_accepting (self, error);
}

static gboolean
change_door (FaultListener *self, FaultDoor door, GError **error)
{
  if (self->door == FAULT_DOOR_STUCK && door == FAULT_DOOR_OPEN)
    return unblock (self, error);
  stop_accepting (self);

  return door == FAULT_DOOR_CLOSED || listen_now (self, door == FAULT_DOOR_STUCK, error);
}

gboolean
fault_listener_set_door (FaultListener *self, FaultDoor door, GError **error)
{
  gboolean done = TRUE;

  g_mutex_lock (&self->control);
  if (self->door != door && !self->over)
    {
      done = change_door (self, door, error);
      if (!done)
        stop_accepting (self);
      self->door = done ? door : FAULT_DOOR_CLOSED;
    }
  g_mutex_unlock (&self->control);

  return done;
}

void
fault_listener_end (FaultListener *self)
{
  g_mutex_lock (&self->control);
  self->over = TRUE;
  self->door = FAULT_DOOR_CLOSED;
  stop_accepting (self);
  g_mutex_unlock (&self->control);
}
