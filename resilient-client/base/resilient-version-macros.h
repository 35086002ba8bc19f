/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <glib.h>

#include "resilient-version.h"

/* Symbols are hidden by default; only what carries one of these is exported. */
#ifndef _RESILIENT_EXTERN
#define _RESILIENT_EXTERN extern
#endif

#define RESILIENT_VERSION_CUR_STABLE \
  (G_ENCODE_VERSION (RESILIENT_MAJOR_VERSION, RESILIENT_MINOR_VERSION))

/**
 * RESILIENT_VERSION_1_0:
 *
 * Version 1.0, for %RESILIENT_VERSION_MIN_REQUIRED and %RESILIENT_VERSION_MAX_ALLOWED.
 *
 * Since: 1.0
 */
#define RESILIENT_VERSION_1_0 (G_ENCODE_VERSION (1, 0))

/**
 * RESILIENT_VERSION_MIN_REQUIRED:
 *
 * The oldest version that a program wants to be compiled with, such as %RESILIENT_VERSION_1_0: the
 * compiler warns of what was deprecated in it or before.
 *
 * To be defined before the header is included. Without it, what is deprecated in the version that
 * is compiled against is warned of. A version that this one does not know yet counts as one to come.
 *
 * Since: 1.0
 */
#ifndef RESILIENT_VERSION_MIN_REQUIRED
#define RESILIENT_VERSION_MIN_REQUIRED (RESILIENT_VERSION_CUR_STABLE)
#elif RESILIENT_VERSION_MIN_REQUIRED == 0
#undef RESILIENT_VERSION_MIN_REQUIRED
#define RESILIENT_VERSION_MIN_REQUIRED (G_ENCODE_VERSION (RESILIENT_MAJOR_VERSION + 1, 0))
#endif

/**
 * RESILIENT_VERSION_MAX_ALLOWED:
 *
 * The newest version that a program wants to be compiled with, such as %RESILIENT_VERSION_1_0: the
 * compiler warns of what came after it.
 *
 * To be defined before the header is included. Without it, all that there is may be used.
 *
 * Since: 1.0
 */
#if !defined(RESILIENT_VERSION_MAX_ALLOWED) || RESILIENT_VERSION_MAX_ALLOWED == 0
#undef RESILIENT_VERSION_MAX_ALLOWED
#if RESILIENT_VERSION_MIN_REQUIRED > RESILIENT_VERSION_CUR_STABLE
#define RESILIENT_VERSION_MAX_ALLOWED RESILIENT_VERSION_MIN_REQUIRED
#else
#define RESILIENT_VERSION_MAX_ALLOWED RESILIENT_VERSION_CUR_STABLE
#endif
#endif

#if RESILIENT_VERSION_MIN_REQUIRED < RESILIENT_VERSION_1_0
#error "RESILIENT_VERSION_MIN_REQUIRED must be RESILIENT_VERSION_1_0 or later"
#endif
#if RESILIENT_VERSION_MAX_ALLOWED < RESILIENT_VERSION_MIN_REQUIRED
#error "RESILIENT_VERSION_MAX_ALLOWED must be RESILIENT_VERSION_MIN_REQUIRED or later"
#endif

/* Before each public declaration, with the version that brought or deprecated it. Not for
 * applications. */
#ifndef RESILIENT_DISABLE_DEPRECATION_WARNINGS
#define RESILIENT_DEPRECATED G_DEPRECATED _RESILIENT_EXTERN
/**
 * RESILIENT_DEPRECATED_FOR:
 * @other: what takes its place
 *
 * Stands before a declaration whose use is warned of. Not for applications.
 *
 * Since: 1.0
 */
#define RESILIENT_DEPRECATED_FOR(other) G_DEPRECATED_FOR (other) _RESILIENT_EXTERN
/**
 * RESILIENT_UNAVAILABLE:
 * @major: a major version
 * @minor: a minor version
 *
 * Stands before a declaration that came with that version. Not for applications.
 *
 * Since: 1.0
 */
#define RESILIENT_UNAVAILABLE(major, minor) G_UNAVAILABLE (major, minor) _RESILIENT_EXTERN
#else
#define RESILIENT_DEPRECATED _RESILIENT_EXTERN
#define RESILIENT_DEPRECATED_FOR(other) _RESILIENT_EXTERN
#define RESILIENT_UNAVAILABLE(major, minor) _RESILIENT_EXTERN
#endif

#define RESILIENT_AVAILABLE_IN_ALL _RESILIENT_EXTERN

#if RESILIENT_VERSION_MIN_REQUIRED >= RESILIENT_VERSION_1_0
#define RESILIENT_DEPRECATED_IN_1_0 RESILIENT_DEPRECATED
/**
 * RESILIENT_DEPRECATED_IN_1_0_FOR:
 * @other: what takes its place
 *
 * Stands before a declaration that 1.0 deprecated. Not for applications.
 *
 * Since: 1.0
 */
#define RESILIENT_DEPRECATED_IN_1_0_FOR(other) RESILIENT_DEPRECATED_FOR (other)
#else
#define RESILIENT_DEPRECATED_IN_1_0 _RESILIENT_EXTERN
#define RESILIENT_DEPRECATED_IN_1_0_FOR(other) _RESILIENT_EXTERN
#endif

#if RESILIENT_VERSION_MAX_ALLOWED < RESILIENT_VERSION_1_0
#define RESILIENT_AVAILABLE_IN_1_0 RESILIENT_UNAVAILABLE (1, 0)
#else
#define RESILIENT_AVAILABLE_IN_1_0 _RESILIENT_EXTERN
#endif
