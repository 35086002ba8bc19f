/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The origins of a client as a list model. It lives in the home context; the table, which makes
 * origins in any thread, only says that there is something to take over. What the list has is
 * forgotten by the table in the home context alone, together with its place in the list: nobody
 * gets an origin from the list that the table has forgotten. */

#include "config.h"

#include "resilient-origin-list-private.h"

#include "resilient-fork-private.h"

struct _ResilientOriginList
{
  GObject parent_instance;

  ResilientOriginTable *table; /* owned, nullable */
  GPtrArray *origins;          /* owned references */
  guint64 n_taken;             /* of the origins that the table ever made */
  guint generation;            /* of the process; see resilient-fork-private.h */
};

static GType
resilient_origin_list_get_item_type (GListModel *model)
{
  return RESILIENT_TYPE_ORIGIN;
}

static guint
resilient_origin_list_get_n_items (GListModel *model)
{
  return RESILIENT_ORIGIN_LIST (model)->origins->len;
}

static gpointer
resilient_origin_list_get_item (GListModel *model, guint position)
{
  GPtrArray *origins = RESILIENT_ORIGIN_LIST (model)->origins;

  return position < origins->len ? g_object_ref (origins->pdata[position]) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = resilient_origin_list_get_item_type;
  iface->get_n_items = resilient_origin_list_get_n_items;
  iface->get_item = resilient_origin_list_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (ResilientOriginList,
                               resilient_origin_list,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
resilient_origin_list_dispose (GObject *object)
{
  ResilientOriginList *self = RESILIENT_ORIGIN_LIST (object);

  /* a thread that is not here may have had the table's lock */
  if (resilient_fork_is_foreign (self->generation, NULL))
    self->table = NULL;
  if (self->table != NULL)
    resilient_origin_table_watch (self->table, NULL, NULL);
  g_clear_pointer (&self->table, resilient_origin_table_unref);
  g_ptr_array_set_size (self->origins, 0);

  G_OBJECT_CLASS (resilient_origin_list_parent_class)->dispose (object);
}

static void
resilient_origin_list_finalize (GObject *object)
{
  g_ptr_array_unref (RESILIENT_ORIGIN_LIST (object)->origins);

  G_OBJECT_CLASS (resilient_origin_list_parent_class)->finalize (object);
}

static void
resilient_origin_list_class_init (ResilientOriginListClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = resilient_origin_list_dispose;
  object_class->finalize = resilient_origin_list_finalize;
}

static void
resilient_origin_list_init (ResilientOriginList *self)
{
  self->origins = g_ptr_array_new_with_free_func (g_object_unref);
  self->generation = resilient_fork_get_generation ();
}

ResilientOriginList *
resilient_origin_list_new (ResilientOriginTable *table,
                           ResilientOriginTableChanged changed,
                           gpointer data)
{
  ResilientOriginList *self = g_object_new (RESILIENT_TYPE_ORIGIN_LIST, NULL);

  if (table == NULL)
    return self;

  self->table = resilient_origin_table_ref (table);
  resilient_origin_table_watch (table, changed, data);
  resilient_origin_table_take (table, &self->n_taken, self->origins);

  return self;
}

void
resilient_origin_list_update (ResilientOriginList *self)
{
  /* A handler may drop the list, or run a main loop in which this runs again. */
  g_autoptr (ResilientOriginList) held G_GNUC_UNUSED = g_object_ref (self);
  ResilientOrigin *forgotten;
  guint before = self->origins->len, position = 0;

  if (self->table == NULL || resilient_fork_is_foreign (self->generation, NULL))
    return;

  resilient_origin_table_take (self->table, &self->n_taken, self->origins);
  if (self->origins->len > before)
    g_list_model_items_changed (G_LIST_MODEL (self), before, 0, self->origins->len - before);

  while (self->table != NULL
         && (forgotten = resilient_origin_table_forget_listed (self->table)) != NULL)
    {
      if (g_ptr_array_find (self->origins, forgotten, &position))
        {
          g_ptr_array_remove_index (self->origins, position);
          g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
        }
      g_object_unref (forgotten);
    }
}
