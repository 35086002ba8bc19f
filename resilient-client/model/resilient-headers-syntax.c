/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What may be the name and the value of a header field (RFC 9110, 5). Pure functions that own
 * nothing, for any thread. */

#include "config.h"

#include "resilient-headers-private.h"

#include <string.h>

/* tchar of RFC 9110, 5.6.2. */
static gboolean
is_token_character (char character)
{
  return g_ascii_isalnum (character)
         || (character != '\0' && strchr ("!#$%&'*+-.^_`|~", character) != NULL);
}

gboolean
resilient_headers_name_is_valid (const char *name)
{
  if (name == NULL || *name == '\0')
    return FALSE;

  for (const char *p = name; *p != '\0'; p++)
    {
      if (!is_token_character (*p))
        return FALSE;
    }

  return TRUE;
}

gboolean
resilient_headers_value_is_valid (const char *value)
{
  /* A NUL can't be in a C string: it would end it. */
  return value != NULL && strpbrk (value, "\r\n") == NULL;
}

gboolean
resilient_headers_is_media_type (const char *value, gboolean *is_lower)
{
  guint n_slashes = 0;

  *is_lower = TRUE;
  for (const char *p = value; *p != '\0'; p++)
    {
      if (*p == '/' && (n_slashes++ > 0 || p == value || p[1] == '\0'))
        return FALSE;
      if (*p != '/' && !is_token_character (*p))
        return FALSE;
      *is_lower = *is_lower && !g_ascii_isupper (*p);
    }

  return n_slashes == 1;
}
