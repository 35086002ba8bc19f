/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How a request becomes what is sent. A request is of one thread at a time; what is frozen is for
 * any. */

#pragma once

#include "resilient-frozen-request-private.h"
#include "resilient-request.h"

G_BEGIN_DECLS

/* What is sent, as the request is now; or INVALID_REQUEST that names the first thing that is not
 * valid, with secrets left out. In the thread of the request. */
ResilientFrozenRequest *resilient_request_freeze (ResilientRequest *self, GError **error);

G_END_DECLS
