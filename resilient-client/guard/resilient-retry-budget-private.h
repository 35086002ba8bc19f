/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What the rest of the library asks of a retry budget beside what apps may. Any thread. */

#pragma once

#include "resilient-retry-budget.h"

G_BEGIN_DECLS

/* FALSE with the error that resilient_retry_budget_new() would have given: it was made by
 * g_object_new() with values that are not valid, and never pays. */
gboolean resilient_retry_budget_check (ResilientRetryBudget *self, GError **error);

/* A retry that was paid for did not come. */
void resilient_retry_budget_give_back (ResilientRetryBudget *self);

G_END_DECLS
