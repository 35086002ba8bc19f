/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What a test server has seen, and how a test waits for it. Methods of the server, for any thread.
 * */

#include "config.h"

#include "resilient-i18n-private.h"
#include "resilient-test-record-private.h"
#include "resilient-test-server-private.h"

static ResilientTestRecord *
get_record (ResilientTestServer *self, const char *path, guint n)
{
  FaultRecord *record =
    resilient_test_server_get_fault_server (self) != NULL
      ? fault_server_find_record (resilient_test_server_get_fault_server (self), path, n)
      : NULL;

  return record != NULL ? resilient_test_record_new (record) : NULL;
}

static gboolean
wait_for (ResilientTestServer *self,
          FaultCount count,
          const char *gate,
          guint n,
          double timeout,
          GCancellable *cancellable,
          GError **error)
{
  g_return_val_if_fail (resilient_test_server_get_fault_server (self) != NULL, FALSE);

  switch (fault_server_wait (
    resilient_test_server_get_fault_server (self), count, gate, n, timeout, cancellable))
    {
    case FAULT_WAITED_MET:
      return TRUE;
    case FAULT_WAITED_CANCELLED:
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("The wait was cancelled"));
      return FALSE;
    case FAULT_WAITED_LATE:
    default:
      g_set_error_literal (error,
                           G_IO_ERROR,
                           G_IO_ERROR_TIMED_OUT,
                           _ ("What the test waited for did not come in time"));
      return FALSE;
    }
}

/**
 * resilient_test_server_get_n_requests:
 * @self: a server
 *
 * Gets how many requests have come, that is their headers.
 *
 * Returns: a number
 *
 * Since: 1.0
 */
guint
resilient_test_server_get_n_requests (ResilientTestServer *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), 0);

  return resilient_test_server_get_fault_server (self) != NULL
           ? fault_server_get_requests (resilient_test_server_get_fault_server (self))
           : 0;
}

/**
 * resilient_test_server_count_requests:
 * @self: a server
 * @path: a path without query
 *
 * Counts the requests that came to a path, with any query.
 *
 * Returns: a number
 *
 * Since: 1.0
 */
guint
resilient_test_server_count_requests (ResilientTestServer *self, const char *path)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), 0);
  g_return_val_if_fail (path != NULL, 0);

  return resilient_test_server_get_fault_server (self) != NULL
           ? fault_server_count (resilient_test_server_get_fault_server (self), path)
           : 0;
}

/**
 * resilient_test_server_get_request:
 * @self: a server
 * @n: the number of a request, 0 for the first that came
 *
 * Looks at a request that came, as far as it has come by now.
 *
 * Returns: (transfer full) (nullable): what is known of it, or %NULL if there was no such request
 *
 * Since: 1.0
 */
ResilientTestRecord *
resilient_test_server_get_request (ResilientTestServer *self, guint n)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), NULL);

  return get_record (self, NULL, n);
}

/**
 * resilient_test_server_get_request_to:
 * @self: a server
 * @path: a path without query
 * @n: the number of a request to it, 0 for the first that came
 *
 * Looks at a request that came to a path, as far as it has come by now.
 *
 * Returns: (transfer full) (nullable): what is known of it, or %NULL if there was no such request
 *
 * Since: 1.0
 */
ResilientTestRecord *
resilient_test_server_get_request_to (ResilientTestServer *self, const char *path, guint n)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), NULL);
  g_return_val_if_fail (path != NULL, NULL);

  return get_record (self, path, n);
}

/**
 * resilient_test_server_get_request_header:
 * @self: a server
 * @n: the number of a request, 0 for the first that came
 * @name: a name, upper and lower case being the same
 *
 * Gets the first header of a name of a request that came.
 *
 * Returns: (transfer full) (nullable): its value, or %NULL if there is no such header, or no such
 *   request
 *
 * Since: 1.0
 */
char *
resilient_test_server_get_request_header (ResilientTestServer *self, guint n, const char *name)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  g_autoptr (ResilientTestRecord) record = get_record (self, NULL, n);

  return record != NULL ? g_strdup (resilient_test_record_get_header (record, name)) : NULL;
}

/**
 * resilient_test_server_list_requests:
 * @self: a server
 *
 * Lists all requests that came, in order.
 *
 * Returns: (transfer container) (element-type ResilientTestRecord): what is known of each
 *
 * Since: 1.0
 */
GPtrArray *
resilient_test_server_list_requests (ResilientTestServer *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), NULL);

  GPtrArray *records =
    g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_test_record_unref);
  ResilientTestRecord *record;

  while ((record = get_record (self, NULL, records->len)) != NULL)
    g_ptr_array_add (records, record);

  return records;
}

/**
 * resilient_test_server_get_n_connections:
 * @self: a server
 *
 * Gets how many connections the server has accepted.
 *
 * Returns: a number
 *
 * Since: 1.0
 */
guint
resilient_test_server_get_n_connections (ResilientTestServer *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), 0);

  return resilient_test_server_get_fault_server (self) != NULL
           ? fault_server_get_connections (resilient_test_server_get_fault_server (self))
           : 0;
}

/**
 * resilient_test_server_get_n_closed:
 * @self: a server
 *
 * Gets how many of the connections that it accepted are closed.
 *
 * Returns: a number
 *
 * Since: 1.0
 */
guint
resilient_test_server_get_n_closed (ResilientTestServer *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), 0);

  return resilient_test_server_get_fault_server (self) != NULL
           ? fault_server_get_closed (resilient_test_server_get_fault_server (self))
           : 0;
}

/**
 * resilient_test_server_get_max_concurrent:
 * @self: a server
 *
 * Gets how many requests were being served at one time, at the most.
 *
 * Returns: a number
 *
 * Since: 1.0
 */
guint
resilient_test_server_get_max_concurrent (ResilientTestServer *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), 0);

  return resilient_test_server_get_fault_server (self) != NULL
           ? fault_server_get_max_active (resilient_test_server_get_fault_server (self))
           : 0;
}

/**
 * resilient_test_server_wait_for_requests:
 * @self: a server
 * @n: how many
 * @timeout: after how many seconds to fail
 * @cancellable: (nullable): ends the wait
 * @error: return location for an error, or %NULL
 *
 * Waits until so many requests have come, from the start on.
 *
 * Meanwhile the thread-default main context of the caller runs, if the caller may run it: what the
 * app does goes on. Fails with %G_IO_ERROR_TIMED_OUT, or with %G_IO_ERROR_CANCELLED. The time is
 * there to end a test that hangs, not to be waited for: be generous.
 *
 * Returns: %TRUE if it is so, %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
resilient_test_server_wait_for_requests (ResilientTestServer *self,
                                         guint n,
                                         double timeout,
                                         GCancellable *cancellable,
                                         GError **error)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), FALSE);
  g_return_val_if_fail (timeout >= 0.0, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return wait_for (self, FAULT_COUNT_REQUESTS, NULL, n, timeout, cancellable, error);
}

/**
 * resilient_test_server_wait_for_connections:
 * @self: a server
 * @n: how many
 * @timeout: after how many seconds to fail
 * @cancellable: (nullable): ends the wait
 * @error: return location for an error, or %NULL
 *
 * Waits until so many connections were accepted, from the start on.
 *
 * Meanwhile the thread-default main context of the caller runs, if the caller may run it: what the
 * app does goes on. Fails with %G_IO_ERROR_TIMED_OUT, or with %G_IO_ERROR_CANCELLED. The time is
 * there to end a test that hangs, not to be waited for: be generous.
 *
 * Returns: %TRUE if it is so, %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
resilient_test_server_wait_for_connections (ResilientTestServer *self,
                                            guint n,
                                            double timeout,
                                            GCancellable *cancellable,
                                            GError **error)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), FALSE);
  g_return_val_if_fail (timeout >= 0.0, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return wait_for (self, FAULT_COUNT_CONNECTIONS, NULL, n, timeout, cancellable, error);
}

/**
 * resilient_test_server_wait_for_closed:
 * @self: a server
 * @n: how many
 * @timeout: after how many seconds to fail
 * @cancellable: (nullable): ends the wait
 * @error: return location for an error, or %NULL
 *
 * Waits until so many connections are closed, from the start on.
 *
 * Meanwhile the thread-default main context of the caller runs, if the caller may run it: what the
 * app does goes on. Fails with %G_IO_ERROR_TIMED_OUT, or with %G_IO_ERROR_CANCELLED. The time is
 * there to end a test that hangs, not to be waited for: be generous.
 *
 * Returns: %TRUE if it is so, %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
resilient_test_server_wait_for_closed (ResilientTestServer *self,
                                       guint n,
                                       double timeout,
                                       GCancellable *cancellable,
                                       GError **error)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), FALSE);
  g_return_val_if_fail (timeout >= 0.0, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return wait_for (self, FAULT_COUNT_CLOSED, NULL, n, timeout, cancellable, error);
}

/**
 * resilient_test_server_wait_for_gate:
 * @self: a server
 * @gate: the name of a gate
 * @n: how many
 * @timeout: after how many seconds to fail
 * @cancellable: (nullable): ends the wait
 * @error: return location for an error, or %NULL
 *
 * Waits until so many requests stand at a gate of a script, see [method@Script.add_gate].
 *
 * Meanwhile the thread-default main context of the caller runs, if the caller may run it: what the
 * app does goes on. Fails with %G_IO_ERROR_TIMED_OUT, or with %G_IO_ERROR_CANCELLED. The time is
 * there to end a test that hangs, not to be waited for: be generous.
 *
 * Returns: %TRUE if it is so, %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
resilient_test_server_wait_for_gate (ResilientTestServer *self,
                                     const char *gate,
                                     guint n,
                                     double timeout,
                                     GCancellable *cancellable,
                                     GError **error)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), FALSE);
  g_return_val_if_fail (gate != NULL, FALSE);
  g_return_val_if_fail (timeout >= 0.0, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return wait_for (self, FAULT_COUNT_HELD, gate, n, timeout, cancellable, error);
}
