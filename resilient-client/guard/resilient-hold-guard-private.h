/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-guard-private.h"

/* The guard that keeps requests from an origin whose server has asked for a wait by Retry-After,
 * see resilient_origin_hold(). It owns nothing: each origin knows until when. Any thread. */

G_BEGIN_DECLS

ResilientGuard *resilient_hold_guard_new (void);

G_END_DECLS
