/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <glib-object.h>

#include "resilient-version-macros.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_RETRY_BUDGET (resilient_retry_budget_get_type ())

RESILIENT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientRetryBudget, resilient_retry_budget, RESILIENT, RETRY_BUDGET, GObject)

RESILIENT_AVAILABLE_IN_1_0
ResilientRetryBudget *resilient_retry_budget_new           (double                 ratio,
                                                            double                 reserve,
                                                            GError               **error);
RESILIENT_AVAILABLE_IN_1_0
void                  resilient_retry_budget_deposit       (ResilientRetryBudget  *self);
RESILIENT_AVAILABLE_IN_1_0
gboolean              resilient_retry_budget_try_withdraw  (ResilientRetryBudget  *self);
RESILIENT_AVAILABLE_IN_1_0
double                resilient_retry_budget_get_ratio     (ResilientRetryBudget  *self);
RESILIENT_AVAILABLE_IN_1_0
double                resilient_retry_budget_get_reserve   (ResilientRetryBudget  *self);
RESILIENT_AVAILABLE_IN_1_0
double                resilient_retry_budget_get_available (ResilientRetryBudget  *self);

G_END_DECLS
