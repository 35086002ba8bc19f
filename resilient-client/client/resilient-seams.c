/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The table of what the test kit uses of the library, as data of the client's type. It is constant,
 * for any thread. */

#include "config.h"

#include "resilient-seams-private.h"

#include "resilient-version.h"

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
