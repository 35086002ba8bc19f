/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bodies for Content-Encoding: gzip. */
typedef enum
{
  FAULT_GZIP_WHOLE,
  FAULT_GZIP_CUT,     /* its last bytes are missing */
  FAULT_GZIP_CORRUPT, /* a byte in the middle is another */
} FaultGzip;

GBytes *fault_gzip (const char *text, FaultGzip how);

G_END_DECLS
