/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "engine-fixture.h"

void
fixture_set_up (Fixture *f, gconstpointer data)
{
  test_clock_install ();
  f->engine = resilient_engine_new (g_main_context_default (), NULL);
  f->stub = resilient_test_stub_new ();
  use_stub (f->engine, f->stub);
  f->events = resilient_recorder_subscribe (resilient_engine_get_recorder (f->engine), 1000);
}

void
fixture_tear_down (Fixture *f, gconstpointer data)
{
  test_clock_run (10);
  g_assert_cmpuint (resilient_engine_count_calls (f->engine), ==, 0);
  g_assert_cmpuint (resilient_gate_get_active (resilient_engine_get_gate (f->engine)), ==, 0);
  g_assert_cmpuint (resilient_gate_get_pending (resilient_engine_get_gate (f->engine)), ==, 0);
  g_assert_finalize_object (f->events);
  resilient_engine_unref (f->engine);
  resilient_test_stub_unref (f->stub);
  test_run_pending ();
  test_clock_uninstall ();
}

void
fixture_set_policy (Fixture *f, ResilientRetryPolicy *policy)
{
  ResilientSettings *settings = resilient_engine_lock_settings (f->engine);

  resilient_retry_policy_unref (settings->retry_policy);
  settings->retry_policy = resilient_retry_policy_ref (policy);
  resilient_engine_unlock_settings (f->engine);
}

void
fixture_set_timeouts (Fixture *f, double queue_timeout, double total_timeout)
{
  ResilientCallOptions *options = resilient_engine_lock_settings (f->engine)->options;

  options->queue_timeout = queue_timeout;
  options->total_timeout = total_timeout;
  resilient_engine_unlock_settings (f->engine);
}

ResilientCall *
start_uri (Fixture *f, const char *uri)
{
  g_autoptr (ResilientFrozenRequest) frozen = resilient_frozen_request_new ("GET", uri, NULL);

  return resilient_call_start (
    f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
}

ResilientCall *
start (Fixture *f)
{
  return start_uri (f, "http://localhost/");
}

char *
take_events (Fixture *f)
{
  g_autoptr (GEnumClass) types = g_type_class_ref (RESILIENT_TYPE_EVENT_TYPE);
  GString *text = g_string_new (NULL);
  ResilientEvent *event;

  while ((event = resilient_subscription_try_next (f->events)) != NULL)
    {
      if (text->len > 0)
        g_string_append_c (text, ' ');
      g_string_append (
        text, g_enum_get_value (types, resilient_event_get_event_type (event))->value_nick);
      resilient_event_unref (event);
    }

  return g_string_free (text, FALSE);
}

void
clear_events (Fixture *f)
{
  g_free (take_events (f));
}

void
count_cancelled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (resilient_call_wait_finish (RESILIENT_CALL (source), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  ++*(guint *) user_data;
}
