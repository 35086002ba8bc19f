/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-origin-list-private.h"

#include "resilient-fork-private.h"
#include "resilient-gate-state-private.h"

/* The origins of a client as a list model. It lives in the home context; the gate, which makes
 * origins in any thread, only says that there is something to take over. What the list has is
 * forgotten by the gate in the home context alone, together with its place in the list: nobody gets
 * an origin from the list that the gate has forgotten. */

struct _ResilientOriginList
{
  GObject parent_instance;

  ResilientGate *gate; /* set once: its memory, not a user's reference; NULL in a forked child */
  GPtrArray *origins;  /* owned references */
  guint64 n_taken;     /* of the origins that the gate ever made */
  guint generation;    /* of the process; see resilient-fork-private.h */
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

  /* a thread that is not here may have had the gate's lock */
  if (self->generation != resilient_fork_get_generation ())
    self->gate = NULL;
  if (self->gate != NULL)
    resilient_gate_watch_origins (self->gate, NULL, NULL);
  g_clear_pointer (&self->gate, resilient_gate_release);
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
resilient_origin_list_new (ResilientGate *gate, ResilientGateOriginsChanged changed, gpointer data)
{
  ResilientOriginList *self = g_object_new (RESILIENT_TYPE_ORIGIN_LIST, NULL);

  if (gate == NULL)
    return self;

  self->gate = resilient_gate_acquire (gate);
  resilient_gate_watch_origins (gate, changed, data);
  resilient_gate_take_origins (gate, &self->n_taken, self->origins);

  return self;
}

void
resilient_origin_list_update (ResilientOriginList *self)
{
  /* A handler may drop the list, or run a main loop in which this runs again. */
  g_autoptr (ResilientOriginList) held G_GNUC_UNUSED = g_object_ref (self);
  ResilientOrigin *forgotten;
  guint before = self->origins->len, position = 0;

  if (self->gate == NULL || self->generation != resilient_fork_get_generation ())
    return;

  resilient_gate_take_origins (self->gate, &self->n_taken, self->origins);
  if (self->origins->len > before)
    g_list_model_items_changed (G_LIST_MODEL (self), before, 0, self->origins->len - before);

  while (self->gate != NULL && (forgotten = resilient_gate_forget_listed (self->gate)) != NULL)
    {
      if (g_ptr_array_find (self->origins, forgotten, &position))
        {
          g_ptr_array_remove_index (self->origins, position);
          g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
        }
      g_object_unref (forgotten);
    }
}
