/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-test-attempt-private.h"

/**
 * ResilientTestAttempt:
 *
 * One attempt of a request, as it came to a [class@Transport].
 *
 * While it is live, and nothing else said how it ends, the test does: with
 * [method@Attempt.respond] or [method@Attempt.fail], from any thread.
 *
 * Since: 1.0
 */

struct _ResilientTestAttempt
{
  GObject parent_instance;

  /* Constant. */
  ResilientFrozenRequest *frozen;
  ResilientHeaders *headers;
  char *uri;
  guint number;
  double time;

  /* Under the lock. */
  GBytes *body;
  ResilientTestPlanFunc plan; /* NULL: it is over */
  gpointer plan_data;         /* not owned */
};

static GMutex lock;

G_DEFINE_FINAL_TYPE (ResilientTestAttempt, resilient_test_attempt, G_TYPE_OBJECT)

static void
resilient_test_attempt_finalize (GObject *object)
{
  ResilientTestAttempt *self = RESILIENT_TEST_ATTEMPT (object);

  resilient_frozen_request_unref (self->frozen);
  resilient_headers_unref (self->headers);
  g_free (self->uri);
  g_clear_pointer (&self->body, g_bytes_unref);

  G_OBJECT_CLASS (resilient_test_attempt_parent_class)->finalize (object);
}

static void
resilient_test_attempt_class_init (ResilientTestAttemptClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = resilient_test_attempt_finalize;
}

static void
resilient_test_attempt_init (ResilientTestAttempt *self)
{
}

void
resilient_test_attempt_lock (void)
{
  g_mutex_lock (&lock);
}

void
resilient_test_attempt_unlock (void)
{
  g_mutex_unlock (&lock);
}

ResilientTestAttempt *
resilient_test_attempt_new (ResilientFrozenRequest *frozen,
                            ResilientHeaders *headers,
                            guint number,
                            double time)
{
  ResilientTestAttempt *self = g_object_new (RESILIENT_TEST_TYPE_ATTEMPT, NULL);

  self->frozen = resilient_frozen_request_ref (frozen);
  self->headers = headers;
  self->uri = g_uri_to_string (resilient_frozen_request_peek_uri (frozen));
  self->number = number;
  self->time = time;

  return self;
}

void
resilient_test_attempt_set_body (ResilientTestAttempt *self, GBytes *body)
{
  resilient_test_attempt_lock ();
  self->body = g_bytes_ref (body);
  resilient_test_attempt_unlock ();
}

void
resilient_test_attempt_set_plan_func (ResilientTestAttempt *self,
                                      ResilientTestPlanFunc func,
                                      gpointer data)
{
  self->plan = func;
  self->plan_data = data;
}

/**
 * resilient_test_attempt_get_method:
 * @self: an attempt
 *
 * Gets what was asked for.
 *
 * Returns: (transfer none): a method such as `GET`
 *
 * Since: 1.0
 */
const char *
resilient_test_attempt_get_method (ResilientTestAttempt *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_ATTEMPT (self), NULL);

  return resilient_frozen_request_get_method (self->frozen);
}

/**
 * resilient_test_attempt_get_uri:
 * @self: an attempt
 *
 * Gets where it was asked for, with the query.
 *
 * Returns: (transfer none): an absolute URI
 *
 * Since: 1.0
 */
const char *
resilient_test_attempt_get_uri (ResilientTestAttempt *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_ATTEMPT (self), NULL);

  return self->uri;
}

/**
 * resilient_test_attempt_get_header:
 * @self: an attempt
 * @name: a name, in any case
 *
 * Gets the value of a header: one of the request, or of the client's defaults. Those that libsoup
 * adds (`Host`, `Content-Length`, `Accept-Encoding`) are not there.
 *
 * Returns: (transfer none) (nullable): all values joined by `, `, or %NULL
 *
 * Since: 1.0
 */
const char *
resilient_test_attempt_get_header (ResilientTestAttempt *self, const char *name)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_ATTEMPT (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  return resilient_headers_get_list (self->headers, name);
}

/**
 * resilient_test_attempt_dup_body:
 * @self: an attempt
 *
 * Gets what was sent along.
 *
 * A stream that can be read once is sent when it is known that the attempt connects.
 *
 * Returns: (transfer full) (nullable): the body, or %NULL without one
 *
 * Since: 1.0
 */
GBytes *
resilient_test_attempt_dup_body (ResilientTestAttempt *self)
{
  GBytes *body;

  g_return_val_if_fail (RESILIENT_TEST_IS_ATTEMPT (self), NULL);

  resilient_test_attempt_lock ();
  body = self->body != NULL ? g_bytes_ref (self->body) : NULL;
  resilient_test_attempt_unlock ();

  return body;
}

/**
 * resilient_test_attempt_get_number:
 * @self: an attempt
 *
 * Gets which attempt of its request it is.
 *
 * Returns: 1 for the first
 *
 * Since: 1.0
 */
guint
resilient_test_attempt_get_number (ResilientTestAttempt *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_ATTEMPT (self), 0);

  return self->number;
}

/**
 * resilient_test_attempt_get_time:
 * @self: an attempt
 *
 * Gets when it was started.
 *
 * Returns: seconds since its transport was made
 *
 * Since: 1.0
 */
double
resilient_test_attempt_get_time (ResilientTestAttempt *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_ATTEMPT (self), 0.0);

  return self->time;
}

/**
 * resilient_test_attempt_is_live:
 * @self: an attempt
 *
 * Gets whether it has not ended yet.
 *
 * Returns: %FALSE once it was answered, failed, ran into a deadline or was cancelled
 *
 * Since: 1.0
 */
gboolean
resilient_test_attempt_is_live (ResilientTestAttempt *self)
{
  gboolean live;

  g_return_val_if_fail (RESILIENT_TEST_IS_ATTEMPT (self), FALSE);

  resilient_test_attempt_lock ();
  live = self->plan != NULL;
  resilient_test_attempt_unlock ();

  return live;
}

static gboolean
plan (ResilientTestAttempt *self, ResilientTestEnd *end)
{
  gboolean planned = FALSE;

  resilient_test_attempt_lock ();
  if (self->plan != NULL)
    planned = self->plan (self->plan_data, end);
  else
    resilient_test_end_unref (end);
  resilient_test_attempt_unlock ();

  return planned;
}

/**
 * resilient_test_attempt_respond:
 * @self: an attempt
 * @status_code: a status, such as 200
 * @headers: (nullable) (array zero-terminated=1): lines of the form `Name: value`
 * @body: (nullable): a body, or %NULL for an empty one
 * @takes: seconds from now until the response is there
 *
 * Answers it.
 *
 * Returns: %FALSE if it is over, or its end was said before
 *
 * Since: 1.0
 */
gboolean
resilient_test_attempt_respond (ResilientTestAttempt *self,
                                guint status_code,
                                const char *const *headers,
                                GBytes *body,
                                double takes)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_ATTEMPT (self), FALSE);
  g_return_val_if_fail (status_code >= 200 && status_code <= 999, FALSE);
  g_return_val_if_fail (resilient_test_end_headers_are_valid (headers), FALSE);
  g_return_val_if_fail (takes >= 0.0, FALSE);

  return plan (self, resilient_test_end_new_response (status_code, headers, body, takes));
}

/**
 * resilient_test_attempt_fail:
 * @self: an attempt
 * @error: what becomes of it
 * @sent: whether anything of the request may have reached the server
 * @takes: seconds from now until it fails
 *
 * Lets it fail, as [method@Transport.add_error] does.
 *
 * Returns: %FALSE if it is over, or its end was said before
 *
 * Since: 1.0
 */
gboolean
resilient_test_attempt_fail (ResilientTestAttempt *self,
                             const GError *error,
                             gboolean sent,
                             double takes)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_ATTEMPT (self), FALSE);
  g_return_val_if_fail (error != NULL, FALSE);
  g_return_val_if_fail (takes >= 0.0, FALSE);

  return plan (self, resilient_test_end_new_error (error, sent, takes));
}
