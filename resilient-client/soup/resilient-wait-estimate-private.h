/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether a request waits for a connection that is open, or opens one: what was measured of a host,
 * in microseconds, and what follows from it. Browsers choose alike ("late binding"). */
typedef struct
{
  double opening; /* what it takes to open a connection: resolve, connect, TLS; 0 = not known */
  double serving; /* how long one is taken by a request; 0 = not known */
  double fastest; /* the same at its best since the host was idle */
  double waited;  /* all together, since one more was wanted */
} ResilientWaitEstimate;

/* No connection is in use. */
void resilient_wait_estimate_note_idle (ResilientWaitEstimate *self);
/* A connection that was opened when no other was. */
void resilient_wait_estimate_note_opened (ResilientWaitEstimate *self, gint64 span);
/* One of @n_open connections was taken for so long, while @n_waiting waited for one. */
void resilient_wait_estimate_note_served (ResilientWaitEstimate *self,
                                          gint64 span,
                                          guint n_open,
                                          guint n_waiting);
/* Who waited for so long as it takes to open a connection got none. */
void resilient_wait_estimate_note_vain (ResilientWaitEstimate *self);

/* Whether to wait is quicker for number @position (from 1) of those who wait for one of @n_open
 * connections, while @n_opening are being opened. */
gboolean resilient_wait_estimate_should_wait (const ResilientWaitEstimate *self,
                                              guint position,
                                              guint n_open,
                                              guint n_opening);
/* Whether one more pays off for all, if not for who opens it. If so, it is taken for granted. */
gboolean
resilient_wait_estimate_wants_more (ResilientWaitEstimate *self, guint n_open, guint n_opening);

G_END_DECLS
