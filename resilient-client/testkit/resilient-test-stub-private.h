/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-test-attempt.h"
#include "resilient-test-seams-private.h"

G_BEGIN_DECLS

/* How an attempt ends. Immutable once it is in a stub; atomically refcounted. */
typedef struct
{
  GError *error; /* NULL: a response */
  guint status;
  ResilientHeaders *headers; /* nullable */
  GBytes *body;              /* nullable */
  double takes;              /* seconds; less than 0: never ends by itself */
  gboolean nothing_sent;
  gboolean http2;
  double released_after; /* seconds after its end: as libsoup may hold on to it */
} ResilientTestEnd;

/* The other maker of attempts. Any thread; each attempt belongs to its driving context. */
typedef struct _ResilientTestStub ResilientTestStub;

struct _ResilientTestStub
{
  ResilientTransport parent;
  gint64 created; /* on the boot-time clock; constant */
  GWeakRef owner; /* a ResilientTestTransport */

  /* Under the lock of all stubs. */
  GHashTable *lines; /* URI, "" for any → GPtrArray of ends */
  GHashTable *next;  /* the same → how many of them were taken */
  GPtrArray *attempts;
  GHashTable *numbers; /* ResilientFrozenRequest → how many attempts of it; kept by the attempts */
  guint n_started;
  guint n_live;
  guint max_live;
  guint n_discarded;
  guint n_new_connections;
};

ResilientTestEnd *resilient_test_end_new (void);
void resilient_test_end_unref (ResilientTestEnd *end);
/* Lines "Name: value". */
gboolean resilient_test_end_headers_are_valid (const char *const *headers);
ResilientTestEnd *resilient_test_end_new_response (guint status,
                                                   const char *const *headers,
                                                   GBytes *body,
                                                   double takes);
ResilientTestEnd *resilient_test_end_new_error (const GError *error, gboolean sent, double takes);
ResilientTestEnd *resilient_test_end_new_hang (gboolean sent);
/* Seconds; -1 = none. */
double resilient_test_end_get_retry_after (ResilientTestEnd *end);

/* One lock guards all stubs, and what their transport attempts share with other threads: an
 * attempt outlives its stub. */
void resilient_test_stub_lock (void);
void resilient_test_stub_unlock (void);

ResilientTestStub *resilient_test_stub_new (void);
/* Takes @end. A NULL @uri: for attempts of URIs without a line of their own. */
void resilient_test_stub_add (ResilientTestStub *self, const char *uri, ResilientTestEnd *end);
/* The next end for @uri, or NULL; transfer full. With the lock held. */
ResilientTestEnd *resilient_test_stub_take (ResilientTestStub *self, const char *uri);
void resilient_test_stub_clear (ResilientTestStub *self);

/* resilient-test-transport-attempt.c */
typedef struct _ResilientTestTransportAttempt ResilientTestTransportAttempt;
ResilientTransportAttempt *
resilient_test_transport_attempt_start (ResilientTransport *transport,
                                        const ResilientTransportAttemptParams *params,
                                        ResilientTimerQueue *timers,
                                        const ResilientTransportAttemptFuncs *funcs,
                                        gpointer data);
void resilient_test_transport_attempt_abandon (ResilientTransportAttempt *attempt);
/* Says how it ends. Any thread, with the lock held. FALSE: it was said before. */
gboolean
resilient_test_transport_attempt_plan (ResilientTestTransportAttempt *self, ResilientTestEnd *end);

/* resilient-test-attempt.c */
ResilientTestAttempt *resilient_test_attempt_new (ResilientFrozenRequest *frozen,
                                                  ResilientHeaders *headers,
                                                  guint number,
                                                  double time);
void resilient_test_attempt_set_body (ResilientTestAttempt *self, GBytes *body);
/* With the lock held; NULL: it is over. */
void resilient_test_attempt_set_attempt (ResilientTestAttempt *self,
                                         ResilientTestTransportAttempt *attempt);

G_END_DECLS
