/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

/* What the tests of attempts share: a server, a session, and a record of all that an attempt
 * says. */

#include "fault-server.h"
#include "resilient-error.h"
#include "resilient-soup-transport-private.h"
#include "resilient-transport-attempt-private.h"
#include "resilient-lane-private.h"
#include "resilient-origin-key-private.h"
#include "resilient-request-private.h"
#include "test-clock.h"
#include "test-util.h"

#include <string.h>

typedef struct
{
  FaultServer *server;
  SoupSession *session; /* NULL: the transport's own ones */
  ResilientTransport *transport;
  ResilientTimerQueue *timers;
} Fixture;

/* One attempt and what it said. */
typedef struct
{
  Fixture *fixture;
  ResilientTransportAttempt *attempt;
  ResilientFrozenRequest *frozen;
  ResilientTransportAttemptParams params;
  gboolean discard;           /* headers() says that the body is not wanted */
  ResilientHeaders *defaults; /* nullable */
  gboolean abandon_at_headers;

  GString *phases; /* a letter each: C W A R */
  ResilientPhase phase;
  GString *asked; /* hosts and ports for which default headers were asked */
  guint headers_status;
  double retry_after;
  gint64 sent, received, upload_size, download_size;
  gboolean starting;
  gboolean done;
  gboolean released;
  ResilientOutcome outcome; /* with response and error stolen */
} Run;

void fixture_init (Fixture *fixture, FaultServerFlags flags);

/* Nothing may be left: no timer, and nobody who holds the session. */
void fixture_clear (Fixture *fixture);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fixture, fixture_clear)

/* The app that the session belongs to answers challenges, as joe with the password "secret". */
void fixture_authenticate (Fixture *fixture);

/* A run of @request that has not started; @request is taken. Time-outs are off unless the test sets
 * them. */
Run *run_new (Fixture *fixture, ResilientRequest *request);

Run *run_new_for (Fixture *fixture, const char *method, const char *path);

void run_start (Run *run);

void run_wait_done (Run *run);

void run_wait_released (Run *run);

/* Until it has so many bytes of body. */
void run_wait_received (Run *run, gint64 n);

void run_clear_outcome (Run *run);

void run_free (Run *run);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Run, run_free)

/* From start to release. */
void run_through (Run *run);

void assert_response (Run *run, guint status_code, const char *body);

#define assert_failure(run, kind, domain, code)                                                    \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_assert_error ((run)->outcome.error, domain, code);                                           \
    g_assert_cmpint ((run)->outcome.failure, ==, kind);                                            \
  }                                                                                                \
  G_STMT_END

/* A request with a small body. */
ResilientRequest *
request_with_body (Fixture *fixture, const char *method, const char *path, const char *body);

/* One whose body can be read once. */
ResilientRequest *
one_shot_request (Fixture *fixture, const char *method, const char *path, const char *body);

void assert_record_body (FaultServer *server, guint index, const char *method, const char *body);
