/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-timer-queue-private.h"

#include "resilient-clock-private.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A clock that stands until it is moved, and a log of what fired. */
typedef struct
{
  gint64 now; /* atomic by nature: only the test's own thread moves it, before others look */
  GMainContext *context;
  ResilientTimerQueue *timers;
  GString *log;
} Fixture;

typedef struct
{
  ResilientTimer timer;
  Fixture *fixture;
  const char *name;
} Named;

static gint64
get_now (gpointer data)
{
  return ((Fixture *) data)->now;
}

static void
set_up (Fixture *self, gconstpointer user_data)
{
  const ResilientClockFuncs funcs = { get_now, get_now, get_now };

  self->now = 1000;
  resilient_clock_install (&funcs, self);
  self->context = g_main_context_new ();
  self->timers = resilient_timer_queue_get (self->context);
  self->log = g_string_new (NULL);
}

static void
tear_down (Fixture *self, gconstpointer user_data)
{
  g_clear_pointer (&self->timers, resilient_timer_queue_unref);
  g_main_context_unref (self->context);
  g_string_free (self->log, TRUE);
  resilient_clock_install (NULL, NULL);
}

static void
log_cb (gpointer data)
{
  Named *named = data;

  g_assert_false (resilient_timer_is_set (&named->timer));
  g_string_append (named->fixture->log, named->name);
}

static void
set (Named *named, gint64 due)
{
  resilient_timer_queue_set (named->fixture->timers, &named->timer, due, log_cb, named);
}

static guint
run_pending (Fixture *self)
{
  guint n_dispatches = 0;

  while (g_main_context_iteration (self->context, FALSE))
    n_dispatches++;

  return n_dispatches;
}

static void
move_to (Fixture *self, gint64 now)
{
  self->now = now;
  resilient_clock_moved ();
  run_pending (self);
}

static void
test_order (Fixture *self, gconstpointer user_data)
{
  Named a = { .fixture = self, .name = "a" };
  Named b = { .fixture = self, .name = "b" };
  Named c = { .fixture = self, .name = "c" };
  Named d = { .fixture = self, .name = "d" };

  set (&d, 4000);
  set (&a, 2000);
  set (&b, 2000);
  set (&c, 3000);
  g_assert_cmpuint (resilient_timer_queue_get_length (self->timers), ==, 4);
  g_assert_true (resilient_timer_is_set (&a.timer));

  g_assert_cmpuint (run_pending (self), ==, 0);
  move_to (self, 1999);
  g_assert_cmpstr (self->log->str, ==, "");
  move_to (self, 2000);
  g_assert_cmpstr (self->log->str, ==, "ab");
  g_assert_cmpuint (resilient_timer_queue_get_length (self->timers), ==, 2);
  move_to (self, 9000);
  g_assert_cmpstr (self->log->str, ==, "abcd");
  g_assert_cmpuint (resilient_timer_queue_get_length (self->timers), ==, 0);
  g_assert_false (resilient_timer_is_set (&d.timer));

  move_to (self, G_MAXINT64);
  g_assert_cmpstr (self->log->str, ==, "abcd");
}

/* The numbers by which ties are told apart begin anew after the second timer. */
static void
test_order_wraps (Fixture *self, gconstpointer user_data)
{
  Named named[] = { { .fixture = self, .name = "a" },
                    { .fixture = self, .name = "b" },
                    { .fixture = self, .name = "c" },
                    { .fixture = self, .name = "d" } };

  for (guint i = 0; i < G_N_ELEMENTS (named); i++)
    set (&named[i], 2000);
  move_to (self, 2000);
  g_assert_cmpstr (self->log->str, ==, "abcd");
}

static void
test_past (Fixture *self, gconstpointer user_data)
{
  Named a = { .fixture = self, .name = "a" };
  Named b = { .fixture = self, .name = "b" };
  Named c = { .fixture = self, .name = "c" };

  set (&a, 0);
  set (&b, G_MININT64);
  set (&c, G_MAXINT64);
  run_pending (self);
  g_assert_cmpstr (self->log->str, ==, "ba");
  g_assert_true (resilient_timer_queue_clear (self->timers, &c.timer));
}

static void
test_move (Fixture *self, gconstpointer user_data)
{
  Named a = { .fixture = self, .name = "a" };
  Named b = { .fixture = self, .name = "b" };
  Named c = { .fixture = self, .name = "c" };

  set (&a, 2000);
  set (&b, 3000);
  set (&c, 4000);
  set (&a, 5000); /* later */
  set (&c, 1500); /* earlier */
  g_assert_cmpuint (resilient_timer_queue_get_length (self->timers), ==, 3);
  move_to (self, 2500);
  g_assert_cmpstr (self->log->str, ==, "c");

  /* To the same time: it goes behind. */
  set (&b, 5000);
  set (&a, 5000);
  move_to (self, 5000);
  g_assert_cmpstr (self->log->str, ==, "cba");
}

static void
test_clear (Fixture *self, gconstpointer user_data)
{
  Named a = { .fixture = self, .name = "a" };
  Named b = { .fixture = self, .name = "b" };

  g_assert_false (resilient_timer_queue_clear (self->timers, &a.timer));
  set (&a, 2000);
  set (&b, 2000);
  g_assert_true (resilient_timer_queue_clear (self->timers, &a.timer));
  g_assert_false (resilient_timer_is_set (&a.timer));
  g_assert_false (resilient_timer_queue_clear (self->timers, &a.timer));
  move_to (self, 2000);
  g_assert_cmpstr (self->log->str, ==, "b");
  g_assert_false (resilient_timer_queue_clear (self->timers, &b.timer));
}

static Named *clear_inside_first;
static Named *clear_inside_second;

static void
clear_inside_cb (gpointer data)
{
  Fixture *self = data;

  /* Due as well, but it has not fired yet. */
  g_assert_true (resilient_timer_queue_clear (self->timers, &clear_inside_second->timer));
  /* Itself, for later, and another one for now. */
  resilient_timer_queue_set (
    self->timers, &clear_inside_first->timer, 3000, log_cb, clear_inside_first);
  g_string_append (self->log, "!");
}

static void
test_clear_inside (Fixture *self, gconstpointer user_data)
{
  Named a = { .fixture = self, .name = "a" };
  Named b = { .fixture = self, .name = "b" };

  clear_inside_first = &a;
  clear_inside_second = &b;
  resilient_timer_queue_set (self->timers, &a.timer, 2000, clear_inside_cb, self);
  set (&b, 2000);
  move_to (self, 2000);
  g_assert_cmpstr (self->log->str, ==, "!");
  move_to (self, 3000);
  g_assert_cmpstr (self->log->str, ==, "!a");
}

static void
nested_cb (gpointer data)
{
  Fixture *self = data;

  g_string_append (self->log, "(");
  while (g_main_context_iteration (self->context, FALSE))
    ;
  self->now += 1000;
  while (g_main_context_iteration (self->context, FALSE))
    ;
  g_string_append (self->log, ")");
}

static void
test_nested_loop (Fixture *self, gconstpointer user_data)
{
  ResilientTimer outer = { 0 };
  Named a = { .fixture = self, .name = "a" };
  Named b = { .fixture = self, .name = "b" };
  Named c = { .fixture = self, .name = "c" };

  resilient_timer_queue_set (self->timers, &outer, 2000, nested_cb, self);
  set (&a, 2000);
  set (&b, 2500);
  set (&c, 3500);
  move_to (self, 2000);
  g_assert_cmpstr (self->log->str, ==, "(ab)");
  move_to (self, 3500);
  g_assert_cmpstr (self->log->str, ==, "(ab)c");
}

static void
free_owner_cb (gpointer data)
{
  Named *named = data;

  g_string_append (named->fixture->log, named->name);
  g_free (named);
}

static void
test_free_owner (Fixture *self, gconstpointer user_data)
{
  for (guint i = 0; i < 3; i++)
    {
      Named *named = g_new0 (Named, 1);

      named->fixture = self;
      named->name = "x";
      resilient_timer_queue_set (self->timers, &named->timer, 2000 + i, free_owner_cb, named);
    }
  move_to (self, 3000);
  g_assert_cmpstr (self->log->str, ==, "xxx");
}

static void
drop_cb (gpointer data)
{
  Fixture *self = data;

  g_clear_pointer (&self->timers, resilient_timer_queue_unref);
  g_string_append (self->log, "-");
}

static void
test_drop_inside (Fixture *self, gconstpointer user_data)
{
  ResilientTimer dropping = { 0 };
  Named a = { .fixture = self, .name = "a" };
  Named b = { .fixture = self, .name = "b" };

  resilient_timer_queue_set (self->timers, &dropping, 2000, drop_cb, self);
  set (&a, 2000);
  set (&b, 9000);
  move_to (self, 2000);
  g_assert_cmpstr (self->log->str, ==, "-");
  g_assert_false (resilient_timer_is_set (&a.timer));
  g_assert_false (resilient_timer_is_set (&b.timer));
  move_to (self, 9000);
  g_assert_cmpstr (self->log->str, ==, "-");
}

static void
belong_cb (gpointer data)
{
  Fixture *self = data;

  g_assert_true (g_main_context_get_thread_default () == self->context);
  g_string_append (self->log, "=");
}

/* What a callback starts belongs to the context of its timers. */
static void
test_thread_default (Fixture *self, gconstpointer user_data)
{
  ResilientTimer timer = { 0 };

  resilient_timer_queue_set (self->timers, &timer, 0, belong_cb, self);
  run_pending (self);
  g_assert_null (g_main_context_get_thread_default ());

  g_main_context_push_thread_default (self->context);
  resilient_timer_queue_set (self->timers, &timer, 0, belong_cb, self);
  run_pending (self);
  g_main_context_pop_thread_default (self->context);

  g_assert_cmpstr (self->log->str, ==, "==");
}

static void
test_next_due (Fixture *self, gconstpointer user_data)
{
  Named a = { .fixture = self, .name = "a" };
  Named b = { .fixture = self, .name = "b" };

  g_assert_cmpint (resilient_timer_queue_get_next_due (self->timers), ==, G_MAXINT64);
  set (&a, 3000);
  set (&b, 2000);
  g_assert_cmpint (resilient_timer_queue_get_next_due (self->timers), ==, 2000);
  move_to (self, resilient_timer_queue_get_next_due (self->timers));
  g_assert_cmpint (resilient_timer_queue_get_next_due (self->timers), ==, 3000);
  resilient_timer_queue_clear (self->timers, &a.timer);
  g_assert_cmpint (resilient_timer_queue_get_next_due (self->timers), ==, G_MAXINT64);
  g_assert_cmpstr (self->log->str, ==, "b");
}

static void
test_registry (Fixture *self, gconstpointer user_data)
{
  ResilientTimerQueue *again = resilient_timer_queue_get (self->context);
  g_autoptr (ResilientTimerQueue) other = resilient_timer_queue_get (NULL);
  g_autoptr (ResilientTimerQueue) same = resilient_timer_queue_get (g_main_context_default ());

  g_assert_true (again == self->timers);
  g_assert_true (other == same);
  g_assert_true (other != again);

  g_assert_true (resilient_timer_queue_ref (again) == again);
  resilient_timer_queue_unref (again);
  resilient_timer_queue_unref (again);

  /* Gone with its last reference, and made anew. */
  resilient_timer_queue_unref (self->timers);
  self->timers = resilient_timer_queue_get (self->context);
  g_assert_cmpuint (resilient_timer_queue_get_length (self->timers), ==, 0);
}

static gboolean
count_cb (gpointer user_data)
{
  ++*(guint *) user_data;

  return G_SOURCE_CONTINUE;
}

static void
discard_cb (gpointer data)
{
  ++*(guint *) data;
}

/* A flood of timers leaves room for the other sources. */
static void
test_flood (Fixture *self, gconstpointer user_data)
{
  const guint n = 10000;
  g_autofree ResilientTimer *timers = g_new0 (ResilientTimer, n);
  g_autoptr (GSource) neighbour = g_idle_source_new ();
  guint n_fired = 0;
  guint n_turns = 0;

  g_source_set_priority (neighbour, G_PRIORITY_DEFAULT);
  g_source_set_callback (neighbour, count_cb, &n_turns, NULL);
  g_source_attach (neighbour, self->context);

  for (guint i = 0; i < n; i++)
    resilient_timer_queue_set (self->timers, &timers[i], 1000, discard_cb, &n_fired);
  while (n_fired < n)
    {
      guint before = n_fired;

      g_main_context_iteration (self->context, FALSE);
      g_assert_cmpuint (n_fired - before, <=, 256);
    }
  g_assert_cmpuint (n_turns, >=, n / 256);

  g_source_destroy (neighbour);
}

static void
again_cb (gpointer data)
{
  Named *named = data;

  g_string_append_c (named->fixture->log, '.');
  resilient_timer_queue_set (named->fixture->timers, &named->timer, 0, again_cb, named);
}

static void
test_forever (Fixture *self, gconstpointer user_data)
{
  Named restless = { .fixture = self };

  resilient_timer_queue_set (self->timers, &restless.timer, 0, again_cb, &restless);
  g_assert_true (g_main_context_iteration (self->context, FALSE));
  g_assert_cmpuint (self->log->len, >=, 1);
  g_assert_cmpuint (self->log->len, <=, 256);
  g_assert_true (resilient_timer_queue_clear (self->timers, &restless.timer));
}

/* How many descriptors of the process are timers; -1 where that cannot be seen. */
static int
count_timerfds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  const char *name;
  int n = 0;

  if (dir == NULL)
    return -1;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/fd", name, NULL);
      g_autofree char *target = g_file_read_link (path, NULL);

      if (target != NULL && strstr (target, "timerfd") != NULL)
        n++;
    }

  return n;
}

static void
test_many (Fixture *self, gconstpointer user_data)
{
  const guint n = 100000;
  g_autofree ResilientTimer *timers = g_new0 (ResilientTimer, n);
  g_autoptr (GRand) rand = g_rand_new_with_seed (6);
  guint n_fired = 0;
  int n_timerfds = count_timerfds ();

  for (guint i = 0; i < n; i++)
    resilient_timer_queue_set (
      self->timers, &timers[i], 2000 + g_rand_int_range (rand, 0, 1000), discard_cb, &n_fired);
  g_assert_cmpuint (resilient_timer_queue_get_length (self->timers), ==, n);
  g_assert_cmpint (count_timerfds (), ==, n_timerfds);
#ifdef HAVE_TIMERFD
  if (n_timerfds >= 0)
    g_assert_cmpint (n_timerfds, ==, 1);
#endif

  /* They are in the future: nobody is dispatched for them. */
  g_assert_cmpuint (run_pending (self), ==, 0);
  move_to (self, 1999);
  g_assert_cmpuint (n_fired, ==, 0);

  for (guint i = 0; i < n; i += 2)
    g_assert_true (resilient_timer_queue_clear (self->timers, &timers[i]));
  g_assert_cmpuint (resilient_timer_queue_get_length (self->timers), ==, n / 2);
  move_to (self, 2500);
  g_assert_cmpuint (n_fired, >, 0);
  g_assert_cmpuint (n_fired, <, n / 2);
  move_to (self, 3000);
  g_assert_cmpuint (n_fired, ==, n / 2);
  g_assert_cmpuint (resilient_timer_queue_get_length (self->timers), ==, 0);
}

/* --- threads ---------------------------------------------------------------------------------- */

static void
quit_cb (gpointer data)
{
  g_main_loop_quit (data);
}

static gpointer
set_from_thread_cb (gpointer user_data)
{
  gpointer *args = user_data;
  Fixture *self = args[0];

  resilient_timer_queue_set (self->timers, args[1], 500, quit_cb, args[2]);

  return NULL;
}

/* On a clock that stands, only the wake-up makes the loop look. */
static void
test_virtual_thread (Fixture *self, gconstpointer user_data)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (self->context, FALSE);
  ResilientTimer timer = { 0 };
  gpointer args[] = { self, &timer, loop };
  GThread *thread;

  /* The first turn, so that the loop has gone to sleep without a timer, or is about to. */
  g_main_context_iteration (self->context, FALSE);
  thread = g_thread_new ("set", set_from_thread_cb, args);
  g_main_loop_run (loop);
  g_thread_join (thread);
  g_assert_false (resilient_timer_is_set (&timer));
}

typedef struct
{
  ResilientTimerQueue *timers;
  gint64 due;
  gint64 fired;
  GMainLoop *loop;
  ResilientTimer timer;
} Real;

static void
real_cb (gpointer data)
{
  Real *real = data;

  real->fired = resilient_clock_get_boot ();
  g_main_loop_quit (real->loop);
}

static gpointer
set_real_cb (gpointer user_data)
{
  Real *real = user_data;

  real->due = resilient_clock_get_boot () + 3000;
  resilient_timer_queue_set (real->timers, &real->timer, real->due, real_cb, real);

  return NULL;
}

static void
run_real (GMainContext *context)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  g_autoptr (ResilientTimerQueue) timers = resilient_timer_queue_get (context);
  Real real = { .timers = timers, .loop = loop };
  ResilientTimer far = { 0 };
  ResilientTimer farther = { 0 };

  /* What is set after an earlier one, before it, long before it, and from another thread. */
  resilient_timer_queue_set (timers, &farther, G_MAXINT64, quit_cb, loop);
  resilient_timer_queue_set (
    timers, &far, resilient_clock_add (resilient_clock_get_boot (), 3600.0), quit_cb, loop);

  for (guint i = 0; i < 10; i++)
    {
      GThread *thread = NULL;

      real.fired = 0;
      if (i % 2 == 0)
        thread = g_thread_new ("set", set_real_cb, &real);
      else
        set_real_cb (&real);

      g_main_loop_run (loop);
      g_clear_pointer (&thread, g_thread_join);
      g_assert_cmpint (real.fired, >=, real.due);
    }

  /* Cleared before the kernel wakes us: that is for nothing, and harmless. */
  set_real_cb (&real);
  g_assert_true (resilient_timer_queue_clear (timers, &real.timer));
  real.due += 2000;
  resilient_timer_queue_set (timers, &real.timer, real.due, real_cb, &real);
  g_main_loop_run (loop);
  g_assert_cmpint (real.fired, >=, real.due);

  /* Long due. */
  resilient_timer_queue_set (timers, &real.timer, 0, real_cb, &real);
  g_main_loop_run (loop);
  resilient_timer_queue_set (timers, &real.timer, G_MININT64, real_cb, &real);
  g_main_loop_run (loop);

  /* The kernel may still wake us for what has fired. After that nothing is due for long, and the
   * loop sleeps instead of spinning. */
  g_main_context_iteration (context, FALSE);
  g_assert_false (g_main_context_iteration (context, FALSE));

  g_assert_true (resilient_timer_queue_clear (timers, &far));
  g_assert_true (resilient_timer_queue_clear (timers, &farther));
}

static void
test_real (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();

  run_real (context);
  g_assert_cmpint (count_timerfds (), <=, 0);
}

/* Without a descriptor for its timer, a timer queue still works. */
static void
test_real_without_timerfd (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (ResilientTimerQueue) timers = NULL;
  struct rlimit limit, none;
  int next = dup (0);

  g_assert_cmpint (next, >=, 0);
  close (next);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  none = limit;
  none.rlim_cur = next;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
  timers = resilient_timer_queue_get (context);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  g_assert_cmpint (count_timerfds (), <=, 0);

  run_real (context);
}

static int
restore_clock_and_poll (GPollFD *fds, guint n_fds, int timeout)
{
  /* Where another thread would do it: after the context has looked at its sources, and before it
   * goes to sleep. */
  if (resilient_clock_is_virtual ())
    resilient_clock_install (NULL, NULL);

  return g_poll (fds, n_fds, timeout);
}

/* A clock that stands, then real time again, with the same timer. */
static void
test_switch_clock (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  g_autoptr (ResilientTimerQueue) timers = resilient_timer_queue_get (context);
  const ResilientClockFuncs funcs = { get_now, get_now, get_now };
  Fixture standing = { .now = 0 };
  Real real = { .timers = timers, .loop = loop };

  resilient_clock_install (&funcs, &standing);
  real.due = 1;
  resilient_timer_queue_set (timers, &real.timer, real.due, real_cb, &real);
  while (g_main_context_iteration (context, FALSE))
    ;
  g_assert_true (resilient_timer_is_set (&real.timer));

  g_main_context_set_poll_func (context, restore_clock_and_poll);
  g_main_loop_run (loop);
  g_assert_false (resilient_clock_is_virtual ());
  g_assert_cmpint (real.fired, >=, real.due);
}

#define N_RACERS 4
#define N_RACES 2000

typedef struct
{
  ResilientTimerQueue *timers;
  ResilientTimer own[16];
  guint seed;
} Racer;

static void
race_cb (gpointer data)
{
  g_atomic_int_inc ((gint *) data);
}

static gint n_raced;

static gpointer
racer_cb (gpointer user_data)
{
  Racer *racer = user_data;
  g_autoptr (GRand) rand = g_rand_new_with_seed (racer->seed);

  for (guint i = 0; i < N_RACES; i++)
    {
      guint n = g_rand_int_range (rand, 0, G_N_ELEMENTS (racer->own));
      ResilientTimer *timer = &racer->own[n];
      gint64 due = resilient_clock_get_boot () + g_rand_int_range (rand, -100, 100);

      if (g_rand_boolean (rand))
        resilient_timer_queue_set (racer->timers, timer, due, race_cb, &n_raced);
      else
        resilient_timer_queue_clear (racer->timers, timer);
      resilient_timer_is_set (timer);
    }

  for (guint i = 0; i < G_N_ELEMENTS (racer->own); i++)
    resilient_timer_queue_clear (racer->timers, &racer->own[i]);

  return NULL;
}

static void
test_race (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  g_autoptr (ResilientTimerQueue) timers = resilient_timer_queue_get (context);
  Racer racers[N_RACERS] = { 0 };
  GThread *threads[N_RACERS];
  Real real = { .timers = timers, .loop = loop };

  for (guint i = 0; i < N_RACERS; i++)
    {
      racers[i].timers = timers;
      racers[i].seed = i;
      threads[i] = g_thread_new ("race", racer_cb, &racers[i]);
    }

  /* Meanwhile the context runs. */
  for (guint i = 0; i < 20; i++)
    {
      set_real_cb (&real);
      g_main_loop_run (loop);
      g_assert_cmpint (real.fired, >=, real.due);
    }

  for (guint i = 0; i < N_RACERS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (resilient_timer_queue_get_length (timers), ==, 0);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  ADD ("/timers/order", test_order);
  ADD ("/timers/order-wraps", test_order_wraps);
  ADD ("/timers/past", test_past);
  ADD ("/timers/move", test_move);
  ADD ("/timers/clear", test_clear);
  ADD ("/timers/clear-inside", test_clear_inside);
  ADD ("/timers/nested-loop", test_nested_loop);
  ADD ("/timers/free-owner", test_free_owner);
  ADD ("/timers/drop-inside", test_drop_inside);
  ADD ("/timers/thread-default", test_thread_default);
  ADD ("/timers/next-due", test_next_due);
  ADD ("/timers/registry", test_registry);
  ADD ("/timers/flood", test_flood);
  ADD ("/timers/forever", test_forever);
  ADD ("/timers/many", test_many);
  ADD ("/timers/virtual-thread", test_virtual_thread);
  g_test_add_func ("/timers/real", test_real);
  g_test_add_func ("/timers/real-without-timerfd", test_real_without_timerfd);
  g_test_add_func ("/timers/switch-clock", test_switch_clock);
  g_test_add_func ("/timers/race", test_race);

  return g_test_run ();
}
