/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "phases.h"

G_BEGIN_DECLS

extern const Phase phases[];
extern const guint n_phases;

/* What a hook calls: acts if nobody did so far. */
void cell_act (Cell *self);
/* Runs the context of the test until @condition holds, whichever thread makes it so. */
void cell_wait (Cell *self, gboolean (*condition) (Cell *self));
void cell_wait_state (Cell *self, ResilientCallState state);
/* Starts a GET of @path at home, as the other request, and waits until it is held at @gate. */
void cell_start_other (Cell *self, const char *path, const char *gate);

G_END_DECLS
