/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The other maker of attempts: no sockets; each attempt ends as a script says, or as somebody says
 * who is asked. A stub is used in any thread; each attempt belongs to its driving context. */

#pragma once

#include "resilient-test-attempt-private.h"

G_BEGIN_DECLS

typedef struct _ResilientTestStub ResilientTestStub;

ResilientTestStub *resilient_test_stub_new (void);
ResilientTestStub *resilient_test_stub_ref (ResilientTestStub *self);
void resilient_test_stub_unref (ResilientTestStub *self);
/* What a client or an engine sends through; transfer none. */
ResilientTransport *resilient_test_stub_get_transport (ResilientTestStub *self);

/* Asked about each attempt before the script, in its driving context. @owner is not kept alive, and
 * nobody is asked when it has gone. Without a function the script says as each attempt starts, and
 * must have an end for it; else in the first turn after that, where it may have none. */
typedef void (*ResilientTestAskFunc) (GObject *owner, ResilientTestAttempt *attempt);
void resilient_test_stub_set_ask_func (ResilientTestStub *self,
                                       ResilientTestAskFunc func,
                                       GObject *owner);

/* Takes @end, for the next attempt; the last one repeats. A NULL @uri: for attempts of URIs without
 * a line of their own. */
void resilient_test_stub_add (ResilientTestStub *self, const char *uri, ResilientTestEnd *end);
/* Forgets what was added, and keeps what was counted; live attempts go on. */
void resilient_test_stub_clear_steps (ResilientTestStub *self);
/* Forgets what was added and what was counted; live attempts go on. */
void resilient_test_stub_clear (ResilientTestStub *self);

/* Whether attempts are listed, and numbered by their requests (TRUE): for a test that makes more
 * than it wants to see. Before the first one. */
void resilient_test_stub_set_keeps_attempts (ResilientTestStub *self, gboolean keeps);

guint resilient_test_stub_get_started (ResilientTestStub *self);
guint resilient_test_stub_get_live (ResilientTestStub *self);
guint resilient_test_stub_get_max_live (ResilientTestStub *self);
/* Responses whose body nobody wanted; attempts that were to use a new connection. */
guint resilient_test_stub_get_discarded (ResilientTestStub *self);
guint resilient_test_stub_get_new_connections (ResilientTestStub *self);
/* Of ResilientTestAttempt, oldest first; transfer full. */
GPtrArray *resilient_test_stub_list_attempts (ResilientTestStub *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientTestStub, resilient_test_stub_unref)

G_END_DECLS
