/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A request as one call sends it: checked when it is made, and not changed any more. It owns copies
 * of all that it says but the body, of which it has a reference. Any thread; the URI that it parses
 * anew is of the context that drives its call. */

#include "config.h"

#include "resilient-frozen-request-private.h"

#include <string.h>

#include "resilient-error.h"
#include "resilient-i18n-private.h"
#include "resilient-origin-key-private.h"

/* What few requests have. */
typedef struct
{
  ResilientOverrides overrides;
  ResilientTraceContext *trace; /* nullable */
  GPtrArray *mirrors;           /* of ResilientFrozenRequest; nullable */
  ResilientFallback *fallback;  /* nullable */
  gboolean drops_secrets;
  gboolean coalesce;
} Rare;

/* Small, as many wait. */
struct _ResilientFrozenRequest
{
  gatomicrefcount ref_count;

  /* Set before it is shared. */
  int priority;
  const char *method;                 /* static, or behind the URI */
  ResilientHeaders *headers;          /* nullable */
  ResilientBody *body;                /* nullable */
  ResilientRetryPolicy *retry_policy; /* nullable */
  GVariant *metadata;                 /* nullable, a{sv} */
  char *idempotency_key;              /* nullable */
  Rare *rare;                         /* nullable */
  /* Of the thread that starts the call, then of its driving context. */
  GUri *uri; /* uri_text parsed; NULL while it is forgotten */

  ResilientIdempotency idempotency;
  char uri_text[]; /* then a method that is not static */
};

static void
frozen_free (ResilientFrozenRequest *self)
{
  g_clear_pointer (&self->uri, g_uri_unref);
  g_clear_pointer (&self->headers, resilient_headers_unref);
  g_clear_pointer (&self->body, resilient_body_unref);
  g_clear_pointer (&self->retry_policy, resilient_retry_policy_unref);
  g_clear_pointer (&self->metadata, g_variant_unref);
  g_free (self->idempotency_key);
  if (self->rare != NULL)
    {
      g_clear_pointer (&self->rare->trace, resilient_trace_context_unref);
      g_clear_pointer (&self->rare->mirrors, g_ptr_array_unref);
      g_clear_pointer (&self->rare->fallback, resilient_fallback_unref);
    }
  g_free (self->rare);
  g_free (self);
}

static void
set_invalid (GError **error, const char *message)
{
  g_set_error_literal (
    error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST, message);
}

/* A method is a token (RFC 9110, 9.1), as a field name is. CONNECT would make libsoup open a
 * tunnel. */
static gboolean
check_method (const char *method, GError **error)
{
  if (method == NULL || !resilient_headers_name_is_valid (method))
    {
      set_invalid (error, _ ("The method of the request is not a valid token"));
      return FALSE;
    }
  if (strcmp (method, "CONNECT") == 0)
    {
      set_invalid (error, _ ("The method CONNECT is not supported"));
      return FALSE;
    }
  return TRUE;
}

/* What a URI can't hold as it is, such as a space or a letter outside ASCII, is percent-encoded as
 * browsers do; what could end a line is refused. No message repeats the text, which may hold a
 * password. */
static char *
escape_uri (const char *text, GError **error)
{
  if (text == NULL || strpbrk (text, "\r\n") != NULL)
    {
      set_invalid (error,
                   text == NULL ? _ ("The request has no URI")
                                : _ ("The URI of the request has a line break"));
      return NULL;
    }
  return resilient_uri_escape (text);
}

static GUri *
parse_uri (const char *escaped, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (escaped, SOUP_HTTP_URI_FLAGS, NULL);

  if (uri == NULL)
    {
      set_invalid (error, _ ("The URI of the request is not a valid absolute URI"));
      return NULL;
    }
  /* Before the scheme, which a message names: without a host it may be the user of
   * user:password. */
  if (g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0')
    {
      set_invalid (error, _ ("The URI of the request has no host"));
      return NULL;
    }
  if (!resilient_uri_has_valid_host (uri))
    {
      set_invalid (error, _ ("The URI of the request is not a valid absolute URI"));
      return NULL;
    }
  if (strcmp (g_uri_get_scheme (uri), "http") != 0 && strcmp (g_uri_get_scheme (uri), "https") != 0)
    {
      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                   _ ("The scheme of the URI is “%s”, neither http nor https"),
                   g_uri_get_scheme (uri));
      return NULL;
    }
  return g_steal_pointer (&uri);
}

char *
resilient_uri_escape (const char *text)
{
  static const char unwise[] = "\"<>\\^`{|}";
  const char *first = text;
  GString *escaped;

  while (g_ascii_isgraph (*first))
    first++;
  if (*first == '\0' && strpbrk (text, unwise) == NULL)
    return g_strdup (text);

  escaped = g_string_sized_new (strlen (text));
  for (const guchar *c = (const guchar *) text; *c != '\0'; c++)
    {
      if (!g_ascii_isgraph (*c) || strchr (unwise, *c) != NULL)
        g_string_append_printf (escaped, "%%%02X", *c);
      else
        g_string_append_c (escaped, (char) *c);
    }
  return g_string_free (escaped, FALSE);
}

/* The methods of most requests are not copied: it is sixteen bytes for each that waits. */
static const char *
find_static_method (const char *method)
{
  static const char *const methods[] = { "GET",   "HEAD",   "POST",    "PUT",
                                         "PATCH", "DELETE", "OPTIONS", NULL };

  for (guint i = 0; methods[i] != NULL; i++)
    if (strcmp (method, methods[i]) == 0)
      return methods[i];

  return NULL;
}

ResilientFrozenRequest *
resilient_frozen_request_new (const char *method, const char *uri, GError **error)
{
  ResilientFrozenRequest *self;
  g_autofree char *escaped = NULL;
  g_autoptr (GUri) parsed = NULL;
  g_autoptr (GUri) respelled = NULL;
  const char *static_method;
  gsize size, method_size;

  if (!check_method (method, error))
    return NULL;
  escaped = escape_uri (uri, error);
  if (escaped == NULL)
    return NULL;
  parsed = parse_uri (escaped, error);
  if (parsed == NULL)
    return NULL;
  respelled = resilient_uri_respell_host (parsed);
  if (respelled != parsed)
    {
      g_free (escaped);
      escaped = g_uri_to_string (respelled);
    }

  size = strlen (escaped) + 1;
  static_method = find_static_method (method);
  method_size = static_method == NULL ? strlen (method) + 1 : 0;
  self = g_malloc0 (G_STRUCT_OFFSET (ResilientFrozenRequest, uri_text) + size + method_size);
  g_atomic_ref_count_init (&self->ref_count);
  self->method =
    static_method != NULL ? static_method : memcpy (self->uri_text + size, method, method_size);
  self->uri = g_steal_pointer (&respelled);
  self->idempotency = RESILIENT_IDEMPOTENCY_AUTO;
  memcpy (self->uri_text, escaped, size);
  return self;
}

gboolean
resilient_frozen_request_set_body (ResilientFrozenRequest *self,
                                   const char *content_type,
                                   GBytes *body,
                                   GError **error)
{
  if (!resilient_headers_check_content_type (content_type, error))
    return FALSE;
  g_clear_pointer (&self->body, resilient_body_unref);
  if (body != NULL)
    self->body = resilient_body_new_bytes (content_type, body);
  return TRUE;
}

void
resilient_frozen_request_take_headers (ResilientFrozenRequest *self, ResilientHeaders *headers)
{
  self->headers = headers;
}

void
resilient_frozen_request_take_body (ResilientFrozenRequest *self, ResilientBody *body)
{
  self->body = body;
}

void
resilient_frozen_request_set_retry_policy (ResilientFrozenRequest *self,
                                           ResilientRetryPolicy *retry_policy)
{
  if (retry_policy != NULL)
    self->retry_policy = resilient_retry_policy_ref (retry_policy);
}

void
resilient_frozen_request_set_metadata (ResilientFrozenRequest *self, GVariant *metadata)
{
  if (metadata != NULL)
    self->metadata = g_variant_ref (metadata);
}

void
resilient_frozen_request_take_idempotency_key (ResilientFrozenRequest *self, char *key)
{
  self->idempotency_key = key;
}

static Rare *
ensure_rare (ResilientFrozenRequest *self)
{
  static const Rare none = { .overrides = RESILIENT_OVERRIDES_NONE };

  if (self->rare == NULL)
    self->rare = g_memdup2 (&none, sizeof none);

  return self->rare;
}

void
resilient_frozen_request_set_overrides (ResilientFrozenRequest *self,
                                        const ResilientOverrides *overrides)
{
  static const ResilientOverrides none = RESILIENT_OVERRIDES_NONE;

  if (memcmp (overrides, &none, sizeof none) != 0)
    ensure_rare (self)->overrides = *overrides;
}

void
resilient_frozen_request_take_trace (ResilientFrozenRequest *self, ResilientTraceContext *trace)
{
  ensure_rare (self)->trace = trace;
}

void
resilient_frozen_request_set_fallback (ResilientFrozenRequest *self, ResilientFallback *fallback)
{
  ensure_rare (self)->fallback = resilient_fallback_ref (fallback);
}

void
resilient_frozen_request_set_coalesce (ResilientFrozenRequest *self)
{
  ensure_rare (self)->coalesce = TRUE;
}

void
resilient_frozen_request_set_idempotency (ResilientFrozenRequest *self,
                                          ResilientIdempotency idempotency)
{
  self->idempotency = idempotency;
}

void
resilient_frozen_request_set_priority (ResilientFrozenRequest *self, int priority)
{
  self->priority = priority;
}

gboolean
resilient_frozen_request_add_mirror (ResilientFrozenRequest *self, const char *uri, GError **error)
{
  ResilientFrozenRequest *mirror = resilient_frozen_request_new (self->method, uri, error);
  Rare *rare;

  if (mirror == NULL)
    return FALSE;

  mirror->priority = self->priority;
  mirror->headers = self->headers != NULL ? resilient_headers_ref (self->headers) : NULL;
  mirror->body = self->body != NULL ? resilient_body_ref (self->body) : NULL;
  mirror->idempotency_key = g_strdup (self->idempotency_key);
  mirror->idempotency = self->idempotency;
  if (!resilient_origin_key_equal (resilient_frozen_request_ensure_uri (self), mirror->uri))
    ensure_rare (mirror)->drops_secrets = TRUE;
  else if (self->rare != NULL && self->rare->trace != NULL)
    ensure_rare (mirror)->trace = resilient_trace_context_ref (self->rare->trace);
  if (resilient_frozen_request_get_coalesce (self))
    resilient_frozen_request_set_coalesce (mirror);
  /* most are never used */
  resilient_frozen_request_forget_uri (mirror);

  rare = ensure_rare (self);
  if (rare->mirrors == NULL)
    rare->mirrors =
      g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_frozen_request_unref);
  g_ptr_array_add (rare->mirrors, mirror);
  return TRUE;
}

void
resilient_frozen_request_mark_secrets (ResilientFrozenRequest *self, ResilientHeaders *marks)
{
  GPtrArray *mirrors = resilient_frozen_request_get_mirrors (self);
  g_autoptr (ResilientHeaders) shared = g_steal_pointer (&self->headers);

  if (shared == NULL)
    return;

  self->headers = resilient_headers_copy (shared);
  resilient_headers_mark_secrets_of (self->headers, marks);
  for (guint i = 0; mirrors != NULL && i < mirrors->len; i++)
    {
      ResilientFrozenRequest *mirror = g_ptr_array_index (mirrors, i);

      resilient_headers_unref (mirror->headers);
      mirror->headers = resilient_headers_ref (self->headers);
    }
}

ResilientFrozenRequest *
resilient_frozen_request_ref (ResilientFrozenRequest *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
resilient_frozen_request_unref (ResilientFrozenRequest *self)
{
  if (g_atomic_ref_count_dec (&self->ref_count))
    frozen_free (self);
}

GUri *
resilient_frozen_request_ensure_uri (ResilientFrozenRequest *self)
{
  if (self->uri == NULL)
    self->uri = g_uri_parse (self->uri_text, SOUP_HTTP_URI_FLAGS, NULL);
  return self->uri;
}

void
resilient_frozen_request_forget_uri (ResilientFrozenRequest *self)
{
  g_clear_pointer (&self->uri, g_uri_unref);
}

GUri *
resilient_frozen_request_peek_uri (ResilientFrozenRequest *self)
{
  return self->uri;
}

const char *
resilient_frozen_request_get_uri_text (ResilientFrozenRequest *self)
{
  return self->uri_text;
}

const char *
resilient_frozen_request_get_method (ResilientFrozenRequest *self)
{
  return self->method;
}

ResilientHeaders *
resilient_frozen_request_get_headers (ResilientFrozenRequest *self)
{
  return self->headers;
}

ResilientBody *
resilient_frozen_request_get_body (ResilientFrozenRequest *self)
{
  return self->body;
}

ResilientRetryPolicy *
resilient_frozen_request_get_retry_policy (ResilientFrozenRequest *self)
{
  return self->retry_policy;
}

GVariant *
resilient_frozen_request_get_metadata (ResilientFrozenRequest *self)
{
  return self->metadata;
}

const char *
resilient_frozen_request_get_idempotency_key (ResilientFrozenRequest *self)
{
  return self->idempotency_key;
}

const ResilientOverrides *
resilient_frozen_request_get_overrides (ResilientFrozenRequest *self)
{
  return self->rare != NULL ? &self->rare->overrides : NULL;
}

ResilientTraceContext *
resilient_frozen_request_get_trace (ResilientFrozenRequest *self)
{
  return self->rare != NULL ? self->rare->trace : NULL;
}

GPtrArray *
resilient_frozen_request_get_mirrors (ResilientFrozenRequest *self)
{
  return self->rare != NULL ? self->rare->mirrors : NULL;
}

gboolean
resilient_frozen_request_get_coalesce (ResilientFrozenRequest *self)
{
  return self->rare != NULL && self->rare->coalesce;
}

ResilientFallback *
resilient_frozen_request_get_fallback (ResilientFrozenRequest *self)
{
  return self->rare != NULL ? self->rare->fallback : NULL;
}

gboolean
resilient_frozen_request_drops_secrets (ResilientFrozenRequest *self)
{
  return self->rare != NULL && self->rare->drops_secrets;
}

ResilientIdempotency
resilient_frozen_request_get_idempotency (ResilientFrozenRequest *self)
{
  return self->idempotency;
}

int
resilient_frozen_request_get_priority (ResilientFrozenRequest *self)
{
  return self->priority;
}

gboolean
resilient_frozen_request_has_idempotency_key (ResilientFrozenRequest *self)
{
  return self->idempotency_key != NULL
         || (self->headers != NULL
             && resilient_headers_get_one (self->headers, "Idempotency-Key") != NULL);
}

/* The host of a GUri is decoded, and libsoup writes it as it is: a line break in it would begin
 * another header, a slash another path. Refused is what browsers refuse (URL Standard, forbidden
 * host code points), with colons left to addresses of IPv6. */
gboolean
resilient_uri_has_valid_host (GUri *uri)
{
  const char *host = g_uri_get_host (uri);

  if (host == NULL || *host == '\0')
    return FALSE;

  for (const guchar *c = (const guchar *) host; *c != '\0'; c++)
    if (*c <= 0x20 || *c == 0x7f || strchr ("\"#/<>?@[\\]^`{|}", *c) != NULL)
      return FALSE;

  if (strchr (host, ':') != NULL)
    {
      /* With the zone that it may have (RFC 6874). */
      g_autofree char *address = g_strndup (host, strcspn (host, "%"));

      return g_hostname_is_ip_address (address);
    }
  return strchr (host, '%') == NULL;
}

/* An address of IPv6 has many spellings, and libsoup takes each for a host of its own. */
GUri *
resilient_uri_respell_host (GUri *uri)
{
  g_autofree char *host = resilient_origin_key_respell_host (g_uri_get_host (uri));

  return host != NULL ? soup_uri_copy (uri, SOUP_URI_HOST, host, SOUP_URI_NONE) : g_uri_ref (uri);
}

/* The names of query parameters stay, for they tell what was asked; a fragment never reaches a
 * server and goes. */
static void
append_redacted_query (GString *text, const char *query)
{
  g_auto (GStrv) parts = g_strsplit (query, "&", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      char *value = strchr (parts[i], '=');

      g_string_append_c (text, i == 0 ? '?' : '&');
      if (value != NULL)
        {
          g_string_append_len (text, parts[i], value - parts[i]);
          g_string_append (text, "=***");
        }
      else
        g_string_append (text, *parts[i] == '\0' ? "" : "***");
    }
}

/* In brackets when it is an address of IPv6, with each % of its zone encoded (RFC 6874, 2). */
static void
append_host (GString *text, const char *host)
{
  g_autofree char *address = NULL;
  g_auto (GStrv) parts = NULL;

  if (strchr (host, ':') == NULL)
    {
      g_string_append (text, host);
      return;
    }
  parts = g_strsplit (host, "%", -1);
  address = g_strjoinv ("%25", parts);
  g_string_append_printf (text, "[%s]", address);
}

char *
resilient_uri_redact (GUri *uri)
{
  GString *text = g_string_new (g_uri_get_scheme (uri));
  gboolean is_https = strcmp (g_uri_get_scheme (uri), "https") == 0;
  const char *host = g_uri_get_host (uri);

  g_string_append (text, "://");
  if (g_uri_get_userinfo (uri) != NULL)
    g_string_append (text, "***@");
  append_host (text, host != NULL ? host : "");
  if (resilient_origin_key_get_port (uri) != (is_https ? 443 : 80))
    g_string_append_printf (text, ":%d", resilient_origin_key_get_port (uri));
  g_string_append (text, g_uri_get_path (uri));
  if (g_uri_get_query (uri) != NULL)
    append_redacted_query (text, g_uri_get_query (uri));
  return g_string_free (text, FALSE);
}
