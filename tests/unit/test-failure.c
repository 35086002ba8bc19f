/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-failure-private.h"

#include <libsoup/soup.h>

#include "resilient-error.h"
#include "resilient-retry-policy-private.h"

#define F(kind) RESILIENT_FAILURE_##kind

/* Every identity of an error with the kind it has before and after something was sent. */
static void
test_table (void)
{
  const struct
  {
    GQuark domain;
    int code;
    ResilientFailure before, after;
  } rows[] = {
    /* the network */
    { G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_FAILED, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_PROXY_FAILED, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_PROXY_AUTH_FAILED, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_PROXY_NEED_AUTH, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_PROXY_NOT_ALLOWED, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, 4711, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_HOST_NOT_FOUND, F (RESOLVE), F (DISCONNECT) },
    { G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, F (RESOLVE), F (DISCONNECT) },
    { G_RESOLVER_ERROR, G_RESOLVER_ERROR_TEMPORARY_FAILURE, F (RESOLVE), F (DISCONNECT) },
    { G_RESOLVER_ERROR, G_RESOLVER_ERROR_INTERNAL, F (RESOLVE), F (DISCONNECT) },
    /* nobody here asked for it */
    { G_IO_ERROR, G_IO_ERROR_CANCELLED, F (CONNECT), F (DISCONNECT) },
    /* one error, two meanings */
    { G_IO_ERROR, G_IO_ERROR_TIMED_OUT, F (CONNECT_TIMEOUT), F (READ_TIMEOUT) },
    /* TLS */
    { G_TLS_ERROR, G_TLS_ERROR_UNAVAILABLE, F (TLS), F (DISCONNECT) },
    { G_TLS_ERROR, G_TLS_ERROR_NOT_TLS, F (TLS), F (DISCONNECT) },
    { G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE, F (TLS), F (DISCONNECT) },
    { G_TLS_ERROR, G_TLS_ERROR_EOF, F (TLS), F (DISCONNECT) },
    { G_TLS_ERROR, G_TLS_ERROR_INAPPROPRIATE_FALLBACK, F (TLS), F (DISCONNECT) },
    { G_TLS_ERROR, 4711, F (TLS), F (DISCONNECT) },
    { G_TLS_ERROR, G_TLS_ERROR_MISC, F (TLS), F (CERTIFICATE) },
    { G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE, F (CERTIFICATE), F (CERTIFICATE) },
    { G_TLS_ERROR, G_TLS_ERROR_CERTIFICATE_REQUIRED, F (CERTIFICATE), F (CERTIFICATE) },
    { G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE_PASSWORD, F (CERTIFICATE), F (CERTIFICATE) },
    /* the answer */
    { SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING, F (PROTOCOL), F (PROTOCOL) },
    { SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_ENCODING, F (PROTOCOL), F (PROTOCOL) },
    { SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_TOO_MANY_REDIRECTS, F (REDIRECT), F (REDIRECT) },
    { SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_REDIRECT_NO_LOCATION, F (REDIRECT), F (REDIRECT) },
    { SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_REDIRECT_BAD_URI, F (REDIRECT), F (REDIRECT) },
    { SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_MESSAGE_ALREADY_IN_QUEUE, F (INVALID), F (INVALID) },
    { SOUP_SESSION_ERROR, 4711, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_INVALID_DATA, F (PROTOCOL), F (PROTOCOL) },
    /* this library */
    { RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CLOSED, F (CLOSED), F (CLOSED) },
    { RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST, F (INVALID), F (INVALID) },
    { RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY, F (INVALID), F (INVALID) },
    { RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_OVERLOADED, F (OVERLOADED), F (OVERLOADED) },
    { RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_TOO_LARGE, F (TOO_LARGE), F (TOO_LARGE) },
    { RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_REDIRECT, F (REDIRECT), F (REDIRECT) },
    { RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_NOT_FOUND, F (CONNECT), F (DISCONNECT) },
    /* what a firewall, a route or a missing local socket looks like */
    { G_IO_ERROR, G_IO_ERROR_NOT_FOUND, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_EXISTS, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_NOT_EMPTY, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_NOT_SYMBOLIC_LINK, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_NOT_MOUNTABLE_FILE, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_INVALID_FILENAME, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_TOO_MANY_LINKS, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_NO_SPACE, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_NOT_MOUNTED, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_ALREADY_MOUNTED, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_READ_ONLY, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_WRONG_ETAG, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_CANT_CREATE_BACKUP, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_WOULD_RECURSE, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_WOULD_MERGE, F (CONNECT), F (DISCONNECT) },
    { G_IO_ERROR, G_IO_ERROR_PENDING, F (CONNECT), F (DISCONNECT) },
    { G_FILE_ERROR, G_FILE_ERROR_NOENT, F (CONNECT), F (DISCONNECT) },
    { G_CONVERT_ERROR, G_CONVERT_ERROR_ILLEGAL_SEQUENCE, F (CONNECT), F (DISCONNECT) },
    { G_URI_ERROR, G_URI_ERROR_BAD_HOST, F (CONNECT), F (DISCONNECT) },
    /* whatever it is */
    { g_quark_from_static_string ("of-nobody"), 0, F (CONNECT), F (DISCONNECT) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = g_error_new_literal (rows[i].domain, rows[i].code, "words");

      g_test_message ("%s %d", g_quark_to_string (rows[i].domain), rows[i].code);
      g_assert_cmphex (resilient_failure_from_error (error, TRUE), ==, rows[i].before);
      g_assert_cmphex (resilient_failure_from_error (error, FALSE), ==, rows[i].after);
    }
}

/* The kinds that say that nothing was sent are never given to what was. */
static void
test_nothing_sent (void)
{
  const ResilientFailure need_it = F (RESOLVE) | F (CONNECT) | F (TLS) | F (CONNECT_TIMEOUT);
  const GQuark domains[] = {
    G_IO_ERROR,  G_TLS_ERROR, G_RESOLVER_ERROR, SOUP_SESSION_ERROR, RESILIENT_CLIENT_ERROR,
    G_FILE_ERROR
  };

  for (guint d = 0; d < G_N_ELEMENTS (domains); d++)
    for (int code = 0; code < 100; code++)
      {
        g_autoptr (GError) error = g_error_new_literal (domains[d], code, "words");
        ResilientFailure before = resilient_failure_from_error (error, TRUE);
        ResilientFailure after = resilient_failure_from_error (error, FALSE);

        /* One kind each, and cancelled by the caller is none of them. */
        g_assert_cmpuint (__builtin_popcount (before), ==, 1);
        g_assert_cmpuint (__builtin_popcount (after), ==, 1);
        g_assert_cmphex (after & need_it, ==, 0);
        g_assert_cmphex ((before | after) & (F (CANCELLED) | F (STATUS)), ==, 0);
        g_assert_cmphex (before & (F (DISCONNECT) | F (READ_TIMEOUT)), ==, 0);
      }
}

/* libsoup gives both the same code. */
static void
test_large_headers (void)
{
  g_autoptr (GError) large =
    g_error_new_literal (G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT, "Header too big");
  g_autoptr (GError) cut = g_error_new_literal (
    G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT, "Connection terminated unexpectedly");

  g_assert_cmphex (resilient_failure_from_error (large, FALSE), ==, F (TOO_LARGE));
  g_assert_cmphex (resilient_failure_from_error (cut, FALSE), ==, F (DISCONNECT));
}

/* What an operation of the app's own that failed so is to a policy; all that is not here is an
 * answer. */
static void
test_operations (void)
{
  const struct
  {
    GQuark domain;
    int first, last; /* the codes that are gone through */
    struct
    {
      int code;
      ResilientFailure kind;
    } rows[16];
  } domains[] = {
    { G_IO_ERROR,
      G_IO_ERROR_FAILED,
      G_IO_ERROR_NO_SUCH_DEVICE + 1,
      { { G_IO_ERROR_HOST_NOT_FOUND, F (RESOLVE) },
        { G_IO_ERROR_CONNECTION_REFUSED, F (CONNECT) },
        { G_IO_ERROR_HOST_UNREACHABLE, F (CONNECT) },
        { G_IO_ERROR_NETWORK_UNREACHABLE, F (CONNECT) },
        { G_IO_ERROR_PROXY_FAILED, F (CONNECT) },
        { G_IO_ERROR_BUSY, F (CONNECT) },
        { G_IO_ERROR_WOULD_BLOCK, F (CONNECT) },
        { G_IO_ERROR_TIMED_OUT, F (READ_TIMEOUT) },
        { G_IO_ERROR_CONNECTION_CLOSED, F (DISCONNECT) },
        { G_IO_ERROR_NOT_CONNECTED, F (DISCONNECT) },
        { G_IO_ERROR_PARTIAL_INPUT, F (DISCONNECT) },
        { G_IO_ERROR_CANCELLED, F (CANCELLED) } } },
    { G_DBUS_ERROR,
      G_DBUS_ERROR_FAILED,
      G_DBUS_ERROR_PROPERTY_READ_ONLY + 1,
      { { G_DBUS_ERROR_SERVICE_UNKNOWN, F (CONNECT) },
        { G_DBUS_ERROR_NAME_HAS_NO_OWNER, F (CONNECT) },
        { G_DBUS_ERROR_NO_SERVER, F (CONNECT) },
        { G_DBUS_ERROR_NO_NETWORK, F (CONNECT) },
        { G_DBUS_ERROR_LIMITS_EXCEEDED, F (CONNECT) },
        { G_DBUS_ERROR_SPAWN_CHILD_EXITED, F (CONNECT) },
        { G_DBUS_ERROR_SPAWN_CHILD_SIGNALED, F (CONNECT) },
        { G_DBUS_ERROR_SPAWN_FORK_FAILED, F (CONNECT) },
        { G_DBUS_ERROR_NO_REPLY, F (READ_TIMEOUT) },
        { G_DBUS_ERROR_TIMEOUT, F (READ_TIMEOUT) },
        { G_DBUS_ERROR_TIMED_OUT, F (READ_TIMEOUT) },
        { G_DBUS_ERROR_DISCONNECTED, F (DISCONNECT) } } },
    { G_TLS_ERROR,
      G_TLS_ERROR_UNAVAILABLE,
      G_TLS_ERROR_BAD_CERTIFICATE_PASSWORD,
      { { G_TLS_ERROR_UNAVAILABLE, F (TLS) },
        { G_TLS_ERROR_MISC, F (TLS) },
        { G_TLS_ERROR_BAD_CERTIFICATE, F (CERTIFICATE) },
        { G_TLS_ERROR_NOT_TLS, F (TLS) },
        { G_TLS_ERROR_HANDSHAKE, F (TLS) },
        { G_TLS_ERROR_CERTIFICATE_REQUIRED, F (CERTIFICATE) },
        { G_TLS_ERROR_EOF, F (DISCONNECT) },
        { G_TLS_ERROR_INAPPROPRIATE_FALLBACK, F (TLS) },
        { G_TLS_ERROR_BAD_CERTIFICATE_PASSWORD, F (CERTIFICATE) } } },
    { RESILIENT_CLIENT_ERROR,
      RESILIENT_CLIENT_ERROR_CLOSED,
      RESILIENT_CLIENT_ERROR_RETRIES_EXHAUSTED,
      { { RESILIENT_CLIENT_ERROR_CLOSED, F (CLOSED) },
        { RESILIENT_CLIENT_ERROR_OVERLOADED, F (OVERLOADED) },
        { RESILIENT_CLIENT_ERROR_TOO_LARGE, F (TOO_LARGE) },
        { RESILIENT_CLIENT_ERROR_REDIRECT, F (REDIRECT) } } },
    { SOUP_SESSION_ERROR,
      SOUP_SESSION_ERROR_PARSING,
      SOUP_SESSION_ERROR_MESSAGE_ALREADY_IN_QUEUE,
      { { SOUP_SESSION_ERROR_PARSING, F (PROTOCOL) },
        { SOUP_SESSION_ERROR_ENCODING, F (PROTOCOL) },
        { SOUP_SESSION_ERROR_TOO_MANY_REDIRECTS, F (REDIRECT) },
        { SOUP_SESSION_ERROR_REDIRECT_NO_LOCATION, F (REDIRECT) },
        { SOUP_SESSION_ERROR_REDIRECT_BAD_URI, F (REDIRECT) } } },
    { G_FILE_ERROR, G_FILE_ERROR_EXIST, G_FILE_ERROR_FAILED, { { 0 } } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (domains); i++)
    for (int code = domains[i].first; code <= domains[i].last; code++)
      {
        g_autoptr (GError) error = g_error_new_literal (domains[i].domain, code, "any");
        ResilientFailure failure = resilient_failure_of_operation (error);
        ResilientFailure expected = F (NONE);

        for (guint k = 0; k < G_N_ELEMENTS (domains[i].rows); k++)
          if (domains[i].rows[k].code == code && domains[i].rows[k].kind != F (NONE))
            expected = domains[i].rows[k].kind;
        if (expected != F (NONE))
          g_assert_cmphex (failure, ==, expected);
        else
          g_assert_cmphex (failure & RESILIENT_FAILURE_RETRYABLE, ==, 0);
        g_assert_cmphex (failure, !=, F (NONE));
      }

  for (int code = G_RESOLVER_ERROR_NOT_FOUND; code <= G_RESOLVER_ERROR_INTERNAL; code++)
    {
      g_autoptr (GError) error = g_error_new_literal (G_RESOLVER_ERROR, code, "any");

      g_assert_cmphex (resilient_failure_of_operation (error), ==, F (RESOLVE));
    }
  for (int code = 400; code < 600; code++)
    {
      g_autoptr (GError) error = g_error_new_literal (RESILIENT_HTTP_ERROR, code, "any");

      g_assert_cmphex (resilient_failure_of_operation (error), ==, F (STATUS));
    }
}

static void
test_timeouts (void)
{
  g_assert_cmphex (RESILIENT_FAILURE_ANY_TIMEOUT,
                   ==,
                   F (CONNECT_TIMEOUT) | F (WRITE_TIMEOUT) | F (READ_TIMEOUT) | F (QUEUE_TIMEOUT)
                     | F (DEADLINE));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/failure/table", test_table);
  g_test_add_func ("/failure/nothing-sent", test_nothing_sent);
  g_test_add_func ("/failure/large-headers", test_large_headers);
  g_test_add_func ("/failure/operations", test_operations);
  g_test_add_func ("/failure/timeouts", test_timeouts);

  return g_test_run ();
}
