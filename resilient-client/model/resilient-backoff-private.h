/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-retry-policy.h"

G_BEGIN_DECLS

/* Lives beside the policy, not in the layer of decisions: the policy's and the context's own public
 * calls draw delays. */

/* base × factor^(n − 1), saturating at the policy's cap; seconds; n ≥ 1. */
double resilient_backoff_nominal (ResilientRetryPolicy *policy, guint n);
/* The delay before the n-th retry, drawn; @previous is the last delay drawn (0 = none), for
 * decorrelated jitter. */
double resilient_backoff_draw (ResilientRetryPolicy *policy, guint n, double previous);

G_END_DECLS
