/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "fuzz.h"

#include <string.h>

#include "resilient-error.h"
#include "resilient-request-context.h"

/* A request id comes from outside and goes into logs, headers and look-ups.
 *
 * An input has up to two lines: the id, and metadata in GVariant's text format. */

#define ID_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"

static gboolean
is_valid_id (const char *id)
{
  gsize length = strlen (id);

  return length >= 1 && length <= 128 && strspn (id, ID_CHARACTERS) == length;
}

static void
check_drawn_id (void)
{
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_new (NULL, NULL, NULL, NULL);
  const char *id = resilient_request_context_get_request_id (context);

  g_assert_true (g_uuid_string_is_valid (id));
  g_assert_true (is_valid_id (id));
}

/* Nothing that is done with a context changes who it is. */
static void
check_derived (ResilientRequestContext *context)
{
  g_autoptr (ResilientRequestContext) next = resilient_request_context_increment_attempt (context);
  g_autoptr (ResilientRequestContext) reset = resilient_request_context_reset_attempts (next);
  g_autoptr (ResilientRequestContext) bare =
    resilient_request_context_with_metadata (next, NULL, NULL);
  const char *id = resilient_request_context_get_request_id (context);

  g_assert_cmpuint (resilient_request_context_get_current_attempt (context), ==, 0);
  g_assert_cmpuint (resilient_request_context_get_current_attempt (next), ==, 1);
  g_assert_cmpuint (resilient_request_context_get_current_attempt (bare), ==, 1);
  g_assert_cmpstr (resilient_request_context_get_request_id (next), ==, id);
  g_assert_cmpstr (resilient_request_context_get_request_id (bare), ==, id);
  g_assert_true (resilient_request_context_equal (reset, context));
  g_assert_cmpuint (g_variant_n_children (resilient_request_context_get_metadata (bare)), ==, 0);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  g_autofree char *id = fuzz_take_line (&input);
  g_autofree char *text = fuzz_take_line (&input);
  /* GVariant's format is UTF-8 by precondition. */
  g_autoptr (GVariant) metadata = text != NULL && g_utf8_validate (text, -1, NULL)
                                    ? g_variant_parse (NULL, text, NULL, NULL, NULL)
                                    : NULL;
  g_autoptr (ResilientRequestContext) context = NULL;
  g_autoptr (GError) error = NULL;
  gboolean valid;

  if (id == NULL)
    {
      check_drawn_id ();
      return 0;
    }

  valid = is_valid_id (id)
          && (metadata == NULL || g_variant_is_of_type (metadata, G_VARIANT_TYPE_VARDICT));
  context = resilient_request_context_new (id, NULL, metadata, &error);
  g_assert_cmpint (context != NULL, ==, valid);
  if (!valid)
    {
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      return 0;
    }

  g_assert_no_error (error);
  g_assert_cmpstr (resilient_request_context_get_request_id (context), ==, id);
  if (metadata != NULL)
    g_assert_true (g_variant_equal (resilient_request_context_get_metadata (context), metadata));
  check_derived (context);

  return 0;
}
