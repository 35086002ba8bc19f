/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <resilient.h>

#define RESILIENT_TEST_INSIDE

#include "resilient-test-attempt.h"
#include "resilient-test-clock.h"
#include "resilient-test-enums.h"
#include "resilient-test-network.h"
#include "resilient-test-random.h"
#include "resilient-test-record.h"
#include "resilient-test-script.h"
#include "resilient-test-server.h"
#include "resilient-test-transport.h"

#undef RESILIENT_TEST_INSIDE
