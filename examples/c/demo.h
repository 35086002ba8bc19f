/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib/gi18n.h>
#include <resilient.h>

#include "demo-server.h"

/* What the parts of the demo share; all of it lives in the main thread. */

typedef struct
{
  const char *policy; /* "default" or "standard" */
  int n_requests;
  int concurrency;
  double fault_rate;
  guint32 seed;
  gboolean json;
  char **uris; /* NULL for the server of our own */
} DemoOptions;

/* The upper bounds of the histogram's rows, in seconds; one more row has none. */
#define DEMO_BOUNDS 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5
#define DEMO_N_ROWS 11

typedef struct _Demo Demo;

typedef struct
{
  Demo *demo;
  guint callbacks;  /* how often it ended for the caller; once, and no more, is right */
  guint terminals;  /* how often it ended for observers */
  gboolean refused; /* never started, so that observers hear nothing of it */
} DemoRequest;

struct _Demo
{
  DemoOptions options;
  ResilientClient *client;
  DemoServer *server;
  GMainLoop *loop;
  DemoRequest *requests;
  gint64 started_at; /* monotonic */
  int interrupted;   /* the signal, or 0 */

  guint n_ended;
  guint retries;
  guint successes;   /* answered with a status below 400 */
  guint http_errors; /* answered with another */
  guint errors;      /* not answered */
  guint timeouts;
  guint cancelled;
  GError *error; /* the first of those errors, or NULL */
  guint histogram[DEMO_N_ROWS];
};

gboolean demo_options_parse (DemoOptions *options, int *argc, char ***argv, GError **error);
void demo_options_clear (DemoOptions *options);

/* Progress goes where the result does not: to the standard error when that is JSON. */
void demo_print (Demo *demo, const char *text);
void demo_print_heading (Demo *demo);
double demo_get_elapsed (Demo *demo);
char *demo_format_seconds (double seconds);

/* Draws now and then until it is freed; that draws a last time. */
typedef struct _DemoView DemoView;

DemoView *demo_view_new (Demo *demo);
void demo_view_free (DemoView *view);

/* How many requests did not end exactly once. */
guint demo_count_wrong (Demo *demo);
void demo_print_report (Demo *demo, double elapsed);
void demo_print_json (Demo *demo, double elapsed);

/* What the demo changes of the standard policy for its own server. The outage takes three to seven
 * attempts of a request, and each one after it fails with a probability of a fifth: 10 retries left
 * a failed request in one of 43 runs of a thousand, 15 leave one in some 100,000 runs. */
#define DEMO_MAX_RETRIES 15
#define DEMO_BASE_DELAY 0.2
#define DEMO_MAX_DELAY 1.0
/* Seconds */
#define DEMO_OUTAGE 0.7
#define DEMO_READ_TIMEOUT 0.5
