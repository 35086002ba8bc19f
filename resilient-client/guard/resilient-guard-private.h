/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-origin.h"

G_BEGIN_DECLS

/* What may hold an attempt back, or refuse it, before it asks the gate for a slot: asked again for
 * each attempt of a call. First member of every kind of guard. */
typedef struct _ResilientGuard ResilientGuard;

typedef enum
{
  RESILIENT_GUARD_ADMIT,
  RESILIENT_GUARD_REFUSE,     /* with an error, which ends the call */
  RESILIENT_GUARD_NOT_BEFORE, /* to be asked again then; it may wait in the meantime */
} ResilientGuardAnswer;

typedef struct
{
  /* About an attempt to @origin. In any thread, under no lock: decides at once, and does not call
   * the app. @not_before: on the boot-time clock, microseconds. */
  ResilientGuardAnswer (*ask) (ResilientGuard *self,
                               ResilientOrigin *origin,
                               gint64 *not_before,
                               GError **error);
  void (*free) (ResilientGuard *self);
} ResilientGuardFuncs;

struct _ResilientGuard
{
  const ResilientGuardFuncs *funcs;
};

G_END_DECLS
