/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-guard-private.h"

/* The guard that takes a token for each attempt of the rate limiters of its origin and of its
 * client, where they have one. Any thread. */

G_BEGIN_DECLS

ResilientGuard *resilient_rate_guard_new (void);

G_END_DECLS
