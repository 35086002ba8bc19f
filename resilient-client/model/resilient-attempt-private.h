/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How the engine makes the public record of one attempt, which is immutable from then on. Any
 * thread. */

#pragma once

#include "resilient-attempt.h"

G_BEGIN_DECLS

/* Times in microseconds since 1970, durations in seconds. */
ResilientAttempt *resilient_attempt_new (guint number,
                                         gint64 started_at,
                                         double duration,
                                         ResilientFailure failure,
                                         guint status_code,
                                         double delay_before,
                                         gboolean reused_connection,
                                         guint sends,
                                         ResilientReason reason);
/* Before anybody else has it. 0: it was part of no trace. */
void resilient_attempt_set_span_id (ResilientAttempt *self, guint64 span_id);

G_END_DECLS
