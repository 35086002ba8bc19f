/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

#include <locale.h>

/* An app that has set its locale gets errors in its user's language: here French, from the
 * catalogue of the build tree. */

#define NBSP "\u00a0"

static gboolean have_locale;

static gboolean
skip_without_catalogue (void)
{
  if (!have_locale)
    g_test_skip ("There is no locale C.UTF-8");
  else if (g_getenv ("RESILIENT_LOCALE_DIR") == NULL)
    g_test_skip ("RESILIENT_LOCALE_DIR does not tell where the catalogues are");
  else
    return FALSE;

  return TRUE;
}

static void
test_invalid (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", "ftp://127.0.0.1/");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  if (skip_without_catalogue ())
    return;

  response = client_send (fixture, request, NULL, &error);
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
  g_assert_null (response);
  g_assert_cmpstr (
    error->message, ==, "Le schéma de l’URI est «" NBSP "ftp" NBSP "», et non http ou https");
}

static void
test_timeout (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  if (skip_without_catalogue ())
    return;

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  resilient_client_set_total_timeout (fixture->client, 0.05);
  response = client_get (fixture, "/", NULL, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_null (response);
  g_assert_cmpstr (error->message, ==, "La requête n’a pas abouti en 0.05" NBSP "s");
}

/* A plural, around the message of the last attempt. */
static void
test_attempts (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (2);
  g_autoptr (ResilientRequestContext) context = context_new ("trois", policy);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  if (skip_without_catalogue ())
    return;

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  resilient_client_set_read_timeout (fixture->client, 0.05);
  response = client_get (fixture, "/", context, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_null (response);
  g_assert_cmpstr (error->message, ==, "Le serveur n’a pas répondu à temps (après 3 tentatives)");
}

static void
test_policy (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (GError) error = NULL;

  if (skip_without_catalogue ())
    return;

  resilient_retry_policy_builder_set_jitter (builder, 2);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY);
  g_assert_null (policy);
  g_assert_cmpstr (error->message,
                   ==,
                   "Politique de relance non valide" NBSP
                   ": jitter doit être compris entre 0 et 1, et vaut 2");
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/translations/invalid", test_invalid, FAULT_SERVER_PLAIN },
    { "/translations/timeout", test_timeout, FAULT_SERVER_PLAIN },
    { "/translations/attempts", test_attempts, FAULT_SERVER_PLAIN },
    { "/translations/policy", test_policy, FAULT_SERVER_PLAIN },
  };

  g_setenv ("LANGUAGE", "fr", TRUE);
  have_locale = setlocale (LC_ALL, "C.UTF-8") != NULL;

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
