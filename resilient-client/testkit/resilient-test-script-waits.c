/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-test-script-private.h"

/* Steps that send nothing: they read, wait, or end. */

/**
 * resilient_test_script_add_read:
 * @self: a script
 * @size: how many bytes, 0 to read nothing
 *
 * Reads up to @size bytes of the body of the request.
 *
 * With a step that reads, the script is followed as soon as the headers of the request have come;
 * without one, the body is read to its end before the first step.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_read (ResilientTestScript *self, guint64 size)
{
  g_return_if_fail (self != NULL);

  resilient_test_script_take (self, fault_read (size));
}

/**
 * resilient_test_script_add_gated_read:
 * @self: a script
 * @chunk_size: how many bytes at a time, 1 or more
 * @gate: the name of a gate
 *
 * Reads the body of the request to its end, up to @chunk_size bytes after each pass through a gate,
 * see [method@Script.add_gate].
 *
 * Since: 1.0
 */
void
resilient_test_script_add_gated_read (ResilientTestScript *self, gsize chunk_size, const char *gate)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (chunk_size > 0);
  g_return_if_fail (gate != NULL);

  resilient_test_script_take (self, fault_read_slowly (chunk_size, gate));
}

/**
 * resilient_test_script_add_gate:
 * @self: a script
 * @gate: the name of a gate
 *
 * Waits until the gate is opened, or lets one pass: see [method@Server.open_gate] and
 * [method@Server.release_gate].
 *
 * A gate is a name, and closed at first. With it a test says when something happens, in place of a
 * time.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_gate (ResilientTestScript *self, const char *gate)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (gate != NULL);

  resilient_test_script_take (self, fault_hold (gate));
}

/**
 * resilient_test_script_add_pause:
 * @self: a script
 * @seconds: how long, in seconds
 *
 * Waits for a time. A gate is better: a test that waits for time is slow, or fails on a slow
 * machine.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_pause (ResilientTestScript *self, double seconds)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (seconds >= 0.0);

  resilient_test_script_take (self, fault_pause (resilient_test_milliseconds (seconds)));
}

/**
 * resilient_test_script_add_silence:
 * @self: a script
 *
 * Says nothing more until the client goes away.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_silence (ResilientTestScript *self)
{
  g_return_if_fail (self != NULL);

  resilient_test_script_take (self, fault_silence ());
}

/**
 * resilient_test_script_add_await_next:
 * @self: a script
 *
 * Waits until the next request comes on the connection, which is not recorded. Over HTTP/2 the
 * script ends here.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_await_next (ResilientTestScript *self)
{
  g_return_if_fail (self != NULL);

  resilient_test_script_take (self, fault_await_next ());
}

/**
 * resilient_test_script_add_close:
 * @self: a script
 *
 * Closes the connection in order: FIN, over TLS after its close_notify.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_close (ResilientTestScript *self)
{
  g_return_if_fail (self != NULL);

  resilient_test_script_take (self, fault_close ());
}

/**
 * resilient_test_script_add_cut:
 * @self: a script
 *
 * Closes the connection with FIN, over TLS without its close_notify.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_cut (ResilientTestScript *self)
{
  g_return_if_fail (self != NULL);

  resilient_test_script_take (self, fault_cut ());
}

/**
 * resilient_test_script_add_reset:
 * @self: a script
 *
 * Resets the connection: RST.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_reset (ResilientTestScript *self)
{
  g_return_if_fail (self != NULL);

  resilient_test_script_take (self, fault_reset ());
}

/**
 * resilient_test_script_add_stream_reset:
 * @self: a script
 * @code: an error code of HTTP/2 (RFC 9113, 7), such as 7 for REFUSED_STREAM
 *
 * Resets the stream of the request. Over HTTP/1.1 the connection is reset.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_stream_reset (ResilientTestScript *self, guint code)
{
  g_return_if_fail (self != NULL);

  resilient_test_script_take (self, fault_reset_stream (code));
}

/**
 * resilient_test_script_add_goaway:
 * @self: a script
 * @code: an error code of HTTP/2 (RFC 9113, 7), such as 0 for NO_ERROR
 * @processed: whether the request is the last one that was looked at, or the one before it
 *
 * Says that the server goes away (GOAWAY); the connection stays open. Over HTTP/1.1 it is closed.
 *
 * Since: 1.0
 */
void
resilient_test_script_add_goaway (ResilientTestScript *self, guint code, gboolean processed)
{
  g_return_if_fail (self != NULL);

  resilient_test_script_take (self, fault_goaway (code, processed));
}
