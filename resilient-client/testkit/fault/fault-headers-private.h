/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Looks for one among the headers of a request: lines "Name: value", up to NULL. Pure functions,
 * for any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The first of that name, without regard to case; NULL if there is none. */
const char *fault_headers_get (char **headers, const char *name);
guint fault_headers_count (char **headers, const char *name);

G_END_DECLS
