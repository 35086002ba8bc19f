/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

#include "resilient-alarm-private.h"

G_BEGIN_DECLS

/* One of the two lasting contexts from which a session is driven: the home context, iterated by the app, or the client's own
 * I/O thread. Work is posted from any thread and runs there in order, one source for all of it. */
typedef struct _ResilientDriver ResilientDriver;
typedef struct _ResilientWork ResilientWork;
typedef void (*ResilientWorkFunc) (gpointer data);

/* Embedded in its owner, who keeps it alive, and unposted, until @func ran. */
struct _ResilientWork
{
  ResilientWork *next;
  ResilientWorkFunc func;
  gpointer data;
};

ResilientDriver *resilient_driver_new (GMainContext *context);
/* With a thread of its own that iterates a new context. */
ResilientDriver *resilient_driver_new_thread (const char *name);
ResilientDriver *resilient_driver_ref (ResilientDriver *self);
void resilient_driver_unref (ResilientDriver *self);

void resilient_driver_post (ResilientDriver *self, ResilientWork *work, ResilientWorkFunc func, gpointer data);
/* The same with a node of the driver's own, for what is rare. @destroy runs even when the driver dies first. */
void resilient_driver_invoke (ResilientDriver *self, ResilientWorkFunc func, gpointer data, GDestroyNotify destroy);
/* TRUE in the thread that belongs to this driver. FALSE for a driver without a thread. */
gboolean resilient_driver_is_current_thread (ResilientDriver *self);

GMainContext *resilient_driver_get_context (ResilientDriver *self);
ResilientAlarm *resilient_driver_get_alarm (ResilientDriver *self);

/* No more work runs from its source. Ends the thread of a driver that has one, after its posted work ran, and joins it unless
 * called from it. Must be called before the last reference goes. */
void resilient_driver_stop (ResilientDriver *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientDriver, resilient_driver_unref)

G_END_DECLS
