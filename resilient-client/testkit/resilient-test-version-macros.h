/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_TEST_INSIDE) && !defined(RESILIENT_TEST_COMPILATION)
#error "Only <resilient-test.h> can be included directly."
#endif

#include <glib.h>

/* Symbols are hidden by default; only what carries one of these is exported. */
#ifndef _RESILIENT_TEST_EXTERN
#define _RESILIENT_TEST_EXTERN extern
#endif

/* Before each public declaration, with the version that brought it. Not for applications. */
#define RESILIENT_TEST_AVAILABLE_IN_ALL _RESILIENT_TEST_EXTERN
#define RESILIENT_TEST_AVAILABLE_IN_1_0 _RESILIENT_TEST_EXTERN
