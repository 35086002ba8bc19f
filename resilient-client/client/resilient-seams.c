/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-seams-private.h"

#include "resilient-client-private.h"
#include "resilient-version.h"

gboolean
resilient_client_set_transport (ResilientClient *self, ResilientTransport *transport)
{
  ResilientCore *core = self->core;
  gboolean is_first;

  g_mutex_lock (&core->lock);
  is_first = core->transport == NULL;
  g_mutex_unlock (&core->lock);

  if (is_first)
    resilient_core_set_transport (core, transport);
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
