/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Reads RateLimit and RateLimit-Policy, which are lists of structured fields (RFC 9651), and what
 * was there before them. Pure functions that own nothing, for any thread. */

#include "config.h"

#include "resilient-rate-limit-fields-private.h"

#include <string.h>

/* An Integer of a structured field has up to so many digits (RFC 9651, 3.3.1). */
#define MAX_DIGITS 15

/* A later reset is a date in seconds since 1970: 2001 and after. No quota is counted for 31
 * years. */
#define FIRST_DATE 1e9
#define MAX_SECONDS ((double) (G_GINT64_CONSTANT (1) << 31))

/* Of the names of quotas and parameters so much is kept, with its NUL, and compared. */
#define MAX_NAME 64

/* One item of a list: a quota, or a policy. */
typedef struct
{
  char name[MAX_NAME];
  gint64 remaining; /* r; -1: it has none */
  gint64 reset;     /* t, of a policy w; -1 */
} Member;

/* --- structured fields ------------------------------------------------------------------------ */

static const char *
skip_blanks (const char *p)
{
  while (*p == ' ' || *p == '\t')
    p++;
  return p;
}

/* What a bare item is about: an Integer's value, or -1; a String's or Token's text, as long as
 * there is room for it. */
typedef struct
{
  gint64 integer;
  char text[MAX_NAME];
} Item;

static void
append (Item *item, gsize *length, char c)
{
  if (*length < MAX_NAME - 1)
    item->text[(*length)++] = c;
}

static const char *
parse_string (const char *p, Item *item)
{
  gsize length = 0;

  for (p++; *p != '"'; p++)
    {
      if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
        p++;
      else if (*p < ' ' || *p > '~' || *p == '\\')
        return NULL;
      append (item, &length, *p);
    }
  return p + 1;
}

/* Decimals are numbers too, but none that means anything here. */
static const char *
parse_number (const char *p, Item *item)
{
  gboolean negative = *p == '-';
  gint64 value = 0;
  guint digits = 0;

  if (negative)
    p++;
  for (; g_ascii_isdigit (*p); p++)
    {
      if (++digits > MAX_DIGITS)
        return NULL;
      value = value * 10 + g_ascii_digit_value (*p);
    }
  if (digits == 0)
    return NULL;
  if (*p != '.')
    {
      item->integer = negative ? -1 : value;
      return p;
    }

  for (p++, digits = 0; g_ascii_isdigit (*p); p++)
    digits++;
  return digits > 0 && digits <= 3 ? p : NULL;
}

static const char *
parse_token (const char *p, Item *item)
{
  gsize length = 0;

  for (; g_ascii_isalnum (*p) || (*p != '\0' && strchr ("!#$%&'*+-.^_`|~:/", *p) != NULL); p++)
    append (item, &length, *p);
  return p;
}

static const char *
parse_bytes (const char *p)
{
  for (p++; g_ascii_isalnum (*p) || *p == '+' || *p == '/' || *p == '='; p++)
    ;
  return *p == ':' ? p + 1 : NULL;
}

/* Its text is looked at by nobody. */
static const char *
parse_display_string (const char *p)
{
  static const char hex[] = "0123456789abcdef";

  for (p += 2; *p != '"'; p++)
    {
      if (*p < ' ' || *p > '~')
        return NULL;
      if (*p == '%')
        {
          if (strspn (p + 1, hex) < 2)
            return NULL;
          p += 2;
        }
    }
  return p + 1;
}

static const char *
parse_date (const char *p)
{
  gsize n_digits;

  p++;
  if (*p == '-')
    p++;
  n_digits = strspn (p, "0123456789");
  return n_digits > 0 && n_digits <= MAX_DIGITS ? p + n_digits : NULL;
}

/* NULL: it is none. */
static const char *
parse_item (const char *p, Item *item)
{
  *item = (Item){ .integer = -1 };

  if (*p == '"')
    return parse_string (p, item);
  if (*p == '-' || g_ascii_isdigit (*p))
    return parse_number (p, item);
  if (g_ascii_isalpha (*p) || *p == '*')
    return parse_token (p, item);
  if (*p == ':')
    return parse_bytes (p);
  if (*p == '?' && (p[1] == '0' || p[1] == '1'))
    return p + 2;
  if (*p == '@')
    return parse_date (p);
  if (*p == '%' && p[1] == '"')
    return parse_display_string (p);
  return NULL;
}

static const char *
parse_key (const char *p, Item *key)
{
  gsize length = 0;

  *key = (Item){ .integer = -1 };
  if (!g_ascii_islower (*p) && *p != '*')
    return NULL;
  for (;
       g_ascii_islower (*p) || g_ascii_isdigit (*p) || (*p != '\0' && strchr ("_-.*", *p) != NULL);
       p++)
    append (key, &length, *p);
  return p;
}

/* A parameter that comes twice is what it is the last time (RFC 9651, 4.2.3.2). */
static const char *
parse_member (const char *p, const char *reset, Member *member)
{
  Item item;

  *member = (Member){ .remaining = -1, .reset = -1 };
  p = parse_item (p, &item);
  if (p == NULL)
    return NULL;
  memcpy (member->name, item.text, MAX_NAME);

  while (*p == ';')
    {
      Item key;

      for (p++; *p == ' '; p++)
        ;
      p = parse_key (p, &key);
      item.integer = -1;
      if (p != NULL && *p == '=')
        p = parse_item (p + 1, &item);
      if (p == NULL)
        return NULL;
      if (strcmp (key.text, "r") == 0)
        member->remaining = item.integer;
      else if (strcmp (key.text, reset) == 0)
        member->reset = item.integer;
    }
  return p;
}

/* The members of a list; NULL if it is none, or empty. */
static GArray *
parse_list (const char *text, const char *reset)
{
  g_autoptr (GArray) members = g_array_new (FALSE, FALSE, sizeof (Member));
  const char *p = text;

  if (text == NULL)
    return NULL;

  while (*p == ' ')
    p++;
  for (;;)
    {
      Member member;

      p = parse_member (p, reset, &member);
      if (p == NULL)
        return NULL;
      g_array_append_val (members, member);
      p = skip_blanks (p);
      if (*p == '\0')
        return g_steal_pointer (&members);
      if (*p != ',')
        return NULL;
      p = skip_blanks (p + 1);
    }
}

/* --- hints ------------------------------------------------------------------------------------ */

/* A quota need not say when it is reset; its window is an upper bound then. */
static gint64
find_window (GArray *policies, const char *name)
{
  for (guint i = 0; policies != NULL && i < policies->len; i++)
    {
      const Member *policy = &g_array_index (policies, Member, i);

      if (strcmp (policy->name, name) == 0)
        return policy->reset;
    }
  return -1;
}

static gboolean
parse_standard (const char *rate_limit, const char *policy, ResilientRateLimitHint *hint)
{
  g_autoptr (GArray) quotas = parse_list (rate_limit, "t");
  g_autoptr (GArray) policies = parse_list (policy, "w");
  gboolean found = FALSE;

  for (guint i = 0; quotas != NULL && i < quotas->len; i++)
    {
      const Member *quota = &g_array_index (quotas, Member, i);
      gint64 reset = quota->reset >= 0 ? quota->reset : find_window (policies, quota->name);

      if (quota->remaining < 0)
        continue;
      if (!found || quota->remaining < hint->remaining
          || (quota->remaining == hint->remaining && reset > hint->reset))
        {
          hint->remaining = quota->remaining;
          hint->reset = reset >= 0 ? MIN ((double) reset, MAX_SECONDS) : -1.0;
          found = TRUE;
        }
    }
  return found;
}

/* Digits, with some behind a point for those who have them; -1: it is no such number. */
static double
parse_plain (const char *text)
{
  const char *start, *end;
  gsize n_digits;

  if (text == NULL)
    return -1.0;

  start = skip_blanks (text);
  n_digits = strspn (start, "0123456789");
  end = start + n_digits;
  if (*end == '.')
    end += 1 + strspn (end + 1, "0123456789");
  if (n_digits == 0 || *skip_blanks (end) != '\0')
    return -1.0;

  return g_ascii_strtod (start, NULL);
}

static gboolean
parse_older (const char *x_remaining, const char *x_reset, gint64 now, ResilientRateLimitHint *hint)
{
  double remaining = parse_plain (x_remaining);
  double reset = parse_plain (x_reset);

  if (remaining < 0.0)
    return FALSE;

  if (reset >= FIRST_DATE)
    reset = MAX (reset - (double) now / G_USEC_PER_SEC, 0.0);
  hint->remaining = (gint64) MIN (remaining, 1e15);
  hint->reset = MIN (reset, MAX_SECONDS);
  return TRUE;
}

gboolean
resilient_rate_limit_fields_parse (const char *rate_limit,
                                   const char *policy,
                                   const char *x_remaining,
                                   const char *x_reset,
                                   gint64 now,
                                   ResilientRateLimitHint *hint)
{
  *hint = (ResilientRateLimitHint){ 0, -1.0 };

  return parse_standard (rate_limit, policy, hint) || parse_older (x_remaining, x_reset, now, hint);
}
