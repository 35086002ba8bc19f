/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-enums.h"
#include "resilient-error.h"

typedef struct
{
  GType (*get_type) (void);
  const char *name;
  gboolean flags;
  const char *nicks[24]; /* in order of their values: of flags, zero first, then bit by bit */
} TypeCase;

/* The names are a contract: bindings make theirs of them, and signals their details. */
static const TypeCase cases[] = {
  { resilient_event_type_get_type,
    "ResilientEventType",
    FALSE,
    { "success", "retry", "error", "timeout", "cancelled" } },
  { resilient_result_status_get_type,
    "ResilientResultStatus",
    FALSE,
    { "pending", "success", "error", "timeout", "cancelled" } },
  { resilient_failure_get_type,
    "ResilientFailure",
    TRUE,
    { "none",        "resolve",         "connect",       "tls",
      "certificate", "connect-timeout", "write-timeout", "read-timeout",
      "disconnect",  "status",          "protocol",      "redirect",
      "too-large",   "queue-timeout",   "deadline",      "overloaded",
      "closed",      "invalid",         "cancelled",     "circuit-open" } },
  { resilient_jitter_get_type,
    "ResilientJitter",
    FALSE,
    { "none", "proportional", "full", "equal", "decorrelated" } },
  { resilient_call_state_get_type,
    "ResilientCallState",
    FALSE,
    { "queued", "sending", "receiving", "waiting", "offline", "done" } },
  { resilient_idempotency_get_type, "ResilientIdempotency", FALSE, { "auto", "yes", "no" } },
  { resilient_circuit_state_get_type,
    "ResilientCircuitState",
    FALSE,
    { "closed", "open", "half-open" } },
  { resilient_client_error_get_type,
    "ResilientClientError",
    FALSE,
    { "closed",
      "invalid-request",
      "invalid-policy",
      "overloaded",
      "circuit-open",
      "too-large",
      "redirect",
      "not-found",
      "retries-exhausted" } },
  { resilient_reason_get_type,
    "ResilientReason",
    FALSE,
    { "success",
      "retry",
      "cancelled",
      "deadline",
      "closed",
      "not-retryable",
      "retries-exhausted",
      "not-idempotent",
      "body-spent",
      "retry-after-too-long",
      "deadline-too-near",
      "queue-timeout",
      "hedge",
      "circuit-open",
      "retry-budget",
      "fallback" } },
  { resilient_batch_flags_get_type, "ResilientBatchFlags", TRUE, { "none", "fail-fast" } },
};

/* RESILIENT_EVENT_TYPE_SUCCESS of ResilientEventType and "success". */
static char *
make_value_name (const char *type_name, const char *nick)
{
  GString *name = g_string_new (NULL);

  for (const char *c = type_name; *c != '\0'; c++)
    {
      if (g_ascii_isupper (*c) && c != type_name)
        g_string_append_c (name, '_');
      g_string_append_c (name, g_ascii_toupper (*c));
    }

  g_string_append_c (name, '_');
  for (const char *c = nick; *c != '\0'; c++)
    g_string_append_c (name, *c == '-' ? '_' : g_ascii_toupper (*c));

  return g_string_free (name, FALSE);
}

static void
test_type (gconstpointer user_data)
{
  const TypeCase *type_case = user_data;
  GType type = type_case->get_type ();
  g_autoptr (GTypeClass) klass = g_type_class_ref (type);
  guint n_nicks = 0;

  g_assert_cmpstr (g_type_name (type), ==, type_case->name);

  while (type_case->nicks[n_nicks] != NULL)
    n_nicks++;

  if (type_case->flags)
    {
      GFlagsClass *flags = G_FLAGS_CLASS (klass);

      g_assert_cmpuint (flags->n_values, ==, n_nicks);
      for (guint i = 0; i < n_nicks; i++)
        {
          g_autofree char *name = make_value_name (type_case->name, type_case->nicks[i]);

          g_assert_cmpuint (flags->values[i].value, ==, i == 0 ? 0 : 1u << (i - 1));
          g_assert_cmpstr (flags->values[i].value_nick, ==, type_case->nicks[i]);
          g_assert_cmpstr (flags->values[i].value_name, ==, name);
        }
    }
  else
    {
      GEnumClass *enumeration = G_ENUM_CLASS (klass);

      g_assert_cmpuint (enumeration->n_values, ==, n_nicks);
      for (guint i = 0; i < n_nicks; i++)
        {
          g_autofree char *name = make_value_name (type_case->name, type_case->nicks[i]);

          g_assert_cmpint (enumeration->values[i].value, ==, i);
          g_assert_cmpstr (enumeration->values[i].value_nick, ==, type_case->nicks[i]);
          g_assert_cmpstr (enumeration->values[i].value_name, ==, name);
        }
    }
}

/* The registry of status codes at IANA (RFC 9110, 16.2.1). */
static const struct
{
  int status;
  const char *nick;
} statuses[] = {
  { 400, "bad-request" },
  { 401, "unauthorized" },
  { 402, "payment-required" },
  { 403, "forbidden" },
  { 404, "not-found" },
  { 405, "method-not-allowed" },
  { 406, "not-acceptable" },
  { 407, "proxy-authentication-required" },
  { 408, "request-timeout" },
  { 409, "conflict" },
  { 410, "gone" },
  { 411, "length-required" },
  { 412, "precondition-failed" },
  { 413, "content-too-large" },
  { 414, "uri-too-long" },
  { 415, "unsupported-media-type" },
  { 416, "range-not-satisfiable" },
  { 417, "expectation-failed" },
  { 421, "misdirected-request" },
  { 422, "unprocessable-content" },
  { 423, "locked" },
  { 424, "failed-dependency" },
  { 425, "too-early" },
  { 426, "upgrade-required" },
  { 428, "precondition-required" },
  { 429, "too-many-requests" },
  { 431, "request-header-fields-too-large" },
  { 451, "unavailable-for-legal-reasons" },
  { 500, "internal-server-error" },
  { 501, "not-implemented" },
  { 502, "bad-gateway" },
  { 503, "service-unavailable" },
  { 504, "gateway-timeout" },
  { 505, "http-version-not-supported" },
  { 506, "variant-also-negotiates" },
  { 507, "insufficient-storage" },
  { 508, "loop-detected" },
  { 511, "network-authentication-required" },
};

static void
test_http_error (void)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (resilient_http_error_get_type ());
  GEnumClass *enumeration = G_ENUM_CLASS (klass);

  g_assert_cmpuint (enumeration->n_values, ==, G_N_ELEMENTS (statuses));

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      g_autofree char *name = make_value_name ("ResilientHttpError", statuses[i].nick);

      g_assert_cmpint (enumeration->values[i].value, ==, statuses[i].status);
      g_assert_cmpstr (enumeration->values[i].value_nick, ==, statuses[i].nick);
      g_assert_cmpstr (enumeration->values[i].value_name, ==, name);
    }
}

static void
test_error_domains (void)
{
  g_assert_cmpstr (g_quark_to_string (RESILIENT_CLIENT_ERROR), ==, "resilient-client-error-quark");
  g_assert_cmpstr (g_quark_to_string (RESILIENT_HTTP_ERROR), ==, "resilient-http-error-quark");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/enums/%s", cases[i].name);

      g_test_add_data_func (path, &cases[i], test_type);
    }
  g_test_add_func ("/enums/ResilientHttpError", test_http_error);
  g_test_add_func ("/enums/error-domains", test_error_domains);

  return g_test_run ();
}
