/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "fault-enums.h"
#include "fault-script.h"

G_BEGIN_DECLS

/* Which script a connection or a request is met with. All of it is guarded by the log's lock. */
typedef struct
{
  GHashTable *always;   /* path → script */
  GHashTable *once;     /* path → queue of scripts */
  GQueue line;          /* of turns, for whoever comes next */
  GQueue on_connection; /* of scripts */
  FaultScript *each_connection;
} FaultPlan;

/* What is told to a request besides its script. */
typedef struct
{
  gboolean last;   /* the connection must not be kept: the next turn is one of a connection */
  gboolean to_set; /* and the server must change to this before anything is answered: */
  FaultDoor door;
} FaultTold;

void fault_plan_init (FaultPlan *self);
void fault_plan_clear (FaultPlan *self);
/* All of these take @script. @path is NULL for any; @script is NULL for none any more. */
void fault_plan_set (FaultPlan *self, const char *path, FaultScript *script);
void fault_plan_push (FaultPlan *self, const char *path, FaultScript *script);
void fault_plan_push_connection (FaultPlan *self, FaultScript *script);
/* TRUE: the line is empty, so that it is for the caller to do it now. */
gboolean fault_plan_push_door (FaultPlan *self, FaultDoor door);

/* NULL: nothing special. */
FaultScript *fault_plan_take_connection (FaultPlan *self);
FaultScript *fault_plan_take_request (FaultPlan *self, const char *path, FaultTold *told);

G_END_DECLS
