/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Who shares an attempt, and which of them can be shared. The table of a client finds those that
 * are open by what they ask for; it owns none of them, as each belongs to the attempts that lead
 * and share it. All are under the lock of the table, which calls nobody. Any thread.
 *
 * The exchange goes on for as long as somebody needs it: the attempt of a leader that has left has
 * its slot, and its turns in the driving context, until those who share it have its outcome or are
 * gone, too. */

#include "config.h"

#include "resilient-exchange-private.h"

struct _ResilientExchangeTable
{
  GMutex lock;
  GHashTable *open; /* of ResilientExchange by key; not owned */
};

struct _ResilientExchange
{
  ResilientExchangeTable *table; /* set once */
  char *key;                     /* set once; owned */

  /* Under the lock of the table. */
  ResilientParty *leader; /* NULL: it is over */
  GQueue sharing;         /* of ResilientParty, by their links, in the order in which they came */
  gboolean is_open;
  gboolean deserted; /* by its leader */
  ResilientExchangeState state;
  ResilientOutcome outcome; /* with response and error of its own; not changed once it is over */
};

ResilientExchangeTable *
resilient_exchange_table_new (void)
{
  ResilientExchangeTable *self = g_new0 (ResilientExchangeTable, 1);

  g_mutex_init (&self->lock);
  self->open = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

void
resilient_exchange_table_free (ResilientExchangeTable *self)
{
  g_hash_table_unref (self->open);
  g_mutex_clear (&self->lock);
  g_free (self);
}

ResilientExchange *
resilient_exchange_table_enter (ResilientExchangeTable *self,
                                char *key,
                                ResilientParty *party,
                                gboolean *leads)
{
  g_autofree char *own_key = key;
  ResilientExchange *exchange;

  g_mutex_lock (&self->lock);
  exchange = g_hash_table_lookup (self->open, key);
  *leads = exchange == NULL;
  if (exchange != NULL)
    {
      resilient_exchange_ref (exchange);
      party->link.data = party;
      g_queue_push_tail_link (&exchange->sharing, &party->link);
    }
  else
    {
      exchange = g_atomic_rc_box_new0 (ResilientExchange);
      exchange->table = self;
      exchange->key = g_steal_pointer (&own_key);
      exchange->leader = party;
      exchange->is_open = TRUE;
      g_hash_table_insert (self->open, exchange->key, exchange);
    }
  g_mutex_unlock (&self->lock);

  return exchange;
}

ResilientExchange *
resilient_exchange_ref (ResilientExchange *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
exchange_clear (gpointer data)
{
  ResilientExchange *self = data;

  g_clear_pointer (&self->outcome.response, resilient_response_unref);
  g_clear_error (&self->outcome.error);
  g_free (self->key);
}

void
resilient_exchange_unref (ResilientExchange *self)
{
  g_atomic_rc_box_release_full (self, exchange_clear);
}

static void
close_locked (ResilientExchange *self)
{
  if (self->is_open)
    g_hash_table_remove (self->table->open, self->key);
  self->is_open = FALSE;
}

void
resilient_exchange_close (ResilientExchange *self)
{
  g_mutex_lock (&self->table->lock);
  close_locked (self);
  g_mutex_unlock (&self->table->lock);
}

gboolean
resilient_exchange_is_shared (ResilientExchange *self)
{
  gboolean shared;

  g_mutex_lock (&self->table->lock);
  shared = self->sharing.length > 0;
  g_mutex_unlock (&self->table->lock);

  return shared;
}

gboolean
resilient_exchange_desert (ResilientExchange *self)
{
  gboolean shared;

  g_mutex_lock (&self->table->lock);
  shared = self->sharing.length > 0;
  self->deserted = shared;
  if (!shared)
    close_locked (self);
  g_mutex_unlock (&self->table->lock);

  return shared;
}

static void
release_party (gpointer party)
{
  g_object_unref (((ResilientParty *) party)->call);
}

static ResilientParty
hold_party (const ResilientParty *party)
{
  return (ResilientParty){ .call = g_object_ref (party->call), .machine = party->machine };
}

static GArray *
list_sharing_locked (ResilientExchange *self)
{
  GArray *list = g_array_sized_new (FALSE, FALSE, sizeof (ResilientParty), self->sharing.length);

  g_array_set_clear_func (list, release_party);
  for (GList *l = self->sharing.head; l != NULL; l = l->next)
    {
      ResilientParty party = hold_party (l->data);

      g_array_append_val (list, party);
    }
  return list;
}

GArray *
resilient_exchange_begin (ResilientExchange *self)
{
  GArray *told;

  g_mutex_lock (&self->table->lock);
  self->state = RESILIENT_EXCHANGE_BEGUN;
  told = list_sharing_locked (self);
  g_mutex_unlock (&self->table->lock);

  return told;
}

static void
set_outcome_locked (ResilientExchange *self, const ResilientOutcome *outcome)
{
  self->outcome = *outcome;
  self->outcome.socket = NULL;
  if (outcome->response != NULL)
    resilient_response_ref (outcome->response);
  if (outcome->error != NULL)
    self->outcome.error = g_error_copy (outcome->error);
  /* who shares it has sent nothing */
  self->outcome.sends = 0;
}

GArray *
resilient_exchange_finish (ResilientExchange *self, const ResilientOutcome *outcome)
{
  GArray *told;
  GList *link;

  g_mutex_lock (&self->table->lock);
  g_assert (self->leader != NULL);
  close_locked (self);
  self->leader = NULL;
  self->state = outcome != NULL ? RESILIENT_EXCHANGE_ENDED : RESILIENT_EXCHANGE_VOID;
  if (outcome != NULL)
    set_outcome_locked (self, outcome);
  told = list_sharing_locked (self);
  while ((link = g_queue_pop_head_link (&self->sharing)) != NULL)
    link->data = NULL;
  g_mutex_unlock (&self->table->lock);

  return told;
}

gboolean
resilient_exchange_leave (ResilientExchange *self, ResilientParty *party, ResilientParty *leader)
{
  gboolean forsaken;

  g_mutex_lock (&self->table->lock);
  if (party->link.data != NULL)
    g_queue_unlink (&self->sharing, &party->link);
  party->link.data = NULL;
  forsaken = self->deserted && self->sharing.length == 0 && self->leader != NULL;
  if (forsaken)
    *leader = hold_party (self->leader);
  g_mutex_unlock (&self->table->lock);

  return forsaken;
}

ResilientExchangeState
resilient_exchange_get_state (ResilientExchange *self, const ResilientOutcome **outcome)
{
  ResilientExchangeState state;

  g_mutex_lock (&self->table->lock);
  state = self->state;
  *outcome = state == RESILIENT_EXCHANGE_ENDED ? &self->outcome : NULL;
  g_mutex_unlock (&self->table->lock);

  return state;
}
