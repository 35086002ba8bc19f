/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Writes the lines that tell the story of a request, and leaves out of them what is secret. It owns
 * nothing but what the environment said when it was read. Any thread. */

#include "config.h"

#include "resilient-debug-private.h"

gboolean
resilient_debug_is_on (void)
{
  static gsize state = 0; /* 0 = not known yet, 1 = off, 2 = on */

  if (g_once_init_enter (&state))
    g_once_init_leave (&state,
                       g_log_writer_default_would_drop (G_LOG_LEVEL_DEBUG, G_LOG_DOMAIN) ? 1 : 2);
  return state == 2;
}

char *
resilient_debug_name_new (const char *request_id, guint attempt)
{
  if (!resilient_debug_is_on ())
    return NULL;
  return g_strdup_printf ("%s, attempt %u", request_id, attempt);
}

void
resilient_debug_write (const char *name, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_debug ("%s: %s", name, text);
}

/* The names of its fields tell what was asked for. What has no name is a value. */
static void
append_query (GString *line, const char *query)
{
  g_auto (GStrv) fields = g_strsplit (query, "&", -1);

  for (guint i = 0; fields[i] != NULL; i++)
    {
      const char *equals = strchr (fields[i], '=');

      g_string_append_c (line, i == 0 ? '?' : '&');
      if (equals != NULL)
        g_string_append_len (line, fields[i], equals + 1 - fields[i]);
      g_string_append (line, "…");
    }
}

char *
resilient_debug_redact_uri (GUri *uri)
{
  const char *host = g_uri_get_host (uri);
  GString *line = g_string_new (NULL);

  g_string_append_printf (line, "%s://", g_uri_get_scheme (uri));
  if (g_uri_get_userinfo (uri) != NULL)
    g_string_append (line, "…@");
  if (host != NULL && strchr (host, ':') != NULL)
    g_string_append_printf (line, "[%s]", host);
  else if (host != NULL)
    g_string_append (line, host);
  if (g_uri_get_port (uri) >= 0)
    g_string_append_printf (line, ":%d", g_uri_get_port (uri));
  g_string_append (line, g_uri_get_path (uri));
  if (g_uri_get_query (uri) != NULL)
    append_query (line, g_uri_get_query (uri));
  return g_string_free (line, FALSE);
}

char *
resilient_debug_describe_error (const GError *error)
{
  if (error == NULL)
    return g_strdup ("no error");
  return g_strdup_printf ("%s %d", g_quark_to_string (error->domain), error->code);
}
