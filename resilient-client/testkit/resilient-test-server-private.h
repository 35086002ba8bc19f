/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What the sources of the test server share. All of it is set once, before anybody else has the
 * server. */

#pragma once

#include "fault-server.h"
#include "resilient-test-server.h"

G_BEGIN_DECLS

struct _ResilientTestServer
{
  GObject parent_instance;

  /* Set once, by construction and initialisation. */
  ResilientTestServerFlags flags;
  FaultServer *server; /* for any thread; NULL before initialisation */
  GTlsDatabase *database;
  GTlsCertificate *authority;
  GTlsCertificate *client_certificate;
};

G_END_DECLS
