/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How many requests a server takes at once before they only wait for each other there, found out
 * from how long its answers take. Pure: the time comes from outside, nothing is sent or waited for.
 * One thread at a time. */
typedef struct _ResilientConcurrencyLimit ResilientConcurrencyLimit;

/* One request that counts. It belongs to whoever sends it, and its fields to the limit. */
typedef struct
{
  gint64 began;    /* microseconds */
  gint64 answered; /* 0: not yet */
} ResilientConcurrencySample;

typedef enum
{
  RESILIENT_CONCURRENCY_END_IGNORED, /* cancelled, or it says nothing of the server's load */
  RESILIENT_CONCURRENCY_END_ANSWERED,
  RESILIENT_CONCURRENCY_END_TURNED_AWAY, /* there were too many */
  RESILIENT_CONCURRENCY_END_UNANSWERED,  /* which means the same when it took long */
} ResilientConcurrencyEnd;

ResilientConcurrencyLimit *resilient_concurrency_limit_new (void);
void resilient_concurrency_limit_free (ResilientConcurrencyLimit *self);

/* How many may run now, 1 or more. */
guint resilient_concurrency_limit_get (ResilientConcurrencyLimit *self);
/* @now: a clock that goes on while the system sleeps, microseconds. TRUE: the limit is another one.
 */
gboolean resilient_concurrency_limit_begin (ResilientConcurrencyLimit *self,
                                            ResilientConcurrencySample *sample,
                                            gint64 now);
/* The first byte of its answer is there: what follows takes as long as it is large. */
void resilient_concurrency_limit_answer (ResilientConcurrencyLimit *self,
                                         ResilientConcurrencySample *sample,
                                         gint64 now);
/* TRUE: the limit is another one. */
gboolean resilient_concurrency_limit_end (ResilientConcurrencyLimit *self,
                                          ResilientConcurrencySample *sample,
                                          ResilientConcurrencyEnd end,
                                          gint64 now);
/* The answer time of the server when it is not busy, microseconds; 0: not known yet. */
gint64 resilient_concurrency_limit_get_base (ResilientConcurrencyLimit *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientConcurrencyLimit, resilient_concurrency_limit_free)

G_END_DECLS
