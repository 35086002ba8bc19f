/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-call-private.h"
#include "test-clock.h"
#include "test-step.h"
#include "test-util.h"

G_BEGIN_DECLS

/* An engine over scripted attempts in virtual time, in the default main context. */
typedef struct
{
  ResilientEngine *engine;
  ResilientTestStub *stub;
  ResilientSubscription *events;
} Fixture;

void fixture_set_up (Fixture *f, gconstpointer data);
/* Nothing may be left ten seconds later: no call, no slot. */
void fixture_tear_down (Fixture *f, gconstpointer data);

/* What calls are held to from now on. */
void fixture_set_policy (Fixture *f, ResilientRetryPolicy *policy);
void fixture_set_timeouts (Fixture *f, double queue_timeout, double total_timeout);

/* A GET; transfer full. */
ResilientCall *start_uri (Fixture *f, const char *uri);
ResilientCall *start (Fixture *f);

/* The types of all events so far, as nicks. */
char *take_events (Fixture *f);
void clear_events (Fixture *f);

#define assert_events(f, expected)                                                                 \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *events_ = take_events (f);                                                    \
    g_assert_cmpstr (events_, ==, expected);                                                       \
  }                                                                                                \
  G_STMT_END

/* For resilient_call_wait_async(): counts up the guint that is its @user_data. */
void count_cancelled_cb (GObject *source, GAsyncResult *result, gpointer user_data);

G_END_DECLS
