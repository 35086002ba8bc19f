/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-rate-limit-fields-private.h"

/* What servers say of how many requests they still take. */

/* 2024-02-29 12:00:00 UTC */
#define NOW (G_GINT64_CONSTANT (1709208000) * G_USEC_PER_SEC)

static const struct
{
  const char *rate_limit;
  const char *policy;
  const char *x_remaining;
  const char *x_reset;
  gint64 remaining; /* -1: nothing is said */
  double reset;
} fields[] = {
  /* the examples of the draft */
  { "\"default\";r=50;t=30", NULL, NULL, NULL, 50, 30 },
  { "\"default\";r=999;pk=:dHJpYWwxMjEzMjM=:", NULL, NULL, NULL, 999, -1 },
  { "\"problemPolicy\";r=0;t=10", "\"problemPolicy\";q=10;w=1;pk=:QUJD:", NULL, NULL, 0, 10 },
  /* several quotas: the least, and of those the longest */
  { "\"hour\";r=5;t=100, \"day\";r=3;t=5000", NULL, NULL, NULL, 3, 5000 },
  { "\"a\";r=3;t=1,\"b\";r=3;t=9 ,\t\"c\";r=3;t=5", NULL, NULL, NULL, 3, 9 },
  { "\"a\";r=0, \"b\";r=0;t=2", NULL, NULL, NULL, 0, 2 },
  { "\"a\", \"b\";r=7;t=2", NULL, NULL, NULL, 7, 2 },
  /* no reset: the window of the policy of that name */
  { "\"a\";r=0", "\"b\";q=1;w=5, \"a\";q=9;w=60", NULL, NULL, 0, 60 },
  { "\"a\";r=0;t=3", "\"a\";q=9;w=60", NULL, NULL, 0, 3 },
  { "\"a\";r=0", "\"b\";q=1;w=5", NULL, NULL, 0, -1 },
  { "\"a\";r=0", "broken;;", NULL, NULL, 0, -1 },
  /* structured fields: blanks, tokens, escapes, other parameters, the last one counts */
  { "  default;  r=1;t=2  ", NULL, NULL, NULL, 1, 2 },
  { "\"a \\\" \\\\\";r=4", "\"a \\\" \\\\\";w=8", NULL, NULL, 4, 8 },
  { "\"a\";x;y=?1;z=1.25;k=*tok;r=1;r=2;t=9", NULL, NULL, NULL, 2, 9 },
  { "\"a\";x=@1659578233;y=@-1;z=%\"caf%c3%a9\";r=3;t=4", NULL, NULL, NULL, 3, 4 },
  { "\"a\";r=1;t=999999999999999", NULL, NULL, NULL, 1, 2147483648.0 },
  { "\"a\";r=-1;t=2", NULL, NULL, NULL, -1, 0 },
  { "\"a\";r=1.5", NULL, NULL, NULL, -1, 0 },
  { "\"a\";r", NULL, NULL, NULL, -1, 0 },
  /* not well formed */
  { "", NULL, NULL, NULL, -1, 0 },
  { "\"a", NULL, NULL, NULL, -1, 0 },
  { "\"a\\x\";r=1", NULL, NULL, NULL, -1, 0 },
  { "\"\x01\";r=1", NULL, NULL, NULL, -1, 0 },
  { "\"\xc3\xa9\";r=1", NULL, NULL, NULL, -1, 0 },
  { "\"a\";r=1,", NULL, NULL, NULL, -1, 0 },
  { "\"a\";r=1 \"b\"", NULL, NULL, NULL, -1, 0 },
  { "\"a\";r=1;", NULL, NULL, NULL, -1, 0 },
  { "\"a\";R=1", NULL, NULL, NULL, -1, 0 },
  { "\"a\";r=", NULL, NULL, NULL, -1, 0 },
  { "\"a\";r=1234567890123456", NULL, NULL, NULL, -1, 0 },
  { "\"a\";x=1.;r=1", NULL, NULL, NULL, -1, 0 },
  { "\"a\";x=1.1234;r=1", NULL, NULL, NULL, -1, 0 },
  { "\"a\";x=:!:;r=1", NULL, NULL, NULL, -1, 0 },
  { "\"a\";x=?2;r=1", NULL, NULL, NULL, -1, 0 },
  { "\"a\";x=@1.5;r=1", NULL, NULL, NULL, -1, 0 },
  { "\"a\";x=@;r=1", NULL, NULL, NULL, -1, 0 },
  { "\"a\";x=%\"%C3%A9\";r=1", NULL, NULL, NULL, -1, 0 },
  { "\"a\";x=%\"b;r=1", NULL, NULL, NULL, -1, 0 },
  { "\"a\";x=%\"\xc3\xa9\";r=1", NULL, NULL, NULL, -1, 0 },
  { "\"a\";x=%b;r=1", NULL, NULL, NULL, -1, 0 },
  { "\"a\";r=-", NULL, NULL, NULL, -1, 0 },
  { "(\"a\");r=1", NULL, NULL, NULL, -1, 0 },
  { "limit=100, remaining=50, reset=5", NULL, NULL, NULL, -1, 0 },
  /* what was there before */
  { NULL, NULL, "50", "30", 50, 30 },
  { NULL, NULL, "0", "1709208060", 0, 60 },
  { NULL, NULL, "0", "1709207000", 0, 0 },
  { NULL, NULL, "0", "999999999", 0, 999999999 },
  { NULL, NULL, " 7\t", "1.5 ", 7, 1.5 },
  { NULL, NULL, "7", NULL, 7, -1 },
  { NULL, NULL, "7", "soon", 7, -1 },
  { NULL, NULL, "99999999999999999999999", "9", G_GINT64_CONSTANT (1000000000000000), 9 },
  { NULL, NULL, "0", "99999999999999999999", 0, 2147483648.0 },
  { NULL, NULL, NULL, "30", -1, 0 },
  { NULL, NULL, "", "30", -1, 0 },
  { NULL, NULL, "-1", "30", -1, 0 },
  { NULL, NULL, "1, 2", "30", -1, 0 },
  { NULL, NULL, ".5", "30", -1, 0 },
  { NULL, NULL, "0x10", "30", -1, 0 },
  { NULL, NULL, "inf", "nan", -1, 0 },
  /* the standard counts before it, unless it is broken */
  { "\"a\";r=1;t=2", NULL, "50", "30", 1, 2 },
  { "\"a\";r=1;t=2;", NULL, "50", "30", 50, 30 },
  { NULL, NULL, NULL, NULL, -1, 0 },
};

static void
test_table (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      ResilientRateLimitHint hint;
      gboolean said = resilient_rate_limit_fields_parse (fields[i].rate_limit,
                                                         fields[i].policy,
                                                         fields[i].x_remaining,
                                                         fields[i].x_reset,
                                                         NOW,
                                                         &hint);

      g_test_message ("row %u", (guint) i);
      g_assert_true (said == (fields[i].remaining >= 0));
      if (said)
        {
          g_assert_cmpint (hint.remaining, ==, fields[i].remaining);
          g_assert_cmpfloat (hint.reset, ==, fields[i].reset);
        }
    }
}

/* Names beyond what is kept of them are cut alike. */
static void
test_long_names (void)
{
  g_autofree char *name = g_strnfill (500, 'n');
  g_autofree char *rate_limit = g_strdup_printf ("\"%s\";r=0", name);
  g_autofree char *policy = g_strdup_printf ("\"%s\";w=9", name);
  ResilientRateLimitHint hint;

  g_assert_true (resilient_rate_limit_fields_parse (rate_limit, policy, NULL, NULL, NOW, &hint));
  g_assert_cmpfloat (hint.reset, ==, 9);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/rate-limit-fields/table", test_table);
  g_test_add_func ("/rate-limit-fields/long-names", test_long_names);

  return g_test_run ();
}
