/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Asks GObject whether anybody listens, so that a signal that nobody hears costs nothing. One
 * inline function that owns nothing, for any thread. */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Whether a handler is connected, with whatever detail: g_signal_has_handler_pending() overlooks
 * those that have one, such as of "notify::state". Any thread. */
static inline gboolean
resilient_has_handler (gpointer instance, guint signal_id)
{
  return g_signal_handler_find (instance, G_SIGNAL_MATCH_ID, signal_id, 0, NULL, NULL, NULL) != 0;
}

G_END_DECLS
