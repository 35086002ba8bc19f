/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-event-queue-private.h"
#include "resilient-result-private.h"
#include "resilient-stats-private.h"
#include "resilient-subscription.h"

G_BEGIN_DECLS

/* What happened, recorded where it happens: result store, statistics, subscriptions, and the event
 * queue when a signal has a handler. Thread-safe, one lock inside, never held while foreign code
 * runs. */
typedef struct _ResilientRecorder ResilientRecorder;

ResilientRecorder *resilient_recorder_new (void);
void resilient_recorder_unref (ResilientRecorder *self);

/* Asked in any thread for each event, before the recorder locks: does a signal handler want it?
 * NULL func: never. Cleared on dispose of the client; after the clearing call returned, @func does
 * not run any more. @func must not set or clear it. */
typedef gboolean (*ResilientRecorderWanted) (ResilientEventType type, gpointer data);
void resilient_recorder_set_wanted_func (ResilientRecorder *self,
                                         ResilientRecorderWanted func,
                                         gpointer data);
ResilientEventQueue *resilient_recorder_get_queue (ResilientRecorder *self); /* transfer none */

void
resilient_recorder_set_max_results (ResilientRecorder *self, guint max_results); /* 0 keeps none */
void
resilient_recorder_set_result_ttl (ResilientRecorder *self, double ttl); /* seconds; 0 keeps none */
void resilient_recorder_set_max_result_bytes (ResilientRecorder *self,
                                              guint64 max_bytes); /* 0 keeps no body */

void resilient_recorder_started (ResilientRecorder *self); /* a request was accepted */
void resilient_recorder_refused (ResilientRecorder *self); /* INVALID, OVERLOADED or CLOSED */
/* What came of one attempt before it began. */
typedef enum
{
  RESILIENT_GUARD_ACT_HELD_BACK,
  RESILIENT_GUARD_ACT_CIRCUIT_REFUSED,
  RESILIENT_GUARD_ACT_BUDGET_REFUSED,
} ResilientGuardAct;
void resilient_recorder_guarded (ResilientRecorder *self, ResilientGuardAct act);
void resilient_recorder_attempt (ResilientRecorder *self); /* an attempt begins */
void resilient_recorder_hedge (ResilientRecorder *self);   /* one more beside it, which is none */
/* It is over, @duration seconds later; @origin and the rest as in resilient_metrics_add_attempt().
 */
void resilient_recorder_attempt_ended (ResilientRecorder *self,
                                       const char *origin,
                                       const char *method,
                                       guint status_code,
                                       ResilientFailure failure,
                                       double duration);
/* A retry was decided; @context is that of the attempt to come. */
void resilient_recorder_retry (ResilientRecorder *self,
                               ResilientRequestContext *context,
                               ResilientFailure failure,
                               ResilientReason reason,
                               ResilientResponse *response,
                               const GError *error,
                               double delay);
/* The one terminal event of a request; stores @result before it returns. Signals follow after
 * resilient_recorder_wake(). @delay: of one that a guard refused, in how many seconds that may
 * admit one; else 0. */
void resilient_recorder_ended (ResilientRecorder *self,
                               ResilientResult *result,
                               ResilientReason reason,
                               double delay);
/* Wakes the home context, if it waits, for the ends of requests that were recorded. Any thread. */
void resilient_recorder_wake (ResilientRecorder *self);

ResilientResult *
resilient_recorder_get_result (ResilientRecorder *self, const char *request_id); /* transfer full */
GPtrArray *
resilient_recorder_list_results (ResilientRecorder *self); /* oldest first, with free function */
/* Removes what is @max_age seconds old, or older (0: all); returns how many those were. */
guint resilient_recorder_clear_old_results (ResilientRecorder *self, double max_age);
guint resilient_recorder_get_result_count (ResilientRecorder *self);
ResilientStats *resilient_recorder_get_stats (ResilientRecorder *self);

/* Transfer full, and not kept alive by the recorder. */
ResilientSubscription *resilient_recorder_subscribe (ResilientRecorder *self, guint capacity);
/* Ends every subscription after its last event; later ones are born closed. Under no lock: notifies
 * "closed". */
void resilient_recorder_close (ResilientRecorder *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientRecorder, resilient_recorder_unref)

G_END_DECLS
