/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "history.h"

G_BEGIN_DECLS

/* Many schedules, from seeds 1, 2, 3 …, and each property of all of them a test. A failure names
 * the first seed, and the command that runs it alone: RESILIENT_TEST_SEED=n runs one of them and
 * prints its history. */
typedef struct
{
  const char *name;
  guint n;
  History *(*run) (guint32 seed);
  gboolean same_log;     /* each seed twice, with the same log to the byte */
  gboolean over_sockets; /* where time is the machine's: without what needs a clock of ours */
} SeedsTest;

int seeds_main (int argc, char *argv[], const SeedsTest *test);

G_END_DECLS
