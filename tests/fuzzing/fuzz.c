/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "fuzz.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "resilient-random-private.h"

static void
trapped_cb (int signal_number)
{
  abort ();
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
  /* GLib ends a program so after a message that is fatal; libFuzzer does not know it, and would not
   * keep the input. */
  signal (SIGTRAP, trapped_cb);
  /* The same input does the same every time. */
  resilient_random_seed (1);

  return 0;
}

char *
fuzz_take_line (FuzzInput *input)
{
  const guint8 *end;
  gsize length;
  char *line;

  if (input->size == 0)
    return NULL;

  end = memchr (input->data, '\n', input->size);
  length = end != NULL ? (gsize) (end - input->data) : input->size;
  line = memchr (input->data, '\0', length) == NULL ? g_strndup ((const char *) input->data, length)
                                                    : NULL;
  if (end != NULL)
    length++;
  input->data += length;
  input->size -= length;

  return line;
}

gint64
fuzz_take_integer (FuzzInput *input, gint64 low, gint64 high)
{
  g_autofree char *line = fuzz_take_line (input);
  gint64 value = line != NULL ? g_ascii_strtoll (line, NULL, 0) : 0;

  return CLAMP (value, low, high);
}

double
fuzz_take_double (FuzzInput *input)
{
  g_autofree char *line = fuzz_take_line (input);

  return line != NULL ? g_ascii_strtod (line, NULL) : 0.0;
}
