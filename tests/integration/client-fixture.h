/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <resilient.h>

#include "fault-server.h"
#include "test-util.h"

G_BEGIN_DECLS

/* A server, a client that trusts it, and every event that the client signalled. */
typedef struct
{
  FaultServer *server;
  ResilientClient *client;
  GPtrArray *events; /* of ResilientEvent, in order of emission */
} ClientFixture;

/* @flags: FaultServerFlags in a pointer. */
void client_fixture_set_up (ClientFixture *self, gconstpointer flags);
/* Closes the client, and checks that nothing holds it and that each request had one last event. */
void client_fixture_tear_down (ClientFixture *self, gconstpointer flags);
/* Closes @client without grace and lets go of the last reference. */
void client_dispose (ResilientClient *client);

typedef void (*ClientTestFunc) (ClientFixture *self, gconstpointer flags);

typedef struct
{
  const char *path;
  ClientTestFunc test;
  FaultServerFlags flags;
} ClientTest;

void client_tests_add (const ClientTest *tests, gsize n_tests);
/* The main function of a table of tests. */
int client_tests_run (int argc, char **argv, const ClientTest *tests, gsize n_tests);

/* Policies that don't keep a test waiting: the default and the standard one with delays of
 * milliseconds. */
ResilientRetryPolicy *quick_policy (int max_retries);
ResilientRetryPolicy *quick_standard_policy (int max_retries);
/* A policy that sleeps for minutes: for tests that end the sleep themselves. */
ResilientRetryPolicy *sleepy_policy (int max_retries);
ResilientRequestContext *context_new (const char *id, ResilientRetryPolicy *policy);

/* Asynchronous calls of the client, run to their end. */
ResilientResponse *client_get (ClientFixture *self,
                               const char *path,
                               ResilientRequestContext *context,
                               GError **error);
ResilientResponse *client_send (ClientFixture *self,
                                ResilientRequest *request,
                                ResilientRequestContext *context,
                                GError **error);
ResilientRequest *request_new (ClientFixture *self, const char *method, const char *path);
/* The answer must be there, with that status and body. */
void assert_response (ResilientResponse *response, guint status, const char *body);

/* Starts a GET whose result goes to @result. */
void client_start_get (ClientFixture *self,
                       const char *path,
                       ResilientRequestContext *context,
                       GCancellable *cancellable,
                       TestResult *result);
ResilientResponse *client_end_get (ClientFixture *self, TestResult *result, GError **error);
ResilientResponse *call_wait (ResilientCall *call, GError **error);
void call_wait_state (ResilientCall *call, ResilientCallState state);

/* The stored result, which must be there, as it must be. */
ResilientResult *assert_result (ClientFixture *self,
                                const char *id,
                                ResilientResultStatus status,
                                ResilientFailure failure,
                                guint attempts);

/* Counts events of @type, of one request or with NULL of all. */
guint count_events (ClientFixture *self, ResilientEventType type, const char *id);
/* Runs until so many last events were signalled. */
void wait_last_events (ClientFixture *self, guint n);
ResilientEvent *find_event (ClientFixture *self, ResilientEventType type, const char *id, guint n);

void client_close (ClientFixture *self, double grace);

G_END_DECLS
