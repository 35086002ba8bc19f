/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Counts attempts and requests in the buckets that OpenTelemetry asks for, and writes them as
 * OpenMetrics text. It owns the series, and the names of the servers in them. It has no lock: the
 * recorder's guards the one that counts, and a snapshot never changes.
 *
 * Names, attributes and buckets are those of OpenTelemetry's semantic conventions for HTTP metrics
 * (stable since 1.23), spelled as its mapping to Prometheus does: http.client.request.duration is
 * http_client_request_duration_seconds there. What the library adds begins with resilient_client.
 *
 * A server, or who redirects to many, must not be able to make the text grow: every label has a
 * fixed set of values, but for the names of servers, of which a fixed number is kept, and so has
 * the whole. Paths, queries, header fields and user names are in no label at all. */

#include "config.h"

#include "resilient-metrics-private.h"

#include <string.h>

/* The advised boundaries of http.client.request.duration, as they are written and in
 * microseconds. */
static const struct
{
  const char *text;
  gint64 microseconds;
} time_bounds[] = {
  { "0.005", 5000 },  { "0.01", 10000 },    { "0.025", 25000 }, { "0.05", 50000 },
  { "0.075", 75000 }, { "0.1", 100000 },    { "0.25", 250000 }, { "0.5", 500000 },
  { "0.75", 750000 }, { "1.0", 1000000 },   { "2.5", 2500000 }, { "5.0", 5000000 },
  { "7.5", 7500000 }, { "10.0", 10000000 },
};

/* OpenTelemetry has http.request.resend_count as an attribute of a span, and no buckets for it. */
static const guint resend_bounds[] = { 0, 1, 2, 3, 5, 10, 20, 50 };

/* Each bucket has what is above the boundary before; the last one what is above all. */
typedef struct
{
  guint64 buckets[G_N_ELEMENTS (time_bounds) + 1];
  double sum; /* seconds */
} Times;

/* What tells a series from others: the attributes, each as a small number. */
typedef struct
{
  guint origin;      /* RESILIENT_METRICS_MAX_ORIGINS: another one */
  guint method;      /* in known_methods */
  guint status_code; /* 0: none */
  guint failure;     /* 1 + the number of its bit; 0: none but that which the status says */
} Attributes;

typedef struct
{
  Attributes attributes;
  guint32 key; /* the same in one number, or OVERFLOW_KEY */
  Times times;
} Series;

#define OVERFLOW_KEY G_MAXUINT32

struct _ResilientMetrics
{
  char *origins[RESILIENT_METRICS_MAX_ORIGINS]; /* owned, in the order in which they came */
  guint n_origins;
  guint last_origin; /* most attempts go where the one before went */

  GPtrArray *series; /* of Series, owned */
  GHashTable *index; /* of Series by key */

  Times requests[RESILIENT_RESULT_STATUS_CANCELLED + 1]; /* by status */
  guint64 resends[G_N_ELEMENTS (resend_bounds) + 1];
  guint64 sum_of_resends;
};

/* The values of http.request.method; what is none of the others counts as the first. */
static const char *const known_methods[] = {
  "_OTHER", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
};

ResilientMetrics *
resilient_metrics_new (void)
{
  ResilientMetrics *self = g_new0 (ResilientMetrics, 1);

  self->series = g_ptr_array_new_with_free_func (g_free);
  self->index = g_hash_table_new (NULL, NULL);
  return self;
}

void
resilient_metrics_free (ResilientMetrics *self)
{
  for (guint i = 0; i < self->n_origins; i++)
    g_free (self->origins[i]);
  g_hash_table_unref (self->index);
  g_ptr_array_unref (self->series);
  g_free (self);
}

/* --- counting -------------------------------------------------------------------------------- */

static void
times_add (Times *self, gint64 microseconds)
{
  guint i = 0;

  while (i < G_N_ELEMENTS (time_bounds) && microseconds > time_bounds[i].microseconds)
    i++;
  self->buckets[i]++;
  self->sum += microseconds / (double) G_USEC_PER_SEC;
}

static void
times_merge (Times *self, const Times *other)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->buckets); i++)
    self->buckets[i] += other->buckets[i];
  self->sum += other->sum;
}

static guint
find_origin (ResilientMetrics *self, const char *origin)
{
  if (self->n_origins > 0 && strcmp (self->origins[self->last_origin], origin) == 0)
    return self->last_origin;

  for (guint i = 0; i < self->n_origins; i++)
    if (strcmp (self->origins[i], origin) == 0)
      return self->last_origin = i;

  if (self->n_origins == RESILIENT_METRICS_MAX_ORIGINS)
    return RESILIENT_METRICS_MAX_ORIGINS;

  self->origins[self->n_origins] = g_strdup (origin);
  return self->last_origin = self->n_origins++;
}

static guint
find_method (const char *method)
{
  for (guint i = 1; i < G_N_ELEMENTS (known_methods); i++)
    if (strcmp (known_methods[i], method) == 0)
      return i;

  return 0;
}

/* A code that is not registered (IANA, HTTP status codes) stands for its class, and one without a
 * class for a mistake of the server (RFC 9110, 15). */
static guint
simplify_status (guint status_code)
{
  static const struct
  {
    guint16 first, last;
  } registered[] = {
    { 200, 208 }, { 400, 418 }, { 500, 508 }, { 300, 305 }, { 307, 308 },
    { 100, 104 }, { 226, 226 }, { 421, 426 }, { 428, 429 }, { 431, 431 },
    { 451, 451 }, { 510, 511 }, { 0, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (registered); i++)
    if (status_code >= registered[i].first && status_code <= registered[i].last)
      return status_code;

  return status_code >= 100 && status_code < 600 ? status_code / 100 * 100 : 500;
}

static Series *
ensure_series (ResilientMetrics *self, guint32 key, const Attributes *attributes)
{
  Series *series = g_hash_table_lookup (self->index, GUINT_TO_POINTER (key));

  if (series != NULL)
    return series;
  /* Beyond its limit of cardinality an SDK of OpenTelemetry does the same. */
  if (key != OVERFLOW_KEY && self->series->len >= RESILIENT_METRICS_MAX_SERIES)
    return ensure_series (self, OVERFLOW_KEY, attributes);

  series = g_new0 (Series, 1);
  series->key = key;
  series->attributes = *attributes;
  g_ptr_array_add (self->series, series);
  g_hash_table_insert (self->index, GUINT_TO_POINTER (key), series);
  return series;
}

static guint32
make_key (const Attributes *attributes)
{
  return attributes->origin << 24 | attributes->method << 20 | attributes->failure << 10
         | attributes->status_code;
}

void
resilient_metrics_add_attempt (ResilientMetrics *self,
                               const char *origin,
                               const char *method,
                               guint status_code,
                               ResilientFailure failure,
                               gint64 microseconds)
{
  Attributes attributes = {
    .origin = find_origin (self, origin),
    .method = find_method (method),
    .status_code = simplify_status (status_code),
  };

  /* A status from 400 on says itself that it is an error. */
  if (failure != RESILIENT_FAILURE_NONE
      && (failure != RESILIENT_FAILURE_STATUS || attributes.status_code < 400))
    attributes.failure = 1 + g_bit_nth_lsf (failure, -1);

  times_add (&ensure_series (self, make_key (&attributes), &attributes)->times, microseconds);
}

void
resilient_metrics_add_request (ResilientMetrics *self,
                               ResilientResultStatus status,
                               guint sends,
                               gint64 microseconds)
{
  guint resends = sends > 1 ? sends - 1 : 0;
  guint i = 0;

  times_add (&self->requests[status], microseconds);

  while (i < G_N_ELEMENTS (resend_bounds) && resends > resend_bounds[i])
    i++;
  self->resends[i]++;
  self->sum_of_resends += resends;
}

void
resilient_metrics_merge (ResilientMetrics *self, const ResilientMetrics *other)
{
  for (guint i = 0; i < other->series->len; i++)
    {
      const Series *theirs = other->series->pdata[i];
      Attributes attributes = theirs->attributes;
      guint32 key = theirs->key;

      if (key != OVERFLOW_KEY)
        {
          if (attributes.origin < RESILIENT_METRICS_MAX_ORIGINS)
            attributes.origin = find_origin (self, other->origins[attributes.origin]);
          key = make_key (&attributes);
        }
      times_merge (&ensure_series (self, key, &attributes)->times, &theirs->times);
    }

  for (guint i = 0; i < G_N_ELEMENTS (self->requests); i++)
    times_merge (&self->requests[i], &other->requests[i]);
  for (guint i = 0; i < G_N_ELEMENTS (self->resends); i++)
    self->resends[i] += other->resends[i];
  self->sum_of_resends += other->sum_of_resends;
}

/* --- writing --------------------------------------------------------------------------------- */

/* Whatever the locale: %g would write a comma in some. */
static void
append_double (GString *text, double value)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append (text, g_ascii_dtostr (buffer, sizeof buffer, value));
}

static void
append_family (GString *text, const char *name, const char *unit, const char *help)
{
  g_string_append_printf (text, "# TYPE %s histogram\n", name);
  if (unit != NULL)
    g_string_append_printf (text, "# UNIT %s %s\n", name, unit);
  g_string_append_printf (text, "# HELP %s %s\n", name, help);
}

/* @labels: with a comma at the end, or empty. */
static void
append_bucket (GString *text,
               const char *name,
               const char *labels,
               const char *bound,
               guint64 count)
{
  g_string_append_printf (
    text, "%s_bucket{%sle=\"%s\"} %" G_GUINT64_FORMAT "\n", name, labels, bound, count);
}

static void
append_count_and_sum (GString *text,
                      const char *name,
                      const char *labels,
                      guint64 count,
                      double sum)
{
  g_autofree char *set =
    *labels != '\0' ? g_strdup_printf ("{%.*s}", (int) strlen (labels) - 1, labels) : g_strdup ("");

  g_string_append_printf (text, "%s_count%s %" G_GUINT64_FORMAT "\n", name, set, count);
  g_string_append_printf (text, "%s_sum%s ", name, set);
  append_double (text, sum);
  g_string_append_c (text, '\n');
}

static void
append_times (GString *text, const char *name, const char *labels, const Times *times)
{
  guint64 count = 0;

  for (guint i = 0; i < G_N_ELEMENTS (time_bounds); i++)
    {
      count += times->buckets[i];
      append_bucket (text, name, labels, time_bounds[i].text, count);
    }
  count += times->buckets[G_N_ELEMENTS (time_bounds)];
  append_bucket (text, name, labels, "+Inf", count);
  append_count_and_sum (text, name, labels, count, times->sum);
}

/* The host is whatever an app asked for. */
static void
append_label (GString *text, const char *name, const char *value)
{
  g_autofree char *valid = g_utf8_make_valid (value, -1);

  g_string_append_printf (text, "%s=\"", name);
  for (const char *c = valid; *c != '\0'; c++)
    {
      if (*c == '\n')
        g_string_append (text, "\\n");
      else if (*c == '"' || *c == '\\')
        g_string_append_printf (text, "\\%c", *c);
      else
        g_string_append_c (text, *c);
    }
  g_string_append (text, "\",");
}

/* From "https://example.org:443" or "http://[::1]:80". */
static void
append_server (GString *text, const char *origin)
{
  const char *host = strstr (origin, "://") + 3;
  const char *port = strrchr (host, ':') + 1;
  g_autofree char *scheme = g_strndup (origin, host - origin - 3);
  g_autofree char *address = g_strndup (host, port - host - 1);
  gsize length = strlen (address);

  if (*address == '[')
    {
      address[length - 1] = '\0';
      memmove (address, address + 1, length - 1);
    }
  append_label (text, "server_address", address);
  append_label (text, "server_port", port);
  append_label (text, "url_scheme", scheme);
}

static char *
make_labels (const ResilientMetrics *self, const Series *series)
{
  const Attributes *attributes = &series->attributes;
  GString *text = g_string_new (NULL);
  g_autofree char *status = g_strdup_printf ("%u", attributes->status_code);

  if (series->key == OVERFLOW_KEY)
    {
      append_label (text, "otel_metric_overflow", "true");
      return g_string_free (text, FALSE);
    }

  append_label (text, "http_request_method", known_methods[attributes->method]);
  if (attributes->origin < RESILIENT_METRICS_MAX_ORIGINS)
    append_server (text, self->origins[attributes->origin]);
  else
    append_label (text, "server_address", "_OTHER");
  if (attributes->status_code != 0)
    append_label (text, "http_response_status_code", status);

  if (attributes->failure != 0)
    {
      g_autoptr (GFlagsClass) kinds = g_type_class_ref (RESILIENT_TYPE_FAILURE);

      append_label (text,
                    "error_type",
                    g_flags_get_first_value (kinds, 1u << (attributes->failure - 1))->value_nick);
    }
  else if (attributes->status_code >= 400)
    {
      append_label (text, "error_type", status);
    }
  return g_string_free (text, FALSE);
}

static void
write_attempts (const ResilientMetrics *self, GString *text)
{
  const char *name = "http_client_request_duration_seconds";

  append_family (text, name, "seconds", "Duration of HTTP client requests, one for each attempt.");
  for (guint i = 0; i < self->series->len; i++)
    {
      const Series *series = self->series->pdata[i];
      g_autofree char *labels = make_labels (self, series);

      append_times (text, name, labels, &series->times);
    }
}

static void
write_resends (const ResilientMetrics *self, GString *text)
{
  const char *name = "http_request_resend_count";
  guint64 count = 0;

  append_family (
    text, name, NULL, "How often an ended request was sent again, for whatever reason.");
  for (guint i = 0; i < G_N_ELEMENTS (resend_bounds); i++)
    {
      g_autofree char *bound = g_strdup_printf ("%u.0", resend_bounds[i]);

      count += self->resends[i];
      append_bucket (text, name, "", bound, count);
    }
  count += self->resends[G_N_ELEMENTS (resend_bounds)];
  append_bucket (text, name, "", "+Inf", count);
  append_count_and_sum (text, name, "", count, self->sum_of_resends);
}

static void
write_requests (const ResilientMetrics *self, GString *text)
{
  const char *name = "resilient_client_request_duration_seconds";
  g_autoptr (GEnumClass) outcomes = g_type_class_ref (RESILIENT_TYPE_RESULT_STATUS);

  append_family (
    text, name, "seconds", "Duration of ended requests with all their attempts and waits.");
  for (guint i = RESILIENT_RESULT_STATUS_SUCCESS; i <= RESILIENT_RESULT_STATUS_CANCELLED; i++)
    {
      g_autofree char *labels =
        g_strdup_printf ("outcome=\"%s\",", g_enum_get_value (outcomes, (int) i)->value_nick);

      append_times (text, name, labels, &self->requests[i]);
    }
}

void
resilient_metrics_write (const ResilientMetrics *self, GString *text)
{
  g_autoptr (ResilientMetrics) nothing = NULL;

  if (self == NULL)
    self = nothing = resilient_metrics_new ();

  write_attempts (self, text);
  write_resends (self, text);
  write_requests (self, text);
}
