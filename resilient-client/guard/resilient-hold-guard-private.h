/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-guard-private.h"

G_BEGIN_DECLS

/* The guard that keeps requests from an origin whose server has asked for a wait by Retry-After,
 * see resilient_origin_hold(). Any thread. */
ResilientGuard *resilient_hold_guard_new (void);

G_END_DECLS
