/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "history.h"

G_BEGIN_DECLS

/* A schedule: some requests, and what happens to them, all drawn from one seed. It runs on scripted
 * attempts in virtual time, in one context. */
History *schedule_run (guint32 seed);

G_END_DECLS
