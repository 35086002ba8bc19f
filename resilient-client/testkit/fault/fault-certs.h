/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Certificates for tests alone: their keys are there for everybody to read. They are data of the
 * program, so that nothing is looked for, or left, on a disk. */
typedef enum
{
  FAULT_CERTIFICATE_GOOD, /* of 127.0.0.1 and localhost */
  FAULT_CERTIFICATE_EXPIRED,
  FAULT_CERTIFICATE_WRONG_HOST,
  FAULT_CERTIFICATE_CLIENT,
  FAULT_CERTIFICATE_AUTHORITY, /* which signed all of them; without its key */
} FaultCertificate;

/* NULL where GIO has no TLS. */
GTlsCertificate *fault_certificate_new (FaultCertificate which, GError **error);
/* Trusts the authority, and nobody else. */
GTlsDatabase *fault_database_new (GError **error);

G_END_DECLS
