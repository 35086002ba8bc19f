/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What makes and ends attempts knows this of what the test sees of one. Any thread. */

#pragma once

#include "resilient-test-attempt.h"
#include "resilient-test-end-private.h"

G_BEGIN_DECLS

/* One lock guards all scripts, and what their attempts share with other threads: an attempt
 * outlives its script. */
void resilient_test_attempt_lock (void);
void resilient_test_attempt_unlock (void);

/* Takes @headers. */
ResilientTestAttempt *resilient_test_attempt_new (ResilientFrozenRequest *frozen,
                                                  ResilientHeaders *headers,
                                                  guint number,
                                                  double time);
void resilient_test_attempt_set_body (ResilientTestAttempt *self, GBytes *body);

/* Takes @end: how the attempt behind @data ends. Runs in any thread, with the lock held. FALSE:
 * that was said before. */
typedef gboolean (*ResilientTestPlanFunc) (gpointer data, ResilientTestEnd *end);
/* From now on the test may say it. NULL @func: it is over. With the lock held. */
void resilient_test_attempt_set_plan_func (ResilientTestAttempt *self,
                                           ResilientTestPlanFunc func,
                                           gpointer data);

G_END_DECLS
