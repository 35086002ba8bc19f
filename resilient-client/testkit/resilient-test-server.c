/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-test-server-private.h"

/**
 * ResilientTestServer:
 *
 * A server for tests, which misbehaves as it is told and remembers what it was sent.
 *
 * It is a real server: on 127.0.0.1, on a port that the system chooses, with sockets and threads of
 * its own, so that a test sees of a fault what it would see of it in the world. It speaks HTTP/1.1,
 * and with flags TLS and HTTP/2. See the page [Testing your app](testing-your-app.html).
 *
 * ```c
 * g_autoptr (ResilientTestServer) server = resilient_test_server_new (&error);
 * g_autofree char *uri = resilient_test_server_get_uri (server, "/");
 *
 * resilient_test_server_enqueue_fault (server, RESILIENT_TEST_FAULT_CUT_BODY);
 * resilient_test_server_enqueue_response (server, 200, NULL, NULL);
 * // the app asks for uri, and tries again
 * g_assert_cmpuint (resilient_test_server_get_n_requests (server), ==, 2);
 * ```
 *
 * Nothing in it waits for time, but for %RESILIENT_TEST_FAULT_DRIP and steps of a script that say
 * so: a request that is to wait stands at a gate until the test opens it, see
 * [method@Script.add_gate].
 *
 * Every method may be called from any thread. The last reference ends all its threads.
 *
 * Since: 1.0
 */
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

static void initable_init (GInitableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ResilientTestServer,
                               resilient_test_server,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, initable_init))

enum
{
  PROP_FLAGS = 1,
  PROP_PORT,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void
resilient_test_server_get_property (GObject *object,
                                    guint prop_id,
                                    GValue *value,
                                    GParamSpec *pspec)
{
  ResilientTestServer *self = RESILIENT_TEST_SERVER (object);

  switch (prop_id)
    {
    case PROP_FLAGS:
      g_value_set_flags (value, resilient_test_server_get_flags (self));
      break;
    case PROP_PORT:
      g_value_set_uint (value, resilient_test_server_get_port (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_test_server_set_property (GObject *object,
                                    guint prop_id,
                                    const GValue *value,
                                    GParamSpec *pspec)
{
  ResilientTestServer *self = RESILIENT_TEST_SERVER (object);

  switch (prop_id)
    {
    case PROP_FLAGS:
      self->flags = g_value_get_flags (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_test_server_dispose (GObject *object)
{
  resilient_test_server_close (RESILIENT_TEST_SERVER (object));

  G_OBJECT_CLASS (resilient_test_server_parent_class)->dispose (object);
}

static void
resilient_test_server_finalize (GObject *object)
{
  ResilientTestServer *self = RESILIENT_TEST_SERVER (object);

  g_clear_pointer (&self->server, fault_server_free);
  g_clear_object (&self->database);
  g_clear_object (&self->authority);
  g_clear_object (&self->client_certificate);

  G_OBJECT_CLASS (resilient_test_server_parent_class)->finalize (object);
}

static void
resilient_test_server_class_init (ResilientTestServerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = resilient_test_server_get_property;
  object_class->set_property = resilient_test_server_set_property;
  object_class->dispose = resilient_test_server_dispose;
  object_class->finalize = resilient_test_server_finalize;

  /**
   * ResilientTestServer:flags: (getter get_flags)
   *
   * What the server speaks.
   *
   * Since: 1.0
   */
  props[PROP_FLAGS] = g_param_spec_flags ("flags",
                                          NULL,
                                          NULL,
                                          RESILIENT_TEST_TYPE_SERVER_FLAGS,
                                          RESILIENT_TEST_SERVER_NONE,
                                          G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | flags);

  /**
   * ResilientTestServer:port: (getter get_port)
   *
   * The port that it listens on.
   *
   * Since: 1.0
   */
  props[PROP_PORT] =
    g_param_spec_uint ("port", NULL, NULL, 0, G_MAXUINT16, 0, G_PARAM_READABLE | flags);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
resilient_test_server_init (ResilientTestServer *self)
{
}

static gboolean
load_certificates (ResilientTestServer *self, GError **error)
{
  self->database = fault_database_new (error);
  if (self->database == NULL)
    return FALSE;
  self->authority = fault_certificate_new (FAULT_CERTIFICATE_AUTHORITY, error);
  if (self->authority == NULL)
    return FALSE;
  self->client_certificate = fault_certificate_new (FAULT_CERTIFICATE_CLIENT, error);

  return self->client_certificate != NULL;
}

static gboolean
resilient_test_server_initable_init (GInitable *initable, GCancellable *cancellable, GError **error)
{
  ResilientTestServer *self = RESILIENT_TEST_SERVER (initable);
  FaultServerFlags flags = FAULT_SERVER_PLAIN;

  if (self->server != NULL)
    return TRUE;
  if (self->flags & RESILIENT_TEST_SERVER_TLS)
    flags |= FAULT_SERVER_TLS;
  if (self->flags & RESILIENT_TEST_SERVER_HTTP2)
    flags |= FAULT_SERVER_HTTP2;
  if (self->flags & RESILIENT_TEST_SERVER_CLIENT_CERTIFICATE)
    flags |= FAULT_SERVER_CLIENT_CERTIFICATE;
  if (flags != FAULT_SERVER_PLAIN && !load_certificates (self, error))
    return FALSE;
  self->server = fault_server_try_new (flags, error);

  return self->server != NULL;
}

static void
initable_init (GInitableIface *iface)
{
  iface->init = resilient_test_server_initable_init;
}

FaultServer *
resilient_test_server_get_fault_server (ResilientTestServer *self)
{
  return self->server;
}

/**
 * resilient_test_server_new:
 * @error: return location for an error, or %NULL
 *
 * Creates a server for HTTP/1.1 without encryption, which listens already.
 *
 * See [ctor@Server.new_with_flags].
 *
 * Returns: (transfer full): a new server, or %NULL with @error set when there is no socket for it
 *
 * Since: 1.0
 */
ResilientTestServer *
resilient_test_server_new (GError **error)
{
  return resilient_test_server_new_with_flags (RESILIENT_TEST_SERVER_NONE, error);
}

/**
 * resilient_test_server_new_with_flags:
 * @flags: what the server speaks
 * @error: return location for an error, or %NULL
 *
 * Creates a server, which listens already: on 127.0.0.1, on a port that the system chooses.
 *
 * It fails with a [error@Gio.IOErrorEnum] when there is no socket for it, and with a
 * [error@Gio.TlsError] where GIO has no TLS.
 *
 * Returns: (transfer full): a new server, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientTestServer *
resilient_test_server_new_with_flags (ResilientTestServerFlags flags, GError **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_initable_new (RESILIENT_TEST_TYPE_SERVER, NULL, error, "flags", flags, NULL);
}

/**
 * resilient_test_server_get_flags:
 * @self: a server
 *
 * Gets what the server speaks.
 *
 * Returns: the flags it was created with
 *
 * Since: 1.0
 */
ResilientTestServerFlags
resilient_test_server_get_flags (ResilientTestServer *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), RESILIENT_TEST_SERVER_NONE);

  return self->flags;
}

/**
 * resilient_test_server_get_port:
 * @self: a server
 *
 * Gets the port that it listens on, which stays the same for life.
 *
 * Returns: the number of the port
 *
 * Since: 1.0
 */
guint
resilient_test_server_get_port (ResilientTestServer *self)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), 0);

  return self->server != NULL ? fault_server_get_port (self->server) : 0;
}

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

/**
 * resilient_test_server_set_listening:
 * @self: a server
 * @listening: whether connects succeed
 * @error: return location for an error, or %NULL
 *
 * Sets whether connects succeed, or are refused. The port stays reserved, and connections that are
 * open stay open.
 *
 * This also ends %RESILIENT_TEST_FAULT_REFUSE and %RESILIENT_TEST_FAULT_FULL_BACKLOG; a connect
 * that hangs succeeds then.
 *
 * Returns: %TRUE if it is so now, %FALSE with @error set if the port cannot be listened on
 *
 * Since: 1.0
 */
gboolean
resilient_test_server_set_listening (ResilientTestServer *self, gboolean listening, GError **error)
{
  g_return_val_if_fail (RESILIENT_TEST_IS_SERVER (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);
  g_return_val_if_fail (self->server != NULL, FALSE);

  return fault_server_set_door (
    self->server, listening ? FAULT_DOOR_OPEN : FAULT_DOOR_CLOSED, error);
}

/**
 * resilient_test_server_drop_connections:
 * @self: a server
 *
 * Closes all connections, idle or not, with FIN.
 *
 * Since: 1.0
 */
void
resilient_test_server_drop_connections (ResilientTestServer *self)
{
  g_return_if_fail (RESILIENT_TEST_IS_SERVER (self));
  g_return_if_fail (self->server != NULL);

  fault_server_disconnect (self->server);
}

/**
 * resilient_test_server_close:
 * @self: a server
 *
 * Ends the server: it listens no more, its connections are closed, and its threads have ended when
 * this returns.
 *
 * What it has recorded stays. Dropping the last reference does the same; in languages that do this
 * at some time of their own choice, this is how to do it now. Doing it twice does no harm.
 *
 * Since: 1.0
 */
void
resilient_test_server_close (ResilientTestServer *self)
{
  g_return_if_fail (RESILIENT_TEST_IS_SERVER (self));

  if (self->server != NULL)
    fault_server_close (self->server);
}
