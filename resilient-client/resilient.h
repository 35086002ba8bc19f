/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#define RESILIENT_INSIDE

#include "resilient-attempt.h"
#include "resilient-batch.h"
#include "resilient-call.h"
#include "resilient-circuit-breaker.h"
#include "resilient-circuit-policy-builder.h"
#include "resilient-circuit-policy.h"
#include "resilient-client.h"
#include "resilient-debouncer.h"
#include "resilient-enums.h"
#include "resilient-error.h"
#include "resilient-event.h"
#include "resilient-origin.h"
#include "resilient-permit.h"
#include "resilient-rate-limiter.h"
#include "resilient-request-context.h"
#include "resilient-request.h"
#include "resilient-response.h"
#include "resilient-result.h"
#include "resilient-retrier.h"
#include "resilient-retry-budget.h"
#include "resilient-retry-policy-builder.h"
#include "resilient-retry-policy.h"
#include "resilient-stats.h"
#include "resilient-subscription.h"
#include "resilient-throttle.h"
#include "resilient-version.h"

#undef RESILIENT_INSIDE
