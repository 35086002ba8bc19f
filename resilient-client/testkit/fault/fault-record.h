/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A request as it arrived: a copy, taken when asked for, and immutable from then on. What is got
 * belongs to it. */
typedef struct _FaultRecord FaultRecord;

void fault_record_free (FaultRecord *self);

/* From 1. */
guint fault_record_get_connection (FaultRecord *self);
const char *fault_record_get_method (FaultRecord *self);
/* With query. */
const char *fault_record_get_path (FaultRecord *self);
/* "1.1" or "2" */
const char *fault_record_get_version (FaultRecord *self);
/* "Name: value", in order of arrival; of HTTP/2 also the pseudo-headers. */
char **fault_record_get_headers (FaultRecord *self);
/* The first of that name, without regard to case; NULL if there is none. */
const char *fault_record_get_header (FaultRecord *self, const char *name);
guint fault_record_count_header (FaultRecord *self, const char *name);
guint64 fault_record_get_body_size (FaultRecord *self);
const char *fault_record_get_body_sha256 (FaultRecord *self);
/* The first 64 KiB. */
GBytes *fault_record_get_body (FaultRecord *self);
/* The body arrived to its end. */
gboolean fault_record_is_whole (FaultRecord *self);
/* Monotonic, microseconds: when the headers were complete. */
gint64 fault_record_get_arrived_at (FaultRecord *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FaultRecord, fault_record_free)

G_END_DECLS
