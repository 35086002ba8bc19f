/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How the test server makes the public records of what it was sent. Any thread. */

#pragma once

#include "fault-server.h"
#include "resilient-test-record.h"

/* Takes @record. */
ResilientTestRecord *resilient_test_record_new (FaultRecord *record);
