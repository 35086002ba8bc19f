/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Chooses the script that a request or a connection is met with. It owns the scripts that were
 * handed in, under the log's lock. Any thread. */

#include "config.h"

#include "fault-plan-private.h"

#include <string.h>

#define ANY_PATH ""

typedef enum
{
  TURN_REQUEST,
  TURN_CONNECTION,
  TURN_DOOR,
} TurnKind;

/* One place in the line. */
typedef struct
{
  TurnKind kind;
  FaultScript *script; /* NULL of a door */
  FaultDoor door;
} Turn;

static void
turn_free (gpointer data)
{
  Turn *self = data;

  g_clear_pointer (&self->script, fault_script_unref);
  g_free (self);
}

static void
script_queue_free (gpointer data)
{
  g_queue_free_full (data, (GDestroyNotify) fault_script_unref);
}

void
fault_plan_init (FaultPlan *self)
{
  self->always =
    g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) fault_script_unref);
  self->once = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, script_queue_free);
  g_queue_init (&self->line);
  g_queue_init (&self->on_connection);
}

void
fault_plan_clear (FaultPlan *self)
{
  g_hash_table_unref (self->always);
  g_hash_table_unref (self->once);
  g_queue_clear_full (&self->line, turn_free);
  g_queue_clear_full (&self->on_connection, (GDestroyNotify) fault_script_unref);
  g_clear_pointer (&self->each_connection, fault_script_unref);
}

void
fault_plan_set (FaultPlan *self, const char *path, FaultScript *script)
{
  path = path != NULL ? path : ANY_PATH;
  if (script != NULL)
    g_hash_table_replace (self->always, g_strdup (path), script);
  else
    g_hash_table_remove (self->always, path);
}

static void
push_turn (FaultPlan *self, TurnKind kind, FaultScript *script, FaultDoor door)
{
  Turn *turn = g_new0 (Turn, 1);

  turn->kind = kind;
  turn->script = script;
  turn->door = door;
  g_queue_push_tail (&self->line, turn);
}

void
fault_plan_push (FaultPlan *self, const char *path, FaultScript *script)
{
  GQueue *queue;

  if (path == NULL)
    {
      push_turn (self, TURN_REQUEST, script, FAULT_DOOR_OPEN);
      return;
    }
  queue = g_hash_table_lookup (self->once, path);
  if (queue == NULL)
    {
      queue = g_queue_new ();
      g_hash_table_insert (self->once, g_strdup (path), queue);
    }
  g_queue_push_tail (queue, script);
}

void
fault_plan_push_connection (FaultPlan *self, FaultScript *script)
{
  push_turn (self, TURN_CONNECTION, script, FAULT_DOOR_OPEN);
}

gboolean
fault_plan_push_door (FaultPlan *self, FaultDoor door)
{
  if (g_queue_is_empty (&self->line))
    return TRUE;
  push_turn (self, TURN_DOOR, NULL, door);

  return FALSE;
}

FaultScript *
fault_plan_take_connection (FaultPlan *self)
{
  FaultScript *script = g_queue_pop_head (&self->on_connection);
  Turn *turn = g_queue_peek_head (&self->line);

  if (script == NULL && turn != NULL && turn->kind == TURN_CONNECTION)
    {
      script = g_steal_pointer (&turn->script);
      turn_free (g_queue_pop_head (&self->line));
    }
  if (script == NULL && self->each_connection != NULL)
    script = fault_script_ref (self->each_connection);

  return script;
}

/* What comes after the turn that was taken may be seen by a client only in a new connection. */
static void
look_ahead (FaultPlan *self, FaultTold *told)
{
  Turn *turn = g_queue_peek_head (&self->line);

  told->last = turn != NULL && turn->kind != TURN_REQUEST;
  if (turn != NULL && turn->kind == TURN_DOOR)
    {
      told->to_set = TRUE;
      told->door = turn->door;
      turn_free (g_queue_pop_head (&self->line));
    }
}

static FaultScript *
take_turn (FaultPlan *self, FaultTold *told)
{
  Turn *turn = g_queue_peek_head (&self->line);
  FaultScript *script;

  if (turn == NULL)
    return NULL;
  /* It came by a connection that was open already: on the next one it will meet its fault. */
  if (turn->kind != TURN_REQUEST)
    return fault_script_new (fault_close (), NULL);
  script = g_steal_pointer (&turn->script);
  turn_free (g_queue_pop_head (&self->line));
  look_ahead (self, told);

  return script;
}

FaultScript *
fault_plan_take_request (FaultPlan *self, const char *path, FaultTold *told)
{
  g_autofree char *plain = g_strndup (path, strcspn (path, "?"));
  GQueue *queue = g_hash_table_lookup (self->once, plain);
  FaultScript *script = queue != NULL ? g_queue_pop_head (queue) : NULL;

  if (script == NULL)
    script = take_turn (self, told);
  if (script != NULL)
    return script;

  script = g_hash_table_lookup (self->always, plain);
  if (script == NULL)
    script = g_hash_table_lookup (self->always, ANY_PATH);

  return script != NULL ? fault_script_ref (script)
                        : fault_script_new (fault_answer (404, NULL, "no script"), NULL);
}
