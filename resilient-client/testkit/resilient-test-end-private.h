/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How a scripted attempt ends: by a response, by an error, or never. A value: it does not change
 * once attempts have it, is atomically refcounted, and may be read in any thread. */

#pragma once

#include "resilient-test-seams-private.h"

G_BEGIN_DECLS

typedef struct _ResilientTestEnd ResilientTestEnd;

/* Lines "Name: value". */
gboolean resilient_test_end_headers_are_valid (const char *const *headers);
/* @takes: seconds from when that is said. @body: nullable. */
ResilientTestEnd *resilient_test_end_new_response (guint status,
                                                   const char *const *headers,
                                                   GBytes *body,
                                                   double takes);
ResilientTestEnd *resilient_test_end_new_error (const GError *error, gboolean sent, double takes);
ResilientTestEnd *resilient_test_end_new_hang (gboolean sent);
ResilientTestEnd *resilient_test_end_ref (ResilientTestEnd *self);
void resilient_test_end_unref (ResilientTestEnd *self);

/* Before an attempt has it. */
void resilient_test_end_set_http2 (ResilientTestEnd *self, gboolean http2);
/* Seconds after the end until the attempt is released: as libsoup may hold on to it. */
void resilient_test_end_set_released_after (ResilientTestEnd *self, double released_after);
/* Of an error: the kind that it is, in place of what the error says; for those that only the phase
 * tells, such as WRITE_TIMEOUT or DEADLINE. */
void resilient_test_end_set_failure (ResilientTestEnd *self, ResilientFailure failure);
/* Of a response: seconds, also parts of one, in place of what its headers say. */
void resilient_test_end_set_retry_after (ResilientTestEnd *self, double retry_after);
/* Of a response: the connection breaks after its head, with @error. */
void resilient_test_end_set_cut (ResilientTestEnd *self, const GError *error);

double resilient_test_end_get_takes (ResilientTestEnd *self); /* less than 0: it never ends */
gboolean resilient_test_end_get_nothing_sent (ResilientTestEnd *self);
gboolean resilient_test_end_get_http2 (ResilientTestEnd *self);
double resilient_test_end_get_released_after (ResilientTestEnd *self);
const GError *resilient_test_end_get_error (ResilientTestEnd *self);      /* NULL: a response */
ResilientFailure resilient_test_end_get_failure (ResilientTestEnd *self); /* of an error */
guint resilient_test_end_get_status (ResilientTestEnd *self);
const GError *resilient_test_end_get_cut (ResilientTestEnd *self); /* NULL: it does not break */
gsize resilient_test_end_get_body_size (ResilientTestEnd *self);
/* Seconds; -1 = none. */
double resilient_test_end_get_retry_after (ResilientTestEnd *self);
/* To a request of @uri, after @elapsed seconds; transfer full. */
ResilientResponse *resilient_test_end_make_response (ResilientTestEnd *self,
                                                     GUri *uri,
                                                     gboolean with_body,
                                                     double elapsed);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientTestEnd, resilient_test_end_unref)

G_END_DECLS
