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
    case RESILIENT_CLIENT_ERROR_OVERLOADED:
      return RESILIENT_FAILURE_OVERLOADED;
    case RESILIENT_CLIENT_ERROR_TOO_LARGE:
      return RESILIENT_FAILURE_TOO_LARGE;
    case RESILIENT_CLIENT_ERROR_REDIRECT:
      return RESILIENT_FAILURE_REDIRECT;
    /* It ends no attempt. */
    case RESILIENT_CLIENT_ERROR_NOT_FOUND:
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
