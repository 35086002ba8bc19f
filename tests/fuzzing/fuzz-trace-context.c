/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "fuzz.h"

#include <string.h>

#include "resilient-headers-private.h"
#include "resilient-trace-context-private.h"

/* The trace that an app hands on comes from whoever called it, and becomes header fields.
 *
 * An input has up to two lines: traceparent and tracestate. */

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  g_autofree char *parent = fuzz_take_line (&input);
  g_autofree char *state = fuzz_take_line (&input);
  g_autoptr (ResilientTraceContext) trace = NULL;
  char written[RESILIENT_TRACE_PARENT_SIZE];

  if (state != NULL && !resilient_trace_state_is_valid (state))
    g_clear_pointer (&state, g_free);
  if (state != NULL)
    g_assert_true (resilient_headers_value_is_valid (state));
  if (parent == NULL || !resilient_trace_parent_is_valid (parent))
    return 0;

  trace = resilient_trace_context_new (parent, state);
  resilient_trace_context_write_parent (trace, G_MAXUINT, written);
  g_assert_cmpuint (strlen (written), ==, RESILIENT_TRACE_PARENT_SIZE - 1);
  g_assert_true (resilient_trace_parent_is_valid (written));
  g_assert_true (g_str_has_prefix (written, "00-"));
  /* The trace is the same one. */
  g_assert_cmpint (strncmp (written + 3, parent + 3, 32), ==, 0);
  if (resilient_trace_context_get_state (trace) != NULL)
    g_assert_cmpstr (resilient_trace_context_get_state (trace), ==, state);
  return 0;
}
