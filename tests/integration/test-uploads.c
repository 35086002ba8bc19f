/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <string.h>
#include <sys/stat.h>

#include "client-fixture.h"

/* Bodies that are not what they seem to be, or come too late. */

/* --- a stream that goes on when it is told to ------------------------------------------------- */

#define FIRST 1000
#define REST 500

/* As a file on a slow disk: it is read in a thread of GIO's, which a cancel does not reach. */
typedef struct
{
  GInputStream parent_instance;

  int n_reads; /* atomic: each read may be in another thread */
} SlowStream;

typedef GInputStreamClass SlowStreamClass;

static GType slow_stream_get_type (void);
G_DEFINE_FINAL_TYPE (SlowStream, slow_stream, G_TYPE_INPUT_STREAM)

static GMutex slow_lock;
static GCond slow_cond;
static gboolean slow_waits; /* one of them does */
static gboolean slow_goes_on;
static int slow_breaks; /* atomic: the second read of each */
static int n_slow;      /* atomic: how many there are */

static gssize
slow_stream_read (GInputStream *stream,
                  void *buffer,
                  gsize count,
                  GCancellable *cancellable,
                  GError **error)
{
  int n_reads = g_atomic_int_add (&((SlowStream *) stream)->n_reads, 1);
  gsize size = MIN (count, n_reads == 0 ? FIRST : REST);

  if (n_reads > 1)
    return 0;
  if (n_reads == 1)
    {
      g_mutex_lock (&slow_lock);
      slow_waits = TRUE;
      g_main_context_wakeup (NULL);
      while (!slow_goes_on)
        g_cond_wait (&slow_cond, &slow_lock);
      slow_waits = FALSE;
      g_mutex_unlock (&slow_lock);
      if (g_atomic_int_get (&slow_breaks))
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE, "a broken disk");
          return -1;
        }
    }
  memset (buffer, 'x', size);

  return (gssize) size;
}

static void
slow_stream_finalize (GObject *object)
{
  G_OBJECT_CLASS (slow_stream_parent_class)->finalize (object);
  g_atomic_int_add (&n_slow, -1);
  g_main_context_wakeup (NULL);
}

static void
slow_stream_class_init (SlowStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = slow_stream_finalize;
  klass->read_fn = slow_stream_read;
}

static void
slow_stream_init (SlowStream *self)
{
  g_atomic_int_inc (&n_slow);
}

static GInputStream *
slow_stream_new (gpointer data, GError **error)
{
  return g_object_new (slow_stream_get_type (), NULL);
}

static void
slow_let_go (gboolean go_on)
{
  g_mutex_lock (&slow_lock);
  slow_goes_on = go_on;
  g_cond_broadcast (&slow_cond);
  g_mutex_unlock (&slow_lock);
}

static gboolean
does_slow_wait (gpointer data)
{
  gboolean waits;

  g_mutex_lock (&slow_lock);
  waits = slow_waits;
  g_mutex_unlock (&slow_lock);

  return waits;
}

static gboolean
is_slow_gone (gpointer data)
{
  return g_atomic_int_get (&n_slow) == 0;
}

/* Libsoup forgets a read that is under way; when that ends, nothing is left of who wanted it. */
static void
end_slow (void)
{
  test_run_until (does_slow_wait, NULL);
  slow_let_go (TRUE);
  test_run_until (is_slow_gone, NULL);
  slow_let_go (FALSE);
}

static ResilientRequest *
slow_request (ClientFixture *fixture)
{
  ResilientRequest *request = request_new (fixture, "PUT", "/");

  resilient_request_set_body_stream_factory (request, NULL, slow_stream_new, NULL, NULL);

  return request;
}

static void
test_early_answer (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = slow_request (fixture);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  test_allow_warning ("libsoup-http2", "Unexpected state changed");
  fault_server_on (
    fixture->server, "/", fault_read (FIRST), fault_answer (413, NULL, "enough"), NULL);
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 413, "enough");
  end_slow ();
}

static void
test_lost_connection (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_policy (0);
  g_autoptr (ResilientRequest) request = slow_request (fixture);
  g_autoptr (ResilientRequestContext) context = context_new ("lost", policy);
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/", fault_read (FIRST), fault_cut (), NULL);
  g_assert_null (client_send (fixture, request, context, &error));
  g_assert_nonnull (error);
  result =
    assert_result (fixture, "lost", RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_DISCONNECT, 1);
  end_slow ();
}

static void
test_cancel (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = slow_request (fixture);
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  call = resilient_client_start (fixture->client, request, NULL, NULL);
  test_run_until (does_slow_wait, NULL);
  resilient_call_cancel (call);
  response = call_wait (call, &error);
  g_assert_null (response);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  end_slow ();
}

static void
test_slow (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = slow_request (fixture);
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (FaultRecord) record = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  call = resilient_client_start (fixture->client, request, NULL, NULL);
  end_slow ();
  response = call_wait (call, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  record = fault_server_get_record (fixture->server, 0);
  g_assert_true (fault_record_is_whole (record));
  g_assert_cmpuint (fault_record_get_body_size (record), ==, FIRST + REST);
}

/* Of this machine, even where the network could say the same. */
static void
test_broken (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (3);
  g_autoptr (ResilientRequest) request = slow_request (fixture);
  g_autoptr (ResilientRequestContext) context = context_new ("broken", policy);
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  call = resilient_client_start (fixture->client, request, context, NULL);
  g_atomic_int_set (&slow_breaks, TRUE);
  end_slow ();
  g_atomic_int_set (&slow_breaks, FALSE);
  response = call_wait (call, &error);
  g_assert_null (response);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE);
  result =
    assert_result (fixture, "broken", RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_INVALID, 1);
}

/* --- sizes that are not so -------------------------------------------------------------------- */

static GFile *
user_file (const char *name)
{
  g_autofree char *path = g_build_filename (g_get_user_data_dir (), name, NULL);

  g_assert_cmpint (g_mkdir_with_parents (g_get_user_data_dir (), 0700), ==, 0);

  return g_file_new_for_path (path);
}

static FaultRecord *
send_whole (ClientFixture *fixture, ResilientRequest *request)
{
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (FaultRecord) record = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  record = fault_server_get_record (fixture->server, 0);
  g_assert_true (fault_record_is_whole (record));

  return g_steal_pointer (&record);
}

/* A file of the kernel's says that it is empty. */
static void
test_kernel_file (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GFile) file = g_file_new_for_path ("/proc/version");
  g_autoptr (ResilientRequest) request = request_new (fixture, "PUT", "/");
  g_autoptr (FaultRecord) record = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *content = NULL;
  gsize length;

  g_assert_true (g_file_load_contents (file, NULL, &content, &length, NULL, &error));
  g_assert_cmpuint (length, >, 0);
  resilient_request_set_body_file (request, NULL, file);
  record = send_whole (fixture, request);
  g_assert_cmpmem (g_bytes_get_data (fault_record_get_body (record), NULL),
                   g_bytes_get_size (fault_record_get_body (record)),
                   content,
                   length);
}

static void
test_empty_file (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GFile) file = user_file ("empty");
  g_autoptr (ResilientRequest) request = request_new (fixture, "PUT", "/");
  g_autoptr (FaultRecord) record = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (g_file_peek_path (file), "", 0, &error));
  resilient_request_set_body_file (request, NULL, file);
  record = send_whole (fixture, request);
  g_assert_cmpstr (fault_record_get_header (record, "Content-Length"), ==, "0");
}

/* To open one would wait for its writer, and keep everything else waiting. */
static void
test_pipe (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GFile) file = user_file ("pipe");
  g_autoptr (ResilientRequest) request = request_new (fixture, "PUT", "/");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (mkfifo (g_file_peek_path (file), 0600), ==, 0);
  resilient_request_set_body_file (request, NULL, file);
  g_assert_null (client_send (fixture, request, NULL, &error));
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 0);
}

static ResilientRequest *
announced_request (ClientFixture *fixture, gint64 length)
{
  ResilientRequest *request = request_new (fixture, "PUT", "/");
  g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data ("0123456789", 10, NULL);

  resilient_request_set_body_stream (request, NULL, stream, length);

  return request;
}

static void
test_longer (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = announced_request (fixture, 4);
  g_autoptr (FaultRecord) record = send_whole (fixture, request);

  g_assert_cmpmem (g_bytes_get_data (fault_record_get_body (record), NULL),
                   g_bytes_get_size (fault_record_get_body (record)),
                   "0123",
                   4);
}

/* The server would wait for the rest, for ever. */
static void
test_shorter (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (3);
  g_autoptr (ResilientRequest) request = announced_request (fixture, 11);
  g_autoptr (ResilientRequestContext) context = context_new ("shorter", policy);
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  g_assert_null (client_send (fixture, request, context, &error));
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
  result =
    assert_result (fixture, "shorter", RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_INVALID, 1);
}

/* --- servers that refuse before they have read ------------------------------------------------ */

#define LARGE (2 * 1024 * 1024)

/* Answers to the head, keeps the connection and waits for a body that nobody sends. */
static void
refuse_head (ClientFixture *fixture, const char *challenge)
{
  g_autofree char *headers = g_strdup_printf ("Content-Length: 3\r\n%s", challenge);

  fault_server_on (fixture->server,
                   NULL,
                   fault_read (0),
                   fault_head (401, headers),
                   fault_send ("no\n"),
                   fault_silence (),
                   NULL);
}

static ResilientRequest *
large_request (ClientFixture *fixture)
{
  ResilientRequest *request = request_new (fixture, "POST", "/");
  g_autofree char *large = g_strnfill (LARGE, 'x');
  g_autoptr (GBytes) bytes = g_bytes_new (large, LARGE);

  resilient_request_set_body_bytes (request, "text/plain", bytes);

  return request;
}

static void
assert_refused (ClientFixture *fixture, ResilientResponse *response)
{
  g_autoptr (FaultRecord) record = fault_server_get_record (fixture->server, 0);

  assert_response (response, 401, "no\n");
  g_assert_cmpuint (fault_record_get_body_size (record), ==, 0);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
}

static gpointer
send_in_thread (gpointer data)
{
  ClientFixture *fixture = data;
  g_autoptr (ResilientRequest) request = large_request (fixture);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  response = resilient_client_send (fixture->client, request, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_refused (fixture, response);

  return NULL;
}

/* The thread that does the I/O of those that block stands still for nobody. */
static void
test_refused_blocking (ClientFixture *fixture, gconstpointer flags)
{
  refuse_head (fixture, "WWW-Authenticate: Basic realm=\"x\"");
  g_thread_join (g_thread_new ("sender", send_in_thread, fixture));
}

/* ... nor does the main loop, when the session is the app's. */
static void
test_refused_shared (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = large_request (fixture);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  refuse_head (fixture, "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\"");
  resilient_client_share_session (fixture->client);
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  assert_refused (fixture, response);
}

/* --- a function that gives the body runs a main loop ------------------------------------------ */

typedef struct
{
  ClientFixture *fixture;
  guint n_calls;
} Nesting;

/* The second call is for the resend, which libsoup begins in the midst of its queue. */
static GInputStream *
nesting_body_new (gpointer data, GError **error)
{
  Nesting *self = data;

  if (++self->n_calls == 2)
    {
      g_autoptr (GError) other_error = NULL;
      g_autoptr (ResilientResponse) other =
        client_get (self->fixture, "/other", NULL, &other_error);

      g_assert_no_error (other_error);
      assert_response (other, 200, "other");
    }
  return g_memory_input_stream_new_from_data ("hello", 5, NULL);
}

static gboolean
is_idle (gpointer data)
{
  return resilient_client_get_active_count (data) == 0;
}

static void
resend_nested (ClientFixture *fixture, gboolean shared)
{
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "hello", 5);
  Nesting nesting = { .fixture = fixture };
  g_autoptr (ResilientRequest) request = request_new (fixture, "PUT", "/");
  g_autoptr (ResilientResponse) first = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (FaultRecord) record = NULL;
  g_autoptr (GError) error = NULL;

  if (shared)
    resilient_client_share_session (fixture->client);
  fault_server_on (fixture->server, "/other", fault_answer (200, NULL, "other"), NULL);
  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "done"), NULL);
  first = client_get (fixture, "/other", NULL, &error);
  g_assert_no_error (error);
  fault_server_next (fixture->server, "/", fault_reset (), NULL);
  resilient_request_set_body_stream_factory (request, NULL, nesting_body_new, &nesting, NULL);
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "done");
  g_assert_cmpuint (nesting.n_calls, ==, 2);
  g_assert_cmpuint (fault_server_count (fixture->server, "/"), ==, 2);
  record = fault_server_get_record_of (fixture->server, "/", 1);
  g_assert_cmpstr (fault_record_get_body_sha256 (record), ==, sum);
  test_run_until (is_idle, fixture->client);
}

static void
test_resend_nested (ClientFixture *fixture, gconstpointer flags)
{
  resend_nested (fixture, FALSE);
}

static void
test_resend_nested_shared (ClientFixture *fixture, gconstpointer flags)
{
  resend_nested (fixture, TRUE);
}

/* clang-format off */
#define FOR_EACH(name, test)                              \
  { "/uploads/" name, test, FAULT_SERVER_PLAIN },         \
  { "/uploads/" name "/tls", test, FAULT_SERVER_TLS },    \
  { "/uploads/" name "/http2", test, FAULT_SERVER_HTTP2 }
/* clang-format on */

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/uploads/early-answer", test_early_answer, FAULT_SERVER_HTTP2 },
    { "/uploads/lost-connection", test_lost_connection, FAULT_SERVER_HTTP2 },
    { "/uploads/refused/blocking", test_refused_blocking, FAULT_SERVER_PLAIN },
    { "/uploads/refused/blocking/tls", test_refused_blocking, FAULT_SERVER_TLS },
    { "/uploads/refused/shared", test_refused_shared, FAULT_SERVER_PLAIN },
    { "/uploads/refused/shared/tls", test_refused_shared, FAULT_SERVER_TLS },
    FOR_EACH ("cancel", test_cancel),
    FOR_EACH ("slow", test_slow),
    FOR_EACH ("broken", test_broken),
    FOR_EACH ("kernel-file", test_kernel_file),
    FOR_EACH ("empty-file", test_empty_file),
    { "/uploads/resend-nested", test_resend_nested, FAULT_SERVER_PLAIN },
    { "/uploads/resend-nested/tls", test_resend_nested, FAULT_SERVER_TLS },
    { "/uploads/resend-nested/shared", test_resend_nested_shared, FAULT_SERVER_PLAIN },
    { "/uploads/resend-nested/shared/tls", test_resend_nested_shared, FAULT_SERVER_TLS },
    { "/uploads/pipe", test_pipe, FAULT_SERVER_PLAIN },
    FOR_EACH ("longer", test_longer),
    FOR_EACH ("shorter", test_shorter),
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
