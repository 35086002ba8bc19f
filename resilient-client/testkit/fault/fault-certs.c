/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The certificates that the misbehaving server shows, good and bad, from a resource of the library.
 * It owns nothing. Any thread. */

#include "config.h"

#include "fault-certs.h"

#include "fault-certs-data.h"

GTlsCertificate *
fault_certificate_new (FaultCertificate which, GError **error)
{
  static const char *const names[] = { "server", "expired", "wrong-host", "client", "ca" };
  g_autofree char *path = g_strdup_printf ("/resilient-test/%s.pem", names[which]);
  g_autoptr (GBytes) pem =
    g_resource_lookup_data (fault_certs_get_resource (), path, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  gsize size;
  const char *data;

  if (pem == NULL)
    return NULL;
  data = g_bytes_get_data (pem, &size);

  return g_tls_certificate_new_from_pem (data, size, error);
}

/* GIO's own database of certain authorities wants them in a file. */
#define FAULT_TYPE_DATABASE (fault_database_get_type ())
G_DECLARE_FINAL_TYPE (FaultDatabase, fault_database, FAULT, DATABASE, GTlsDatabase)

struct _FaultDatabase
{
  GTlsDatabase parent_instance;

  GTlsCertificate *authority; /* set once */
};

G_DEFINE_FINAL_TYPE (FaultDatabase, fault_database, G_TYPE_TLS_DATABASE)

static GTlsCertificateFlags
fault_database_verify_chain (GTlsDatabase *database,
                             GTlsCertificate *chain,
                             const char *purpose,
                             GSocketConnectable *identity,
                             GTlsInteraction *interaction,
                             GTlsDatabaseVerifyFlags flags,
                             GCancellable *cancellable,
                             GError **error)
{
  FaultDatabase *self = FAULT_DATABASE (database);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return G_TLS_CERTIFICATE_GENERIC_ERROR;

  return g_tls_certificate_verify (chain, identity, self->authority);
}

static void
fault_database_finalize (GObject *object)
{
  FaultDatabase *self = FAULT_DATABASE (object);

  g_clear_object (&self->authority);

  G_OBJECT_CLASS (fault_database_parent_class)->finalize (object);
}

static void
fault_database_class_init (FaultDatabaseClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = fault_database_finalize;
  G_TLS_DATABASE_CLASS (klass)->verify_chain = fault_database_verify_chain;
}

static void
fault_database_init (FaultDatabase *self)
{
}

GTlsDatabase *
fault_database_new (GError **error)
{
  g_autoptr (GTlsCertificate) authority =
    fault_certificate_new (FAULT_CERTIFICATE_AUTHORITY, error);
  FaultDatabase *self;

  if (authority == NULL)
    return NULL;
  self = g_object_new (FAULT_TYPE_DATABASE, NULL);
  self->authority = g_steal_pointer (&authority);

  return G_TLS_DATABASE (self);
}
