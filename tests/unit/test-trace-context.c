/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-trace-context-private.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define ZERO_TRACE "00000000000000000000000000000000"

/* W3C Trace Context, level 1, 3.2.2 and 3.2.3. */
static void
test_parent (void)
{
  static const struct
  {
    const char *text;
    gboolean valid;
  } cases[] = {
    { "00-" TRACE "-" SPAN "-01", TRUE },
    { "00-" TRACE "-" SPAN "-00", TRUE },
    { "00-" TRACE "-" SPAN "-ff", TRUE },
    /* a later version may be longer, after a dash */
    { "01-" TRACE "-" SPAN "-01", TRUE },
    { "01-" TRACE "-" SPAN "-01-", TRUE },
    { "fe-" TRACE "-" SPAN "-01-more", TRUE },
    { "fe-" TRACE "-" SPAN "-01-more\r\n", FALSE },
    { "fe-" TRACE "-" SPAN "-01-caf\xc3\xa9", FALSE },
    { "01-" TRACE "-" SPAN "-01.", FALSE },
    { "01-" TRACE "-" SPAN "-011", FALSE },
    { "00-" TRACE "-" SPAN "-01-", FALSE },
    { "00-" TRACE "-" SPAN "-01 ", FALSE },
    { " 00-" TRACE "-" SPAN "-01", FALSE },
    { "ff-" TRACE "-" SPAN "-01", FALSE },
    { "0-" TRACE "-" SPAN "-01", FALSE },
    { "00-" ZERO_TRACE "-" SPAN "-01", FALSE },
    { "00-" TRACE "-0000000000000000-01", FALSE },
    { "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", FALSE },
    { "00-" TRACE "-" SPAN "-0A", FALSE },
    { "00-" TRACE "-" SPAN "-0g", FALSE },
    { "00-" TRACE "-" SPAN "-0", FALSE },
    { "00-" TRACE "-" SPAN, FALSE },
    { "00_" TRACE "-" SPAN "-01", FALSE },
    { "00-" TRACE "_" SPAN "-01", FALSE },
    { "00-" TRACE "-" SPAN "_01", FALSE },
    { "00-4bf92f3577b34da6a3ce929d0e0e473-" SPAN "-01", FALSE },
    { "", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].text);
      g_assert_cmpint (resilient_trace_parent_is_valid (cases[i].text), ==, cases[i].valid);
    }
}

static char *
repeat (const char *member, guint n)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s%s%u=x", i > 0 ? "," : "", member, i);
  return g_string_free (text, FALSE);
}

static void
test_state (void)
{
  static const struct
  {
    const char *text;
    gboolean valid;
  } cases[] = {
    { "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", TRUE },
    { "tenant@system=a b ,\t0ther_-*/=1\t,", TRUE },
    { "a=!~", TRUE },
    { "a=b=c", FALSE },
    { "a=1,b=2,a=3", FALSE },
    { "A=1", FALSE },
    { "_a=1", FALSE },
    { "a b=1", FALSE },
    { "a = 1", FALSE },
    { "a=1\t2", FALSE },
    { "", TRUE },
    { " , ,", TRUE },
    { "rojo", FALSE },
    { "=1", FALSE },
    { "a=", FALSE },
    { "a=1,b", FALSE },
    { "a=1\r\nX: y", FALSE },
    { "a=caf\xc3\xa9", FALSE },
  };
  g_autofree char *most = repeat ("k", 32);
  g_autofree char *too_many = repeat ("k", 33);
  g_autofree char *text = g_strnfill (256, 'k');
  g_autofree char *longest = g_strdup_printf ("%s=%s", text, text);
  g_autofree char *long_key = g_strdup_printf ("k%s=%s", text, text);
  g_autofree char *long_value = g_strdup_printf ("%s=k%s", text, text);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].text);
      g_assert_cmpint (resilient_trace_state_is_valid (cases[i].text), ==, cases[i].valid);
    }
  g_assert_true (resilient_trace_state_is_valid (most));
  g_assert_false (resilient_trace_state_is_valid (too_many));
  g_assert_true (resilient_trace_state_is_valid (longest));
  g_assert_false (resilient_trace_state_is_valid (long_key));
  g_assert_false (resilient_trace_state_is_valid (long_value));
}

/* Whatever the version was, 00 is what is known; flags that mean nothing yet go. */
static void
test_write (void)
{
  static const struct
  {
    const char *from, *flags;
  } cases[] = {
    { "00-" TRACE "-" SPAN "-01", "01" },     { "00-" TRACE "-" SPAN "-00", "00" },
    { "00-" TRACE "-" SPAN "-02", "02" },     { "00-" TRACE "-" SPAN "-fd", "01" },
    { "cc-" TRACE "-" SPAN "-01-new", "01" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ResilientTraceContext) trace = resilient_trace_context_new (cases[i].from, "a=1");
      g_autoptr (ResilientTraceContext) other = resilient_trace_context_ref (trace);
      guint64 span_id = resilient_trace_context_get_span_id (trace, 1);
      g_autofree char *expected =
        g_strdup_printf ("00-" TRACE "-%016" G_GINT64_MODIFIER "x-%s", span_id, cases[i].flags);
      char text[RESILIENT_TRACE_PARENT_SIZE];

      resilient_trace_context_write_parent (other, 1, text);
      g_assert_cmpstr (text, ==, expected);
      g_assert_true (resilient_trace_parent_is_valid (text));
      g_assert_cmpstr (resilient_trace_context_get_state (other), ==, "a=1");
    }
}

static void
test_nothing_to_hand_on (void)
{
  g_autoptr (ResilientTraceContext) none =
    resilient_trace_context_new ("00-" TRACE "-" SPAN "-01", NULL);
  g_autoptr (ResilientTraceContext) empty =
    resilient_trace_context_new ("00-" TRACE "-" SPAN "-01", "");

  g_assert_null (resilient_trace_context_get_state (none));
  g_assert_null (resilient_trace_context_get_state (empty));
}

/* Ids differ between attempts, and between calls of one trace. */
static void
test_spans (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (ResilientTraceContext) trace =
        resilient_trace_context_new ("00-" TRACE "-" SPAN "-01", NULL);

      for (guint attempt = 1; attempt <= 100; attempt++)
        {
          guint64 span_id = resilient_trace_context_get_span_id (trace, attempt);

          g_assert_cmpuint (span_id, !=, 0);
          g_assert_cmpuint (resilient_trace_context_get_span_id (trace, attempt), ==, span_id);
          g_assert_true (g_hash_table_add (seen, g_memdup2 (&span_id, sizeof span_id)));
        }
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/trace-context/parent", test_parent);
  g_test_add_func ("/trace-context/state", test_state);
  g_test_add_func ("/trace-context/write", test_write);
  g_test_add_func ("/trace-context/nothing-to-hand-on", test_nothing_to_hand_on);
  g_test_add_func ("/trace-context/spans", test_spans);

  return g_test_run ();
}
