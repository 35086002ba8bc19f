/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <libsoup/soup.h>
#include <resilient.h>

G_BEGIN_DECLS

/* What the programs of this folder share: every one measures one thing in one process and prints one JSON object. */

/* CPU time of this process so far, user and system: seconds. */
double bench_cpu_time (void);
/* Bytes of the heap in use now (mallinfo2), and the largest resident set so far. */
gsize bench_heap_in_use (void);
gsize bench_peak_rss (void);
/* Sources attached to @context, of that name or (NULL) all. */
guint bench_count_sources (GMainContext *context, const char *name);

/* A client with everything on: standard policy, handlers for every signal, results and statistics. */
ResilientClient *bench_client_new (guint concurrency);
/* How many signals its handlers saw. */
extern guint64 bench_n_signals;

/* A plain session with as many connections. */
SoupSession *bench_session_new (guint concurrency);

G_END_DECLS
