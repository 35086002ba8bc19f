/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-call-private.h"

G_BEGIN_DECLS

/* Between the two halves of a call's way: resilient-call-run.c (gate, sleep, end) and
 * resilient-call-attempt.c. */

void resilient_call_begin_attempt (ResilientCall *self);
void resilient_turn_log_attempt (ResilientTurn *turn,
                                 ResilientOutcome *outcome,
                                 ResilientFailure failure,
                                 ResilientReason reason);
/* Of ResilientAttempt, newest first. Transfer none. */
GSList *resilient_call_get_log (ResilientCall *self);
void resilient_call_sleep (ResilientCall *self,
                           double delay,
                           ResilientFailure failure,
                           ResilientReason reason,
                           ResilientResponse *response,
                           const GError *error);
void resilient_call_end (ResilientCall *self,
                         ResilientResultStatus status,
                         ResilientFailure failure,
                         ResilientReason reason,
                         ResilientResponse *response,
                         const GError *error);
/* A sleep is over: FALSE to go on; TRUE when the machine is offline, and work will be posted when
 * it may go on. */
gboolean resilient_call_park (ResilientCall *self);
void resilient_call_unpark (ResilientCall *self);
/* Gives the slot back and frees the turn. */
void resilient_turn_leave (ResilientTurn *turn);

G_END_DECLS
