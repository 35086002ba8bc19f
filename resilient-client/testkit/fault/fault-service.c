/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The begin and the end of a request, whichever version of HTTP it is of: it is counted, recorded,
 * and gets its script. It owns nothing. In the thread of the connection or of the stream. */

#include "config.h"

#include "fault-service-private.h"

FaultScript *
fault_service_begin (FaultService *self,
                     FaultStream *stream,
                     const char *method,
                     const char *path,
                     const char *version,
                     char **headers)
{
  FaultScript *script;

  fault_connection_add_busy (stream->connection, 1);
  script = self->choose_script (path, &stream->last, self->server);
  stream->index = fault_log_begin (
    self->log, fault_connection_get_number (stream->connection), method, path, version, headers);

  return script;
}

void
fault_service_end (FaultService *self, FaultStream *stream, FaultScript *script)
{
  fault_script_unref (script);
  fault_connection_add_busy (stream->connection, -1);
}
