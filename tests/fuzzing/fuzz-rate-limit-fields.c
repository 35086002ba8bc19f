/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "fuzz.h"

#include "resilient-rate-limit-fields-private.h"

/* What a server says of its quotas decides how long a client holds its requests back.
 *
 * An input has up to five lines: RateLimit, RateLimit-Policy, X-RateLimit-Remaining,
 * X-RateLimit-Reset, and the wall clock in seconds since 1970. */

#define MAX_SECONDS 2147483648.0

/* Until the year 9999. */
#define LAST_SECOND G_GINT64_CONSTANT (253402300799)

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  g_autofree char *rate_limit = fuzz_take_line (&input);
  g_autofree char *policy = fuzz_take_line (&input);
  g_autofree char *remaining = fuzz_take_line (&input);
  g_autofree char *reset = fuzz_take_line (&input);
  gint64 now = fuzz_take_integer (&input, 0, LAST_SECOND) * G_USEC_PER_SEC;
  g_autofree char *padded = NULL;
  g_autofree char *twice = NULL;
  ResilientRateLimitHint hint, other;
  gboolean said =
    resilient_rate_limit_fields_parse (rate_limit, policy, remaining, reset, now, &hint);

  if (said)
    {
      g_assert_cmpint (hint.remaining, >=, 0);
      g_assert_cmpint (hint.remaining, <=, G_GINT64_CONSTANT (1000000000000000));
      g_assert_true (hint.reset == -1.0 || (hint.reset >= 0.0 && hint.reset <= MAX_SECONDS));
    }

  /* Without the standard's fields only the others count, and they say no more than themselves. */
  if (rate_limit == NULL)
    {
      g_assert_true (
        said == resilient_rate_limit_fields_parse (NULL, NULL, remaining, reset, now, &other));
      return 0;
    }

  /* Blanks around a list mean nothing, and who says the same twice says no more. */
  padded = g_strconcat ("  ", rate_limit, " ", NULL);
  g_assert_true (
    said == resilient_rate_limit_fields_parse (padded, policy, remaining, reset, now, &other));
  g_assert_true (!said || (other.remaining == hint.remaining && other.reset == hint.reset));

  twice = g_strconcat (rate_limit, ", ", rate_limit, NULL);
  if (resilient_rate_limit_fields_parse (rate_limit, policy, NULL, NULL, now, &hint))
    {
      g_assert_true (resilient_rate_limit_fields_parse (twice, policy, NULL, NULL, now, &other));
      g_assert_true (other.remaining == hint.remaining && other.reset == hint.reset);
    }

  return 0;
}
