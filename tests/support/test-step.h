/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-engine-private.h"
#include "resilient-test-stub-private.h"

G_BEGIN_DECLS

/* How attempts over the test kit's stub end, a line each; for programs that link the engine. */

typedef struct
{
  ResilientFailure failure; /* NONE: a response with @status */
  GQuark domain;            /* of the error of a failure */
  int code;
  guint status;
  double retry_after; /* seconds; set it to -1 for none */
  double takes;       /* seconds; less than 0: never ends by itself */
  gboolean nothing_sent;
  gboolean http2;
  gboolean cut;          /* after the head of the response the connection breaks */
  double released_after; /* seconds after its end: libsoup holds on to it */
} Step;

#define STEP_STATUS(code_)                                                                         \
  {                                                                                                \
    .status = (code_), .retry_after = -1                                                           \
  }
#define STEP_OK STEP_STATUS (200)
#define STEP_REFUSED                                                                               \
  {                                                                                                \
    .failure = RESILIENT_FAILURE_CONNECT, .domain = G_IO_ERROR,                                    \
    .code = G_IO_ERROR_CONNECTION_REFUSED, .nothing_sent = TRUE, .retry_after = -1                 \
  }
#define STEP_HANG                                                                                  \
  {                                                                                                \
    .takes = -1, .retry_after = -1                                                                 \
  }

/* So ends the next attempt; the last one repeats. */
void add_step (ResilientTestStub *stub, Step step);
/* @engine sends through @stub. Its attempts have no deadlines of their own, so that they end as the
 * steps say, unless a test sets some after this. Before the first call. */
void use_stub (ResilientEngine *engine, ResilientTestStub *stub);
/* The @i-th attempt of all, which must have been started; transfer full. */
ResilientTestAttempt *get_attempt (ResilientTestStub *stub, guint i);

G_END_DECLS
