/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How a scripted attempt ends. It owns the error, or the headers and the body of the response. It
 * is immutable once it is in a stub. Any thread. */

#include "config.h"

#include "resilient-test-end-private.h"

struct _ResilientTestEnd
{
  GError *error;            /* NULL: a response */
  ResilientFailure failure; /* NONE: what the error says */
  guint status;
  ResilientHeaders *headers; /* nullable */
  GBytes *body;              /* nullable */
  double retry_after;        /* seconds; less than 0: what the headers say */
  double takes;              /* seconds; less than 0: never ends by itself */
  gboolean nothing_sent;
  gboolean http2;
  GError *cut;           /* nullable */
  double released_after; /* seconds after its end */
};

static void
end_clear (gpointer data)
{
  ResilientTestEnd *self = data;

  g_clear_error (&self->error);
  g_clear_error (&self->cut);
  if (self->headers != NULL)
    resilient_headers_unref (self->headers);
  g_clear_pointer (&self->body, g_bytes_unref);
}

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
  ResilientTestEnd *self = g_atomic_rc_box_new0 (ResilientTestEnd);

  self->status = status;
  self->retry_after = -1.0;
  self->headers = resilient_headers_new ();
  self->body = body != NULL ? g_bytes_ref (body) : g_bytes_new_static ("", 0);
  self->takes = takes;

  for (guint i = 0; headers != NULL && headers[i] != NULL; i++)
    {
      g_autofree char *name = NULL;
      g_autofree char *value = NULL;

      if (parse_header (headers[i], &name, &value))
        resilient_headers_append (self->headers, name, value);
    }

  return self;
}

ResilientTestEnd *
resilient_test_end_new_error (const GError *error, gboolean sent, double takes)
{
  ResilientTestEnd *self = g_atomic_rc_box_new0 (ResilientTestEnd);

  self->error = g_error_copy (error);
  self->nothing_sent = !sent;
  self->takes = takes;

  return self;
}

ResilientTestEnd *
resilient_test_end_new_hang (gboolean sent)
{
  ResilientTestEnd *self = g_atomic_rc_box_new0 (ResilientTestEnd);

  self->nothing_sent = !sent;
  self->takes = -1.0;

  return self;
}

ResilientTestEnd *
resilient_test_end_ref (ResilientTestEnd *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
resilient_test_end_unref (ResilientTestEnd *self)
{
  g_atomic_rc_box_release_full (self, end_clear);
}

void
resilient_test_end_set_http2 (ResilientTestEnd *self, gboolean http2)
{
  self->http2 = http2;
}

void
resilient_test_end_set_released_after (ResilientTestEnd *self, double released_after)
{
  self->released_after = released_after;
}

void
resilient_test_end_set_failure (ResilientTestEnd *self, ResilientFailure failure)
{
  self->failure = failure;
}

void
resilient_test_end_set_retry_after (ResilientTestEnd *self, double retry_after)
{
  self->retry_after = retry_after;
}

void
resilient_test_end_set_cut (ResilientTestEnd *self, const GError *error)
{
  self->cut = g_error_copy (error);
}

double
resilient_test_end_get_takes (ResilientTestEnd *self)
{
  return self->takes;
}

gboolean
resilient_test_end_get_nothing_sent (ResilientTestEnd *self)
{
  return self->nothing_sent;
}

gboolean
resilient_test_end_get_http2 (ResilientTestEnd *self)
{
  return self->http2;
}

double
resilient_test_end_get_released_after (ResilientTestEnd *self)
{
  return self->released_after;
}

const GError *
resilient_test_end_get_error (ResilientTestEnd *self)
{
  return self->error;
}

ResilientFailure
resilient_test_end_get_failure (ResilientTestEnd *self)
{
  return self->failure != RESILIENT_FAILURE_NONE
           ? self->failure
           : resilient_failure_from_error (self->error, self->nothing_sent);
}

guint
resilient_test_end_get_status (ResilientTestEnd *self)
{
  return self->status;
}

const GError *
resilient_test_end_get_cut (ResilientTestEnd *self)
{
  return self->cut;
}

gsize
resilient_test_end_get_body_size (ResilientTestEnd *self)
{
  return g_bytes_get_size (self->body);
}

double
resilient_test_end_get_retry_after (ResilientTestEnd *self)
{
  g_autoptr (GPtrArray) values = NULL;
  const char *name, *value;

  if (self->retry_after >= 0.0)
    return self->retry_after;

  values = g_ptr_array_new ();
  for (guint i = 0; i < resilient_headers_get_length (self->headers); i++)
    {
      resilient_headers_get_nth (self->headers, i, &name, &value);
      if (g_ascii_strcasecmp (name, "Retry-After") == 0)
        g_ptr_array_add (values, (gpointer) value);
    }
  if (values->len == 0)
    return -1.0;

  g_ptr_array_add (values, NULL);
  return resilient_retry_after_parse_all ((const char *const *) values->pdata,
                                          resilient_headers_get_one (self->headers, "Date"),
                                          resilient_clock_get_real ());
}

ResilientResponse *
resilient_test_end_make_response (ResilientTestEnd *self,
                                  GUri *uri,
                                  gboolean with_body,
                                  double elapsed)
{
  return resilient_response_new_full (self->status,
                                      soup_status_get_phrase (self->status),
                                      uri,
                                      self->http2 ? SOUP_HTTP_2_0 : SOUP_HTTP_1_1,
                                      self->headers,
                                      with_body ? self->body : NULL,
                                      elapsed,
                                      resilient_test_end_get_retry_after (self));
}
