/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Parses and writes the headers of W3C Trace Context (Recommendation, level 1): traceparent is
 * version "-" trace-id "-" parent-id "-" flags, in lower-case hexadecimal digits. It owns copies of
 * what it keeps, and never changes. Any thread. */

#include "config.h"

#include "resilient-trace-context-private.h"

#include <string.h>

#include "resilient-random-private.h"

#define VERSION_AT 0
#define TRACE_ID_AT 3
#define PARENT_ID_AT 36
#define FLAGS_AT 53
#define LENGTH 55
#define TRACE_ID_LENGTH 32

/* The flags with a meaning: sampled, and random of level 2, which is true of the trace id as long
 * as that stays. A sender must not set others (level 1, 3.2.2.5). */
#define KNOWN_FLAGS 0x03

#define MAX_MEMBERS 32
#define MAX_TEXT 256 /* characters of a key, and of a value */

struct _ResilientTraceContext
{
  char trace_id[TRACE_ID_LENGTH + 1];
  guint flags;
  guint64 spans;     /* from which the span ids follow */
  char *trace_state; /* nullable */
};

static gboolean
is_hex (const char *text, gsize length)
{
  return strspn (text, "0123456789abcdef") >= length;
}

static gboolean
is_zero (const char *text, gsize length)
{
  return strspn (text, "0") >= length;
}

gboolean
resilient_trace_parent_is_valid (const char *trace_parent)
{
  gsize length = strlen (trace_parent);

  if (length < LENGTH || trace_parent[2] != '-' || trace_parent[35] != '-'
      || trace_parent[52] != '-')
    return FALSE;
  if (!is_hex (trace_parent + VERSION_AT, 2) || !is_hex (trace_parent + TRACE_ID_AT, 32)
      || !is_hex (trace_parent + PARENT_ID_AT, 16) || !is_hex (trace_parent + FLAGS_AT, 2))
    return FALSE;
  if (is_zero (trace_parent + TRACE_ID_AT, 32) || is_zero (trace_parent + PARENT_ID_AT, 16))
    return FALSE;

  if (g_str_has_prefix (trace_parent, "ff"))
    return FALSE;
  if (length == LENGTH)
    return TRUE;
  /* A later version may go on after another dash. */
  if (trace_parent[LENGTH] != '-' || g_str_has_prefix (trace_parent, "00"))
    return FALSE;
  for (const char *c = trace_parent + LENGTH; *c != '\0'; c++)
    if (!g_ascii_isgraph (*c))
      return FALSE;
  return TRUE;
}

/* Of optional white space (RFC 9110, 5.6.3). */
static char *
trim (char *member)
{
  gsize length;

  member += strspn (member, " \t");
  length = strlen (member);
  while (length > 0 && strchr (" \t", member[length - 1]) != NULL)
    member[--length] = '\0';
  return member;
}

/* That of a vendor, or of one of its tenants: tenant "@" vendor (level 1, 3.3.1.3.1). What both
 * levels allow passes. */
static gboolean
is_key (const char *key)
{
  gsize length = strlen (key);

  return length >= 1 && length <= MAX_TEXT && (g_ascii_islower (*key) || g_ascii_isdigit (*key))
         && strspn (key, "abcdefghijklmnopqrstuvwxyz0123456789_-*/@") == length;
}

/* Printable, without what separates, and not ended by a space (level 1, 3.3.1.3.2). */
static gboolean
is_value (const char *value)
{
  gsize length = strlen (value);

  if (length < 1 || length > MAX_TEXT)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isprint (value[i]) || value[i] == '=')
      return FALSE;
  return TRUE;
}

gboolean
resilient_trace_state_is_valid (const char *trace_state)
{
  g_auto (GStrv) members = NULL;
  g_autoptr (GHashTable) keys = g_hash_table_new (g_str_hash, g_str_equal);
  guint n_members = 0;

  members = g_strsplit (trace_state, ",", -1);
  for (guint i = 0; members[i] != NULL; i++)
    {
      char *member = trim (members[i]);
      char *sign = strchr (member, '=');

      /* An empty one may be there, and counts for nothing. */
      if (*member == '\0')
        continue;
      if (sign == NULL || ++n_members > MAX_MEMBERS)
        return FALSE;
      *sign = '\0';
      if (!is_key (member) || !is_value (sign + 1) || !g_hash_table_add (keys, member))
        return FALSE;
    }
  return TRUE;
}

ResilientTraceContext *
resilient_trace_context_new (const char *trace_parent, const char *trace_state)
{
  ResilientTraceContext *self = g_atomic_rc_box_new0 (ResilientTraceContext);

  memcpy (self->trace_id, trace_parent + TRACE_ID_AT, TRACE_ID_LENGTH);
  self->flags = g_ascii_strtoull (trace_parent + FLAGS_AT, NULL, 16) & KNOWN_FLAGS;
  self->spans = resilient_random_uint64 ();
  if (trace_state != NULL && *trace_state != '\0')
    self->trace_state = g_strdup (trace_state);
  return self;
}

ResilientTraceContext *
resilient_trace_context_ref (ResilientTraceContext *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
trace_context_clear (gpointer data)
{
  g_free (((ResilientTraceContext *) data)->trace_state);
}

void
resilient_trace_context_unref (ResilientTraceContext *self)
{
  g_atomic_rc_box_release_full (self, trace_context_clear);
}

/* SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). It is a permutation: no two attempts of a call
 * have one id, and none has to be kept while attempts wait in their thousands. */
guint64
resilient_trace_context_get_span_id (ResilientTraceContext *self, guint attempt)
{
  guint64 id = self->spans + attempt * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  id = (id ^ id >> 30) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  id = (id ^ id >> 27) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  id ^= id >> 31;

  return id != 0 ? id : attempt;
}

void
resilient_trace_context_write_parent (ResilientTraceContext *self,
                                      guint attempt,
                                      char text[RESILIENT_TRACE_PARENT_SIZE])
{
  g_snprintf (text,
              RESILIENT_TRACE_PARENT_SIZE,
              "00-%s-%016" G_GINT64_MODIFIER "x-%02x",
              self->trace_id,
              resilient_trace_context_get_span_id (self, attempt),
              self->flags);
}

const char *
resilient_trace_context_get_state (ResilientTraceContext *self)
{
  return self->trace_state;
}
