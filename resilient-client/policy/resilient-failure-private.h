/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Names how an attempt failed, from its error and the phase that it had reached. Pure functions,
 * for any thread. */

#pragma once

#include <gio/gio.h>

#include "resilient-enums.h"

G_BEGIN_DECLS

/* Where an attempt stood when it ended. */
typedef enum
{
  RESILIENT_PHASE_CONNECTING, /* handed to libsoup: waiting there, resolving, connecting, TLS */
  RESILIENT_PHASE_WRITING,    /* from SoupMessage::starting */
  RESILIENT_PHASE_WAITING,    /* the peer has the whole request */
  RESILIENT_PHASE_READING,    /* a status line was read */
  RESILIENT_PHASE_DONE,
} ResilientPhase;

/* The kind of an attempt that ended with @error (any domain). @nothing_sent as behaviour defines
 * it. */
ResilientFailure resilient_failure_from_error (const GError *error, gboolean nothing_sent);
/* The kind of an operation of the app's own, of which nothing is known but that it may be done
 * again: INVALID for what is an answer, and not a failure on the way to it. */
ResilientFailure resilient_failure_of_operation (const GError *error);
#define RESILIENT_FAILURE_ANY_TIMEOUT                                                              \
  (RESILIENT_FAILURE_CONNECT_TIMEOUT | RESILIENT_FAILURE_WRITE_TIMEOUT                             \
   | RESILIENT_FAILURE_READ_TIMEOUT | RESILIENT_FAILURE_QUEUE_TIMEOUT                              \
   | RESILIENT_FAILURE_DEADLINE)

G_END_DECLS
