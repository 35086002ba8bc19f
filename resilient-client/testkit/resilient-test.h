/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <resilient.h>

#define RESILIENT_TEST_INSIDE

#include "resilient-test-enums.h"
#include "resilient-test-record.h"

#undef RESILIENT_TEST_INSIDE
