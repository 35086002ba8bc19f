/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A server that misbehaves as it is told, on loopback. It owns listener, log, plan, and a worker
 * with a thread for each connection. Any thread may use it. */

#include "config.h"

#include "fault-server-private.h"

#include "fault-listener-private.h"
#include "fault-plan-private.h"
#include "fault-worker-private.h"

struct _FaultServer
{
  FaultService service; /* set once */
  FaultLog log;
  FaultListener listener;

  /* the log's lock */
  GPtrArray *workers; /* of the connections that are open */
  FaultPlan plan;
};

/* Those whose thread has nothing left to do. The log's lock is held. */
static void
reap_workers (FaultServer *self)
{
  for (guint i = self->workers->len; i > 0; i--)
    if (fault_worker_is_over (self->workers->pdata[i - 1]))
      fault_worker_free (g_ptr_array_steal_index_fast (self->workers, i - 1));
}

static void
accepted (GSocket *socket, gpointer user_data)
{
  FaultServer *self = user_data;
  FaultConnection *connection;
  FaultWorker *worker;

  g_mutex_lock (&self->log.lock);
  /* who sees the count finds it in the list */
  connection = fault_connection_new (&self->log, fault_log_add_connection (&self->log), socket);
  reap_workers (self);
  /* the script here, for the threads of two connections may begin in any order */
  worker = fault_worker_new (&self->service, connection, fault_plan_take_connection (&self->plan));
  if (worker != NULL)
    g_ptr_array_add (self->workers, worker);
  g_mutex_unlock (&self->log.lock);
}

/* With FIN, at once. The log's lock is held. */
static void
shut_down (FaultServer *self, gboolean idle_only)
{
  for (guint i = 0; i < self->workers->len; i++)
    fault_worker_shut_down (self->workers->pdata[i], idle_only);
}

static FaultScript *
choose_script (const char *path, gboolean *last, gpointer server)
{
  FaultServer *self = server;
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

static gboolean
load_certificates (FaultServer *self, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->service.certificates); i++)
    {
      self->service.certificates[i] = fault_certificate_new (i, error);
      if (self->service.certificates[i] == NULL)
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
  self->service = (FaultService){
    .flags = flags, .log = &self->log, .choose_script = choose_script, .server = self
  };
  fault_log_init (&self->log);
  fault_plan_init (&self->plan);
  self->workers = g_ptr_array_new ();
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
  g_autoptr (GPtrArray) workers = NULL;

  fault_listener_end (&self->listener);
  fault_log_close (&self->log);
  /* no thread adds to the list any more; those that end still look at it */
  g_mutex_lock (&self->log.lock);
  workers = g_steal_pointer (&self->workers);
  self->workers = g_ptr_array_new ();
  g_mutex_unlock (&self->log.lock);

  for (guint i = 0; i < workers->len; i++)
    fault_worker_cancel (workers->pdata[i]);
  for (guint i = 0; i < workers->len; i++)
    fault_worker_free (workers->pdata[i]);
}

void
fault_server_free (FaultServer *self)
{
  if (self == NULL)
    return;

  fault_server_close (self);
  g_ptr_array_unref (self->workers);
  fault_plan_clear (&self->plan);
  fault_listener_clear (&self->listener);
  for (guint i = 0; i < G_N_ELEMENTS (self->service.certificates); i++)
    g_clear_object (&self->service.certificates[i]);
  fault_log_clear (&self->log);
  g_free (self);
}

char *
fault_server_uri_at (FaultServer *self, const char *host, const char *path)
{
  return g_strdup_printf ("%s://%s:%u%s",
                          self->service.flags & FAULT_SERVER_TLS ? "https" : "http",
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
  return self->service.flags;
}

FaultLog *
fault_server_get_log (FaultServer *self)
{
  return &self->log;
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

void
fault_server_disconnect (FaultServer *self)
{
  g_mutex_lock (&self->log.lock);
  shut_down (self, FALSE);
  g_mutex_unlock (&self->log.lock);
}
