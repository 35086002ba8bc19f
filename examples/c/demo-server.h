/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

/* A server on loopback, in a thread of its own, that behaves as badly as real ones do. For a while
 * it is down: connections are refused. Then it answers GET with a few hundred bytes, but for a
 * share of the requests, which meet one of three faults. Which one is drawn from the seed, the path
 * and how often the path was asked for, so it does not depend on timing. */
typedef struct _DemoServer DemoServer;

typedef struct
{
  guint dropped;     /* closed the connection without an answer */
  guint stalled;     /* took the request and said nothing, until the other side hung up */
  guint unavailable; /* answered 503 and asked for a pause */
} DemoFaults;

DemoServer *demo_server_new (double fault_rate, guint32 seed, double outage, GError **error);
void demo_server_free (DemoServer *server);
guint demo_server_get_port (DemoServer *server);
void demo_server_get_faults (DemoServer *server, DemoFaults *faults);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DemoServer, demo_server_free)
