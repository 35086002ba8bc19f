/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "schedule.h"
#include "seeds.h"

int
main (int argc, char *argv[])
{
  const SeedsTest test = {
    .name = "schedules",
    .n = 10000,
    .run = schedule_run,
    .same_log = TRUE,
  };

  return seeds_main (argc, argv, &test);
}
