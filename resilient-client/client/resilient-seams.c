/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-seams-private.h"

#include "resilient-client-private.h"
#include "resilient-version.h"

gboolean
resilient_client_set_transport (ResilientClient *self, ResilientTransport *transport)
{
  ResilientEngine *engine = self->engine;
  gboolean is_first;

  g_mutex_lock (&engine->lock);
  is_first = engine->transport == NULL;
  g_mutex_unlock (&engine->lock);

  if (is_first)
    resilient_engine_set_transport (engine, transport);
  return is_first;
}

void
resilient_seams_offer (GType client_type)
{
#define RESILIENT_SEAM_VALUE(function) .function = function,
  static const ResilientSeams seams = { .size = sizeof (ResilientSeams),
                                        .version = RESILIENT_VERSION_S,
                                        RESILIENT_SEAMS (RESILIENT_SEAM_VALUE) };
#undef RESILIENT_SEAM_VALUE

  g_type_set_qdata (client_type, RESILIENT_SEAMS_QUARK, (gpointer) &seams);
}
