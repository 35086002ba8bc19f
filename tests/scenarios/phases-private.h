/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "phases.h"

G_BEGIN_DECLS

extern const Phase phases[];
extern const guint n_phases;

/* What a hook calls: acts if nobody did so far. */
void cell_act (Cell *self);
/* cell_find_call() without waiting; TRUE if it is there. */
gboolean cell_look_for_call (Cell *self);
void cell_wait_state (Cell *self, ResilientCallState state);
/* Starts a GET of @path at home, as the other request, and waits until it is held at @gate. */
void cell_start_other (Cell *self, const char *path, const char *gate);

G_END_DECLS
