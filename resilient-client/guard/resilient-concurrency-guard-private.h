/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-guard-private.h"

/* The guard that measures the attempts to each origin, where the client wants that, and lets the
 * gate admit no more of them at once than the server can take. It refuses and holds back none by
 * itself: who waits does so in the queue. Any thread. */

G_BEGIN_DECLS

ResilientGuard *resilient_concurrency_guard_new (void);

G_END_DECLS
