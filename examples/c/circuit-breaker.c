/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Reads files of a share that may be gone, and leaves it alone while it is: circuit-breaker FILE…
 */

#include <glib/gstdio.h>
#include <locale.h>
#include <resilient.h>
#include <stdlib.h>
#include <string.h>

/* [guard] */
static char *
read_shared_file (ResilientCircuitBreaker *breaker, const char *path, GError **error)
{
  g_autoptr (ResilientPermit) permit = resilient_circuit_breaker_acquire (breaker, error);
  char *contents = NULL;

  if (permit == NULL)
    return NULL; /* refused at once, the share is not asked */

  if (g_file_get_contents (path, &contents, NULL, error))
    resilient_permit_succeed (permit);
  else
    resilient_permit_fail (permit);
  return contents;
}
/* [end] */

/* [policy] */
static ResilientCircuitBreaker *
make_breaker (double recovery_timeout, GError **error)
{
  g_autoptr (ResilientCircuitPolicyBuilder) builder = resilient_circuit_policy_builder_new (NULL);
  g_autoptr (ResilientCircuitPolicy) policy = NULL;

  resilient_circuit_policy_builder_set_failure_threshold (builder, 3);
  resilient_circuit_policy_builder_set_recovery_timeout (builder, recovery_timeout);
  policy = resilient_circuit_policy_builder_build (builder, error);
  return policy != NULL ? resilient_circuit_breaker_new (policy) : NULL;
}
/* [end] */

/* [changed] */
static void
state_changed_cb (ResilientCircuitBreaker *breaker,
                  ResilientCircuitState old_state,
                  ResilientCircuitState new_state,
                  gpointer user_data)
{
  if (new_state == RESILIENT_CIRCUIT_STATE_OPEN)
    g_print ("The share is gone, next look in %.2f s\n",
             resilient_circuit_breaker_get_retry_after (breaker));
  else if (new_state == RESILIENT_CIRCUIT_STATE_CLOSED)
    g_print ("The share is back\n");
}
/* [end] */

static gboolean
is_refused (ResilientCircuitBreaker *breaker, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *contents G_GNUC_UNUSED = read_shared_file (breaker, path, &error);

  return g_error_matches (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN);
}

/* A share that is there, goes, and comes back. */
static gboolean
test (void)
{
  g_autofree char *folder = g_dir_make_tmp ("share-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "file", NULL);
  g_autoptr (ResilientCircuitBreaker) breaker = make_breaker (0.02, NULL);
  gboolean passed;

  g_signal_connect (breaker, "state-changed", G_CALLBACK (state_changed_cb), NULL);
  passed = !is_refused (breaker, path) && !is_refused (breaker, path) && !is_refused (breaker, path)
           && is_refused (breaker, path);
  g_file_set_contents (path, "here", -1, NULL);
  while (resilient_circuit_breaker_get_retry_after (breaker) > 0)
    g_usleep (1000);
  passed = passed && !is_refused (breaker, path)
           && resilient_circuit_breaker_get_state (breaker) == RESILIENT_CIRCUIT_STATE_CLOSED;
  while (g_main_context_iteration (NULL, FALSE))
    ;

  g_unlink (path);
  g_rmdir (folder);
  return passed;
}

int
main (int argc, char **argv)
{
  g_autoptr (ResilientCircuitBreaker) breaker = NULL;
  g_autoptr (GError) error = NULL;

  /* Messages of errors come in the language of the user. */
  setlocale (LC_ALL, "");

  if (argc == 2 && strcmp (argv[1], "--self-test") == 0)
    return test () ? EXIT_SUCCESS : EXIT_FAILURE;

  breaker = make_breaker (10, &error);
  for (int i = 1; i < argc && breaker != NULL; i++)
    {
      g_autofree char *contents = read_shared_file (breaker, argv[i], &error);

      if (contents != NULL)
        g_print ("%s: %zu bytes\n", argv[i], strlen (contents));
      else
        g_printerr ("%s\n", error->message);
      g_clear_error (&error);
    }

  return breaker != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}
