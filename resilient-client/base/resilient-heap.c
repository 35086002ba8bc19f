/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The 4-ary heap below the timer queue and the gate. It owns the array of places and no item. One
 * thread at a time: its owner locks. */

#include "config.h"

#include "resilient-heap-private.h"

/* D. B. Johnson, "Priority queues with update and finding minimum spanning trees" (1975): the d-ary
 * heap. */
#define ARITY 4
#define MIN_CAPACITY 16

/* Atomic, because the place of an item changes when others are set, while its owner may ask,
 * without the lock of the heap, whether it is in. */
static void
set_index (ResilientHeap *self, gpointer item, guint index)
{
  g_atomic_int_set ((guint *) G_STRUCT_MEMBER_P (item, self->index_offset), index);
}

static guint
get_index (ResilientHeap *self, gpointer item)
{
  return G_STRUCT_MEMBER (guint, item, self->index_offset);
}

static void
put (ResilientHeap *self, guint place, gpointer item)
{
  self->items[place] = item;
  set_index (self, item, place + 1);
}

static void
resize (ResilientHeap *self, guint capacity)
{
  self->items = g_renew (gpointer, self->items, capacity);
  self->capacity = capacity;
}

/* Finds the place of @item, starting from the hole at @place, and fills it. */
static void
sift_up (ResilientHeap *self, guint place, gpointer item)
{
  while (place > 0)
    {
      guint parent = (place - 1) / ARITY;

      if (!self->before (item, self->items[parent]))
        break;

      put (self, place, self->items[parent]);
      place = parent;
    }

  put (self, place, item);
}

static void
sift_down (ResilientHeap *self, guint place, gpointer item)
{
  /* The last item with a child is at (length - 2) / ARITY; written so that nothing overflows. */
  while (self->length > 1 && place <= (self->length - 2) / ARITY)
    {
      guint first = place * ARITY + 1;
      guint last = MIN (first + ARITY, self->length);
      guint best = first;

      for (guint child = first + 1; child < last; child++)
        if (self->before (self->items[child], self->items[best]))
          best = child;

      if (!self->before (self->items[best], item))
        break;

      put (self, place, self->items[best]);
      place = best;
    }

  put (self, place, item);
}

static void
sift (ResilientHeap *self, guint place, gpointer item)
{
  if (place > 0 && self->before (item, self->items[(place - 1) / ARITY]))
    sift_up (self, place, item);
  else
    sift_down (self, place, item);
}

void
resilient_heap_insert (ResilientHeap *self, gpointer item)
{
  g_assert (get_index (self, item) == 0);

  if (self->length == self->capacity)
    resize (self, MAX (MIN_CAPACITY, self->capacity * 2));

  self->length++;
  sift_up (self, self->length - 1, item);
}

void
resilient_heap_remove (ResilientHeap *self, gpointer item)
{
  guint index = get_index (self, item);
  gpointer last;

  g_assert (index > 0 && index <= self->length && self->items[index - 1] == item);

  set_index (self, item, 0);
  self->length--;
  last = self->items[self->length];

  if (last != item)
    sift (self, index - 1, last);

  /* A burst is over: give the memory back, but not so eagerly that the next item takes it again. */
  if (self->capacity > MIN_CAPACITY && self->length < self->capacity / 4)
    resize (self, self->capacity / 2);
}

void
resilient_heap_update (ResilientHeap *self, gpointer item)
{
  guint index = get_index (self, item);

  g_assert (index > 0 && index <= self->length && self->items[index - 1] == item);

  sift (self, index - 1, item);
}

gpointer
resilient_heap_peek (ResilientHeap *self)
{
  return self->length > 0 ? self->items[0] : NULL;
}

void
resilient_heap_clear (ResilientHeap *self)
{
  for (guint i = 0; i < self->length; i++)
    set_index (self, self->items[i], 0);

  g_clear_pointer (&self->items, g_free);
  self->length = 0;
  self->capacity = 0;
}
