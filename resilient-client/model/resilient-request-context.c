/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Who a request is to those who observe it. What all contexts of one request have in common is
 * owned once, by the last of them; neither ever changes. Any thread. */

#include "config.h"

#include "resilient-request-context-private.h"

#include <string.h>

#include "resilient-clock-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"
#include "resilient-random-private.h"
#include "resilient-retry-policy-private.h"

/**
 * ResilientRequestContext:
 *
 * Who a request is to those who observe it: its id, its retry policy, what the app attached to it
 * and how many attempts were made.
 *
 * A context is immutable: what would change it makes a new one, so nothing that one request does to
 * its context can be seen by another. It may be used from any thread, and copying one is taking a
 * reference.
 *
 * A context that is given to a call is not changed by it. The call starts at attempt 0 and shows
 * its progress in the contexts of its events.
 *
 * Since: 1.0
 */

/* What every context derived from one has in common. Immutable. */
typedef struct
{
  gatomicrefcount ref_count;
  ResilientRetryPolicy *policy; /* NULL: none known yet */
  GVariant *metadata;           /* a{sv}; NULL: none was given */
  gint64 created_at;            /* microseconds since 1970 */
  gint64 created_boot;          /* the same moment on the boot-time clock */
  char request_id[];
} ResilientContextCommon;

/* Immutable. Not in a g_atomic_rc_box, which needs as much
 * as all of this, of which a hundred thousand may sleep. */
struct _ResilientRequestContext
{
  gatomicrefcount ref_count;
  guint attempt; /* 0 = the first */
  ResilientContextCommon *common;

  /* Seconds drawn before this attempt and before the one before it, 0 = none: what decorrelated
   * jitter goes on from to the next delay, and to this one when it is drawn anew. */
  double delay;
  double delay_before;
};

G_DEFINE_BOXED_TYPE (ResilientRequestContext,
                     resilient_request_context,
                     resilient_request_context_ref,
                     resilient_request_context_unref)

#define MAX_REQUEST_ID_LENGTH 128

static ResilientContextCommon *
common_new (const char *request_id,
            ResilientRetryPolicy *policy,
            GVariant *metadata,
            gint64 created_at,
            gint64 created_boot)
{
  gsize size = strlen (request_id) + 1;
  ResilientContextCommon *self = g_malloc (sizeof *self + size);

  g_atomic_ref_count_init (&self->ref_count);
  self->policy = policy != NULL ? resilient_retry_policy_ref (policy) : NULL;
  self->metadata = metadata != NULL ? g_variant_ref (metadata) : NULL;
  self->created_at = created_at;
  self->created_boot = created_boot;
  memcpy (self->request_id, request_id, size);

  return self;
}

static void
common_unref (ResilientContextCommon *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_clear_pointer (&self->policy, resilient_retry_policy_unref);
  g_clear_pointer (&self->metadata, g_variant_unref);
  g_free (self);
}

static gboolean
check_request_id (const char *request_id, GError **error)
{
  gsize length = strlen (request_id);
  gboolean valid = length >= 1 && length <= MAX_REQUEST_ID_LENGTH;

  for (const char *p = request_id; valid && *p != '\0'; p++)
    valid = g_ascii_isalnum (*p) || strchr ("._:-", *p) != NULL;

  if (!valid)
    g_set_error_literal (
      error,
      RESILIENT_CLIENT_ERROR,
      RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
      /* Translators: request_id is the name of a parameter. */
      _ ("Invalid request context: request_id must be 1 to 128 letters, digits or characters of "
         "“._:-”"));

  return valid;
}

static gboolean
check_metadata (GVariant *metadata, GError **error)
{
  if (metadata == NULL || g_variant_is_of_type (metadata, G_VARIANT_TYPE_VARDICT))
    return TRUE;

  g_set_error (error,
               RESILIENT_CLIENT_ERROR,
               RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
               /* Translators: metadata is the name of a parameter; both %s are types of GVariant,
                  such as “a{sv}”. */
               _ ("Invalid request context: metadata must be of type “%s”, not “%s”"),
               "a{sv}",
               g_variant_get_type_string (metadata));
  return FALSE;
}

/* At attempt 0; takes @common. */
static ResilientRequestContext *
context_new (ResilientContextCommon *common)
{
  ResilientRequestContext *self = g_new0 (ResilientRequestContext, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->common = common;

  return self;
}

/* Everything but attempt and delays. */
static ResilientRequestContext *
derive (ResilientRequestContext *self)
{
  g_atomic_ref_count_inc (&self->common->ref_count);

  return context_new (self->common);
}

/* The same with another policy and other metadata. */
static ResilientRequestContext *
derive_with (ResilientRequestContext *self, ResilientRetryPolicy *policy, GVariant *metadata)
{
  ResilientContextCommon *common = self->common;

  if (policy == common->policy && metadata == common->metadata)
    return derive (self);

  return context_new (
    common_new (common->request_id, policy, metadata, common->created_at, common->created_boot));
}

static ResilientRequestContext *
create (const char *request_id, ResilientRetryPolicy *policy, GVariant *metadata)
{
  char drawn[RESILIENT_UUID_SIZE];

  if (request_id == NULL)
    {
      resilient_random_uuid (drawn);
      request_id = drawn;
    }

  return context_new (common_new (
    request_id, policy, metadata, resilient_clock_get_real (), resilient_clock_get_boot ()));
}

/**
 * resilient_request_context_new:
 * @request_id: (nullable): 1 to 128 characters of `[A-Za-z0-9._:-]`, or %NULL for a random UUID
 * @policy: (nullable): the retry policy of the request, or %NULL for that of the request or of the
 *   client
 * @metadata: (nullable): what the app wants to find again in events and results, of type `a{sv}`;
 *   sunk if floating
 * @error: return location for an error
 *
 * Creates a context.
 *
 * Fails with %RESILIENT_CLIENT_ERROR_INVALID_REQUEST when @request_id or @metadata is not as it
 * must be.
 *
 * Two live requests may bear one id: results keep the newest, cancelling by that id cancels both.
 *
 * Returns: (transfer full): a new context, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientRequestContext *
resilient_request_context_new (const char *request_id,
                               ResilientRetryPolicy *policy,
                               GVariant *metadata,
                               GError **error)
{
  g_autoptr (GVariant) sunk = metadata != NULL ? g_variant_ref_sink (metadata) : NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (request_id != NULL && !check_request_id (request_id, error))
    return NULL;

  if (!check_metadata (sunk, error))
    return NULL;

  return create (request_id, policy, sunk);
}

/**
 * resilient_request_context_ref:
 * @self: a context
 *
 * Takes a reference. Any thread may.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientRequestContext *
resilient_request_context_ref (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * resilient_request_context_unref:
 * @self: (transfer full): a context
 *
 * Drops a reference. Any thread may.
 *
 * Since: 1.0
 */
void
resilient_request_context_unref (ResilientRequestContext *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  common_unref (self->common);
  g_free (self);
}

/**
 * resilient_request_context_copy:
 * @self: a context
 *
 * Copies a context, which is taking a reference, as contexts never change.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientRequestContext *
resilient_request_context_copy (ResilientRequestContext *self)
{
  return resilient_request_context_ref (self);
}

/**
 * resilient_request_context_equal:
 * @self: a context
 * @other: another context
 *
 * Compares two contexts by their values: id, policy, metadata, attempt and date.
 *
 * Returns: %TRUE if all these are equal
 *
 * Since: 1.0
 */
gboolean
resilient_request_context_equal (ResilientRequestContext *self, ResilientRequestContext *other)
{
  ResilientContextCommon *a, *b;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (other != NULL, FALSE);

  if (self == other)
    return TRUE;

  a = self->common;
  b = other->common;
  if ((a->policy == NULL) != (b->policy == NULL))
    return FALSE;

  return strcmp (a->request_id, b->request_id) == 0 && self->attempt == other->attempt
         && a->created_at == b->created_at
         && (a->policy == NULL || resilient_retry_policy_equal (a->policy, b->policy))
         && g_variant_equal (resilient_request_context_get_metadata (self),
                             resilient_request_context_get_metadata (other));
}

/**
 * resilient_request_context_get_request_id:
 * @self: a context
 *
 * Gets the id of the request.
 *
 * Returns: (transfer none): the id
 *
 * Since: 1.0
 */
const char *
resilient_request_context_get_request_id (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->common->request_id;
}

/**
 * resilient_request_context_get_policy:
 * @self: a context
 *
 * Gets the retry policy of the request.
 *
 * A context made without one has none until it is used: the contexts of events and results have the
 * policy that was in force.
 *
 * Returns: (transfer none) (nullable): the policy, or %NULL as long as none is known
 *
 * Since: 1.0
 */
ResilientRetryPolicy *
resilient_request_context_get_policy (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->common->policy;
}

/**
 * resilient_request_context_get_max_retries:
 * @self: a context
 *
 * Gets how many retries its policy allows after the first attempt.
 *
 * As long as no policy is known this answers for [func@RetryPolicy.get_default].
 *
 * Returns: the number of retries, -1 for no limit
 *
 * Since: 1.0
 */
int
resilient_request_context_get_max_retries (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return resilient_retry_policy_get_max_retries (resilient_request_context_peek_policy (self));
}

/**
 * resilient_request_context_get_base_delay:
 * @self: a context
 *
 * Gets the delay that its policy has before the first retry, jitter aside.
 *
 * As long as no policy is known this answers for [func@RetryPolicy.get_default].
 *
 * Returns: the delay in seconds
 *
 * Since: 1.0
 */
double
resilient_request_context_get_base_delay (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return resilient_retry_policy_get_base_delay (resilient_request_context_peek_policy (self));
}

/**
 * resilient_request_context_get_backoff_factor:
 * @self: a context
 *
 * Gets by what its policy multiplies a delay from one retry to the next.
 *
 * As long as no policy is known this answers for [func@RetryPolicy.get_default].
 *
 * Returns: the factor, at least 1
 *
 * Since: 1.0
 */
double
resilient_request_context_get_backoff_factor (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, 1.0);

  return resilient_retry_policy_get_backoff_factor (resilient_request_context_peek_policy (self));
}

/**
 * resilient_request_context_get_max_delay:
 * @self: a context
 *
 * Gets the longest delay of its policy.
 *
 * As long as no policy is known this answers for [func@RetryPolicy.get_default].
 *
 * Returns: the delay in seconds
 *
 * Since: 1.0
 */
double
resilient_request_context_get_max_delay (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return resilient_retry_policy_get_max_delay (resilient_request_context_peek_policy (self));
}

/**
 * resilient_request_context_get_current_attempt:
 * @self: a context
 *
 * Gets the number of the attempt.
 *
 * Returns: the number, 0 for the first attempt, 1 for the first retry
 *
 * Since: 1.0
 */
guint
resilient_request_context_get_current_attempt (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->attempt;
}

/**
 * resilient_request_context_get_created_at:
 * @self: a context
 *
 * Gets the date of its creation.
 *
 * Contexts that were made from others keep the date of the first one.
 *
 * Returns: microseconds since 1970, UTC
 *
 * Since: 1.0
 */
gint64
resilient_request_context_get_created_at (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->common->created_at;
}

/**
 * resilient_request_context_get_metadata:
 * @self: a context
 *
 * Gets what the app attached to the request.
 *
 * Returns: (transfer none): a dictionary of type `a{sv}`, empty when there is none
 *
 * Since: 1.0
 */
GVariant *
resilient_request_context_get_metadata (ResilientRequestContext *self)
{
  static gsize none = 0;

  g_return_val_if_fail (self != NULL, NULL);

  if (self->common->metadata != NULL)
    return self->common->metadata;

  if (g_once_init_enter (&none))
    {
      GVariant *empty = g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0);

      g_once_init_leave (&none, (gsize) g_variant_ref_sink (empty));
    }

  return (GVariant *) none;
}

/**
 * resilient_request_context_get_elapsed_time:
 * @self: a context
 *
 * Gets how long ago it was created, as a span of real time: it counts while the machine is
 * suspended, and does not jump when the wall clock is set.
 *
 * Returns: seconds since the date of creation
 *
 * Since: 1.0
 */
double
resilient_request_context_get_elapsed_time (ResilientRequestContext *self)
{
  gint64 elapsed;

  g_return_val_if_fail (self != NULL, 0.0);

  elapsed = resilient_clock_get_boot () - self->common->created_boot;

  return resilient_clock_to_seconds (MAX (elapsed, 0));
}

/**
 * resilient_request_context_has_retries_left:
 * @self: a context
 *
 * Tells whether its policy allows an attempt of its number.
 *
 * Returns: %TRUE if the attempt may be made
 *
 * Since: 1.0
 */
gboolean
resilient_request_context_has_retries_left (ResilientRequestContext *self)
{
  int max_retries;

  g_return_val_if_fail (self != NULL, FALSE);

  max_retries = resilient_request_context_get_max_retries (self);

  return max_retries == -1 || self->attempt <= (guint) max_retries;
}

/**
 * resilient_request_context_calculate_delay:
 * @self: a context
 *
 * Draws a delay as there might be before the attempt of its number, see
 * [method@RetryPolicy.delay_for_attempt].
 *
 * Each call draws anew. Decorrelated jitter goes on from the delay before the attempt before.
 *
 * Returns: the delay in seconds, 0 for the first attempt
 *
 * Since: 1.0
 */
double
resilient_request_context_calculate_delay (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  if (self->attempt == 0)
    return 0.0;

  return resilient_retry_policy_draw_delay (
    resilient_request_context_peek_policy (self), self->attempt, self->delay_before);
}

/**
 * resilient_request_context_increment_attempt:
 * @self: a context
 *
 * Makes the context of the attempt after this one.
 *
 * Returns: (transfer full): a new context, like @self but for the attempt
 *
 * Since: 1.0
 */
ResilientRequestContext *
resilient_request_context_increment_attempt (ResilientRequestContext *self)
{
  double delay;

  g_return_val_if_fail (self != NULL, NULL);

  /* Whoever counts by hand doesn't tell which delay was slept. One like it lets decorrelated
   * jitter go on. */
  delay = self->attempt < G_MAXUINT ? resilient_retry_policy_draw_delay (
            resilient_request_context_peek_policy (self), self->attempt + 1, self->delay)
                                    : self->delay;

  return resilient_request_context_advance (self, delay);
}

/**
 * resilient_request_context_reset_attempts:
 * @self: a context
 *
 * Makes a context like this one that has made no attempt yet.
 *
 * Returns: (transfer full): a new context, at attempt 0
 *
 * Since: 1.0
 */
ResilientRequestContext *
resilient_request_context_reset_attempts (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return derive (self);
}

/**
 * resilient_request_context_with_metadata:
 * @self: a context
 * @metadata: (nullable): other metadata of type `a{sv}`, or %NULL for none; sunk if floating
 * @error: return location for an error
 *
 * Makes a context like this one with other metadata in place of its own.
 *
 * Fails with %RESILIENT_CLIENT_ERROR_INVALID_REQUEST when @metadata is of another type.
 *
 * Returns: (transfer full): a new context, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientRequestContext *
resilient_request_context_with_metadata (ResilientRequestContext *self,
                                         GVariant *metadata,
                                         GError **error)
{
  g_autoptr (GVariant) sunk = metadata != NULL ? g_variant_ref_sink (metadata) : NULL;
  ResilientRequestContext *derived;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!check_metadata (sunk, error))
    return NULL;

  derived = derive_with (self, self->common->policy, sunk);
  derived->attempt = self->attempt;
  derived->delay = self->delay;
  derived->delay_before = self->delay_before;

  return derived;
}

ResilientRetryPolicy *
resilient_request_context_peek_policy (ResilientRequestContext *self)
{
  ResilientRetryPolicy *policy = self->common->policy;

  return policy != NULL ? policy : resilient_retry_policy_get_default ();
}

double
resilient_request_context_get_previous_delay (ResilientRequestContext *self)
{
  return self->delay;
}

ResilientRequestContext *
resilient_request_context_stamp (ResilientRequestContext *self,
                                 ResilientRetryPolicy *policy,
                                 GVariant *metadata)
{
  g_autoptr (GVariant) sunk = metadata != NULL ? g_variant_ref_sink (metadata) : NULL;

  g_assert (policy != NULL);

  if (self == NULL)
    return create (NULL, policy, sunk);

  return derive_with (self, policy, self->common->metadata != NULL ? self->common->metadata : sunk);
}

ResilientRequestContext *
resilient_request_context_at (ResilientRequestContext *self, guint attempt, double delay)
{
  ResilientRequestContext *derived = derive (self);

  derived->attempt = attempt;
  derived->delay_before = self->delay;
  derived->delay = delay;

  return derived;
}

ResilientRequestContext *
resilient_request_context_advance (ResilientRequestContext *self, double delay)
{
  /* An unlimited policy must not come back to attempt 0 by overflow. */
  return resilient_request_context_at (
    self, self->attempt < G_MAXUINT ? self->attempt + 1 : self->attempt, delay);
}
