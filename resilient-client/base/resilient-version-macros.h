/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <glib.h>

/* Symbols are hidden by default; only what carries one of these is exported. */
#ifndef _RESILIENT_EXTERN
#define _RESILIENT_EXTERN extern
#endif

/* Before each public declaration, with the version that brought it. Not for applications. */
#define RESILIENT_AVAILABLE_IN_ALL _RESILIENT_EXTERN
#define RESILIENT_AVAILABLE_IN_1_0 _RESILIENT_EXTERN
