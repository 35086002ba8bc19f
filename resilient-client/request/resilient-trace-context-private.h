/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Which trace a request belongs to, as W3C Trace Context has it: what is checked when it is set,
 * and what each attempt says of it. Any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Immutable, atomically refcounted. */
typedef struct _ResilientTraceContext ResilientTraceContext;

/* A header traceparent of version 00 or of a later one whose beginning has the same form. */
gboolean resilient_trace_parent_is_valid (const char *trace_parent);
/* A header tracestate: at most 32 members of the form key=value. */
gboolean resilient_trace_state_is_valid (const char *trace_state);

/* Of what is valid, for one call. @trace_state: nullable. */
ResilientTraceContext *
resilient_trace_context_new (const char *trace_parent, const char *trace_state);
ResilientTraceContext *resilient_trace_context_ref (ResilientTraceContext *self);
void resilient_trace_context_unref (ResilientTraceContext *self);

/* The span of an attempt, which is numbered from 1: another one for each attempt of each
 * ResilientTraceContext that is made. Never 0, which would not be valid. */
guint64 resilient_trace_context_get_span_id (ResilientTraceContext *self, guint attempt);
/* The header traceparent of an attempt, zero-terminated. */
#define RESILIENT_TRACE_PARENT_SIZE 56
void resilient_trace_context_write_parent (ResilientTraceContext *self,
                                           guint attempt,
                                           char text[RESILIENT_TRACE_PARENT_SIZE]);
const char *resilient_trace_context_get_state (ResilientTraceContext *self); /* nullable */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientTraceContext, resilient_trace_context_unref)

G_END_DECLS
