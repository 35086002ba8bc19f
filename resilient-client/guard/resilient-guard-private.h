/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-origin.h"

G_BEGIN_DECLS

/* Guards: what may refuse an attempt, or hold it back. Each attempt of a call asks anew, at two
 * moments: before it queues for a slot, when nothing is taken, and with the slot in hand. The list
 * of a client's guards is of any thread, the way of one attempt of the context that drives it. */

/* First member of every kind of guard. */
typedef struct _ResilientGuard ResilientGuard;
/* What a guard remembers of one attempt. First member of what a kind of guard has there, all of it
 * zero at first. */
typedef struct _ResilientGuardEntry ResilientGuardEntry;
/* One attempt on its way through all guards of a client. */
typedef struct _ResilientAdmission ResilientAdmission;

typedef enum
{
  RESILIENT_GUARD_ADMIT,
  RESILIENT_GUARD_REFUSE,     /* with an error, which ends the call */
  RESILIENT_GUARD_NOT_BEFORE, /* to be asked again then; it may wait in the meantime */
} ResilientGuardAnswer;

/* How an attempt that was admitted came to its end. */
typedef enum
{
  RESILIENT_GUARD_END_UNUSED, /* it never began: what was taken for it goes back */
  /* it says nothing of the server: cancelled, or a failure of this machine's */
  RESILIENT_GUARD_END_NO_VERDICT,
  RESILIENT_GUARD_END_SUCCESS,
  RESILIENT_GUARD_END_FAILURE,
} ResilientGuardEnd;

/* What a status says of the server: 408, 425, 429 and 5xx are failures, as what they mean is that
 * it can't serve; any other answer is one that it gave in good health. */
ResilientGuardEnd resilient_guard_judge_status (guint status_code);

/* @not_before: on the boot-time clock, microseconds; of a refusal, when another answer may be
 * expected, 0: unknown. Each decides at once and does not call the app. */
typedef struct
{
  /* Before an attempt to @origin queues for a slot, and again when it has one: takes nothing. In
   * any thread, under no lock. Nullable: admits. */
  ResilientGuardAnswer (*check) (ResilientGuard *self,
                                 ResilientOrigin *origin,
                                 gint64 *not_before,
                                 GError **error);
  /* With its slot in hand, in its driving context: takes what the attempt needs. NOT_BEFORE: the
   * slot goes back, the entry may stand in a line of the guard's own until it is asked again, which
   * is then or after resilient_guard_entry_ask_again(). Nullable: admits. */
  ResilientGuardAnswer (*enter) (ResilientGuard *self,
                                 ResilientGuardEntry *entry,
                                 ResilientOrigin *origin,
                                 gint64 *not_before,
                                 GError **error);
  /* Once for each entry that was admitted, and for each that leaves a line (UNUSED). It may enter
   * again after that one. */
  void (*leave) (ResilientGuard *self, ResilientGuardEntry *entry, ResilientGuardEnd end);
  void (*free) (ResilientGuard *self);
  gsize entry_size; /* of what starts with a ResilientGuardEntry */
  /* Of an entry that was admitted: it is sent now, for what comes before that may take long. And
   * the head of its answer is there. Nullable. */
  void (*started) (ResilientGuard *self, ResilientGuardEntry *entry);
  void (*answered) (ResilientGuard *self, ResilientGuardEntry *entry, guint status_code);
} ResilientGuardFuncs;

struct _ResilientGuard
{
  const ResilientGuardFuncs *funcs;
};

struct _ResilientGuardEntry
{
  ResilientAdmission *admission; /* of which it is a part */
  gboolean inside;               /* it was admitted, or stands in a line */
};

/* The guards of a client, in the order in which they are asked. They only become more. */
#define RESILIENT_MAX_GUARDS 8
typedef struct
{
  ResilientGuard *guards[RESILIENT_MAX_GUARDS]; /* owned */
  gint n_guards;                                /* atomic */
} ResilientGuards;

/* Any thread, one at a time. Takes @guard. */
void resilient_guards_add (ResilientGuards *self, ResilientGuard *guard);
void resilient_guards_clear (ResilientGuards *self);
static inline gboolean
resilient_guards_is_empty (ResilientGuards *self)
{
  return g_atomic_int_get (&self->n_guards) == 0;
}
/* The first that does not admit says what becomes of it. */
ResilientGuardAnswer resilient_guards_check (ResilientGuards *self,
                                             ResilientOrigin *origin,
                                             gint64 *not_before,
                                             GError **error);

/* @ask_again runs in any thread, under no lock, with a reference to @owner. @guards: those of now;
 * they must live as long. */
typedef void (*ResilientAskAgainFunc) (gpointer data);
ResilientAdmission *resilient_admission_new (ResilientGuards *guards,
                                             ResilientOrigin *origin,
                                             gpointer owner,
                                             ResilientAskAgainFunc ask_again,
                                             gpointer data);
/* Asks all of them, with the slot in hand. Unless all admit, nothing is taken; a place in the line
 * of one that says NOT_BEFORE is kept. */
ResilientGuardAnswer
resilient_admission_enter (ResilientAdmission *self, gint64 *not_before, GError **error);
/* Leaves all lines: it can't come when its turn does. It may enter again. */
void resilient_admission_step_back (ResilientAdmission *self);
/* Each of them that admitted it hears that it is sent now, and of the head of its answer. */
void resilient_admission_started (ResilientAdmission *self);
void resilient_admission_answered (ResilientAdmission *self, guint status_code);
/* The end of it, told to all that admitted it; frees it. */
void resilient_admission_end (ResilientAdmission *self, ResilientGuardEnd end);

/* From a guard: the answer to @entry may be another now. Any thread, under no lock that the guard
 * takes in its functions. Who calls it has a reference to the entry, or knows that it did not
 * leave. */
void resilient_guard_entry_ask_again (ResilientGuardEntry *entry);
void resilient_guard_entry_hold (ResilientGuardEntry *entry);
void resilient_guard_entry_release (ResilientGuardEntry *entry);

G_END_DECLS
