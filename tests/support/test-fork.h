/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A fork while another thread has the lock of an object. Its methods read the time under that lock,
 * so that a clock can stop a thread there. */

/* @use takes the lock of @object and reads the time. In the child it must come to its end. Only the
 * first test of a program: the object alone has to see to it that forks are noticed. */
void assert_usable_in_child (void (*use) (gpointer object), gpointer object);

G_END_DECLS
