/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-transport-attempt-private.h"

G_BEGIN_DECLS

/* One attempt that answers several calls: one leads it, which has the slot and sends, and others
 * share its outcome. See resilient-exchange.c. Any thread; atomically refcounted. */
typedef struct _ResilientExchange ResilientExchange;
typedef struct _ResilientExchangeTable ResilientExchangeTable;

/* Who takes part: a call, and what moves it, which lives as long. */
typedef struct
{
  GList link;    /* of the exchange, among those who share it; zeroed before it is first used */
  GObject *call; /* not owned, but by who is given the party to tell it something */
  gpointer machine;
} ResilientParty;

typedef enum
{
  RESILIENT_EXCHANGE_WAITING, /* for its place: the leader has not begun to send it */
  RESILIENT_EXCHANGE_BEGUN,
  RESILIENT_EXCHANGE_ENDED,
  RESILIENT_EXCHANGE_VOID, /* it has ended without anything that would be worth anything to others
                            */
} ResilientExchangeState;

ResilientExchangeTable *resilient_exchange_table_new (void);
/* With the last call that could use it. */
void resilient_exchange_table_free (ResilientExchangeTable *self);

/* The exchange of @key (transfer full) that is open, which @party shares from now on; else a new
 * one, that @party leads. @party stays where it is until it is told of the end, or has left.
 * Transfer full. */
ResilientExchange *resilient_exchange_table_enter (ResilientExchangeTable *self,
                                                   char *key,
                                                   ResilientParty *party,
                                                   gboolean *leads);
ResilientExchange *resilient_exchange_ref (ResilientExchange *self);
void resilient_exchange_unref (ResilientExchange *self);

/* What follows is of who leads. */

/* It is being sent. Returns who shares it so far and is to be told, of ResilientParty, with a
 * reference to the call of each. */
GArray *resilient_exchange_begin (ResilientExchange *self);
/* Its answer has begun: nobody comes to share it any more. */
void resilient_exchange_close (ResilientExchange *self);
gboolean resilient_exchange_is_shared (ResilientExchange *self);
/* Whose it is does not need it any more. TRUE: others do, and it is to go on. FALSE: nobody, and it
 * is closed. */
gboolean resilient_exchange_desert (ResilientExchange *self);
/* It has ended so; NULL @outcome: it is void. Once. Returns who is to be told, as above. */
GArray *resilient_exchange_finish (ResilientExchange *self, const ResilientOutcome *outcome);

/* And this of who shares. */

/* TRUE: @leader, with a reference to its call, is to be told that nobody needs the exchange any
 * more. */
gboolean
resilient_exchange_leave (ResilientExchange *self, ResilientParty *party, ResilientParty *leader);
/* @outcome: where it has ENDED, and belongs to the exchange. */
ResilientExchangeState
resilient_exchange_get_state (ResilientExchange *self, const ResilientOutcome **outcome);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientExchange, resilient_exchange_unref)

G_END_DECLS
