/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-guard-private.h"

/* The guard that lets each origin's circuit breaker, where it has one, admit attempts, and tells it
 * how they ended. Any thread. */

G_BEGIN_DECLS

ResilientGuard *resilient_circuit_guard_new (void);

G_END_DECLS
