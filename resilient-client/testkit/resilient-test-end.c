/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How a scripted attempt ends. It is immutable once it is in a stub, and owns its error, headers
 * and body. Any thread. */

#include "config.h"

#include "resilient-test-stub-private.h"

ResilientTestEnd *
resilient_test_end_new (void)
{
  return g_atomic_rc_box_new0 (ResilientTestEnd);
}

static void
end_clear (gpointer data)
{
  ResilientTestEnd *end = data;

  g_clear_error (&end->error);
  if (end->headers != NULL)
    resilient_headers_unref (end->headers);
  g_clear_pointer (&end->body, g_bytes_unref);
}

void
resilient_test_end_unref (ResilientTestEnd *end)
{
  g_atomic_rc_box_release_full (end, end_clear);
}

/* "Name: value". */
static gboolean
parse_header (const char *line, char **name, char **value)
{
  const char *colon = strchr (line, ':');

  if (colon == NULL)
    return FALSE;

  *name = g_strndup (line, colon - line);
  *value = g_strstrip (g_strdup (colon + 1));
  return resilient_headers_name_is_valid (*name) && resilient_headers_value_is_valid (*value);
}

gboolean
resilient_test_end_headers_are_valid (const char *const *headers)
{
  for (guint i = 0; headers != NULL && headers[i] != NULL; i++)
    {
      g_autofree char *name = NULL;
      g_autofree char *value = NULL;

      if (!parse_header (headers[i], &name, &value))
        return FALSE;
    }

  return TRUE;
}

ResilientTestEnd *
resilient_test_end_new_response (guint status,
                                 const char *const *headers,
                                 GBytes *body,
                                 double takes)
{
  ResilientTestEnd *end = resilient_test_end_new ();

  end->status = status;
  end->headers = resilient_headers_new ();
  end->body = body != NULL ? g_bytes_ref (body) : g_bytes_new_static ("", 0);
  end->takes = takes;

  for (guint i = 0; headers != NULL && headers[i] != NULL; i++)
    {
      g_autofree char *name = NULL;
      g_autofree char *value = NULL;

      if (parse_header (headers[i], &name, &value))
        resilient_headers_append (end->headers, name, value);
    }

  return end;
}

ResilientTestEnd *
resilient_test_end_new_error (const GError *error, gboolean sent, double takes)
{
  ResilientTestEnd *end = resilient_test_end_new ();

  end->error = g_error_copy (error);
  end->nothing_sent = !sent;
  end->takes = takes;

  return end;
}

ResilientTestEnd *
resilient_test_end_new_hang (gboolean sent)
{
  ResilientTestEnd *end = resilient_test_end_new ();

  end->nothing_sent = !sent;
  end->takes = -1.0;

  return end;
}

double
resilient_test_end_get_retry_after (ResilientTestEnd *end)
{
  g_autoptr (GPtrArray) values = g_ptr_array_new ();
  const char *name, *value;

  for (guint i = 0; i < resilient_headers_get_length (end->headers); i++)
    {
      resilient_headers_get_nth (end->headers, i, &name, &value);
      if (g_ascii_strcasecmp (name, "Retry-After") == 0)
        g_ptr_array_add (values, (gpointer) value);
    }
  if (values->len == 0)
    return -1.0;

  g_ptr_array_add (values, NULL);
  return resilient_retry_after_parse_all ((const char *const *) values->pdata,
                                          resilient_headers_get_one (end->headers, "Date"),
                                          resilient_clock_get_real ());
}
