/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Turns errors of GIO, GnuTLS and libsoup into kinds of failure, by code and never by text. Pure
 * functions that own nothing, for any thread. */

#include "config.h"

#include "resilient-failure-private.h"

#include <string.h>

#include <libsoup/soup.h>

#include "resilient-error.h"

/* What a lost connection is called depends on whether anything had been sent on it: before, another
 * attempt is harmless for any request; after, only for idempotent ones. */
static ResilientFailure
before_or_after (gboolean nothing_sent, ResilientFailure before)
{
  return nothing_sent ? before : RESILIENT_FAILURE_DISCONNECT;
}

static ResilientFailure
from_own_error (int code, gboolean nothing_sent)
{
  switch ((ResilientClientError) code)
    {
    case RESILIENT_CLIENT_ERROR_CLOSED:
      return RESILIENT_FAILURE_CLOSED;
    case RESILIENT_CLIENT_ERROR_INVALID_REQUEST:
    case RESILIENT_CLIENT_ERROR_INVALID_POLICY:
      return RESILIENT_FAILURE_INVALID;
    case RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN:
      return RESILIENT_FAILURE_CIRCUIT_OPEN;
    case RESILIENT_CLIENT_ERROR_OVERLOADED:
      return RESILIENT_FAILURE_OVERLOADED;
    case RESILIENT_CLIENT_ERROR_TOO_LARGE:
      return RESILIENT_FAILURE_TOO_LARGE;
    case RESILIENT_CLIENT_ERROR_REDIRECT:
      return RESILIENT_FAILURE_REDIRECT;
    /* They end no attempt. */
    case RESILIENT_CLIENT_ERROR_NOT_FOUND:
    case RESILIENT_CLIENT_ERROR_RETRIES_EXHAUSTED:
    default:
      return before_or_after (nothing_sent, RESILIENT_FAILURE_CONNECT);
    }
}

static ResilientFailure
from_tls_error (int code, gboolean nothing_sent)
{
  switch ((GTlsError) code)
    {
    case G_TLS_ERROR_BAD_CERTIFICATE:
    case G_TLS_ERROR_CERTIFICATE_REQUIRED:
    case G_TLS_ERROR_BAD_CERTIFICATE_PASSWORD:
      return RESILIENT_FAILURE_CERTIFICATE;

    case G_TLS_ERROR_MISC:
      /* A fatal alert has no code of its own. One that comes after the handshake is the server's
       * answer to our certificate or to its absence: in TLS 1.3 it arrives after the request was
       * begun (RFC 8446, 4.4.2.4 and 6.2). */
      return nothing_sent ? RESILIENT_FAILURE_TLS : RESILIENT_FAILURE_CERTIFICATE;

    case G_TLS_ERROR_UNAVAILABLE:
    case G_TLS_ERROR_NOT_TLS:
    case G_TLS_ERROR_HANDSHAKE:
    case G_TLS_ERROR_EOF:
    case G_TLS_ERROR_INAPPROPRIATE_FALLBACK:
    default:
      return before_or_after (nothing_sent, RESILIENT_FAILURE_TLS);
    }
}

static ResilientFailure
from_soup_error (int code, gboolean nothing_sent)
{
  switch ((SoupSessionError) code)
    {
    case SOUP_SESSION_ERROR_PARSING:
    case SOUP_SESSION_ERROR_ENCODING:
      return RESILIENT_FAILURE_PROTOCOL;

    case SOUP_SESSION_ERROR_TOO_MANY_REDIRECTS:
    case SOUP_SESSION_ERROR_REDIRECT_NO_LOCATION:
    case SOUP_SESSION_ERROR_REDIRECT_BAD_URI:
      return RESILIENT_FAILURE_REDIRECT;

    case SOUP_SESSION_ERROR_MESSAGE_ALREADY_IN_QUEUE:
      return RESILIENT_FAILURE_INVALID;

    default:
      return before_or_after (nothing_sent, RESILIENT_FAILURE_CONNECT);
    }
}

/* Libsoup stops at 100 KiB of headers, with the code of a connection that ended too early. Its text
 * is all that tells the two apart. */
static gboolean
is_about_large_headers (const GError *error)
{
  const char *text = "Header too big";

  return error->code == G_IO_ERROR_PARTIAL_INPUT
         && strcmp (error->message, g_dgettext ("libsoup-3.0", text)) == 0;
}

static ResilientFailure
from_io_error (const GError *error, gboolean nothing_sent)
{
  if (is_about_large_headers (error))
    return RESILIENT_FAILURE_TOO_LARGE;

  /* CONNECTION_CLOSED is another name of BROKEN_PIPE. */
  switch ((GIOErrorEnum) error->code)
    {
    case G_IO_ERROR_HOST_NOT_FOUND:
      return before_or_after (nothing_sent, RESILIENT_FAILURE_RESOLVE);

    /* GIO does not tell a connection that took too long from an answer that did. */
    case G_IO_ERROR_TIMED_OUT:
      return nothing_sent ? RESILIENT_FAILURE_CONNECT_TIMEOUT : RESILIENT_FAILURE_READ_TIMEOUT;

    /* What a decoder says of a corrupt stream; a cut one is PARTIAL_INPUT. */
    case G_IO_ERROR_INVALID_DATA:
      return RESILIENT_FAILURE_PROTOCOL;

    /* Refused, unreachable, reset, cut short, a proxy that would not; also CANCELLED, which
     * nobody here asked for, as the caller's own cancel never comes here; and whatever GIO will
     * add. Also what looks like trouble with a file or an argument: connect() says EACCES, EPERM or
     * EINVAL where a firewall or a route forbids the way, and ENOENT of the socket of a local
     * service that is being restarted. A body that can't be read has its kind from the transport,
     * which alone knows where an error comes from. */
    default:
      return before_or_after (nothing_sent, RESILIENT_FAILURE_CONNECT);
    }
}

ResilientFailure
resilient_failure_from_error (const GError *error, gboolean nothing_sent)
{
  g_assert (error != NULL);

  if (error->domain == G_IO_ERROR)
    return from_io_error (error, nothing_sent);

  if (error->domain == G_TLS_ERROR)
    return from_tls_error (error->code, nothing_sent);

  if (error->domain == G_RESOLVER_ERROR)
    return before_or_after (nothing_sent, RESILIENT_FAILURE_RESOLVE);

  if (error->domain == SOUP_SESSION_ERROR)
    return from_soup_error (error->code, nothing_sent);

  if (error->domain == RESILIENT_CLIENT_ERROR)
    return from_own_error (error->code, nothing_sent);

  return before_or_after (nothing_sent, RESILIENT_FAILURE_CONNECT);
}

/* What GIO says of an operation of any kind. Of a time-out and of a lost connection nobody knows
 * how far the operation had come. */
static ResilientFailure
of_io_error (int code)
{
  /* CONNECTION_CLOSED is another name of BROKEN_PIPE. */
  switch ((GIOErrorEnum) code)
    {
    case G_IO_ERROR_HOST_NOT_FOUND:
      return RESILIENT_FAILURE_RESOLVE;

    /* BUSY and WOULD_BLOCK say that the operation was not begun. */
    case G_IO_ERROR_CONNECTION_REFUSED:
    case G_IO_ERROR_HOST_UNREACHABLE:
    case G_IO_ERROR_NETWORK_UNREACHABLE:
    case G_IO_ERROR_PROXY_FAILED:
    case G_IO_ERROR_BUSY:
    case G_IO_ERROR_WOULD_BLOCK:
      return RESILIENT_FAILURE_CONNECT;

    case G_IO_ERROR_TIMED_OUT:
      return RESILIENT_FAILURE_READ_TIMEOUT;

    case G_IO_ERROR_BROKEN_PIPE:
    case G_IO_ERROR_NOT_CONNECTED:
    case G_IO_ERROR_PARTIAL_INPUT:
      return RESILIENT_FAILURE_DISCONNECT;

    case G_IO_ERROR_CANCELLED:
      return RESILIENT_FAILURE_CANCELLED;

    default:
      return RESILIENT_FAILURE_INVALID;
    }
}

/* What the bus, or GDBus itself, says of a method call. */
static ResilientFailure
of_dbus_error (int code)
{
  switch ((GDBusError) code)
    {
    /* Nobody has got the call: the service starts, crashed while it was started, or has not come to
     * the bus yet. */
    case G_DBUS_ERROR_SERVICE_UNKNOWN:
    case G_DBUS_ERROR_NAME_HAS_NO_OWNER:
    case G_DBUS_ERROR_NO_SERVER:
    case G_DBUS_ERROR_NO_NETWORK:
    case G_DBUS_ERROR_LIMITS_EXCEEDED:
    case G_DBUS_ERROR_SPAWN_CHILD_EXITED:
    case G_DBUS_ERROR_SPAWN_CHILD_SIGNALED:
    case G_DBUS_ERROR_SPAWN_FORK_FAILED:
      return RESILIENT_FAILURE_CONNECT;

    case G_DBUS_ERROR_NO_REPLY:
    case G_DBUS_ERROR_TIMEOUT:
    case G_DBUS_ERROR_TIMED_OUT:
      return RESILIENT_FAILURE_READ_TIMEOUT;

    case G_DBUS_ERROR_DISCONNECTED:
      return RESILIENT_FAILURE_DISCONNECT;

    default:
      return RESILIENT_FAILURE_INVALID;
    }
}

ResilientFailure
resilient_failure_of_operation (const GError *error)
{
  ResilientFailure failure;

  g_assert (error != NULL);

  if (error->domain == G_IO_ERROR)
    return of_io_error (error->code);

  if (error->domain == G_DBUS_ERROR)
    return of_dbus_error (error->code);

  if (error->domain == RESILIENT_HTTP_ERROR)
    return RESILIENT_FAILURE_STATUS;

  if (error->domain == G_RESOLVER_ERROR)
    return RESILIENT_FAILURE_RESOLVE;

  if (error->domain == G_TLS_ERROR)
    return from_tls_error (error->code, error->code != G_TLS_ERROR_EOF);

  /* What these name is what they name for a request; the rest ends no attempt. */
  if (error->domain == RESILIENT_CLIENT_ERROR)
    failure = from_own_error (error->code, TRUE);
  else if (error->domain == SOUP_SESSION_ERROR)
    failure = from_soup_error (error->code, TRUE);
  else
    failure = RESILIENT_FAILURE_INVALID;

  return failure != RESILIENT_FAILURE_CONNECT ? failure : RESILIENT_FAILURE_INVALID;
}
