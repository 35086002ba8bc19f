/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What a test may ask of a misbehaving server: counts, records and waits. It looks at the log under
 * its lock and owns nothing. Any thread. */

#include "config.h"

#include "fault-server-private.h"

static gboolean
has_requests (FaultLog *log, const FaultWish *wish)
{
  return log->records->len >= wish->n;
}

static gboolean
has_connections (FaultLog *log, const FaultWish *wish)
{
  return log->connections >= wish->n;
}

static gboolean
has_closed (FaultLog *log, const FaultWish *wish)
{
  return log->closed >= wish->n;
}

static gboolean
has_held (FaultLog *log, const FaultWish *wish)
{
  return fault_log_get_held (log, wish->gate) >= wish->n;
}

static gboolean
has_active (FaultLog *log, const FaultWish *wish)
{
  return log->active <= wish->n;
}

static gboolean
has_ended (FaultLog *log, const FaultWish *wish)
{
  return fault_log_has_ended (log, wish->n);
}

void
fault_server_wait_requests (FaultServer *self, guint n)
{
  fault_log_wait (
    fault_server_get_log (self), has_requests, &(FaultWish){ .what = "requests", .n = n });
}

void
fault_server_wait_connections (FaultServer *self, guint n)
{
  fault_log_wait (
    fault_server_get_log (self), has_connections, &(FaultWish){ .what = "connections", .n = n });
}

void
fault_server_wait_closed (FaultServer *self, guint n)
{
  fault_log_wait (
    fault_server_get_log (self), has_closed, &(FaultWish){ .what = "closed connections", .n = n });
}

void
fault_server_wait_held (FaultServer *self, const char *gate, guint n)
{
  fault_log_wait (
    fault_server_get_log (self), has_held, &(FaultWish){ .what = "held at", .gate = gate, .n = n });
}

void
fault_server_wait_active (FaultServer *self, guint n)
{
  fault_log_wait (fault_server_get_log (self),
                  has_active,
                  &(FaultWish){ .what = "no more active ones than", .n = n });
}

void
fault_server_wait_ended (FaultServer *self, guint index)
{
  fault_log_wait (fault_server_get_log (self),
                  has_ended,
                  &(FaultWish){ .what = "the end of request", .n = index });
}

FaultWaited
fault_server_wait (FaultServer *self,
                   FaultCount count,
                   const char *gate,
                   guint n,
                   double timeout,
                   GCancellable *cancellable)
{
  static const FaultCondition conditions[] = {
    has_requests, has_connections, has_closed, has_held
  };

  return fault_log_wait_for (fault_server_get_log (self),
                             conditions[count],
                             &(FaultWish){ .gate = gate, .n = n },
                             timeout,
                             cancellable);
}

void
fault_server_release (FaultServer *self, const char *gate, guint n)
{
  fault_log_release (fault_server_get_log (self), gate, n, FALSE);
}

void
fault_server_open (FaultServer *self, const char *gate)
{
  fault_log_release (fault_server_get_log (self), gate, 0, TRUE);
}

/* One number of the log, read under its lock. */
static guint
peek (FaultServer *self, const guint *number)
{
  FaultLog *log = fault_server_get_log (self);
  guint value;

  g_mutex_lock (&log->lock);
  value = *number;
  g_mutex_unlock (&log->lock);

  return value;
}

guint
fault_server_get_requests (FaultServer *self)
{
  return peek (self, &fault_server_get_log (self)->records->len);
}

guint
fault_server_count (FaultServer *self, const char *path)
{
  return fault_log_count (fault_server_get_log (self), path);
}

guint
fault_server_get_connections (FaultServer *self)
{
  return peek (self, &fault_server_get_log (self)->connections);
}

guint
fault_server_get_closed (FaultServer *self)
{
  return peek (self, &fault_server_get_log (self)->closed);
}

guint
fault_server_get_active (FaultServer *self)
{
  return peek (self, &fault_server_get_log (self)->active);
}

guint
fault_server_get_max_active (FaultServer *self)
{
  return peek (self, &fault_server_get_log (self)->max_active);
}

FaultRecord *
fault_server_find_record (FaultServer *self, const char *path, guint n)
{
  return fault_log_copy (fault_server_get_log (self), path, n);
}

FaultRecord *
fault_server_get_record (FaultServer *self, guint index)
{
  FaultRecord *record = fault_log_copy (fault_server_get_log (self), NULL, index);

  if (record == NULL)
    g_error ("there was no request %u", index);

  return record;
}

FaultRecord *
fault_server_get_record_of (FaultServer *self, const char *path, guint n)
{
  FaultRecord *record = fault_log_copy (fault_server_get_log (self), path, n);

  if (record == NULL)
    g_error ("there was no request %u to %s", n, path);

  return record;
}
