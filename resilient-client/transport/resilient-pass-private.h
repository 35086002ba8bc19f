/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-host-private.h"

G_BEGIN_DECLS

typedef enum
{
  RESILIENT_PASS_UNCOUNTED,
  RESILIENT_PASS_OPENING,
  RESILIENT_PASS_OPEN,
} ResilientPassState;

/* What a request holds of a pool; and what its host learns by it. */
typedef struct
{
  ResilientHost *host; /* a reference */
  ResilientLane *lane; /* NULL while the request waits */
  gboolean exclusive;  /* no other HTTP/1 request takes it meanwhile, but those with credentials */
  gboolean scout;      /* others wait for what it learns */

  /* over TLS */
  ResilientPassState state;
  gboolean alone; /* no other connection was being opened when it came */
  gboolean fresh; /* it opened its connection itself */
  gint64 since;   /* when it came, or had opened it */
} ResilientPass;

/* It has its lane, whose connection is @open. */
void resilient_pass_begin (ResilientPass *self, gboolean open);
/* It is about to be sent, over a connection that had a request before or not. */
void resilient_pass_started (ResilientPass *self, gboolean http2, gboolean reused);
/* It had no answer. */
void resilient_pass_failed (ResilientPass *self);
/* It is done, and its connection is @kept. */
void resilient_pass_end (ResilientPass *self, gboolean kept);

G_END_DECLS
