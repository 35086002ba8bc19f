/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-pass-private.h"

#include "resilient-clock-private.h"

void
resilient_pass_begin (ResilientPass *self, gboolean open)
{
  ResilientHost *host = self->host;

  if (!host->tls)
    return;
  self->state = open ? RESILIENT_PASS_OPEN : RESILIENT_PASS_OPENING;
  self->alone = host->n_opening == 0;
  if (self->alone && host->n_open == 0)
    resilient_patience_note_idle (&host->patience);
  self->since = host->active_at = resilient_clock_get_boot ();
  if (open)
    host->n_open++;
  else
    host->n_opening++;
}

/* The connection that it was to use may have been closed: then it has opened one all the same. */
void
resilient_pass_started (ResilientPass *self, gboolean http2, gboolean reused)
{
  ResilientHost *host = self->host;
  gboolean was_opening = self->state == RESILIENT_PASS_OPENING;

  if (was_opening || (self->state == RESILIENT_PASS_OPEN && !reused))
    {
      gint64 now = resilient_clock_get_boot ();

      if (was_opening)
        {
          self->state = RESILIENT_PASS_OPEN;
          host->n_opening--;
          host->n_open++;
          host->n_progress++;
          if (!reused && self->alone)
            resilient_patience_note_opened (&host->patience, now - self->since);
        }
      self->fresh = !reused;
      self->since = host->active_at = now;
    }
  resilient_host_learn (host, http2);
}

void
resilient_pass_failed (ResilientPass *self)
{
  ResilientHost *host = self->host;

  if (host->protocol == RESILIENT_PROTOCOL_UNKNOWN
      || (host->protocol == RESILIENT_PROTOCOL_HTTP1 && self->state == RESILIENT_PASS_OPENING))
    resilient_host_rush (host);
}

void
resilient_pass_end (ResilientPass *self, gboolean kept)
{
  ResilientHost *host = self->host;

  self->lane->open = kept;
  if (self->state == RESILIENT_PASS_OPENING)
    {
      host->n_opening--;
    }
  else if (self->state == RESILIENT_PASS_OPEN)
    {
      host->n_progress++;
      host->active_at = resilient_clock_get_boot ();
      if (kept)
        resilient_patience_note_served (&host->patience,
                                        host->active_at - self->since,
                                        host->n_open,
                                        host->waiting.length);
      host->n_open--;
    }
  self->state = RESILIENT_PASS_UNCOUNTED;
}
