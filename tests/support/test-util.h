/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* Whether it runs where each instruction costs many: under valgrind, or with a sanitizer. */
gboolean test_is_quick (void);
/* @n, or a tenth of it there. */
guint test_fewer (guint n);

/* The longest that a test may wait for anything; it fails then. */
#define TEST_DEADLINE_SECONDS ((int) test_get_deadline ())
guint test_get_deadline (void);

typedef gboolean (*TestCondition) (gpointer data);

/* Runs the thread-default main context until @condition holds. It is asked after each turn of the
 * context, so it must be something that the context's sources change. */
void test_run_until (TestCondition condition, gpointer data);
/* The same for a flag, or a pointer, that becomes other than FALSE or NULL. */
void test_run_until_true (gboolean *flag);
void test_run_until_set (gpointer location);
/* One turn after another until nothing is ready. */
void test_run_pending (void);

/* A place for the result of an asynchronous operation: give it as user_data with test_result_cb as
 * callback. */
typedef struct
{
  GObject *source;
  GAsyncResult *result;
  GThread *thread; /* that ran the callback; not a reference */
  guint calls;     /* more than one is an error of what is tested */
} TestResult;

void test_result_cb (GObject *source, GAsyncResult *result, gpointer user_data);
/* Waits for it, in the thread-default main context. It stays there until test_result_clear. */
GAsyncResult *test_result_wait (TestResult *self);
void test_result_clear (TestResult *self);

/* From now on warnings of @domain that contain @part are passed over; for what is libsoup's own.
 * NULL forgets them all. */
void test_allow_warning (const char *domain, const char *part);
/* How many were passed over since the last that was allowed. */
guint test_count_allowed (void);

/* Counts in @n, from now to the end of the program, the debug lines of the library that contain
 * @part; all of them are on then, and none is shown. In main (), before anything else. */
void test_count_lines (const char *part, int *n);

/* Makes @session trust the test authority, and nobody else. */
void test_trust (SoupSession *session);
/* The same for all connections of the process that don't choose whom they trust. */
void test_trust_by_default (void);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TestResult, test_result_clear)

G_END_DECLS
