/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The word for a reason, for debug lines. A pure function, for any thread. */

#pragma once

#include "resilient-enums.h"

G_BEGIN_DECLS

/* The nick, a static string: for debug lines. */
const char *resilient_reason_to_string (ResilientReason reason);

G_END_DECLS
