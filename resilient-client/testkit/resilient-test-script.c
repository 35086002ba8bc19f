/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-test-fault-private.h"
#include "resilient-test-script-private.h"

/**
 * ResilientTestScript:
 *
 * What a [class@Server] does with one request, step by step.
 *
 * For what no [enum@Fault] says. A fault is a script that stops where a good server would go on:
 *
 * ```c
 * g_autoptr (ResilientTestScript) script = resilient_test_script_new ();
 *
 * resilient_test_script_add_head (script, 200, (const char *[]) { "Content-Length: 10", NULL });
 * resilient_test_script_add_text (script, "half ");
 * resilient_test_script_add_gate (script, "go on");
 * resilient_test_script_add_close (script);
 * resilient_test_server_enqueue_script (server, "/file", 2, script);
 * ```
 *
 * The body of a request is read to its end before the first step, unless a step of the script
 * reads. After the last step the connection goes on to its next request. Steps mean the same over
 * HTTP/1.1 and HTTP/2, where nothing else is said.
 *
 * A server takes the steps that there are when it is given the script; those that are added later
 * are for later uses. A script is not thread-safe. A copy of a script is the same script.
 *
 * Since: 1.0
 */
struct _ResilientTestScript
{
  FaultScript *steps;
};

G_DEFINE_BOXED_TYPE (ResilientTestScript,
                     resilient_test_script,
                     resilient_test_script_ref,
                     resilient_test_script_unref)

static void
clear_script (gpointer data)
{
  ResilientTestScript *self = data;

  fault_script_unref (self->steps);
}

void
resilient_test_script_take (ResilientTestScript *self, FaultStep *step)
{
  g_ptr_array_add (self->steps, step);
}

guint
resilient_test_milliseconds (double seconds)
{
  return CLAMP (seconds * 1000.0, 0.0, (double) G_MAXINT);
}

static char *
join_headers (const char *const *headers)
{
  return headers != NULL ? g_strjoinv ("\r\n", (char **) headers) : NULL;
}

static void
add_answer (ResilientTestScript *self,
            guint status,
            const char *const *headers,
            GBytes *body,
            gsize chunk_size)
{
  g_autofree char *lines = join_headers (headers);
  g_autoptr (GBytes) bytes = body != NULL ? g_bytes_ref (body) : g_bytes_new (NULL, 0);

  resilient_test_script_take (self, fault_answer_bytes_chunked (status, lines, bytes, chunk_size));
}

FaultScript *
resilient_test_script_dup_steps (ResilientTestScript *self)
{
  return fault_script_copy (self->steps);
}

/**
 * resilient_test_script_new:
 *
 * Creates a script without a step: a request that is met with it is read, and gets no answer, while
 * its connection stays open.
 *
 * Returns: (transfer full): a new script
 *
 * Since: 1.0
 */
ResilientTestScript *
resilient_test_script_new (void)
{
  ResilientTestScript *self = g_atomic_rc_box_new0 (ResilientTestScript);

  self->steps = fault_script_new (NULL, NULL);

  return self;
}

/**
 * resilient_test_script_ref:
 * @self: a script
 *
 * Takes a reference. Any thread may.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientTestScript *
resilient_test_script_ref (ResilientTestScript *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * resilient_test_script_unref:
 * @self: (transfer full): a script
 *
 * Drops a reference. Any thread may.
 *
 * Since: 1.0
 */
void
resilient_test_script_unref (ResilientTestScript *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, clear_script);
}

/**
 * resilient_test_script_add_response:
 * @self: a script
 * @status: a status of HTTP, 200 to 999
 * @headers: (nullable) (array zero-terminated=1): texts `Name: value`
 * @body: (nullable): the body, or %NULL for none
 *
 * Answers, whole and well.
 *
 * The Content-Length is added. To a HEAD request, and with 204 and 304, goes no body.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_response (ResilientTestScript *self,
                                    guint status,
                                    const char *const *headers,
                                    GBytes *body)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (status >= 200 && status <= 999);

  add_answer (self, status, headers, body, 0);
}

/**
 * resilient_test_script_add_chunked_response:
 * @self: a script
 * @status: a status of HTTP, 200 to 999
 * @headers: (nullable) (array zero-terminated=1): texts `Name: value`
 * @body: (nullable): the body, or %NULL for none
 * @chunk_size: how many bytes a chunk has, 1 or more
 *
 * Answers, whole and well, in chunks (over HTTP/2 in frames of that size).
 *
 * Since: 1.0
 */
void
resilient_test_script_add_chunked_response (ResilientTestScript *self,
                                            guint status,
                                            const char *const *headers,
                                            GBytes *body,
                                            gsize chunk_size)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (status >= 200 && status <= 999);
  g_return_if_fail (chunk_size > 0);

  add_answer (self, status, headers, body, chunk_size);
}

/**
 * resilient_test_script_add_fault:
 * @self: a script
 * @fault: a fault that answers a request, that is none of a connection
 *
 * Does what @fault says.
 *
 * Most of them end the connection: a step after that is not reached.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_fault (ResilientTestScript *self, ResilientTestFault fault)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (!resilient_test_fault_is_of_connection (fault));

  resilient_test_fault_add_steps (fault, self->steps);
}

/**
 * resilient_test_script_add_head:
 * @self: a script
 * @status: a status of HTTP, 100 to 999
 * @headers: (nullable) (array zero-terminated=1): texts `Name: value`
 *
 * Sends a status line and headers, and nothing of its own: what the headers promise is for the
 * steps that follow. After a status below 200 another head may follow.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_head (ResilientTestScript *self, guint status, const char *const *headers)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (status >= 100 && status <= 999);

  g_autofree char *lines = join_headers (headers);
  resilient_test_script_take (self, fault_head (status, lines));
}

/**
 * resilient_test_script_add_bytes:
 * @self: a script
 * @bytes: what to send
 *
 * Sends bytes as they are: of a body, or, before a head, in place of one.
 *
 * HTTP/2 has nothing before a head: the connection is closed then.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_bytes (ResilientTestScript *self, GBytes *bytes)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (bytes != NULL);

  resilient_test_script_take (self, fault_send_bytes (bytes));
}

/**
 * resilient_test_script_add_text:
 * @self: a script
 * @text: what to send
 *
 * Sends a text as it is, see [method@Script.add_bytes].
 *
 * Since: 1.0
 */
void
resilient_test_script_add_text (ResilientTestScript *self, const char *text)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (text != NULL);

  resilient_test_script_take (self, fault_send (text));
}

/**
 * resilient_test_script_add_drip:
 * @self: a script
 * @bytes: what to send
 * @interval: seconds before each byte
 *
 * Sends bytes one by one, each after a while.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_drip (ResilientTestScript *self, GBytes *bytes, double interval)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (bytes != NULL);
  g_return_if_fail (interval >= 0.0);

  guint milliseconds = resilient_test_milliseconds (interval);

  resilient_test_script_take (self, fault_drip_bytes (bytes, NULL, milliseconds));
}

/**
 * resilient_test_script_add_gated_drip:
 * @self: a script
 * @bytes: what to send
 * @gate: the name of a gate
 *
 * Sends bytes one by one, each after a pass through a gate, see [method@Script.add_gate].
 *
 * Since: 1.0
 */
void
resilient_test_script_add_gated_drip (ResilientTestScript *self, GBytes *bytes, const char *gate)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (bytes != NULL);
  g_return_if_fail (gate != NULL);

  resilient_test_script_take (self, fault_drip_bytes (bytes, gate, 0));
}

/**
 * resilient_test_script_add_filler:
 * @self: a script
 * @size: how many bytes, 0 for ever
 *
 * Sends bytes of no meaning, as part of a body, until the client goes away or there were @size of
 * them.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_filler (ResilientTestScript *self, guint64 size)
{
  g_return_if_fail (self != NULL);

  resilient_test_script_take (self, fault_send_filler (size));
}

/**
 * resilient_test_script_add_header_flood:
 * @self: a script
 * @size: how many bytes, 0 for ever
 *
 * Sends a status line and headers that have no end, or only after @size bytes. Over HTTP/2 the
 * connection is closed instead.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_header_flood (ResilientTestScript *self, guint64 size)
{
  g_return_if_fail (self != NULL);

  resilient_test_script_take (self, fault_flood_headers (size));
}
