/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The process's resolver: every name is 127.0.0.1, once the test says so. Names that begin with
 * "stubborn" can't be cancelled, as a system's resolver may not be. */
#define HELD_TYPE_RESOLVER (held_resolver_get_type ())
G_DECLARE_FINAL_TYPE (HeldResolver, held_resolver, HELD, RESOLVER, GResolver)

/* Makes it the default one; for the whole process. */
void held_resolver_install (void);
/* Waits, in the thread-default main context, until so many questions wait for an answer. */
void held_resolver_wait (guint n);
/* Answers all that wait. */
void held_resolver_release (void);

G_END_DECLS
