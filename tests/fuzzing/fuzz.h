/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What a target is: given bytes that anybody may have sent, it asserts what holds for all bytes. */
int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);
/* Called once, before the first input. */
int LLVMFuzzerInitialize (int *argc, char ***argv);

/* What is left of an input; takes give zeros and NULL beyond its end. */
typedef struct
{
  const guint8 *data;
  gsize size;
} FuzzInput;

/* Texts are taken line by line, so that an input can be read and a dictionary be of use. NULL when
 * nothing is left, or when the line has a NUL. */
char *fuzz_take_line (FuzzInput *input);
/* A line with a whole number in it, brought between the bounds; 0 if there is none. */
gint64 fuzz_take_integer (FuzzInput *input, gint64 low, gint64 high);
/* A line with a number in it, nan and inf included; 0 if there is none. */
double fuzz_take_double (FuzzInput *input);

G_END_DECLS
