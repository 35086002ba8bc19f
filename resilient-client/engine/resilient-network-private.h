/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

#include "resilient-scheduler-private.h"
#include "resilient-origin.h"

G_BEGIN_DECLS

/* What is known of the network around us: offline, and back from suspend. Thread-safe.
 *
 * That the machine is offline is what the monitor says, and the monitor looks for a default route.
 * It is a hint: what needs no such route is not asked about, one retry of each origin is let
 * through every 30 seconds, and an answer is worth more. */
typedef struct _ResilientNetwork ResilientNetwork;
typedef struct _ResilientNetworkWaiter ResilientNetworkWaiter;

typedef struct _ResilientNetworkGroup ResilientNetworkGroup;

/* Embedded in who sleeps; zero-initialised but for what is said to be set. */
struct _ResilientNetworkWaiter
{
  /* set: of the context that drives it; lasts while anything waits */
  ResilientTimerQueue *timers;
  GList link;
  ResilientNetworkGroup *group; /* NULL: it does not wait */
  /* Set. Runs under no lock, in any thread, when it may go on. @spread: draw a moment within two
   * seconds first. */
  void (*resume) (ResilientNetworkWaiter *waiter, gboolean spread);
};

ResilientNetwork *resilient_network_new (ResilientScheduler *home);
void resilient_network_free (ResilientNetwork *self);

/* What the monitor says, unless an answer has proved it wrong since it last changed. */
gboolean resilient_network_is_offline (ResilientNetwork *self);
/* A sleep is over: FALSE to go on; TRUE when it is offline: resume() will run when the network is
 * back, when @origin or another that is not near has answered, or as the probe of @origin that is
 * let through every 30 seconds. */
gboolean resilient_network_wait (ResilientNetwork *self,
                                 ResilientNetworkWaiter *waiter,
                                 ResilientOrigin *origin);
/* @origin has answered, over @socket (nullable: from an address that is not known). */
void resilient_network_answered (ResilientNetwork *self, ResilientOrigin *origin, GSocket *socket);
/* TRUE: it waited and resume() will not run. */
gboolean resilient_network_withdraw (ResilientNetwork *self, ResilientNetworkWaiter *waiter);

/* Looks whether the machine was suspended since the last look; returns how often that happened so
 * far. */
guint resilient_network_check_resume (ResilientNetwork *self);

/* For tests: the monitor that networks made from now on ask, instead of GIO's default. NULL
 * restores. */
void resilient_network_install_monitor (GNetworkMonitor *monitor);

G_END_DECLS
