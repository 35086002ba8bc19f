/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "test-util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault-server.h"

/* Of the whole program. A descriptor that is closed twice is another's by then, now and then, who
 * loses a connection or never wakes up: where it is nobody's yet, the program ends. */
#ifndef __SANITIZE_THREAD__
int
close (int fd)
{
  int result = (int) syscall (SYS_close, fd);

  if (result != 0 && errno == EBADF)
    g_error ("descriptor %d was closed, but is not open", fd);

  return result;
}
#endif

gboolean
test_is_quick (void)
{
  return g_getenv ("RESILIENT_TEST_QUICK") != NULL;
}

guint
test_fewer (guint n)
{
  return test_is_quick () ? n / 10 : n;
}

/* Where each instruction costs fifty, and others have the processors, a minute is little. */
guint
test_get_deadline (void)
{
  return test_is_quick () ? 60 : 20;
}

static gboolean
out_of_time_cb (gpointer user_data)
{
  g_error ("nothing came of it in %d s", TEST_DEADLINE_SECONDS);

  return G_SOURCE_REMOVE;
}

void
test_run_until (TestCondition condition, gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr (GSource) deadline = g_timeout_source_new_seconds (TEST_DEADLINE_SECONDS);

  g_source_set_callback (deadline, out_of_time_cb, NULL, NULL);
  g_source_attach (deadline, context);
  while (!condition (data))
    g_main_context_iteration (context, TRUE);
  g_source_destroy (deadline);
}

static gboolean
is_true (gpointer data)
{
  return *(gboolean *) data;
}

static gboolean
is_set (gpointer data)
{
  return *(gpointer *) data != NULL;
}

void
test_run_until_true (gboolean *flag)
{
  test_run_until (is_true, flag);
}

void
test_run_until_set (gpointer location)
{
  test_run_until (is_set, location);
}

void
test_run_pending (void)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  while (g_main_context_iteration (context, FALSE))
    ;
}

void
test_result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TestResult *self = user_data;

  g_assert_cmpuint (self->calls, ==, 0);
  self->calls++;
  self->thread = g_thread_self ();
  g_set_object (&self->source, source);
  g_set_object (&self->result, result);
}

GAsyncResult *
test_result_wait (TestResult *self)
{
  test_run_until_set (&self->result);

  return self->result;
}

void
test_result_clear (TestResult *self)
{
  g_clear_object (&self->source);
  g_clear_object (&self->result);
  self->thread = NULL;
  self->calls = 0;
}

#define WARNING_LEVELS (G_LOG_LEVEL_WARNING | G_LOG_FLAG_FATAL | G_LOG_FLAG_RECURSION)
#define MAX_ALLOWED 4

/* Any thread warns; one allows. */
static struct
{
  const char *domain;
  const char *part;
  guint handler;
} allowed[MAX_ALLOWED];
static int n_allowed;
static int n_passed;

static gboolean
is_allowed (const char *log_domain, const char *message)
{
  int n = g_atomic_int_get (&n_allowed);

  for (int i = 0; i < n; i++)
    if (g_strcmp0 (log_domain, allowed[i].domain) == 0 && strstr (message, allowed[i].part) != NULL)
      return TRUE;

  return FALSE;
}

static void
log_cb (const char *log_domain, GLogLevelFlags log_level, const char *message, gpointer user_data)
{
  if (!is_allowed (log_domain, message))
    {
      g_log_default_handler (log_domain, log_level, message, NULL);
      abort ();
    }
  g_atomic_int_inc (&n_passed);
}

static gboolean
allows_some (const char *domain)
{
  for (int i = 0; i < g_atomic_int_get (&n_allowed); i++)
    if (g_str_equal (allowed[i].domain, domain))
      return TRUE;

  return FALSE;
}

/* GTest forgets between two tests what g_test_log_set_fatal_handler() was told, and that is where a
 * thread may warn that a test has left behind. So warnings are fatal by the domain: of those that
 * have one allowed, the handler decides. */
static void
set_fatal_masks (void)
{
  static const char *const domains[] = { "Resilient", "ResilientTest", "GLib",    "GLib-GObject",
                                         "GLib-GIO",  "GLib-Net",      "libsoup", "libsoup-http2" };

  for (guint i = 0; i < G_N_ELEMENTS (domains); i++)
    g_log_set_fatal_mask (domains[i],
                          G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL
                            | (allows_some (domains[i]) ? 0 : G_LOG_LEVEL_WARNING));
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
}

static void
forget_allowed (void)
{
  int n = g_atomic_int_get (&n_allowed);

  for (int i = 0; i < n; i++)
    g_log_remove_handler (allowed[i].domain, allowed[i].handler);
  g_atomic_int_set (&n_allowed, 0);
  set_fatal_masks ();
}

/* There is a handler only while the mask lets it decide: what is fatal ends the program whatever
 * its handler says, and without a word of it. */
void
test_allow_warning (const char *domain, const char *part)
{
  int n = g_atomic_int_get (&n_allowed);

  if (domain == NULL)
    {
      forget_allowed ();
      return;
    }
  g_atomic_int_set (&n_passed, 0);
  for (int i = 0; i < n; i++)
    if (g_str_equal (allowed[i].domain, domain) && g_str_equal (allowed[i].part, part))
      return;
  g_assert_cmpint (n, <, MAX_ALLOWED);
  allowed[n].domain = domain;
  allowed[n].part = part;
  g_atomic_int_set (&n_allowed, n + 1);
  set_fatal_masks ();
  allowed[n].handler = g_log_set_handler (domain, WARNING_LEVELS, log_cb, NULL);
}

guint
test_count_allowed (void)
{
  return g_atomic_int_get (&n_passed);
}

#define MAX_COUNTED 4

/* Any thread writes; main() sets. */
static struct
{
  const char *part;
  int *n; /* atomic */
} counted[MAX_COUNTED];
static guint n_counted;

static GLogWriterOutput
count_lines_cb (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  if ((level & G_LOG_LEVEL_MASK) != G_LOG_LEVEL_DEBUG)
    return g_log_writer_default (level, fields, n_fields, NULL);

  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE"))
      for (guint j = 0; j < n_counted; j++)
        if (strstr (fields[i].value, counted[j].part) != NULL)
          g_atomic_int_inc (counted[j].n);

  return G_LOG_WRITER_HANDLED;
}

void
test_count_lines (const char *part, int *n)
{
  g_assert_cmpuint (n_counted, <, MAX_COUNTED);
  counted[n_counted].part = part;
  counted[n_counted].n = n;
  if (n_counted++ > 0)
    return;
  g_setenv ("G_MESSAGES_DEBUG", "Resilient", TRUE);
  g_log_set_writer_func (count_lines_cb, NULL, NULL);
}

void
test_trust (SoupSession *session)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsDatabase) database = fault_database_new (&error);

  g_assert_no_error (error);
  soup_session_set_tls_database (session, database);
}

void
test_trust_by_default (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsDatabase) database = fault_database_new (&error);

  g_assert_no_error (error);
  g_tls_backend_set_default_database (g_tls_backend_get_default (), database);
}
