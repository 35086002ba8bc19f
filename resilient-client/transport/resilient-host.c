/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-host-private.h"

#include "resilient-recipe-private.h"

guint
resilient_host_hash (gconstpointer data)
{
  GUri *uri = ((const ResilientHost *) data)->uri;

  return g_str_hash (g_uri_get_host (uri)) * 31 + (guint) resilient_uri_get_port (uri) * 2
         + (g_uri_get_scheme (uri)[4] == 's');
}

gboolean
resilient_host_equal (gconstpointer a, gconstpointer b)
{
  return resilient_uri_same_origin (((const ResilientHost *) a)->uri,
                                    ((const ResilientHost *) b)->uri);
}

static void
trace_clear (gpointer data)
{
  resilient_lane_unref (((ResilientTrace *) data)->lane);
}

ResilientHost *
resilient_host_new (GUri *uri)
{
  ResilientHost *self = g_new0 (ResilientHost, 1);

  self->ref_count = 1;
  self->uri = g_uri_ref (uri);
  self->context = g_main_context_ref_thread_default ();
  self->traces = g_array_new (FALSE, FALSE, sizeof (ResilientTrace));
  g_array_set_clear_func (self->traces, trace_clear);
  /* libsoup speaks HTTP/2 over TLS only */
  self->protocol =
    g_uri_get_scheme (uri)[4] == 's' ? RESILIENT_PROTOCOL_UNKNOWN : RESILIENT_PROTOCOL_HTTP1;
  return self;
}

ResilientHost *
resilient_host_ref (ResilientHost *self)
{
  self->ref_count++;
  return self;
}

void
resilient_host_unref (ResilientHost *self)
{
  if (--self->ref_count > 0)
    return;
  g_assert (g_queue_is_empty (&self->waiting));
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  g_array_unref (self->traces);
  g_main_context_unref (self->context);
  g_uri_unref (self->uri);
  g_free (self);
}

void
resilient_host_remember (ResilientHost *self, ResilientLane *lane)
{
  ResilientTrace trace = { resilient_lane_ref (lane), lane->stamp };

  g_array_append_val (self->traces, trace);
}

void
resilient_host_forget (ResilientHost *self, ResilientLane *lane)
{
  for (guint i = self->traces->len; i > 0; i--)
    if (g_array_index (self->traces, ResilientTrace, i - 1).lane == lane)
      g_array_remove_index (self->traces, i - 1);
}

static gboolean
wake_cb (gpointer data)
{
  ResilientHost *self = resilient_host_ref (data);
  GList *link;

  g_clear_pointer (&self->source, g_source_unref);
  /* until one is to wait for another again */
  while (!self->scouted && (link = g_queue_pop_head_link (&self->waiting)) != NULL)
    {
      ResilientTicket *ticket = link->data;

      ticket->host = NULL;
      ticket->ready (ticket);
      resilient_host_unref (self);
    }
  resilient_host_unref (self);
  return G_SOURCE_REMOVE;
}

void
resilient_host_wake (ResilientHost *self)
{
  if (self->source != NULL || g_queue_is_empty (&self->waiting))
    return;
  self->source = g_idle_source_new ();
  g_source_set_priority (self->source, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->source, wake_cb, self, NULL);
  g_source_set_static_name (self->source, "[resilient-client] lanes");
  g_source_attach (self->source, self->context);
}

void
resilient_host_learn (ResilientHost *self, gboolean http2)
{
  self->protocol = http2 ? RESILIENT_PROTOCOL_HTTP2 : RESILIENT_PROTOCOL_HTTP1;
  self->rush = FALSE;
  self->scouted = FALSE;
  resilient_host_wake (self);
}

void
resilient_host_rush (ResilientHost *self)
{
  if (self->protocol != RESILIENT_PROTOCOL_UNKNOWN)
    return;
  self->rush = TRUE;
  self->scouted = FALSE;
  resilient_host_wake (self);
}

void
resilient_ticket_withdraw (ResilientTicket *self)
{
  ResilientHost *host = g_steal_pointer (&self->host);

  if (host == NULL)
    return;
  g_queue_unlink (&host->waiting, &self->link);
  resilient_host_unref (host);
}
