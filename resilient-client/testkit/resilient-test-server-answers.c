/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What a test server is told to do: answers, faults and scripts for paths. Methods of the server,
 * for any thread. */

#include "config.h"

#include "resilient-test-fault-private.h"
#include "resilient-test-script-private.h"
#include "resilient-test-server-private.h"

static FaultScript *
make_response (guint status, const char *content_type, GBytes *body)
{
  g_autofree char *header = NULL;
  g_autoptr (GBytes) bytes = body != NULL ? g_bytes_ref (body) : g_bytes_new (NULL, 0);

  if (content_type != NULL)
    header = g_strconcat ("Content-Type: ", content_type, NULL);

  return fault_script_new (fault_answer_bytes (status, header, bytes), NULL);
}

static FaultScript *
make_fault (ResilientTestFault fault)
{
  FaultScript *script = fault_script_new (NULL, NULL);

  resilient_test_fault_add_steps (fault, script);

  return script;
}

static gboolean
fits (ResilientTestServer *self, ResilientTestFault fault)
{
  return !resilient_test_fault_needs_tls (fault)
         || resilient_test_server_get_flags (self) != RESILIENT_TEST_SERVER_NONE;
}

/* What is set for any path also ends what was done to each connection. */
static void
set_script (ResilientTestServer *self, const char *path, FaultScript *script)
{
  fault_server_on_script (resilient_test_server_get_fault_server (self), path, script);
  if (path == NULL)
    fault_server_each_connection (resilient_test_server_get_fault_server (self), NULL);
}

/**
 * resilient_test_server_enqueue_response:
 * @self: a server
 * @status: a status of HTTP, 200 to 999
 * @content_type: (nullable): the Content-Type, or %NULL for none
 * @body: (nullable): the body, or %NULL for none
 *
 * Answers the next request, of any path, that nothing else is waiting for.
 *
 * What is enqueued is used in order, and once.
 *
 * Since: 1.0
 */
void
resilient_test_server_enqueue_response (ResilientTestServer *self,
                                        guint status,
                                        const char *content_type,
                                        GBytes *body)
{
  g_return_if_fail (RESILIENT_TEST_IS_SERVER (self));
  g_return_if_fail (status >= 200 && status <= 999);
  g_return_if_fail (resilient_test_server_get_fault_server (self) != NULL);

  fault_server_next_script (resilient_test_server_get_fault_server (self),
                            NULL,
                            make_response (status, content_type, body));
}

/**
 * resilient_test_server_enqueue_redirect:
 * @self: a server
 * @status: a status of HTTP, such as 302 or 308
 * @location: where to: any text, an absolute URI or a relative one
 *
 * Answers the next request, of any path, with a redirect.
 *
 * Since: 1.0
 */
void
resilient_test_server_enqueue_redirect (ResilientTestServer *self,
                                        guint status,
                                        const char *location)
{
  g_return_if_fail (RESILIENT_TEST_IS_SERVER (self));
  g_return_if_fail (status >= 200 && status <= 999);
  g_return_if_fail (location != NULL);
  g_return_if_fail (resilient_test_server_get_fault_server (self) != NULL);

  fault_server_next_script (resilient_test_server_get_fault_server (self),
                            NULL,
                            fault_script_new (fault_redirect (status, location), NULL));
}

/**
 * resilient_test_server_enqueue_retry_after:
 * @self: a server
 * @status: a status of HTTP, such as 429 or 503
 * @retry_after: (nullable): the Retry-After, any text: seconds, a date, or what is neither;
 *   %NULL for none
 *
 * Answers the next request, of any path, with a status that asks to try again later.
 *
 * Since: 1.0
 */
void
resilient_test_server_enqueue_retry_after (ResilientTestServer *self,
                                           guint status,
                                           const char *retry_after)
{
  g_return_if_fail (RESILIENT_TEST_IS_SERVER (self));
  g_return_if_fail (status >= 200 && status <= 999);
  g_return_if_fail (resilient_test_server_get_fault_server (self) != NULL);

  g_autofree char *header = NULL;

  if (retry_after != NULL)
    header = g_strconcat ("Retry-After: ", retry_after, NULL);
  fault_server_next_script (resilient_test_server_get_fault_server (self),
                            NULL,
                            fault_script_new (fault_answer (status, header, ""), NULL));
}

/**
 * resilient_test_server_enqueue_fault:
 * @self: a server
 * @fault: a fault
 *
 * Does this to the next request, of any path, or, if it is a fault of a connection, to the next
 * connection.
 *
 * Faults and responses stand in one line. So that a fault of a connection comes when it is its
 * turn, the answer before it is the last one on its connection, and connections that are idle then
 * are closed. %RESILIENT_TEST_FAULT_REFUSE and %RESILIENT_TEST_FAULT_FULL_BACKLOG last until
 * [method@Server.set_listening].
 *
 * Faults of TLS are for servers with TLS.
 *
 * Since: 1.0
 */
void
resilient_test_server_enqueue_fault (ResilientTestServer *self, ResilientTestFault fault)
{
  g_return_if_fail (RESILIENT_TEST_IS_SERVER (self));
  g_return_if_fail (fits (self, fault));
  g_return_if_fail (resilient_test_server_get_fault_server (self) != NULL);

  if (resilient_test_fault_get_door (fault) != FAULT_DOOR_OPEN)
    {
      g_autoptr (GError) error = NULL;

      if (!fault_server_line_up_door (resilient_test_server_get_fault_server (self),
                                      resilient_test_fault_get_door (fault),
                                      &error))
        g_warning ("The test server no longer listens: %s", error->message);
    }
  else if (resilient_test_fault_is_of_connection (fault))
    fault_server_line_up_connection (resilient_test_server_get_fault_server (self),
                                     make_fault (fault));
  else
    fault_server_next_script (
      resilient_test_server_get_fault_server (self), NULL, make_fault (fault));
}

/**
 * resilient_test_server_enqueue_script:
 * @self: a server
 * @path: (nullable): a path without query, or %NULL for any
 * @n_times: for how many requests
 * @script: a script
 *
 * Follows a script with each of the next requests to a path.
 *
 * A request takes what was enqueued for its path before what was enqueued for any.
 *
 * Since: 1.0
 */
void
resilient_test_server_enqueue_script (ResilientTestServer *self,
                                      const char *path,
                                      guint n_times,
                                      ResilientTestScript *script)
{
  g_return_if_fail (RESILIENT_TEST_IS_SERVER (self));
  g_return_if_fail (script != NULL);
  g_return_if_fail (resilient_test_server_get_fault_server (self) != NULL);

  for (guint i = 0; i < n_times; i++)
    fault_server_next_script (resilient_test_server_get_fault_server (self),
                              path,
                              resilient_test_script_dup_steps (script));
}

/**
 * resilient_test_server_set_response:
 * @self: a server
 * @path: (nullable): a path without query, or %NULL for any
 * @status: a status of HTTP, 200 to 999
 * @content_type: (nullable): the Content-Type, or %NULL for none
 * @body: (nullable): the body, or %NULL for none
 *
 * Answers so whenever nothing is enqueued.
 *
 * What is set for a path is used before what is set for any; without either the status is 404.
 *
 * Since: 1.0
 */
void
resilient_test_server_set_response (ResilientTestServer *self,
                                    const char *path,
                                    guint status,
                                    const char *content_type,
                                    GBytes *body)
{
  g_return_if_fail (RESILIENT_TEST_IS_SERVER (self));
  g_return_if_fail (status >= 200 && status <= 999);
  g_return_if_fail (resilient_test_server_get_fault_server (self) != NULL);

  set_script (self, path, make_response (status, content_type, body));
}

/**
 * resilient_test_server_set_fault:
 * @self: a server
 * @path: (nullable): a path without query, or %NULL for any; %NULL for a fault of a connection
 * @fault: a fault
 *
 * Does this whenever nothing is enqueued: to each request, or, if it is a fault of a connection, to
 * each connection.
 *
 * It lasts until something else is set for the same path; %RESILIENT_TEST_FAULT_REFUSE and
 * %RESILIENT_TEST_FAULT_FULL_BACKLOG last until [method@Server.set_listening].
 *
 * Since: 1.0
 */
void
resilient_test_server_set_fault (ResilientTestServer *self,
                                 const char *path,
                                 ResilientTestFault fault)
{
  g_return_if_fail (RESILIENT_TEST_IS_SERVER (self));
  g_return_if_fail (fits (self, fault));
  g_return_if_fail (path == NULL || !resilient_test_fault_is_of_connection (fault));
  g_return_if_fail (resilient_test_server_get_fault_server (self) != NULL);

  if (resilient_test_fault_get_door (fault) != FAULT_DOOR_OPEN)
    {
      g_autoptr (GError) error = NULL;

      if (!fault_server_set_door (resilient_test_server_get_fault_server (self),
                                  resilient_test_fault_get_door (fault),
                                  &error))
        g_warning ("The test server no longer listens: %s", error->message);
    }
  else if (resilient_test_fault_is_of_connection (fault))
    fault_server_each_connection (resilient_test_server_get_fault_server (self),
                                  make_fault (fault));
  else
    set_script (self, path, make_fault (fault));
}

/**
 * resilient_test_server_set_script:
 * @self: a server
 * @path: (nullable): a path without query, or %NULL for any
 * @script: (nullable): a script, or %NULL for none any more
 *
 * Follows a script whenever nothing is enqueued.
 *
 * Since: 1.0
 */
void
resilient_test_server_set_script (ResilientTestServer *self,
                                  const char *path,
                                  ResilientTestScript *script)
{
  g_return_if_fail (RESILIENT_TEST_IS_SERVER (self));
  g_return_if_fail (resilient_test_server_get_fault_server (self) != NULL);

  set_script (self, path, script != NULL ? resilient_test_script_dup_steps (script) : NULL);
}

/**
 * resilient_test_server_release_gate:
 * @self: a server
 * @gate: the name of a gate
 * @n: how many may pass
 *
 * Lets some pass a gate of a script: those that wait, then those to come, see
 * [method@Script.add_gate].
 *
 * Since: 1.0
 */
void
resilient_test_server_release_gate (ResilientTestServer *self, const char *gate, guint n)
{
  g_return_if_fail (RESILIENT_TEST_IS_SERVER (self));
  g_return_if_fail (gate != NULL);
  g_return_if_fail (resilient_test_server_get_fault_server (self) != NULL);

  fault_server_release (resilient_test_server_get_fault_server (self), gate, n);
}

/**
 * resilient_test_server_open_gate:
 * @self: a server
 * @gate: the name of a gate
 *
 * Opens a gate of a script for good, see [method@Script.add_gate].
 *
 * Since: 1.0
 */
void
resilient_test_server_open_gate (ResilientTestServer *self, const char *gate)
{
  g_return_if_fail (RESILIENT_TEST_IS_SERVER (self));
  g_return_if_fail (gate != NULL);
  g_return_if_fail (resilient_test_server_get_fault_server (self) != NULL);

  fault_server_open (resilient_test_server_get_fault_server (self), gate);
}
