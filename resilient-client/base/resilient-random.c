/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Draws random numbers and UUIDs from one generator for the process, which a lock guards. A test
 * may seed it. Any thread. */

#include "config.h"

#include "resilient-random-private.h"

#include <pthread.h>

/* One generator for the process, so that a seed fixes the order of all draws. The lock guards both.
 * Mersenne Twister seeded from the system is enough: nothing here has to be unguessable, only
 * unlike other clients'. */
static GMutex generator_lock;
static GRand *generator;
static gboolean seeded;

static void
before_fork (void)
{
  g_mutex_lock (&generator_lock);
}

static void
after_fork_in_parent (void)
{
  g_mutex_unlock (&generator_lock);
}

/* Workers forked from one process must not share their jitter, nor their request ids. */
static void
after_fork_in_child (void)
{
  if (!seeded)
    g_clear_pointer (&generator, g_rand_free);

  g_mutex_unlock (&generator_lock);
}

/* Called with the lock held. */
static GRand *
ensure_generator (void)
{
  static gboolean fork_handled = FALSE;

  if (G_UNLIKELY (generator == NULL))
    {
      if (!fork_handled)
        {
          pthread_atfork (before_fork, after_fork_in_parent, after_fork_in_child);
          fork_handled = TRUE;
        }

      generator = g_rand_new ();
    }

  return generator;
}

double
resilient_random_double (void)
{
  double value;

  g_mutex_lock (&generator_lock);
  value = g_rand_double (ensure_generator ());
  g_mutex_unlock (&generator_lock);

  return value;
}

double
resilient_random_range (double low, double high)
{
  double value = low + (high - low) * resilient_random_double ();

  /* The sum may have been rounded up to the end that is excluded. */
  return value < high ? value : low;
}

guint64
resilient_random_uint64 (void)
{
  guint64 high, low;

  g_mutex_lock (&generator_lock);
  high = g_rand_int (ensure_generator ());
  low = g_rand_int (ensure_generator ());
  g_mutex_unlock (&generator_lock);

  return high << 32 | low;
}

void
resilient_random_uuid (char uuid[RESILIENT_UUID_SIZE])
{
  static const char digits[] = "0123456789abcdef";
  guint32 word[4];
  char *end = uuid;

  g_mutex_lock (&generator_lock);
  for (guint i = 0; i < G_N_ELEMENTS (word); i++)
    word[i] = g_rand_int (ensure_generator ());
  g_mutex_unlock (&generator_lock);

  /* RFC 9562, 5.4: version 4, variant 0b10. */
  word[1] = (word[1] & 0xffff0fff) | 0x4000;
  word[2] = (word[2] & 0x3fffffff) | 0x80000000;

  for (guint i = 0; i < 16; i++)
    {
      guint8 byte = word[i / 4] >> (24 - 8 * (i % 4)) & 0xff;

      if (i == 4 || i == 6 || i == 8 || i == 10)
        *end++ = '-';
      *end++ = digits[byte >> 4];
      *end++ = digits[byte & 0xf];
    }
  *end = '\0';
}

void
resilient_random_seed (guint32 seed)
{
  g_mutex_lock (&generator_lock);
  g_rand_set_seed (ensure_generator (), seed);
  seeded = TRUE;
  g_mutex_unlock (&generator_lock);
}

void
resilient_random_unseed (void)
{
  g_mutex_lock (&generator_lock);
  g_clear_pointer (&generator, g_rand_free);
  seeded = FALSE;
  g_mutex_unlock (&generator_lock);
}
