/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "engine-fixture.h"
#include "resilient-call-list-private.h"

/* The list of live calls tells of every change, in the home context, so that a mirror of it stays
 * the same. */

static void
mirror_cb (GListModel *model, guint position, guint removed, guint added, GPtrArray *mirror)
{
  if (removed > 0)
    g_ptr_array_remove_range (mirror, position, removed);
  for (guint i = 0; i < added; i++)
    {
      g_autoptr (ResilientCall) call = g_list_model_get_item (model, position + i);

      g_assert_nonnull (call);
      g_ptr_array_insert (mirror, position + i, call);
    }
}

static void
assert_same (GListModel *model, GPtrArray *mirror)
{
  g_assert_cmpuint (g_list_model_get_n_items (model), ==, mirror->len);
  for (guint i = 0; i < mirror->len; i++)
    {
      g_autoptr (ResilientCall) call = g_list_model_get_item (model, i);

      g_assert_true (call == mirror->pdata[i]);
    }
}

static void
test_mirror (Fixture *f, gconstpointer data)
{
  ResilientCall *calls[200];
  g_autoptr (ResilientCallList) list = NULL;
  g_autoptr (GPtrArray) mirror = g_ptr_array_new ();

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 1, 1, 1000);
  add_step (f->stub, (Step) STEP_HANG);
  for (guint i = 0; i < 100; i++)
    calls[i] = start (f);

  list = resilient_call_list_new (f->engine);
  g_assert_true (g_list_model_get_item_type (G_LIST_MODEL (list)) == RESILIENT_TYPE_CALL);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (list)), ==, 100);
  for (guint i = 0; i < 100; i++)
    g_ptr_array_add (mirror, calls[i]);
  g_signal_connect (list, "items-changed", G_CALLBACK (mirror_cb), mirror);

  for (guint i = 100; i < 200; i++)
    {
      calls[i] = start (f);
      if (i % 3 == 0)
        resilient_call_cancel (calls[i - 50]);
      if (i % 7 == 0)
        test_run_pending ();
    }
  test_run_pending ();
  assert_same (G_LIST_MODEL (list), mirror);
  g_assert_cmpuint (mirror->len, ==, 200 - 33);

  for (guint i = 0; i < 200; i++)
    resilient_call_cancel (calls[i]);
  test_run_pending ();
  g_assert_cmpuint (mirror->len, ==, 0);
  assert_same (G_LIST_MODEL (list), mirror);
  g_assert_null (g_list_model_get_item (G_LIST_MODEL (list), 0));

  for (guint i = 0; i < 200; i++)
    g_object_unref (calls[i]);
}

/* Turning the loop inside a handler must not tell of changes twice, or out of order. */
static void
nested_cb (GListModel *model, guint position, guint removed, guint added, gpointer data)
{
  test_run_pending ();
}

static void
test_nested (Fixture *f, gconstpointer data)
{
  ResilientCall *calls[20];
  g_autoptr (ResilientCallList) list = resilient_call_list_new (f->engine);
  g_autoptr (GPtrArray) mirror = g_ptr_array_new ();

  add_step (f->stub, (Step) STEP_HANG);
  g_signal_connect (list, "items-changed", G_CALLBACK (mirror_cb), mirror);
  g_signal_connect (list, "items-changed", G_CALLBACK (nested_cb), NULL);
  for (guint i = 0; i < 20; i++)
    calls[i] = start (f);
  for (guint i = 0; i < 20; i += 2)
    resilient_call_cancel (calls[i]);
  test_run_pending ();
  assert_same (G_LIST_MODEL (list), mirror);
  g_assert_cmpuint (mirror->len, ==, 10);

  for (guint i = 0; i < 20; i++)
    {
      resilient_call_cancel (calls[i]);
      g_object_unref (calls[i]);
    }
}

/* A list that was dropped hears nothing, and may be made again. */
static void
test_again (Fixture *f, gconstpointer data)
{
  ResilientCallList *list = resilient_call_list_new (f->engine);
  g_autoptr (ResilientCall) call = NULL;

  add_step (f->stub, (Step) STEP_HANG);
  call = start (f);
  g_assert_finalize_object (list);
  test_run_pending ();

  list = resilient_call_list_new (f->engine);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (list)), ==, 1);
  resilient_call_cancel (call);
  test_run_pending ();
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (list)), ==, 0);
  g_assert_finalize_object (list);
}

/* Whoever keeps the list sees the last calls leave it, though nobody else knows of the engine any
 * more. */
static void
test_outlives (Fixture *f, gconstpointer data)
{
  ResilientEngine *engine = resilient_engine_new (g_main_context_default (), NULL);
  ResilientCallList *list = resilient_call_list_new (engine);
  g_autoptr (ResilientFrozenRequest) frozen =
    resilient_frozen_request_new ("GET", "http://localhost/", NULL);
  g_autoptr (ResilientCall) call = NULL;

  add_step (f->stub, (Step) STEP_HANG);
  use_stub (engine, f->stub);
  call = resilient_call_start (engine, resilient_engine_get_home (engine), frozen, NULL, NULL);
  test_run_pending ();
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (list)), ==, 1);

  resilient_engine_unref (engine);
  resilient_call_cancel (call);
  g_clear_object (&call);
  test_run_pending ();
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (list)), ==, 0);
  g_assert_finalize_object (list);
}

/* What the home context has yet to do keeps neither the list nor the engine. */
static void
test_dropped_before_its_turn (Fixture *f, gconstpointer data)
{
  ResilientCallList *list = resilient_call_list_new (f->engine);
  g_autoptr (ResilientCall) call = NULL;

  add_step (f->stub, (Step) STEP_HANG);
  call = start (f);
  g_assert_finalize_object (list);
  resilient_call_cancel (call);
  test_run_pending ();
}

/* Bindings may dispose what others still hold, and twice: it tells of no change any more. */
static void
test_disposed (Fixture *f, gconstpointer data)
{
  ResilientCallList *list = resilient_call_list_new (f->engine);
  g_autoptr (GPtrArray) mirror = g_ptr_array_new ();
  g_autoptr (ResilientCall) call = NULL;

  add_step (f->stub, (Step) STEP_HANG);
  g_signal_connect (list, "items-changed", G_CALLBACK (mirror_cb), mirror);
  call = start (f);
  g_object_run_dispose (G_OBJECT (list));
  g_object_run_dispose (G_OBJECT (list));
  test_run_pending ();
  resilient_call_cancel (call);
  test_run_pending ();
  g_assert_cmpuint (mirror->len, ==, 0);
  g_assert_finalize_object (list);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func)                                                                            \
  g_test_add ("/call-list/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("mirror", test_mirror);
  ADD ("nested", test_nested);
  ADD ("again", test_again);
  ADD ("outlives", test_outlives);
  ADD ("dropped-before-its-turn", test_dropped_before_its_turn);
  ADD ("disposed", test_disposed);

  return g_test_run ();
}
