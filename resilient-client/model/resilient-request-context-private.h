/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-request-context.h"

G_BEGIN_DECLS

/* What every context derived from one has in common. Immutable. */
typedef struct
{
  gatomicrefcount ref_count;
  ResilientRetryPolicy *policy; /* NULL: none known yet */
  GVariant *metadata;           /* a{sv}; NULL: none was given */
  gint64 created_at;            /* microseconds since 1970 */
  gint64 created_boot;          /* the same moment on the boot-time clock */
  char request_id[];
} ResilientContextCommon;

/* Immutable. Only the files of this type look inside. Not in a g_atomic_rc_box, which needs as much
 * as all of this, of which a hundred thousand may sleep. */
struct _ResilientRequestContext
{
  gatomicrefcount ref_count;
  guint attempt; /* 0 = the first */
  ResilientContextCommon *common;

  /* Seconds drawn before this attempt and before the one before it, 0 = none: what decorrelated
   * jitter goes on from to the next delay, and to this one when it is drawn anew. */
  double delay;
  double delay_before;
};

/* For a call that starts: attempt 0, @policy (never NULL) in force, @metadata in place of an absent
 * one when the context itself came from the library. NULL @self: a new context with a random id. */
ResilientRequestContext *resilient_request_context_stamp (ResilientRequestContext *self,
                                                          ResilientRetryPolicy *policy,
                                                          GVariant *metadata);
/* increment_attempt() that also remembers the delay drawn before the attempt to come (seconds). */
ResilientRequestContext *
resilient_request_context_advance (ResilientRequestContext *self, double delay);
/* The policy in force: its own, or the library default. */
ResilientRetryPolicy *resilient_request_context_peek_policy (ResilientRequestContext *self);
double resilient_request_context_get_previous_delay (ResilientRequestContext *self);

G_END_DECLS
