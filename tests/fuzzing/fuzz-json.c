/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "fuzz.h"

#include <string.h>

#include "resilient-json-private.h"

/* JSON comes from servers. What the check lets through the parser takes, and means the same by:
 * what it writes of it is JSON, and the same again. An input is a text. */

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (JsonNode) again = NULL;
  g_autofree char *written = NULL;

  /* as the callers see to */
  if (!g_utf8_validate_len (text, size, NULL))
    return 0;

  node = resilient_json_parse (text, size, &error);
  if (node == NULL)
    {
      g_assert_error (error, JSON_PARSER_ERROR, JSON_PARSER_ERROR_PARSE);
      g_assert_nonnull (strstr (error->message, "line "));
      return 0;
    }
  g_assert_no_error (error);

  written = resilient_json_write (node, &error);
  g_assert_no_error (error);
  again = resilient_json_parse (written, strlen (written), &error);
  g_assert_no_error (error);
  g_assert_true (json_node_equal (node, again));
  return 0;
}
