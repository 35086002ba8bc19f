/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How the log of a misbehaving server writes the record of a request while that arrives: under the
 * log's lock. */

#pragma once

#include "fault-record.h"

G_BEGIN_DECLS

/* Takes @headers. */
FaultRecord *fault_record_new (guint connection,
                               const char *method,
                               const char *path,
                               const char *version,
                               char **headers);
/* What there is now, for others to read. */
FaultRecord *fault_record_copy (FaultRecord *self);
void fault_record_add_body (FaultRecord *self, gconstpointer data, gsize size);
/* Nothing comes of the body any more. It may be said twice. */
void fault_record_end (FaultRecord *self, gboolean whole);
gboolean fault_record_has_ended (FaultRecord *self);
/* With a query or without. */
gboolean fault_record_is_to (FaultRecord *self, const char *path);

G_END_DECLS
