/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-test-server-private.h"

/* How a client finds a server, and how it comes to trust it. */

/**
 * resilient_test_server_get_uri:
 * @self: a server
 * @path: a path that begins with a slash, perhaps with a query
 *
 * Makes the URI of something on the server.
 *
 * Returns: (transfer full): a URI such as `http://127.0.0.1:40000/path`
 *
 * Since: 1.0
 */
char *
resilient_test_server_get_uri (ResilientTestServer *self, const char *path)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), NULL);
  g_return_val_if_fail (path != NULL && *path == '/', NULL);
  g_return_val_if_fail (self->server != NULL, NULL);

  return fault_server_uri (self->server, path);
}

/**
 * resilient_test_server_get_uri_at_host:
 * @self: a server
 * @host: a name of this machine, such as `localhost`
 * @path: a path that begins with a slash, perhaps with a query
 *
 * Makes the URI of something on the server by another name of this machine, which is another origin
 * to a client: for redirects from one to the other.
 *
 * Returns: (transfer full): a URI such as `http://localhost:40000/path`
 *
 * Since: 1.0
 */
char *
resilient_test_server_get_uri_at_host (ResilientTestServer *self,
                                       const char *host,
                                       const char *path)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), NULL);
  g_return_val_if_fail (host != NULL, NULL);
  g_return_val_if_fail (path != NULL && *path == '/', NULL);
  g_return_val_if_fail (self->server != NULL, NULL);

  return fault_server_uri_at (self->server, host, path);
}

/**
 * resilient_test_server_get_tls_database:
 * @self: a server
 *
 * Gets what a client needs in order to trust the server: a database with the authority that signed
 * its certificates, and no other.
 *
 * ```c
 * soup_session_set_tls_database (session, resilient_test_server_get_tls_database (server));
 * ```
 *
 * Nothing is written to a disk for it. Trust it in tests only: the keys of these certificates are
 * known to everybody.
 *
 * Returns: (transfer none) (nullable): a database, or %NULL for a server without TLS
 *
 * Since: 1.0
 */
GTlsDatabase *
resilient_test_server_get_tls_database (ResilientTestServer *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), NULL);

  return self->database;
}

/**
 * resilient_test_server_get_ca_certificate:
 * @self: a server
 *
 * Gets the authority that signed the certificates of the server, for a client that has no use for
 * [method@Server.get_tls_database]: its property `certificate-pem` is what such a client wants in a
 * file.
 *
 * Returns: (transfer none) (nullable): a certificate, or %NULL for a server without TLS
 *
 * Since: 1.0
 */
GTlsCertificate *
resilient_test_server_get_ca_certificate (ResilientTestServer *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), NULL);

  return self->authority;
}

/**
 * resilient_test_server_get_client_certificate:
 * @self: a server
 *
 * Gets a certificate, with its key, that a client may show to a server with
 * %RESILIENT_TEST_SERVER_CLIENT_CERTIFICATE.
 *
 * Returns: (transfer none) (nullable): a certificate, or %NULL for a server without TLS
 *
 * Since: 1.0
 */
GTlsCertificate *
resilient_test_server_get_client_certificate (ResilientTestServer *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), NULL);

  return self->client_certificate;
}
