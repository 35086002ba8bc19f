/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

#include "resilient-driver-private.h"

G_BEGIN_DECLS

/* What is known of the network around us: offline, and back from suspend. Thread-safe. */
typedef struct _ResilientNetwork ResilientNetwork;
typedef struct _ResilientParked ResilientParked;

/* Embedded in who sleeps; zero-initialised. */
struct _ResilientParked
{
  GList link;
  gboolean parked;
  /* Runs under no lock, in any thread, when it may go on. @spread: draw a moment within two seconds first. */
  void (*resume) (ResilientParked *parked, gboolean spread);
};

ResilientNetwork *resilient_network_new (ResilientDriver *home);
void resilient_network_free (ResilientNetwork *self);

/* What the monitor says. */
gboolean resilient_network_is_offline (ResilientNetwork *self);
/* A sleep is over: FALSE to go on; TRUE when it is offline: resume() will run when the network is back, or as the probe that is
 * let through every 30 seconds. */
gboolean resilient_network_park (ResilientNetwork *self, ResilientParked *parked);
/* TRUE: it was parked and resume() will not run. */
gboolean resilient_network_unpark (ResilientNetwork *self, ResilientParked *parked);

/* Looks whether the machine was suspended since the last look; returns how often that happened so far. */
guint resilient_network_check_resume (ResilientNetwork *self);

/* For tests: the monitor that networks made from now on ask, instead of GIO's default. NULL restores. */
void resilient_network_install_monitor (GNetworkMonitor *monitor);

G_END_DECLS
