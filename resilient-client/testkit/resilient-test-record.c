/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-test-record-private.h"

/**
 * ResilientTestRecord:
 *
 * A request as it arrived at a [class@Server].
 *
 * It tells what had arrived when it was asked for: see [method@Record.is_whole].
 *
 * Immutable, for any thread; copying one is taking a reference.
 *
 * Since: 1.0
 */
struct _ResilientTestRecord
{
  FaultRecord *fault_record;
};

G_DEFINE_BOXED_TYPE (ResilientTestRecord,
                     resilient_test_record,
                     resilient_test_record_ref,
                     resilient_test_record_unref)

static void
clear_record (gpointer data)
{
  ResilientTestRecord *self = data;

  fault_record_free (self->fault_record);
}

ResilientTestRecord *
resilient_test_record_new (FaultRecord *record)
{
  ResilientTestRecord *self = g_atomic_rc_box_new0 (ResilientTestRecord);

  self->fault_record = record;

  return self;
}

/**
 * resilient_test_record_ref:
 * @self: a record
 *
 * Takes a reference. Any thread may.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientTestRecord *
resilient_test_record_ref (ResilientTestRecord *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * resilient_test_record_unref:
 * @self: (transfer full): a record
 *
 * Drops a reference. Any thread may.
 *
 * Since: 1.0
 */
void
resilient_test_record_unref (ResilientTestRecord *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, clear_record);
}

/**
 * resilient_test_record_copy:
 * @self: a record
 *
 * Copies a record, which is taking a reference, as it never changes.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientTestRecord *
resilient_test_record_copy (ResilientTestRecord *self)
{
  return resilient_test_record_ref (self);
}

/**
 * resilient_test_record_get_arrived_at:
 * @self: a record
 *
 * Gets when the headers of the request were complete.
 *
 * Returns: microseconds of the monotonic clock, as [func@GLib.get_monotonic_time] gives them
 *
 * Since: 1.0
 */
gint64
resilient_test_record_get_arrived_at (ResilientTestRecord *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return fault_record_get_arrived_at (self->fault_record);
}

/**
 * resilient_test_record_get_connection:
 * @self: a record
 *
 * Gets on which connection it came.
 *
 * Requests of the same number came on the same connection.
 *
 * Returns: the number of the connection, 1 for the first that the server accepted
 *
 * Since: 1.0
 */
guint
resilient_test_record_get_connection (ResilientTestRecord *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return fault_record_get_connection (self->fault_record);
}

/**
 * resilient_test_record_get_method:
 * @self: a record
 *
 * Gets its method.
 *
 * Returns: (transfer none): the method, such as `GET`
 *
 * Since: 1.0
 */
const char *
resilient_test_record_get_method (ResilientTestRecord *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return fault_record_get_method (self->fault_record);
}

/**
 * resilient_test_record_get_path:
 * @self: a record
 *
 * Gets its path with query.
 *
 * Returns: (transfer none): what was asked for, such as `/search?q=1`
 *
 * Since: 1.0
 */
const char *
resilient_test_record_get_path (ResilientTestRecord *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return fault_record_get_path (self->fault_record);
}

/**
 * resilient_test_record_get_version:
 * @self: a record
 *
 * Gets the version of HTTP that it came by.
 *
 * Returns: (transfer none): `1.1` or `2`, as a rule
 *
 * Since: 1.0
 */
const char *
resilient_test_record_get_version (ResilientTestRecord *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return fault_record_get_version (self->fault_record);
}

/**
 * resilient_test_record_get_header:
 * @self: a record
 * @name: a name, upper and lower case being the same
 *
 * Gets the first header of a name.
 *
 * Returns: (transfer none) (nullable): its value, or %NULL if there is none
 *
 * Since: 1.0
 */
const char *
resilient_test_record_get_header (ResilientTestRecord *self, const char *name)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (name != NULL, NULL);

  return fault_record_get_header (self->fault_record, name);
}

/**
 * resilient_test_record_get_headers:
 * @self: a record
 *
 * Gets all headers in the order in which they came, those of HTTP/2 that begin with a colon among
 * them.
 *
 * Returns: (transfer none) (array zero-terminated=1): a text `Name: value` each
 *
 * Since: 1.0
 */
const char *const *
resilient_test_record_get_headers (ResilientTestRecord *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return (const char *const *) fault_record_get_headers (self->fault_record);
}

/**
 * resilient_test_record_get_body:
 * @self: a record
 *
 * Gets its body, or the first 64 KiB of a longer one.
 *
 * Returns: (transfer none): the bytes, none if there was no body
 *
 * Since: 1.0
 */
GBytes *
resilient_test_record_get_body (ResilientTestRecord *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return fault_record_get_body (self->fault_record);
}

/**
 * resilient_test_record_get_body_size:
 * @self: a record
 *
 * Gets how much of its body came.
 *
 * Returns: a number of bytes
 *
 * Since: 1.0
 */
guint64
resilient_test_record_get_body_size (ResilientTestRecord *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return fault_record_get_body_size (self->fault_record);
}

/**
 * resilient_test_record_get_body_sha256:
 * @self: a record
 *
 * Gets the SHA-256 of its body, as far as it came.
 *
 * Returns: (transfer none): 64 hexadecimal digits in lower case
 *
 * Since: 1.0
 */
const char *
resilient_test_record_get_body_sha256 (ResilientTestRecord *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return fault_record_get_body_sha256 (self->fault_record);
}

/**
 * resilient_test_record_is_whole:
 * @self: a record
 *
 * Tells whether the request came to its end.
 *
 * It did not if the client gave up amid the body, if the server did not read it, or if it was still
 * under way.
 *
 * Returns: %TRUE if it did
 *
 * Since: 1.0
 */
gboolean
resilient_test_record_is_whole (ResilientTestRecord *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return fault_record_is_whole (self->fault_record);
}
