/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The port of a misbehaving server, and the thread that accepts connections there. */

#pragma once

#include <gio/gio.h>

#include "fault-enums.h"

G_BEGIN_DECLS

/* In the accepting thread; the socket is the callee's to reference. */
typedef void (*FaultAccepted) (GSocket *socket, gpointer user_data);

/* A port on 127.0.0.1, of the kernel's choice, and who is let in by it. */
typedef struct
{
  guint16 port; /* set once */
  /* bound, never listens: so the port stays ours while connects are refused */
  GSocket *reservation;
  FaultAccepted accepted;
  gpointer user_data;

  GMutex control; /* of all below; taken by callers and by threads of connections */
  FaultDoor door;
  gboolean over; /* the door stays closed */
  GSocket *socket;
  GThread *thread;
  GCancellable *stop;
  int filler; /* a connection that fills the backlog; -1 = none */
} FaultListener;

/* The door is closed. */
gboolean fault_listener_init (FaultListener *self,
                              FaultAccepted accepted,
                              gpointer user_data,
                              GError **error);
void fault_listener_clear (FaultListener *self);
/* Not from the accepting thread. */
gboolean fault_listener_set_door (FaultListener *self, FaultDoor door, GError **error);
/* For good. */
void fault_listener_end (FaultListener *self);

G_END_DECLS
