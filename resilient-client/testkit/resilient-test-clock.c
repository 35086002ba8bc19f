/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-test-clock.h"

#include "resilient-test-seams-private.h"
#include "resilient-test-time-private.h"
#include "resilient-test-contexts-private.h"
#include "resilient-test-world-private.h"

/**
 * ResilientTestClock:
 *
 * Time that moves only when the test says so, for everything that the library waits for: pauses
 * before retries, deadlines, limits of rates.
 *
 * A clock is installed for the whole process, before the first [class@Resilient.Client] is made,
 * and stays in force until [method@Clock.uninstall], whoever holds a reference to it.
 *
 * [method@Clock.advance] runs everything that falls due on the way, in order. With
 * [method@Clock.set_automatic] time jumps by itself to what is waited for next whenever there is
 * nothing else to do, which suits code that blocks or runs a main loop of its own.
 *
 * There are three times, as in the kernel. *Monotonic* time stops while the machine is suspended,
 * *boot* time does not, and *real* time is the wall clock, which may be wrong. They start at one
 * second, one second, and 2023-11-14 22:13:20 UTC.
 *
 * Time that passes in sockets, in timers of the app's own and in threads that iterate no main
 * context is not the library's and is not moved. So use a [class@Transport] along with the clock:
 * an advance does not wait for an answer of a real server.
 *
 * Since: 1.0
 */

struct _ResilientTestClock
{
  GObject parent_instance;
};

G_DEFINE_FINAL_TYPE (ResilientTestClock, resilient_test_clock, G_TYPE_OBJECT)

/* Atomic; a reference. */
static ResilientTestClock *installed;

static void
resilient_test_clock_class_init (ResilientTestClockClass *klass)
{
}

static void
resilient_test_clock_init (ResilientTestClock *self)
{
}

static gboolean
is_installed (ResilientTestClock *self)
{
  return g_atomic_pointer_get (&installed) == self;
}

/**
 * resilient_test_clock_new:
 *
 * Makes a clock; it does nothing until it is installed.
 *
 * Returns: (transfer full): a clock
 *
 * Since: 1.0
 */
ResilientTestClock *
resilient_test_clock_new (void)
{
  return g_object_new (RESILIENT_TEST_TYPE_CLOCK, NULL);
}

/**
 * resilient_test_clock_install:
 * @self: a clock
 *
 * Makes the library read the time from @self, in the whole process, and sets it to its start.
 *
 * No other clock may be installed, and no client may have been made before: what it waits for would
 * be waited for on the kernel's clock.
 *
 * Since: 1.0
 */
void
resilient_test_clock_install (ResilientTestClock *self)
{
  g_return_if_fail (RESILIENT_TEST_IS_CLOCK (self));
  g_return_if_fail (is_installed (NULL));

  g_atomic_pointer_set (&installed, g_object_ref (self));
  resilient_test_time_install ();
}

/**
 * resilient_test_clock_uninstall:
 * @self: the installed clock
 *
 * Gives the library its own time back.
 *
 * Close the clients first, and advance until nothing is left: a deadline of the moved time says
 * nothing on the kernel's clock.
 *
 * Since: 1.0
 */
void
resilient_test_clock_uninstall (ResilientTestClock *self)
{
  g_return_if_fail (RESILIENT_TEST_IS_CLOCK (self));
  g_return_if_fail (is_installed (self));

  resilient_test_time_uninstall ();
  resilient_test_contexts_remove_all ();

  g_atomic_pointer_set (&installed, NULL);
  g_object_unref (self);
}

/**
 * resilient_test_clock_advance:
 * @self: the installed clock
 * @seconds: how far, 0 or more
 *
 * Moves all times on, and runs everything that falls due on the way, in order and each at its time.
 *
 * Whatever is ready is run first, so that advancing by 0 is how a test lets things happen. It
 * iterates the caller's thread-default main context, and those that nobody iterates; other threads
 * that iterate a main context of the library, such as the one for blocking calls, run what is
 * theirs and are waited for. What they do at the very same time has no order.
 *
 * May be called from a callback. Aborts when the main contexts have not come to rest after a
 * minute, with a source that is always ready, for instance.
 *
 * Since: 1.0
 */
void
resilient_test_clock_advance (ResilientTestClock *self, double seconds)
{
  gint64 end, due;

  g_return_if_fail (RESILIENT_TEST_IS_CLOCK (self));
  g_return_if_fail (seconds >= 0.0);
  g_return_if_fail (is_installed (self));
  g_return_if_fail (!resilient_test_clock_get_automatic (self));

  end = resilient_clock_add (resilient_test_time_get_boot (), seconds);
  do
    {
      ResilientTestStop *stop = resilient_test_world_stop (&due);

      resilient_test_time_move_to (MIN (due, end));
      resilient_test_stop_go_on (stop);
      resilient_clock_moved ();
    }
  while (due <= end);
}

/**
 * resilient_test_clock_suspend:
 * @self: the installed clock
 * @seconds: for how long, 0 or more
 *
 * Does what a suspended machine does: nothing runs while boot and real time go on, monotonic time
 * stands still, and after that everything that fell due meanwhile runs at once.
 *
 * Since: 1.0
 */
void
resilient_test_clock_suspend (ResilientTestClock *self, double seconds)
{
  ResilientTestStop *stop;
  gint64 due;

  g_return_if_fail (RESILIENT_TEST_IS_CLOCK (self));
  g_return_if_fail (seconds >= 0.0);
  g_return_if_fail (is_installed (self));
  g_return_if_fail (!resilient_test_clock_get_automatic (self));

  stop = resilient_test_world_stop (&due);

  resilient_test_time_jump (resilient_clock_from_seconds (seconds));
  resilient_test_stop_go_on (stop);
  resilient_clock_moved ();

  /* Everything that is due now. */
  resilient_test_clock_advance (self, 0.0);
}

/**
 * resilient_test_clock_get_automatic:
 * @self: a clock
 *
 * Gets whether time moves by itself.
 *
 * Returns: %TRUE after [method@Clock.set_automatic]
 *
 * Since: 1.0
 */
gboolean
resilient_test_clock_get_automatic (ResilientTestClock *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_CLOCK (self), FALSE);

  return is_installed (self) && resilient_test_time_get_automatic ();
}

/**
 * resilient_test_clock_set_automatic:
 * @self: the installed clock
 * @automatic: whether time moves by itself
 *
 * Makes time jump to what is waited for next whenever all threads that iterate a main context of
 * the library have nothing else to do.
 *
 * A blocking call such as [method@Resilient.Client.send] with its retries then takes no time, nor
 * does a main loop that runs until a request has ended. A main context that nobody iterates stands
 * still. Don't make a blocking call from within a main context in which others wait: its thread
 * never has nothing to do.
 *
 * Since: 1.0
 */
void
resilient_test_clock_set_automatic (ResilientTestClock *self, gboolean automatic)
{
  g_return_if_fail (RESILIENT_TEST_IS_CLOCK (self));
  g_return_if_fail (is_installed (self));

  resilient_test_time_set_automatic (automatic);
}

/**
 * resilient_test_clock_get_elapsed:
 * @self: the installed clock
 *
 * Gets how far the time was moved since the clock was installed, suspends included.
 *
 * Returns: seconds
 *
 * Since: 1.0
 */
double
resilient_test_clock_get_elapsed (ResilientTestClock *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_CLOCK (self), 0.0);

  return resilient_clock_to_seconds (resilient_test_time_get_boot ()
                                     - RESILIENT_TEST_TIME_START_BOOT);
}

/**
 * resilient_test_clock_get_real_time:
 * @self: the installed clock
 *
 * Gets the wall clock.
 *
 * Returns: microseconds since 1970
 *
 * Since: 1.0
 */
gint64
resilient_test_clock_get_real_time (ResilientTestClock *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_CLOCK (self), 0);

  return resilient_test_time_get_real ();
}

/**
 * resilient_test_clock_set_real_time:
 * @self: the installed clock
 * @real_time: microseconds since 1970
 *
 * Sets the wall clock, and nothing else: as a user does, or a server of the time.
 *
 * Since: 1.0
 */
void
resilient_test_clock_set_real_time (ResilientTestClock *self, gint64 real_time)
{
  g_return_if_fail (RESILIENT_TEST_IS_CLOCK (self));
  g_return_if_fail (is_installed (self));

  resilient_test_time_set_real (real_time);
}

/**
 * resilient_test_clock_add_context:
 * @self: the installed clock
 * @context: a main context that another thread iterates
 *
 * Makes the clock wait for @context as well before it moves.
 *
 * Needed for a thread with a main context of its own in which callbacks of the library run, but
 * which is no client's home context.
 *
 * Since: 1.0
 */
void
resilient_test_clock_add_context (ResilientTestClock *self, GMainContext *context)
{
  g_return_if_fail (RESILIENT_TEST_IS_CLOCK (self));
  g_return_if_fail (context != NULL);
  g_return_if_fail (is_installed (self));

  resilient_test_contexts_add (context);
}
