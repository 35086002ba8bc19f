/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Lets what draws have its turn. The sources of a busy client are ready in each turn of their
 * context, so that what has a lower priority than theirs would never be dispatched, as GTK's
 * frames; and at a lower priority than libsoup's own sources each of those costs a turn. So they
 * run at the usual priority, and only when something has waited for them for some time, at a lower
 * one, once.
 *
 * Belongs to one context; all but ref() and unref() only in its thread. */
typedef struct _ResilientPace ResilientPace;

/* @low: the priority at which sources are when they give way. */
ResilientPace *resilient_pace_new (GMainContext *context, int low);
ResilientPace *resilient_pace_ref (ResilientPace *self);
void resilient_pace_unref (ResilientPace *self);
/* Any thread. */
void resilient_pace_set_low (ResilientPace *self, int low);
/* Once, from any thread, before the last reference goes: it is of no use any more. */
void resilient_pace_stop (ResilientPace *self);

/* @self may be NULL here, where nobody draws: nothing ever gives way. */

/* Something waits for too long: who does much should stop for this turn. */
gboolean resilient_pace_is_overdue (ResilientPace *self);
/* Which priority a source gets now, whose own is @priority. */
int resilient_pace_get_priority (ResilientPace *self, int priority);
/* For a source that stays, when it is dispatched. TRUE: it has been moved behind, and will be
 * dispatched again from there, where this moves it back. */
gboolean resilient_pace_hold (ResilientPace *self, GSource *source, int priority);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientPace, resilient_pace_unref)

G_END_DECLS
