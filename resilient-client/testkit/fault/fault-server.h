/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

#include "fault-certs.h"
#include "fault-enums.h"
#include "fault-gzip.h"
#include "fault-record.h"
#include "fault-script.h"

G_BEGIN_DECLS

/* A server on 127.0.0.1, on a port of the kernel's choice, that answers as its scripts say and
 * remembers what it was sent. It has threads of its own (one per connection, one per waiting HTTP/2
 * stream). Every function may be called from any thread. Nothing in it waits for time, unless a
 * script says so. */
typedef struct _FaultServer FaultServer;

FaultServer *fault_server_new (FaultServerFlags flags);
FaultServer *fault_server_try_new (FaultServerFlags flags, GError **error);
/* Ends its threads and closes everything; what it remembers stays. */
void fault_server_close (FaultServer *self);
void fault_server_free (FaultServer *self);

/* "http://127.0.0.1:PORT/path"; and with another name of this host, "localhost", for another
 * origin. */
char *fault_server_uri (FaultServer *self, const char *path);
char *fault_server_uri_at (FaultServer *self, const char *host, const char *path);
guint16 fault_server_get_port (FaultServer *self);
FaultServerFlags fault_server_get_flags (FaultServer *self);

/* What to do. @path without query, or NULL for any. A request takes, in this order: the oldest
 * fault_server_next of its path, the oldest of any path, the fault_server_on of its path, that of
 * any path; else it is answered 404. Steps end with NULL. */
void fault_server_on (FaultServer *self, const char *path, ...) G_GNUC_NULL_TERMINATED;
void fault_server_next (FaultServer *self, const char *path, ...) G_GNUC_NULL_TERMINATED;
/* For the next connection, before the TLS handshake and before anything is read; then it goes on as
 * any other. */
void fault_server_next_connection (FaultServer *self, ...) G_GNUC_NULL_TERMINATED;

/* The same with a script, which they take; NULL = none any more. */
void fault_server_on_script (FaultServer *self, const char *path, FaultScript *script);
void fault_server_next_script (FaultServer *self, const char *path, FaultScript *script);
/* For each connection that has nothing of its own. */
void fault_server_each_connection (FaultServer *self, FaultScript *script);

/* The port stays reserved, and connections that are open stay so. */
gboolean fault_server_set_door (FaultServer *self, FaultDoor door, GError **error);
void fault_server_set_listening (FaultServer *self, gboolean listening);

/* Stands in one line with the fault_server_next of any path, for the next connection; the door is
 * set when all before it is taken. What is answered just before ends its connection, and idle ones
 * are closed, so that it is in a new connection that the client goes on. */
void fault_server_line_up_connection (FaultServer *self, FaultScript *script);
gboolean fault_server_line_up_door (FaultServer *self, FaultDoor door, GError **error);
/* Closes what is open now, idle or not, with FIN. */
void fault_server_disconnect (FaultServer *self);

/* Gates. Lets @n passes of @gate through, those that wait and those to come; open lets all through
 * for good. */
void fault_server_release (FaultServer *self, const char *gate, guint n);
void fault_server_open (FaultServer *self, const char *gate);

/* Waits until it is so; runs the caller's thread-default main context meanwhile, if the caller may.
 * Aborts the test after a generous while. Counts are since the start, but for held: those who wait
 * at @gate now. */
void fault_server_wait_requests (FaultServer *self, guint n);
void fault_server_wait_connections (FaultServer *self, guint n);
void fault_server_wait_closed (FaultServer *self, guint n);
void fault_server_wait_held (FaultServer *self, const char *gate, guint n);
/* Until no more than @n requests are being served. */
void fault_server_wait_active (FaultServer *self, guint n);
/* Until request @index (from 0) arrived whole or can't any more. */
void fault_server_wait_ended (FaultServer *self, guint index);

/* The same, with an end: after @timeout seconds, or when cancelled. */
FaultWaited fault_server_wait (FaultServer *self,
                               FaultCount count,
                               const char *gate,
                               guint n,
                               double timeout,
                               GCancellable *cancellable);

guint fault_server_get_requests (FaultServer *self);
/* Requests to @path. */
guint fault_server_count (FaultServer *self, const char *path);
/* Accepted so far, and those of them that are closed. */
guint fault_server_get_connections (FaultServer *self);
guint fault_server_get_closed (FaultServer *self);
/* The most requests that were being served at one time, and now. */
guint fault_server_get_max_active (FaultServer *self);
guint fault_server_get_active (FaultServer *self);

/* From 0, in order of arrival; it must be there. */
FaultRecord *fault_server_get_record (FaultServer *self, guint index);
/* The @n-th (from 0) to @path. */
FaultRecord *fault_server_get_record_of (FaultServer *self, const char *path, guint n);
/* NULL if it isn't there; @path is NULL for any. */
FaultRecord *fault_server_find_record (FaultServer *self, const char *path, guint n);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FaultServer, fault_server_free)

G_END_DECLS
