/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What those who speak with a client need of the server that they do it for: so that they know
 * nothing else of it. Set once, for any thread. */

#pragma once

#include "fault-script.h"
#include "fault-stream-private.h"

G_BEGIN_DECLS

typedef struct
{
  FaultServerFlags flags;
  FaultLog *log;
  GTlsCertificate *certificates[FAULT_CERTIFICATE_WRONG_HOST + 1]; /* NULL without TLS */
  /* What a request to @path is met with. @last: no other request may come on its connection. */
  FaultScript *(*choose_script) (const char *path, gboolean *last, gpointer server);
  gpointer server;
} FaultService;

/* A request has come: @stream answers it by the script that is returned. Takes @headers. */
FaultScript *fault_service_begin (FaultService *self,
                                  FaultStream *stream,
                                  const char *method,
                                  const char *path,
                                  const char *version,
                                  char **headers);
/* It is answered, or never will be. */
void fault_service_end (FaultService *self, FaultStream *stream, FaultScript *script);

G_END_DECLS
