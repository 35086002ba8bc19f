/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A source that is attached and let go of, by any thread. Owns nothing. */

#include "config.h"

#include "resilient-main-context-private.h"

void
resilient_main_context_post (GMainContext *context,
                             int priority,
                             const char *name,
                             GSourceFunc func,
                             gpointer data,
                             GDestroyNotify destroy)
{
  /* Let go of in the reverse order. */
  g_autoptr (GMainContext) held = g_main_context_ref (context);
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_static_name (source, name);
  g_source_set_priority (source, priority);
  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, held);
}
