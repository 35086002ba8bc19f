/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "demo.h"

static G_GNUC_PRINTF (2, 3) gboolean bad_value (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_propagate_error (
    error, g_error_new_valist (G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, format, arguments));
  va_end (arguments);

  return FALSE;
}

gboolean
demo_options_parse (DemoOptions *options, int *argc, char ***argv, GError **error)
{
  g_autofree char *policy = NULL;
  g_auto (GStrv) uris = NULL;
  int n_requests = G_MININT, concurrency = 64;
  double fault_rate = 0.2;
  gint64 seed = -1;
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "policy",
      'p',
      0,
      G_OPTION_ARG_STRING,
      &policy,
      /* Translators: “default” and “standard” are what one types. */
      N_ ("Retry policy: “default” or “standard”"),
      N_ ("NAME") },
    { "requests",
      'n',
      0,
      G_OPTION_ARG_INT,
      &n_requests,
      N_ ("How many requests, all at once"),
      N_ ("N") },
    { "concurrency",
      'c',
      0,
      G_OPTION_ARG_INT,
      &concurrency,
      N_ ("How many of them may be in flight"),
      N_ ("N") },
    { "fault-rate",
      'f',
      0,
      G_OPTION_ARG_DOUBLE,
      &fault_rate,
      N_ ("Share of requests that the server fails, 0 to 1"),
      N_ ("SHARE") },
    { "seed",
      's',
      0,
      G_OPTION_ARG_INT64,
      &seed,
      N_ ("Repeat the faults of an earlier run"),
      N_ ("N") },
    { "json",
      'j',
      0,
      G_OPTION_ARG_NONE,
      &json,
      N_ ("Print the result as JSON, times in seconds"),
      NULL },
    /* Translators: what the demo takes besides options. */
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &uris, NULL, N_ ("[URI…]") },
    { NULL }
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (
    context,
    /* Translators: lines of at most 80 characters. */
    _ ("Sends many requests at once to a server that misbehaves, here on this machine,\n"
       "and shows what becomes of them. With URIs it fetches those instead."));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;

  if (policy != NULL && !g_str_equal (policy, "default") && !g_str_equal (policy, "standard"))
    return bad_value (error, _ ("There is no policy “%s”"), policy);
  if (n_requests != G_MININT && (n_requests < 1 || n_requests > 1000000))
    return bad_value (error, _ ("The number of requests must be 1 to 1000000, not %d"), n_requests);
  if (concurrency < 1 || concurrency > 1000)
    return bad_value (error, _ ("The concurrency must be 1 to 1000"));
  if (!(fault_rate >= 0 && fault_rate <= 1))
    return bad_value (error, _ ("The fault rate must be 0 to 1"));
  if (seed < -1 || seed > G_MAXUINT32)
    return bad_value (error, _ ("The seed must be 0 to %u"), G_MAXUINT32);

  if (n_requests == G_MININT)
    n_requests = uris != NULL ? (int) g_strv_length (uris) : 1000;

  options->policy = policy != NULL && g_str_equal (policy, "default") ? "default" : "standard";
  options->n_requests = n_requests;
  options->concurrency = concurrency;
  options->fault_rate = fault_rate;
  options->seed = (guint32) (seed >= 0 ? seed : g_random_int_range (0, 10000));
  options->json = json;
  options->uris = g_steal_pointer (&uris);

  return TRUE;
}

void
demo_options_clear (DemoOptions *options)
{
  g_clear_pointer (&options->uris, g_strfreev);
}
