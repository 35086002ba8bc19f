/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A priority queue of items that are embedded in their owners. It owns the array and never the
 * items; whoever has a heap locks it. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef gboolean (*ResilientHeapBefore) (gconstpointer a, gconstpointer b);

/* A 4-ary heap of embedded items: each keeps its own place, so that any of them can be moved or
 * removed in O(log n) without a search, and an item costs the heap one pointer. Four children a
 * node: half the levels of a binary heap, and siblings share a cache line. Not thread-safe. */
typedef struct
{
  gpointer *items;
  guint length;
  guint capacity;
  ResilientHeapBefore before; /* a strict order: never TRUE both ways */
  gsize index_offset;         /* of a guint in the item: 1 + place; 0: not in the heap */
} ResilientHeap;

#define RESILIENT_HEAP_INIT(before_func, Type, member)                                             \
  ((ResilientHeap){ .before = (before_func), .index_offset = G_STRUCT_OFFSET (Type, member) })

void resilient_heap_insert (ResilientHeap *self, gpointer item);
void resilient_heap_remove (ResilientHeap *self, gpointer item);
/* After what orders @item has changed. */
void resilient_heap_update (ResilientHeap *self, gpointer item);
/* The first one, or NULL. */
gpointer resilient_heap_peek (ResilientHeap *self);
/* Takes every item out and frees the memory; the heap can be used again. */
void resilient_heap_clear (ResilientHeap *self);

G_END_DECLS
