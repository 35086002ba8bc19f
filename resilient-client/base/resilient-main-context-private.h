/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How one thread lets something happen in the main context of another. */

/* Calls @func with @data once, from a source of @context at @priority, or until it returns
 * G_SOURCE_REMOVE; never from inside. @destroy is called there too, or where a context ends that
 * nobody iterates. Any thread.
 *
 * The context is held until the source has been let go of here: by then @func may have been called
 * in its thread, and have dropped what kept the context alive, while g_source_unref() still takes
 * the context's lock. */
void resilient_main_context_post (GMainContext *context,
                                  int priority,
                                  const char *name,
                                  GSourceFunc func,
                                  gpointer data,
                                  GDestroyNotify destroy);

G_END_DECLS
