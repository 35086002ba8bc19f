/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-heap-private.h"

typedef struct
{
  int key;
  guint order;
  guint index;
} Item;

static guint n_comparisons;

static gboolean
item_is_before (gconstpointer a, gconstpointer b)
{
  const Item *first = a;
  const Item *second = b;

  n_comparisons++;

  return first->key != second->key ? first->key < second->key : first->order < second->order;
}

static void
assert_heap (ResilientHeap *heap)
{
  for (guint i = 0; i < heap->length; i++)
    {
      Item *item = heap->items[i];

      g_assert_cmpuint (item->index, ==, i + 1);
      if (i > 0)
        g_assert_false (item_is_before (item, heap->items[(i - 1) / 4]));
    }
}

/* Against the plainest of models: a search through everything. */
static void
test_model (void)
{
  ResilientHeap heap = RESILIENT_HEAP_INIT (item_is_before, Item, index);
  g_autofree Item *items = g_new0 (Item, 300);
  g_autoptr (GRand) rand = g_rand_new_with_seed (4);
  guint order = 0;

  g_assert_null (resilient_heap_peek (&heap));

  for (guint step = 0; step < 20000; step++)
    {
      Item *item = &items[g_rand_int_range (rand, 0, 300)];
      Item *first = NULL;
      guint length = 0;

      /* Mostly growing, then mostly shrinking, in turn. */
      if (item->index == 0)
        {
          if (g_rand_int_range (rand, 0, 10) < (step / 2000 % 2 == 0 ? 9 : 2))
            {
              item->key = g_rand_int_range (rand, -20, 20);
              item->order = order++;
              resilient_heap_insert (&heap, item);
            }
        }
      else if (g_rand_boolean (rand))
        {
          item->key = g_rand_int_range (rand, -20, 20);
          resilient_heap_update (&heap, item);
        }
      else if (g_rand_int_range (rand, 0, 10) < (step / 2000 % 2 == 0 ? 2 : 9))
        {
          resilient_heap_remove (&heap, item);
          g_assert_cmpuint (item->index, ==, 0);
        }

      for (guint i = 0; i < 300; i++)
        if (items[i].index != 0)
          {
            length++;
            if (first == NULL || item_is_before (&items[i], first))
              first = &items[i];
          }

      g_assert_cmpuint (heap.length, ==, length);
      g_assert_true (resilient_heap_peek (&heap) == first);
      if (step % 100 == 0)
        assert_heap (&heap);
    }

  resilient_heap_clear (&heap);
  for (guint i = 0; i < 300; i++)
    g_assert_cmpuint (items[i].index, ==, 0);
}

/* O(log n): counted, not timed. */
static void
test_cost (void)
{
  const guint n = 1 << 17;
  ResilientHeap heap = RESILIENT_HEAP_INIT (item_is_before, Item, index);
  g_autofree Item *items = g_new0 (Item, n);
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  Item *previous = NULL;

  n_comparisons = 0;
  for (guint i = 0; i < n; i++)
    {
      items[i] = (Item){ .key = g_rand_int_range (rand, 0, 1000), .order = i };
      resilient_heap_insert (&heap, &items[i]);
    }
  /* A random one rises one level or so. */
  g_assert_cmpuint (n_comparisons, <, 4 * n);

  n_comparisons = 0;
  for (Item *item; (item = resilient_heap_peek (&heap)) != NULL; previous = item)
    {
      if (previous != NULL)
        g_assert_true (item_is_before (previous, item));
      resilient_heap_remove (&heap, item);
    }
  /* Nine levels of four comparisons, and some. */
  g_assert_cmpuint (n_comparisons, <, 48 * n);

  /* A burst leaves no memory behind. */
  g_assert_cmpuint (heap.capacity, <=, 16);
  resilient_heap_clear (&heap);
  g_assert_null (heap.items);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/heap/model", test_model);
  g_test_add_func ("/heap/cost", test_cost);

  return g_test_run ();
}
