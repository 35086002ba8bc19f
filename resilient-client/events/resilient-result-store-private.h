/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-result-private.h"

G_BEGIN_DECLS

/* The newest result of each request id, in the order in which they were added, within limits of
 * number, age and bytes of body. Not thread-safe: its owner locks. What expired leaves at the next
 * access of any kind. Every operation but listing takes constant time, spread over those that added
 * what it removes. */
typedef struct _ResilientResultStore ResilientResultStore;

ResilientResultStore *resilient_result_store_new (void); /* 1000 results, 3600 s, 8 MiB */
void resilient_result_store_free (ResilientResultStore *self);

/* A lower limit holds at once. */
void resilient_result_store_set_max_results (ResilientResultStore *self,
                                             guint max_results); /* 0 keeps none */
void
resilient_result_store_set_ttl (ResilientResultStore *self, double ttl); /* seconds; 0 keeps none */
void resilient_result_store_set_max_bytes (ResilientResultStore *self,
                                           guint64 max_bytes); /* 0 keeps no body */

void resilient_result_store_add (ResilientResultStore *self, ResilientResult *result);
ResilientResult *resilient_result_store_lookup (ResilientResultStore *self,
                                                const char *request_id); /* transfer full */
GPtrArray *
resilient_result_store_list (ResilientResultStore *self); /* oldest first, with free function */
guint resilient_result_store_get_length (ResilientResultStore *self);
/* Removes what is @max_age seconds old, or older; returns how many those were. */
guint resilient_result_store_clear (ResilientResultStore *self, double max_age);

/* What left since the last call, or NULL: to be released once the owner's lock is. A result may be
 * large, and what the user put in its context may come with a free function of the user's. */
GPtrArray *resilient_result_store_steal_removed (ResilientResultStore *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientResultStore, resilient_result_store_free)

G_END_DECLS
