/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A server that misbehaves as it is told, on loopback. It owns listener, log, plan and connections,
 * with a thread each. Any thread may use it. */

#include "config.h"

#include "fault-listener-private.h"
#include "fault-plan-private.h"
#include "fault-private.h"

#define N_CERTIFICATES (FAULT_CERTIFICATE_WRONG_HOST + 1)

struct _FaultServer
{
  FaultServerFlags flags; /* set once, as is the next */
  GTlsCertificate *certificates[N_CERTIFICATES];
  FaultLog log;
  FaultListener listener;

  /* the log's lock */
  GPtrArray *connections;
  FaultPlan plan;
};

static gpointer
connection_thread (gpointer data)
{
  fault_connection_run (data);

  return NULL;
}

/* Those whose thread has nothing left to do. The log's lock is held. */
static void
bury_connections (FaultServer *self)
{
  for (guint i = self->connections->len; i > 0; i--)
    {
      FaultConnection *connection = self->connections->pdata[i - 1];

      if (connection->over)
        {
          g_thread_join (connection->thread);
          g_ptr_array_remove_index_fast (self->connections, i - 1);
          fault_connection_free (connection);
        }
    }
}

static void
accepted (GSocket *socket, gpointer user_data)
{
  FaultServer *self = user_data;
  FaultConnection *connection = fault_connection_new (self, &self->log, socket);

  g_mutex_lock (&self->log.lock);
  /* who sees the count finds it in the list */
  connection->number = fault_log_add_connection (&self->log);
  bury_connections (self);
  /* here, for the threads of two connections may begin in any order */
  connection->script = fault_plan_take_connection (&self->plan);
  connection->thread = g_thread_try_new ("fault-connection", connection_thread, connection, NULL);
  if (connection->thread != NULL)
    g_ptr_array_add (self->connections, connection);
  else
    fault_connection_free (connection);
  g_mutex_unlock (&self->log.lock);
}

static gboolean
load_certificates (FaultServer *self, GError **error)
{
  for (guint i = 0; i < N_CERTIFICATES; i++)
    {
      self->certificates[i] = fault_certificate_new (i, error);
      if (self->certificates[i] == NULL)
        return FALSE;
    }

  return TRUE;
}

FaultServer *
fault_server_try_new (FaultServerFlags flags, GError **error)
{
  g_autoptr (FaultServer) self = g_new0 (FaultServer, 1);
  FaultDoor door = flags & FAULT_SERVER_REFUSING       ? FAULT_DOOR_CLOSED
                   : flags & FAULT_SERVER_FULL_BACKLOG ? FAULT_DOOR_STUCK
                                                       : FAULT_DOOR_OPEN;
  gboolean bound;

  if (flags
      & (FAULT_SERVER_HTTP2 | FAULT_SERVER_EXPIRED | FAULT_SERVER_WRONG_HOST
         | FAULT_SERVER_CLIENT_CERTIFICATE))
    flags |= FAULT_SERVER_TLS;
  self->flags = flags;
  fault_log_init (&self->log);
  fault_plan_init (&self->plan);
  self->connections = g_ptr_array_new ();
  bound = fault_listener_init (&self->listener, accepted, self, error);
  if (!bound || (flags & FAULT_SERVER_TLS && !load_certificates (self, error))
      || !fault_listener_set_door (&self->listener, door, error))
    return NULL;

  return g_steal_pointer (&self);
}

FaultServer *
fault_server_new (FaultServerFlags flags)
{
  g_autoptr (GError) error = NULL;
  FaultServer *self = fault_server_try_new (flags, &error);

  if (self == NULL)
    g_error ("no server: %s", error->message);

  return self;
}

void
fault_server_close (FaultServer *self)
{
  g_autoptr (GPtrArray) connections = NULL;

  fault_listener_end (&self->listener);
  fault_log_close (&self->log);
  /* no thread adds to the list any more; those that end still look at it */
  g_mutex_lock (&self->log.lock);
  connections = g_steal_pointer (&self->connections);
  self->connections = g_ptr_array_new ();
  g_mutex_unlock (&self->log.lock);

  for (guint i = 0; i < connections->len; i++)
    g_cancellable_cancel (((FaultConnection *) connections->pdata[i])->cancellable);
  for (guint i = 0; i < connections->len; i++)
    {
      FaultConnection *connection = connections->pdata[i];

      g_thread_join (connection->thread);
      fault_connection_free (connection);
    }
}

void
fault_server_free (FaultServer *self)
{
  if (self == NULL)
    return;

  fault_server_close (self);
  g_ptr_array_unref (self->connections);
  fault_plan_clear (&self->plan);
  fault_listener_clear (&self->listener);
  for (guint i = 0; i < N_CERTIFICATES; i++)
    g_clear_object (&self->certificates[i]);
  fault_log_clear (&self->log);
  g_free (self);
}

char *
fault_server_uri_at (FaultServer *self, const char *host, const char *path)
{
  return g_strdup_printf ("%s://%s:%u%s",
                          self->flags & FAULT_SERVER_TLS ? "https" : "http",
                          host,
                          self->listener.port,
                          path);
}

char *
fault_server_uri (FaultServer *self, const char *path)
{
  return fault_server_uri_at (self, "127.0.0.1", path);
}

guint16
fault_server_get_port (FaultServer *self)
{
  return self->listener.port;
}

FaultServerFlags
fault_server_get_flags (FaultServer *self)
{
  return self->flags;
}

FaultLog *
fault_server_get_log (FaultServer *self)
{
  return &self->log;
}

GTlsCertificate *
fault_server_get_certificate (FaultServer *self, FaultCertificate which)
{
  return self->certificates[which];
}

gboolean
fault_server_set_door (FaultServer *self, FaultDoor door, GError **error)
{
  return fault_listener_set_door (&self->listener, door, error);
}

void
fault_server_set_listening (FaultServer *self, gboolean listening)
{
  g_autoptr (GError) error = NULL;

  if (!fault_server_set_door (self, listening ? FAULT_DOOR_OPEN : FAULT_DOOR_CLOSED, &error))
    g_error ("listen: %s", error->message);
}

void
fault_server_on_script (FaultServer *self, const char *path, FaultScript *script)
{
  g_mutex_lock (&self->log.lock);
  fault_plan_set (&self->plan, path, script);
  g_mutex_unlock (&self->log.lock);
}

void
fault_server_next_script (FaultServer *self, const char *path, FaultScript *script)
{
  g_mutex_lock (&self->log.lock);
  fault_plan_push (&self->plan, path, script);
  g_mutex_unlock (&self->log.lock);
}

void
fault_server_on (FaultServer *self, const char *path, ...)
{
  va_list steps;

  va_start (steps, path);
  fault_server_on_script (self, path, fault_script_new_valist (steps));
  va_end (steps);
}

void
fault_server_next (FaultServer *self, const char *path, ...)
{
  va_list steps;

  va_start (steps, path);
  fault_server_next_script (self, path, fault_script_new_valist (steps));
  va_end (steps);
}

void
fault_server_next_connection (FaultServer *self, ...)
{
  va_list steps;

  va_start (steps, self);
  g_mutex_lock (&self->log.lock);
  g_queue_push_tail (&self->plan.on_connection, fault_script_new_valist (steps));
  g_mutex_unlock (&self->log.lock);
  va_end (steps);
}

/* With FIN, at once. The log's lock is held. */
static void
shut_down (FaultServer *self, gboolean idle_only)
{
  for (guint i = 0; i < self->connections->len; i++)
    {
      FaultConnection *connection = self->connections->pdata[i];

      if (connection->raw != NULL && (!idle_only || connection->busy == 0))
        g_socket_shutdown (g_socket_connection_get_socket (connection->raw), TRUE, TRUE, NULL);
    }
}

void
fault_server_line_up_connection (FaultServer *self, FaultScript *script)
{
  g_mutex_lock (&self->log.lock);
  fault_plan_push_connection (&self->plan, script);
  if (self->plan.line.length == 1)
    shut_down (self, TRUE);
  g_mutex_unlock (&self->log.lock);
}

gboolean
fault_server_line_up_door (FaultServer *self, FaultDoor door, GError **error)
{
  gboolean now;

  g_mutex_lock (&self->log.lock);
  now = fault_plan_push_door (&self->plan, door);
  if (now)
    shut_down (self, TRUE);
  g_mutex_unlock (&self->log.lock);

  return !now || fault_server_set_door (self, door, error);
}

void
fault_server_each_connection (FaultServer *self, FaultScript *script)
{
  g_mutex_lock (&self->log.lock);
  g_clear_pointer (&self->plan.each_connection, fault_script_unref);
  self->plan.each_connection = script;
  if (script != NULL)
    shut_down (self, TRUE);
  g_mutex_unlock (&self->log.lock);
}

FaultScript *
fault_server_take_script (FaultServer *self, const char *path, gboolean *last)
{
  FaultTold told = { 0 };
  g_autoptr (GError) error = NULL;
  FaultScript *script;

  g_mutex_lock (&self->log.lock);
  script = fault_plan_take_request (&self->plan, path, &told);
  if (told.last)
    shut_down (self, TRUE);
  g_mutex_unlock (&self->log.lock);
  if (told.to_set && !fault_server_set_door (self, told.door, &error))
    g_warning ("the test server no longer listens: %s", error->message);
  *last = told.last;

  return script;
}

void
fault_server_disconnect (FaultServer *self)
{
  g_mutex_lock (&self->log.lock);
  shut_down (self, FALSE);
  g_mutex_unlock (&self->log.lock);
}
