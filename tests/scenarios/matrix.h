/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <resilient.h>

#include "fault-server.h"

G_BEGIN_DECLS

/* The matrix of faults: each fault meets each method, with and without a key, under both policies
 * of the library. What must come of it is computed from the rules of the specification alone, see
 * matrix_predict(). */

#define MATRIX_METHODS 7
#define MATRIX_CELLS (MATRIX_METHODS * 2 * 2)
#define MATRIX_MAX_RETRIES 3

typedef struct
{
  const char *method;
  gboolean key;      /* it has an Idempotency-Key */
  gboolean standard; /* under the standard policy, else the default one */
} Cell;

/* One cell while it runs. */
typedef struct
{
  Cell cell;
  FaultServer *server;
  FaultServer *other; /* nullable: where a redirect leads */
  ResilientClient *client;
} Scene;

/* What of a request a server can have taken before the fault. */
typedef enum
{
  ARRIVES_NOT,
  ARRIVES_WITHOUT_BODY, /* so only a request that has none is whole */
  ARRIVES_WHOLE,
} Arrival;

/* Where a fault makes everybody wait, so that only time can go on. */
typedef enum
{
  STALL_NONE,
  STALL_CONNECT,
  STALL_ANSWER, /* the request was read, the headers of an answer don't come */
  STALL_BODY,
  STALL_DRIP, /* of the body: a byte each time that the test lets one through */
} Stall;

/* A fault, as the world sees it: how to make it, and what it does to a request that meets it. */
typedef struct
{
  const char *name;
  FaultServerFlags flags;
  void (*set_up) (Scene *scene);

  ResilientFailure failure; /* of an attempt; NONE: it does no harm */
  guint status;             /* that is answered where it is not 200 */
  gboolean unsent;          /* it comes before the first byte of a request */
  Arrival arrival;          /* of a request that meets it */
  gboolean in_body;         /* of the answer: HEAD has none, so nothing happens to it */
  gboolean once;            /* the next send is answered well */
  gboolean kept;            /* it meets the second request of a kept-alive connection */
  gboolean resent;          /* each attempt sends it once more by itself, where it may */
  gboolean unprocessed;     /* the server says that it has not begun with it: anybody may */
  double retry_after;       /* seconds that the answer asks for; 0 = it does not */
  Stall stall;
  const char *application; /* the path that does something, "/" by default */
  const char *uri;         /* what is asked for, where it is not "/" of the server */
} Fault;

extern const Fault matrix_faults[];
extern const gsize matrix_n_faults;

typedef struct
{
  guint attempts;
  guint sends;
  guint arrivals;                                    /* whole requests to the application */
  ResilientFailure failures[MATRIX_MAX_RETRIES + 1]; /* of each attempt, the last one included */
  double min_delays[MATRIX_MAX_RETRIES], max_delays[MATRIX_MAX_RETRIES]; /* before each retry */
  char events[MATRIX_MAX_RETRIES + 2]; /* a letter each: Retry Success Error Timeout */
} Prediction;

gboolean cell_has_body (const Cell *cell);
void matrix_predict (const Fault *fault, const Cell *cell, Prediction *prediction);

G_END_DECLS
