/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-call-private.h"
#include "scripted-transport.h"
#include "test-clock.h"
#include "test-util.h"

/* A engine over scripted attempts in virtual time, in the default main context. */
typedef struct
{
  ResilientEngine *engine;
  ScriptedTransport *script;
  ResilientSubscription *events;
} Fixture;

static inline void
fixture_set_up (Fixture *f, gconstpointer data)
{
  test_clock_install ();
  f->engine = resilient_engine_new (g_main_context_default (), NULL);
  f->script = scripted_transport_new ();
  resilient_engine_set_transport (f->engine, &f->script->parent);
  f->events = resilient_recorder_subscribe (resilient_engine_get_recorder (f->engine), 1000);
}

static inline void
fixture_tear_down (Fixture *f, gconstpointer data)
{
  test_clock_run (10);
  g_assert_cmpuint (resilient_engine_count_calls (f->engine), ==, 0);
  g_assert_cmpuint (resilient_gate_get_active (resilient_engine_get_gate (f->engine)), ==, 0);
  g_assert_cmpuint (resilient_gate_get_pending (resilient_engine_get_gate (f->engine)), ==, 0);
  g_assert_finalize_object (f->events);
  resilient_engine_unref (f->engine);
  resilient_transport_unref (&f->script->parent);
  test_run_pending ();
  test_clock_uninstall ();
}

/* What calls are held to from now on. */
static inline void
fixture_set_policy (Fixture *f, ResilientRetryPolicy *policy)
{
  ResilientSettings *settings = resilient_engine_lock_settings (f->engine);

  resilient_retry_policy_unref (settings->retry_policy);
  settings->retry_policy = resilient_retry_policy_ref (policy);
  resilient_engine_unlock_settings (f->engine);
}

static inline void
fixture_set_timeouts (Fixture *f, double queue_timeout, double total_timeout)
{
  ResilientCallOptions *options = resilient_engine_lock_settings (f->engine)->limits;

  options->queue_timeout = queue_timeout;
  options->total_timeout = total_timeout;
  resilient_engine_unlock_settings (f->engine);
}

static inline ResilientCall *
start_uri (Fixture *f, const char *uri)
{
  g_autoptr (ResilientFrozenRequest) frozen = resilient_frozen_request_new ("GET", uri, NULL);

  return resilient_call_start (
    f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
}

static inline ResilientCall *
start (Fixture *f)
{
  return start_uri (f, "http://localhost/");
}

/* The types of all events so far, as nicks. */
static inline char *
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

static inline void
clear_events (Fixture *f)
{
  g_free (take_events (f));
}

#define assert_events(f, expected)                                                                 \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *events_ = take_events (f);                                                    \
    g_assert_cmpstr (events_, ==, expected);                                                       \
  }                                                                                                \
  G_STMT_END

static inline void
count_cancelled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (resilient_call_wait_finish (RESILIENT_CALL (source), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  ++*(guint *) user_data;
}
