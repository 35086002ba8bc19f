/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A token bucket, and the line of those who want a token of it. It owns the tickets of tasks that
 * wait; those of others are their owners'. All of it is under one lock, in any thread; tasks return
 * in their own main context. */

#include "config.h"

#include "resilient-rate-limiter-private.h"

#include <math.h>

#include "resilient-clock-private.h"
#include "resilient-completion-private.h"
#include "resilient-error.h"
#include "resilient-fork-private.h"
#include "resilient-http-date-private.h"
#include "resilient-i18n-private.h"
#include "resilient-main-context-private.h"
#include "resilient-timer-queue-private.h"

/* How far rounding may put a time behind where it belongs. One that lies so little after a whole
 * microsecond is that microsecond. */
#define ROUNDING 1e-9

/* Bounds that keep sums of times within what a gint64 holds: 285 and 73,000 years. */
#define MAX_INTERVAL ((double) (G_GINT64_CONSTANT (1) << 53))
#define MAX_TOLERANCE ((double) (G_GINT64_CONSTANT (1) << 61))

/* Nothing that a server says holds back for longer: a daily quota is the longest that is common. */
#define MAX_HELD (G_GINT64_CONSTANT (24) * 60 * 60 * G_USEC_PER_SEC)

/* How long those behind a head that does not fetch its token wait before they ask again. */
#define LATE (50 * G_TIME_SPAN_MILLISECOND)

/* A time in microseconds of the boot-time clock, or a length of time. The fraction is apart, since
 * a double is too coarse for the sum after some months, and whole microseconds are for a rate. */
typedef struct
{
  gint64 whole;
  double part; /* from 0 to less than 1 */
} Micros;

/**
 * ResilientRateLimiter:
 *
 * Lets through so much in a second: a token bucket.
 *
 * The bucket holds up to [property@RateLimiter:burst] tokens, starts full, and gains
 * [property@RateLimiter:rate] of them a second, continuously. Who acquires takes a token, or waits
 * for one. In any span of `t` seconds at most `burst + rate × t` are given. A rate may be a
 * fraction: 0.5 is one every two seconds.
 *
 * ```c
 * g_autoptr (ResilientRateLimiter) limiter = NULL;
 *
 * limiter = resilient_rate_limiter_new (1.0, 1, &error);
 * if (limiter != NULL)
 *   resilient_rate_limiter_acquire_async (limiter, cancellable, acquired_cb, user_data);
 * ```
 *
 * The tokens are counted by the generic cell rate algorithm (ITU-T I.371, annex A, as virtual
 * scheduling), which keeps one time instead of a number that something has to refill.
 *
 * Whoever waits is served in order of arrival, also across threads, and
 * [method@RateLimiter.try_acquire] does not overtake them. Time in which the machine sleeps counts,
 * as it does for the server.
 *
 * All methods may be called from any thread, and one limiter may serve several users. In a forked
 * child it counts on by itself, without those who wait in the parent.
 *
 * Since: 1.0
 */
struct _ResilientRateLimiter
{
  GObject parent_instance;

  /* Set once. */
  double rate; /* a second */
  int burst;
  GError *invalid;  /* why there can be no such limiter; NULL: there can */
  Micros interval;  /* between tokens */
  Micros tolerance; /* by how much tokens may come before their time: that of a burst but for one */

  GMutex lock;
  /* Under the lock. */
  Micros arrival; /* when the next token would be taken if they came evenly: the TAT of GCRA */
  gint64 held;    /* until then there is none, because the server said so */
  GQueue line;    /* of ResilientRateTicket; none that is eager is due when the lock is free */
  guint64 next_serial;
  guint generation; /* atomic: of the process; see resilient-fork-private.h */
};

enum
{
  PROP_RATE = 1,
  PROP_BURST,
  PROP_AVAILABLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (ResilientRateLimiter, resilient_rate_limiter, G_TYPE_OBJECT)

/* What is to be done once the lock is free. */
typedef struct
{
  GQueue served;              /* of eager tickets, each with the reference of the line */
  ResilientRateTicket *moved; /* held; nullable */
} Calls;

static void
add (Micros *time, const Micros *length)
{
  time->whole += length->whole;
  time->part += length->part;
  if (time->part >= 1.0)
    {
      time->part -= 1.0;
      time->whole++;
    }
}

static void
subtract (Micros *time, const Micros *length)
{
  time->whole -= length->whole;
  time->part -= length->part;
  if (time->part < 0.0)
    {
      time->part += 1.0;
      time->whole--;
    }
}

static double
to_double (const Micros *length)
{
  return (double) length->whole + length->part;
}

/* In a forked child the lock may be a thread's that is not there, and the line is the parent's. */
static void
adopt (gpointer limiter)
{
  ResilientRateLimiter *self = limiter;

  g_mutex_init (&self->lock);
  g_queue_init (&self->line);
}

/* To take it. */
static GMutex *
get_lock (ResilientRateLimiter *self)
{
  resilient_fork_adopt (&self->generation, adopt, self);
  return &self->lock;
}

/* --- the bucket ------------------------------------------------------------------------------- */

/* When a token may be taken; in the past if one could be for some time. */
static gint64
get_due_locked (ResilientRateLimiter *self)
{
  gint64 due = self->arrival.whole - self->tolerance.whole;

  if (self->arrival.part - self->tolerance.part > ROUNDING)
    due++;
  return MAX (due, self->held);
}

static void
spend_locked (ResilientRateLimiter *self, gint64 now)
{
  /* The bucket has been full: what would have come since then is lost. */
  if (self->arrival.whole < now)
    self->arrival = (Micros){ now, 0.0 };
  add (&self->arrival, &self->interval);
}

/* --- the line --------------------------------------------------------------------------------- */

static void
hold (ResilientRateTicket *ticket)
{
  if (ticket->hold != NULL)
    ticket->hold (ticket);
}

static void
release (ResilientRateTicket *ticket)
{
  if (ticket->release != NULL)
    ticket->release (ticket);
}

static void
enlist_locked (ResilientRateLimiter *self, ResilientRateTicket *ticket)
{
  ticket->link = (GList){ .data = ticket };
  ticket->serial = self->next_serial++;
  ticket->generation = self->generation;
  ticket->stands = TRUE;
  g_queue_push_tail_link (&self->line, &ticket->link);
  hold (ticket);
}

/* Its reference goes to the caller. */
static void
leave_locked (ResilientRateLimiter *self, ResilientRateTicket *ticket)
{
  g_queue_unlink (&self->line, &ticket->link);
  ticket->stands = FALSE;
}

/* Those who left the line from its middle are still counted as before @ticket, so that this is O(1)
 * and never too early. It is exact for the head. */
static gint64
get_turn_locked (ResilientRateLimiter *self, ResilientRateTicket *ticket, gint64 now)
{
  ResilientRateTicket *head = g_queue_peek_head (&self->line);
  gint64 turn = get_due_locked (self);
  double behind;

  if (ticket == head)
    return turn;

  if (turn < now)
    turn = now + LATE;
  behind = ceil ((double) (ticket->serial - head->serial) * to_double (&self->interval));

  return turn + (gint64) MIN (behind, MAX_TOLERANCE);
}

/* Whoever is due and need not ask, but for @asking, which is about to be answered. */
static void
serve_locked (ResilientRateLimiter *self, ResilientRateTicket *asking, gint64 now, Calls *calls)
{
  ResilientRateTicket *head;

  while ((head = g_queue_peek_head (&self->line)) != NULL && head->eager && head != asking
         && get_due_locked (self) <= now)
    {
      /* Not the ticket's own: it may be in line again before it is called. Nor one of GLib's
       * allocator, whose locks a thread that is not there may have in a forked child. */
      GList *link = g_new0 (GList, 1);

      link->data = head;
      spend_locked (self, now);
      leave_locked (self, head);
      head->taken = TRUE;
      g_queue_push_tail_link (&calls->served, link);
    }
}

/* After any change, once: does the head have to be told? */
static void
settle_locked (ResilientRateLimiter *self, gint64 now, Calls *calls)
{
  ResilientRateTicket *head;
  gint64 due;

  serve_locked (self, NULL, now, calls);
  head = g_queue_peek_head (&self->line);
  if (head == NULL)
    return;

  due = get_due_locked (self);
  if (MAX (due, now) != MAX (head->told, now))
    {
      head->told = due;
      hold (head);
      calls->moved = head;
    }
}

/* Under no lock. */
static void
make_calls (Calls *calls)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&calls->served)) != NULL)
    {
      ResilientRateTicket *ticket = link->data;

      g_free (link);
      ticket->moved (ticket);
      release (ticket);
    }
  if (calls->moved != NULL)
    {
      calls->moved->moved (calls->moved);
      release (calls->moved);
    }
}

/* The line has it no more, nor it the line: the process is another one now. */
static gboolean
is_foreign_locked (ResilientRateLimiter *self, ResilientRateTicket *ticket)
{
  return ticket->stands && ticket->generation != self->generation;
}

gboolean
resilient_rate_limiter_take (ResilientRateLimiter *self,
                             ResilientRateTicket *ticket,
                             gint64 *not_before)
{
  Calls calls = { G_QUEUE_INIT, NULL };
  gboolean taken, left = FALSE;
  gint64 now;

  if (self->invalid != NULL)
    {
      *not_before = G_MAXINT64;
      return FALSE;
    }

  g_mutex_lock (get_lock (self));
  now = resilient_clock_get_boot ();
  if (is_foreign_locked (self, ticket))
    ticket->stands = FALSE;
  taken = ticket->taken;
  ticket->taken = FALSE;
  if (!taken)
    {
      if (!ticket->stands)
        enlist_locked (self, ticket);
      serve_locked (self, ticket, now, &calls);
      /* It is being told: there is no need to call it. */
      ticket->told = get_turn_locked (self, ticket, now);
      if (g_queue_peek_head (&self->line) == ticket && ticket->told <= now)
        {
          spend_locked (self, now);
          leave_locked (self, ticket);
          taken = left = TRUE;
        }
      else
        *not_before = ticket->told;
      settle_locked (self, now, &calls);
    }
  g_mutex_unlock (&self->lock);

  make_calls (&calls);
  if (left)
    release (ticket);
  return taken;
}

void
resilient_rate_limiter_withdraw (ResilientRateLimiter *self, ResilientRateTicket *ticket)
{
  Calls calls = { G_QUEUE_INIT, NULL };
  gboolean left = FALSE;

  g_mutex_lock (get_lock (self));
  if (is_foreign_locked (self, ticket))
    ticket->stands = FALSE;
  if (ticket->stands)
    {
      leave_locked (self, ticket);
      left = TRUE;
    }
  else if (ticket->taken)
    {
      subtract (&self->arrival, &self->interval);
      ticket->taken = FALSE;
    }
  settle_locked (self, resilient_clock_get_boot (), &calls);
  g_mutex_unlock (&self->lock);

  make_calls (&calls);
  if (left)
    release (ticket);
}

void
resilient_rate_limiter_give_back (ResilientRateLimiter *self)
{
  Calls calls = { G_QUEUE_INIT, NULL };

  g_mutex_lock (get_lock (self));
  subtract (&self->arrival, &self->interval);
  settle_locked (self, resilient_clock_get_boot (), &calls);
  g_mutex_unlock (&self->lock);

  make_calls (&calls);
}

void
resilient_rate_limiter_observe_hint (ResilientRateLimiter *self, const ResilientRateLimitHint *hint)
{
  Calls calls = { G_QUEUE_INIT, NULL };
  gint64 now;

  if (self->invalid != NULL)
    return;

  g_mutex_lock (get_lock (self));
  now = resilient_clock_get_boot ();
  if (hint->remaining == 0 && hint->reset > 0.0)
    {
      gint64 until = MIN (resilient_clock_add (now, hint->reset), now + MAX_HELD);

      self->held = MAX (self->held, until);
    }
  else if (hint->remaining < self->burst && (hint->remaining > 0 || hint->reset < 0.0))
    {
      /* As if all that the server does not take had been taken: then the bucket has so many. */
      Micros taken = { now, 0.0 };
      double parts = (double) (self->burst - hint->remaining) * self->interval.part;

      taken.whole += (self->burst - hint->remaining) * self->interval.whole + (gint64) parts;
      taken.part = parts - floor (parts);
      if (taken.whole > self->arrival.whole
          || (taken.whole == self->arrival.whole && taken.part > self->arrival.part))
        self->arrival = taken;
    }
  settle_locked (self, now, &calls);
  g_mutex_unlock (&self->lock);

  make_calls (&calls);
}

gboolean
resilient_rate_limiter_check (ResilientRateLimiter *self, GError **error)
{
  if (self->invalid == NULL)
    return TRUE;

  g_propagate_error (error, g_error_copy (self->invalid));
  return FALSE;
}

/* --- tasks that wait -------------------------------------------------------------------------- */

/* A call that waits by a task. It is the data of its completion, which counts its references. */
typedef struct
{
  ResilientRateTicket ticket;

  /* Set once. */
  ResilientRateLimiter *limiter; /* owned */
  ResilientCompletion *completion;
  GMainContext *context; /* owned; the task's */
  int priority;
  guint generation; /* of the process that waits */

  /* Used in the context. */
  gboolean has_token;
  gboolean done;
  ResilientTimerQueue *timers; /* owned, nullable */
  ResilientTimer timer;        /* holds a reference while it is set */
} Waiter;

static void
waiter_free (gpointer data)
{
  Waiter *waiter = data;

  g_clear_pointer (&waiter->timers, resilient_timer_queue_unref);
  g_main_context_unref (waiter->context);
  g_object_unref (waiter->limiter);
  g_free (waiter);
}

static void
hold_waiter (ResilientRateTicket *ticket)
{
  resilient_completion_ref (((Waiter *) ticket)->completion);
}

static void
release_waiter (ResilientRateTicket *ticket)
{
  resilient_completion_unref (((Waiter *) ticket)->completion);
}

static void look (Waiter *waiter);

static void
timer_cb (gpointer data)
{
  Waiter *waiter = data;

  look (waiter);
  release_waiter (&waiter->ticket);
}

static void
set_timer (Waiter *waiter, gint64 due)
{
  if (waiter->timers == NULL)
    waiter->timers = resilient_timer_queue_get (waiter->context);
  if (!resilient_timer_is_set (&waiter->timer))
    hold_waiter (&waiter->ticket);
  resilient_timer_queue_set (waiter->timers, &waiter->timer, due, timer_cb, waiter);
}

static void
stop (Waiter *waiter)
{
  waiter->done = TRUE;
  if (waiter->timers != NULL && resilient_timer_queue_clear (waiter->timers, &waiter->timer))
    release_waiter (&waiter->ticket);
}

/* In the context: is it its turn? The task returns here alone, so that a cancel counts until then,
 * and the token goes to the next one. */
static void
look (Waiter *waiter)
{
  g_autoptr (GTask) task = NULL;
  gint64 not_before = 0;

  /* A source may have been on its way at a fork: that is the parent's. */
  if (waiter->done || waiter->generation != resilient_fork_get_generation ())
    return;

  if (!waiter->has_token
      && !resilient_rate_limiter_take (waiter->limiter, &waiter->ticket, &not_before))
    {
      set_timer (waiter, not_before);
      return;
    }

  stop (waiter);
  task = resilient_completion_take (waiter->completion);
  if (task != NULL)
    g_task_return_boolean (task, TRUE);
  else
    resilient_rate_limiter_give_back (waiter->limiter);
}

static gboolean
look_cb (gpointer data)
{
  look (data);
  return G_SOURCE_REMOVE;
}

static void
release_waiter_cb (gpointer data)
{
  release_waiter (data);
}

/* Any thread. */
static void
schedule_look (ResilientRateTicket *ticket)
{
  Waiter *waiter = (Waiter *) ticket;

  hold_waiter (ticket);
  resilient_main_context_post (waiter->context,
                               waiter->priority,
                               "[resilient] rate limiter",
                               look_cb,
                               waiter,
                               release_waiter_cb);
}

/* In the context. */
static void
withdrawn_cb (ResilientCompletion *completion, gpointer data)
{
  Waiter *waiter = data;

  if (waiter->done)
    return;

  stop (waiter);
  if (waiter->has_token)
    resilient_rate_limiter_give_back (waiter->limiter);
  else
    resilient_rate_limiter_withdraw (waiter->limiter, &waiter->ticket);
}

void
resilient_rate_limiter_acquire (ResilientRateLimiter *self, GTask *task)
{
  g_autoptr (ResilientCompletion) completion = NULL;
  g_autoptr (GCancellable) cancellable = NULL;
  Waiter *waiter;
  gint64 not_before;

  if (g_task_return_error_if_cancelled (task))
    {
      g_object_unref (task);
      return;
    }
  if (self->invalid != NULL)
    {
      g_task_return_error (task, g_error_copy (self->invalid));
      g_object_unref (task);
      return;
    }

  g_set_object (&cancellable, g_task_get_cancellable (task));
  waiter = g_new0 (Waiter, 1);
  waiter->ticket.moved = schedule_look;
  waiter->ticket.hold = hold_waiter;
  waiter->ticket.release = release_waiter;
  waiter->ticket.eager = TRUE;
  waiter->limiter = g_object_ref (self);
  waiter->context = g_main_context_ref (g_task_get_context (task));
  waiter->priority = g_task_get_priority (task);
  waiter->generation = resilient_fork_get_generation ();
  completion = resilient_completion_new (task, withdrawn_cb, waiter, waiter_free);
  waiter->completion = completion;

  /* Not yet, and another thread may be at it already. */
  if (resilient_rate_limiter_take (self, &waiter->ticket, &not_before))
    waiter->has_token = TRUE;
  schedule_look (&waiter->ticket);
  resilient_completion_arm (completion, cancellable, -1, NULL);
}

/* --- the object ------------------------------------------------------------------------------- */

static GError *
check_values (double rate, int burst)
{
  if (!isfinite (rate) || rate <= 0.0)
    return g_error_new (RESILIENT_CLIENT_ERROR,
                        RESILIENT_CLIENT_ERROR_INVALID_POLICY,
                        /* Translators: %s is the name of a setting, rate. */
                        _ ("Invalid rate limiter: %s must be a finite number greater than 0, and "
                           "is %g"),
                        "rate",
                        rate);
  if (burst < 1)
    return g_error_new (RESILIENT_CLIENT_ERROR,
                        RESILIENT_CLIENT_ERROR_INVALID_POLICY,
                        /* Translators: %s is the name of a setting, burst. */
                        _ ("Invalid rate limiter: %s must be at least 1, and is %d"),
                        "burst",
                        burst);
  if (burst > 1 && (burst - 1) * MIN (G_USEC_PER_SEC / rate, MAX_INTERVAL) > MAX_TOLERANCE)
    return g_error_new (RESILIENT_CLIENT_ERROR,
                        RESILIENT_CLIENT_ERROR_INVALID_POLICY,
                        /* Translators: the first %s is the name of a setting, rate; the other
                           is burst. */
                        _ ("Invalid rate limiter: with a %s of %g a second, %s takes more than "
                           "70,000 years to fill up"),
                        "rate",
                        rate,
                        "burst");
  return NULL;
}

static void
resilient_rate_limiter_get_property (GObject *object,
                                     guint prop_id,
                                     GValue *value,
                                     GParamSpec *pspec)
{
  ResilientRateLimiter *self = RESILIENT_RATE_LIMITER (object);

  switch (prop_id)
    {
    case PROP_RATE:
      g_value_set_double (value, resilient_rate_limiter_get_rate (self));
      break;
    case PROP_BURST:
      g_value_set_int (value, resilient_rate_limiter_get_burst (self));
      break;
    case PROP_AVAILABLE:
      g_value_set_double (value, resilient_rate_limiter_get_available (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_rate_limiter_set_property (GObject *object,
                                     guint prop_id,
                                     const GValue *value,
                                     GParamSpec *pspec)
{
  ResilientRateLimiter *self = RESILIENT_RATE_LIMITER (object);

  switch (prop_id)
    {
    case PROP_RATE:
      self->rate = g_value_get_double (value);
      break;
    case PROP_BURST:
      self->burst = g_value_get_int (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_rate_limiter_constructed (GObject *object)
{
  ResilientRateLimiter *self = RESILIENT_RATE_LIMITER (object);

  G_OBJECT_CLASS (resilient_rate_limiter_parent_class)->constructed (object);

  self->invalid = check_values (self->rate, self->burst);
  if (self->invalid == NULL)
    {
      double interval = MIN (G_USEC_PER_SEC / self->rate, MAX_INTERVAL);
      double parts;

      self->interval.whole = (gint64) interval;
      self->interval.part = interval - (double) self->interval.whole;
      /* Apart, so that a burst of many is as long as the intervals that are added one by one. */
      parts = (self->burst - 1) * self->interval.part;
      self->tolerance.whole = (self->burst - 1) * self->interval.whole + (gint64) parts;
      self->tolerance.part = parts - floor (parts);
    }
}

/* Whoever waits holds a reference, so nobody does. */
static void
resilient_rate_limiter_finalize (GObject *object)
{
  ResilientRateLimiter *self = RESILIENT_RATE_LIMITER (object);

  if (self->generation == resilient_fork_get_generation ())
    g_mutex_clear (&self->lock);
  g_clear_error (&self->invalid);

  G_OBJECT_CLASS (resilient_rate_limiter_parent_class)->finalize (object);
}

static void
resilient_rate_limiter_class_init (ResilientRateLimiterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  /* A value that is not valid is reported when the limiter is used; GObject would warn of it, and
   * take another value. */
  const GParamFlags construct =
    G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_LAX_VALIDATION | G_PARAM_STATIC_STRINGS;

  object_class->constructed = resilient_rate_limiter_constructed;
  object_class->get_property = resilient_rate_limiter_get_property;
  object_class->set_property = resilient_rate_limiter_set_property;
  object_class->finalize = resilient_rate_limiter_finalize;

  /**
   * ResilientRateLimiter:rate: (getter get_rate)
   *
   * How many tokens the bucket gains in a second: a finite number greater than 0.
   *
   * Another one, given to `g_object_new()`, makes a limiter from which nothing can be
   * acquired: [method@RateLimiter.acquire_finish] says why.
   *
   * Since: 1.0
   */
  props[PROP_RATE] = g_param_spec_double ("rate", NULL, NULL, -HUGE_VAL, HUGE_VAL, 1.0, construct);

  /**
   * ResilientRateLimiter:burst: (getter get_burst)
   *
   * How many tokens the bucket holds, at least 1: how many may be taken at once after a pause.
   *
   * Since: 1.0
   */
  props[PROP_BURST] = g_param_spec_int ("burst", NULL, NULL, G_MININT, G_MAXINT, 1, construct);

  /**
   * ResilientRateLimiter:available: (getter get_available)
   *
   * How many tokens are in the bucket now, from 0 to [property@RateLimiter:burst], with the part of
   * the next one that has come. Not notified.
   *
   * Since: 1.0
   */
  props[PROP_AVAILABLE] = g_param_spec_double (
    "available", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, props);

  resilient_fork_watch ();
}

static void
resilient_rate_limiter_init (ResilientRateLimiter *self)
{
  g_mutex_init (&self->lock);
  g_queue_init (&self->line);
  self->generation = resilient_fork_get_generation ();
}

/**
 * resilient_rate_limiter_new:
 * @rate: how many tokens there are a second, a finite number greater than 0
 * @burst: how many may be taken at once after a pause, at least 1, and no more than @rate fills up
 * in 70,000 years
 * @error: return location for an error
 *
 * Creates a rate limiter, whose bucket is full.
 *
 * What is not valid is %RESILIENT_CLIENT_ERROR_INVALID_POLICY, and the message names it.
 *
 * Returns: (transfer full): a new rate limiter, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientRateLimiter *
resilient_rate_limiter_new (double rate, int burst, GError **error)
{
  g_autoptr (ResilientRateLimiter) self = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  self = g_object_new (RESILIENT_TYPE_RATE_LIMITER, "rate", rate, "burst", burst, NULL);
  if (!resilient_rate_limiter_check (self, error))
    return NULL;

  return g_steal_pointer (&self);
}

/**
 * resilient_rate_limiter_acquire_async:
 * @self: a rate limiter
 * @cancellable: (nullable): a cancellable, which ends the waiting
 * @callback: (scope async) (closure user_data): called in the thread-default main context of the
 *   caller
 * @user_data: data for @callback
 *
 * Takes a token, and waits for one if there is none.
 *
 * Calls are served in the order in which they were made. The limiter stays alive until then. Who is
 * cancelled leaves the line at once, wherever it stands, and takes no token: one that it was given
 * before its callback ran goes to the next.
 *
 * Since: 1.0
 */
void
resilient_rate_limiter_acquire_async (ResilientRateLimiter *self,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data)
{
  GTask *task;

  g_return_if_fail (RESILIENT_IS_RATE_LIMITER (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, resilient_rate_limiter_acquire_async);
  resilient_rate_limiter_acquire (self, task);
}

/**
 * resilient_rate_limiter_acquire_finish:
 * @self: a rate limiter
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Completes [method@RateLimiter.acquire_async].
 *
 * Returns: %TRUE with a token taken; %FALSE with @error set: `G_IO_ERROR_CANCELLED`, or
 *   %RESILIENT_CLIENT_ERROR_INVALID_POLICY from a limiter that `g_object_new()` made with a value
 *   that is not valid
 *
 * Since: 1.0
 */
gboolean
resilient_rate_limiter_acquire_finish (ResilientRateLimiter *self,
                                       GAsyncResult *result,
                                       GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_RATE_LIMITER (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, resilient_rate_limiter_acquire_async),
                        FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * resilient_rate_limiter_try_acquire:
 * @self: a rate limiter
 *
 * Takes a token if there is one and nobody waits for it, and does not wait.
 *
 * Returns: %TRUE with a token taken
 *
 * Since: 1.0
 */
gboolean
resilient_rate_limiter_try_acquire (ResilientRateLimiter *self)
{
  Calls calls = { G_QUEUE_INIT, NULL };
  gboolean taken = FALSE;
  gint64 now;

  g_return_val_if_fail (RESILIENT_IS_RATE_LIMITER (self), FALSE);

  if (self->invalid != NULL)
    return FALSE;

  g_mutex_lock (get_lock (self));
  now = resilient_clock_get_boot ();
  settle_locked (self, now, &calls);
  if (g_queue_is_empty (&self->line) && get_due_locked (self) <= now)
    {
      spend_locked (self, now);
      taken = TRUE;
    }
  g_mutex_unlock (&self->lock);

  make_calls (&calls);
  return taken;
}

/**
 * resilient_rate_limiter_observe:
 * @self: a rate limiter
 * @response: an answer of the server that it is for
 *
 * Makes the limiter follow what a response says of the server's own quota.
 *
 * With nothing left no token is given before the server's reset, for a day at most; nothing that is
 * said later shortens that. Else the bucket has no more tokens than the server takes requests, and
 * fills up at its rate from there. A response that says nothing changes nothing.
 *
 * The fields are `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-08 and
 * later), and where they are not `X-RateLimit-Remaining` and `X-RateLimit-Reset`, whose value is
 * seconds from now on or since 1970.
 *
 * Since: 1.0
 */
void
resilient_rate_limiter_observe (ResilientRateLimiter *self, ResilientResponse *response)
{
  ResilientRateLimitHint hint;
  const char *date;
  gint64 now = resilient_clock_get_real ();

  g_return_if_fail (RESILIENT_IS_RATE_LIMITER (self));
  g_return_if_fail (response != NULL);

  /* Against the server's own clock, if it tells it: then a wrong clock here does no harm. */
  date = resilient_response_get_header (response, "Date");
  if (date != NULL)
    resilient_http_date_parse (date, now, &now);
  if (resilient_rate_limit_fields_parse (
        resilient_response_get_header (response, "RateLimit"),
        resilient_response_get_header (response, "RateLimit-Policy"),
        resilient_response_get_header (response, "X-RateLimit-Remaining"),
        resilient_response_get_header (response, "X-RateLimit-Reset"),
        now,
        &hint))
    resilient_rate_limiter_observe_hint (self, &hint);
}

/**
 * resilient_rate_limiter_get_rate: (get-property rate)
 * @self: a rate limiter
 *
 * Gets how many tokens there are a second.
 *
 * Returns: the rate, a second
 *
 * Since: 1.0
 */
double
resilient_rate_limiter_get_rate (ResilientRateLimiter *self)
{
  g_return_val_if_fail (RESILIENT_IS_RATE_LIMITER (self), 0.0);

  return self->rate;
}

/**
 * resilient_rate_limiter_get_burst: (get-property burst)
 * @self: a rate limiter
 *
 * Gets how many tokens the bucket holds.
 *
 * Returns: the number of tokens
 *
 * Since: 1.0
 */
int
resilient_rate_limiter_get_burst (ResilientRateLimiter *self)
{
  g_return_val_if_fail (RESILIENT_IS_RATE_LIMITER (self), 0);

  return self->burst;
}

/**
 * resilient_rate_limiter_get_available: (get-property available)
 * @self: a rate limiter
 *
 * Gets how many tokens are in the bucket now.
 *
 * With less than 1 whoever acquires has to wait.
 *
 * Returns: the number of tokens, from 0 to the burst, with the part of the next one that has come
 *
 * Since: 1.0
 */
double
resilient_rate_limiter_get_available (ResilientRateLimiter *self)
{
  gint64 now;
  gboolean held;
  double early;

  g_return_val_if_fail (RESILIENT_IS_RATE_LIMITER (self), 0.0);

  if (self->invalid != NULL)
    return 0.0;

  g_mutex_lock (get_lock (self));
  now = resilient_clock_get_boot ();
  early = (double) (now - self->arrival.whole) - self->arrival.part;
  held = self->held > now;
  g_mutex_unlock (&self->lock);

  if (held)
    return 0.0;
  return CLAMP (
    (early + to_double (&self->tolerance)) / to_double (&self->interval) + 1.0, 0.0, self->burst);
}
