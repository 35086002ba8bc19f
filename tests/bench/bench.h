/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <libsoup/soup.h>
#include <resilient.h>

G_BEGIN_DECLS

/* What the programs of this folder share: every one measures one thing in one process and prints
 * one JSON object. */

/* CPU time of this process so far, user and system: seconds. */
double bench_cpu_time (void);
/* Bytes of the heap in use now (mallinfo2), and the largest resident set so far. */
gsize bench_heap_in_use (void);
gsize bench_peak_rss (void);
/* Sources attached to @context, of that name or (NULL) all. */
guint bench_count_sources (GMainContext *context, const char *name);

/* Parses the command line, or prints what is wrong and exits. */
void bench_parse (const GOptionEntry *entries, int *argc, char ***argv);

/* A client with everything on: standard policy, handlers for every signal, results and statistics.
 * It trusts the certificates of the file @ca: by the default database for @trust "default", or by
 * one that is set on its session for "session". For "any" it goes on whatever the database says. */
ResilientClient *bench_client_new (guint concurrency, const char *ca, const char *trust);
/* How many signals its handlers saw. */
extern guint64 bench_n_signals;

/* A plain session with as many connections. */
SoupSession *bench_session_new (guint concurrency, const char *ca, const char *trust);

/* Descriptors that the process has open. */
int bench_count_descriptors (void);

/* Iterates the default main context until *@counter is @n. */
void bench_turn_until (const int *counter, int n);

/* From now on, how long the default main context is away from its poll at a time. */
void bench_stalls_begin (void);
/* The longest time so far, and the 99th percentile, in milliseconds. */
void bench_stalls_end (double *longest, double *p99);

/* Sorts @values; the value below which the part @p of them is, 0 if there is none. */
double bench_percentile (GArray *values, double p);

G_END_DECLS
