/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-circuit-policy-builder.h"
#include "resilient-client-guards-private.h"
#include "resilient-error.h"
#include "resilient-origin-guards-private.h"
#include "resilient-origin-private.h"
#include "resilient-origin-table-private.h"

typedef struct
{
  ResilientGate *gate;
  ResilientOriginTable *table;
  ResilientOrigin *origin;
} Fixture;

static ResilientOriginTable *
new_table (void)
{
  g_autoptr (ResilientGate) gate = resilient_gate_new ();

  return resilient_origin_table_new (gate);
}

static ResilientOrigin *
get_origin (ResilientOriginTable *table, const char *string)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GUri) uri = g_uri_parse (string, SOUP_HTTP_URI_FLAGS, &error);

  g_assert_no_error (error);
  return resilient_origin_table_get (table, uri);
}

static void
set_up (Fixture *self, gconstpointer user_data)
{
  self->gate = resilient_gate_new ();
  self->table = resilient_origin_table_new (self->gate);
  self->origin = get_origin (self->table, "https://a.test/");
}

static void
tear_down (Fixture *self, gconstpointer user_data)
{
  resilient_origin_table_unref (self->table);
  resilient_gate_unref (self->gate);
  g_assert_finalize_object (self->origin);
}

/* Twenty pay for one, and what is saved up is bounded. */
static void
test_hedges (Fixture *self, gconstpointer user_data)
{
  guint n = 0;

  for (guint i = 0; i < 19; i++)
    resilient_origin_deposit_hedge (self->origin);
  g_assert_false (resilient_origin_withdraw_hedge (self->origin));
  resilient_origin_deposit_hedge (self->origin);
  g_assert_true (resilient_origin_withdraw_hedge (self->origin));
  g_assert_false (resilient_origin_withdraw_hedge (self->origin));

  for (guint i = 0; i < 1000; i++)
    resilient_origin_deposit_hedge (self->origin);
  while (resilient_origin_withdraw_hedge (self->origin))
    n++;
  g_assert_cmpuint (n, ==, 10);
}

/* The time that 95 of 100 answers keep within, from 20 answers on, and of late ones only. */
static void
test_answer_times (Fixture *self, gconstpointer user_data)
{
  for (guint i = 0; i < 19; i++)
    resilient_origin_add_answer_time (self->origin, 10000);
  g_assert_cmpfloat (resilient_origin_get_hedge_delay (self->origin), ==, 0);
  resilient_origin_add_answer_time (self->origin, 5000000);
  g_assert_cmpfloat_with_epsilon (
    resilient_origin_get_hedge_delay (self->origin), 0.01, 0.01 * 0.01);
  for (guint i = 0; i < 20; i++)
    resilient_origin_add_answer_time (self->origin, i < 10 ? 10000 : 5000000);
  g_assert_cmpfloat_with_epsilon (resilient_origin_get_hedge_delay (self->origin), 5, 5 * 0.01);

  /* a server that has become faster, and one that is next door */
  for (guint i = 0; i < 2500; i++)
    resilient_origin_add_answer_time (self->origin, 20000);
  g_assert_cmpfloat_with_epsilon (
    resilient_origin_get_hedge_delay (self->origin), 0.02, 0.02 * 0.01);
  for (guint i = 0; i < 2500; i++)
    resilient_origin_add_answer_time (self->origin, 3);
  g_assert_cmpfloat (resilient_origin_get_hedge_delay (self->origin), ==, 0.001);
}

static void
test_key (void)
{
  static const struct
  {
    const char *uri;
    const char *key;
  } cases[] = {
    { "https://example.org", "https://example.org:443" },
    { "http://example.org", "http://example.org:80" },
    { "http://example.org:80/path?query#fragment", "http://example.org:80" },
    { "HTTPS://EXAMPLE.org/", "https://example.org:443" },
    { "https://example.org:8443/", "https://example.org:8443" },
    { "http://example.org:443/", "http://example.org:443" },
    { "https://user:password@example.org/", "https://example.org:443" },
    { "http://127.0.0.1:8080/", "http://127.0.0.1:8080" },
    { "http://[::1]:8080/", "http://[::1]:8080" },
    { "http://[FE80::A]/", "http://[fe80::a]:80" },
    { "https://bücher.example/", "https://xn--bcher-kva.example:443" },
    { "https://xn--bcher-kva.example/", "https://xn--bcher-kva.example:443" },
  };
  g_autoptr (ResilientOriginTable) table = new_table ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ResilientOrigin) origin = get_origin (table, cases[i].uri);
      g_autoptr (ResilientOrigin) same = get_origin (table, cases[i].key);

      g_assert_cmpstr (resilient_origin_peek_key (origin), ==, cases[i].key);
      g_assert_true (same == origin);
    }
}

/* Whatever way a URI came to be: without the port that is filled in, with a host as it was typed or
 * longer than DNS has any. */
static void
test_key_unusual (void)
{
  g_autofree char *label = g_strnfill (200, 'a');
  g_autofree char *long_uri = g_strconcat ("http://", label, "/", NULL);
  g_autofree char *long_key = g_strconcat ("http://", label, ":80", NULL);
  const struct
  {
    const char *uri;
    const char *key;
  } cases[] = {
    { "http://Example.org/", "http://example.org:80" },
    { "https://Example.org/", "https://example.org:443" },
    { "http://[::A]/", "http://[::a]:80" },
    { "https://[::A]/", "https://[::a]:443" },
    { "https://bücher.example/", "https://xn--bcher-kva.example:443" },
    { long_uri, long_key },
  };
  g_autoptr (ResilientOriginTable) table = new_table ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GUri) uri = g_uri_parse (cases[i].uri, G_URI_FLAGS_NON_DNS, NULL);
      g_autoptr (ResilientOrigin) origin = resilient_origin_table_get (table, uri);
      g_autoptr (ResilientOrigin) same = get_origin (table, cases[i].key);

      g_assert_cmpstr (resilient_origin_peek_key (origin), ==, cases[i].key);
      g_assert_true (same == origin);
    }
}

static void
test_near (void)
{
  static const struct
  {
    const char *uri;
    gboolean near;
  } cases[] = {
    { "http://localhost/", TRUE },      { "https://LocalHost:8443/", TRUE },
    { "http://a.localhost/", TRUE },    { "http://127.0.0.1/", TRUE },
    { "http://127.1.2.3:8080/", TRUE }, { "http://[::1]/", TRUE },
    { "http://192.0.2.1/", FALSE },     { "http://[2001:db8::1]/", FALSE },
    { "http://example.org/", FALSE },   { "http://notlocalhost.example/", FALSE },
    { "http://192.168.1.1/", TRUE },    { "http://printer.local/", TRUE },
  };
  g_autoptr (ResilientOriginTable) table = new_table ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ResilientOrigin) origin = get_origin (table, cases[i].uri);

      g_assert_cmpint (resilient_origin_is_near (origin), ==, cases[i].near);
    }
}

static void
test_per_gate (Fixture *self, gconstpointer user_data)
{
  g_autoptr (ResilientOriginTable) other = new_table ();
  g_autoptr (ResilientOrigin) origin = get_origin (other, "https://a.test/");

  g_assert_true (origin != self->origin);
}

static void
count_cb (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_max_concurrent (Fixture *self, gconstpointer user_data)
{
  guint n_notified = 0;
  int max_concurrent;

  g_signal_connect (self->origin, "notify::max-concurrent", G_CALLBACK (count_cb), &n_notified);

  g_assert_cmpint (resilient_origin_get_max_concurrent (self->origin), ==, -1);
  resilient_origin_set_max_concurrent (self->origin, -1);
  g_assert_cmpuint (n_notified, ==, 0);
  resilient_origin_set_max_concurrent (self->origin, 3);
  g_assert_cmpuint (n_notified, ==, 1);
  g_object_set (self->origin, "max-concurrent", 4, NULL);
  g_assert_cmpuint (n_notified, ==, 2);
  g_object_get (self->origin, "max-concurrent", &max_concurrent, NULL);
  g_assert_cmpint (max_concurrent, ==, 4);
}

static void
test_max_concurrent_invalid (Fixture *self, gconstpointer user_data)
{
  static const int values[] = { 0, -2, G_MININT };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_test_expect_message ("Resilient", G_LOG_LEVEL_CRITICAL, "*max_concurrent > 0*");
      resilient_origin_set_max_concurrent (self->origin, values[i]);
      g_test_assert_expected_messages ();
      g_assert_cmpint (resilient_origin_get_max_concurrent (self->origin), ==, -1);
    }
}

static void
test_notify (Fixture *self, gconstpointer user_data)
{
  ResilientSlots *slots = resilient_origin_get_slots (self->origin);
  ResilientWaiter running = { 0 };
  ResilientWaiter waiting = { 0 };
  guint n_active = 0;
  guint n_pending = 0;
  guint active, pending;

  g_signal_connect (self->origin, "notify::active-count", G_CALLBACK (count_cb), &n_active);
  g_signal_connect (self->origin, "notify::pending-count", G_CALLBACK (count_cb), &n_pending);

  resilient_origin_notify_changes (self->origin);
  g_assert_cmpuint (n_active, ==, 0);

  resilient_gate_set_limits (self->gate, 1, 1, 1);
  resilient_gate_enter (self->gate, slots, &running);
  g_assert_cmpuint (n_active, ==, 0);
  resilient_origin_notify_changes (self->origin);
  g_assert_cmpuint (n_active, ==, 1);
  g_assert_cmpuint (n_pending, ==, 0);

  resilient_gate_enter (self->gate, slots, &waiting);
  resilient_origin_notify_changes (self->origin);
  resilient_origin_notify_changes (self->origin);
  g_assert_cmpuint (n_active, ==, 1);
  g_assert_cmpuint (n_pending, ==, 1);
  g_object_get (self->origin, "active-count", &active, "pending-count", &pending, NULL);
  g_assert_cmpuint (active, ==, 1);
  g_assert_cmpuint (pending, ==, 1);

  g_assert_true (resilient_gate_withdraw (self->gate, &waiting));
  resilient_gate_leave (self->gate, &running);
  resilient_origin_notify_changes (self->origin);
  g_assert_cmpuint (n_active, ==, 2);
  g_assert_cmpuint (n_pending, ==, 2);
}

/* Once until it was notified, and only while somebody listens. */
static void
test_take_change (Fixture *self, gconstpointer user_data)
{
  guint n = 0;
  gulong id;

  g_assert_false (resilient_origin_take_change (self->origin));
  id = g_signal_connect (self->origin, "notify::pending-count", G_CALLBACK (count_cb), &n);
  g_assert_true (resilient_origin_take_change (self->origin));
  g_assert_false (resilient_origin_take_change (self->origin));
  resilient_origin_notify_changes (self->origin);
  g_assert_true (resilient_origin_take_change (self->origin));
  resilient_origin_notify_changes (self->origin);
  g_signal_handler_disconnect (self->origin, id);
  g_assert_false (resilient_origin_take_change (self->origin));
  g_assert_cmpuint (n, ==, 0);
}

static void
assert_header (ResilientOrigin *origin, const char *name, const char *value)
{
  g_autoptr (ResilientHeaders) headers = resilient_origin_dup_default_headers (origin);

  g_assert_nonnull (headers);
  g_assert_cmpstr (resilient_headers_get_one (headers, name), ==, value);
}

static void
test_headers (Fixture *self, gconstpointer user_data)
{
  g_autoptr (ResilientHeaders) before = NULL;

  g_assert_null (resilient_origin_dup_default_headers (self->origin));

  g_assert_true (
    resilient_origin_set_default_header (self->origin, "Authorization", "Bearer one", NULL));
  g_assert_true (resilient_origin_set_default_header (self->origin, "X-Empty", "", NULL));
  before = resilient_origin_dup_default_headers (self->origin);

  g_assert_true (
    resilient_origin_set_default_header (self->origin, "authorization", "Bearer two", NULL));
  assert_header (self->origin, "Authorization", "Bearer two");
  assert_header (self->origin, "X-Empty", "");

  /* Whoever had the list keeps it. */
  g_assert_cmpstr (resilient_headers_get_one (before, "Authorization"), ==, "Bearer one");
  g_assert_cmpuint (resilient_headers_get_length (before), ==, 2);

  g_assert_true (resilient_origin_set_default_header (self->origin, "X-Empty", NULL, NULL));
  assert_header (self->origin, "X-Empty", NULL);
  g_assert_true (resilient_origin_set_default_header (self->origin, "Authorization", NULL, NULL));
  g_assert_null (resilient_origin_dup_default_headers (self->origin));

  /* What is not there can be removed. */
  g_assert_true (resilient_origin_set_default_header (self->origin, "Authorization", NULL, NULL));
  g_assert_null (resilient_origin_dup_default_headers (self->origin));
}

static void
test_headers_invalid (Fixture *self, gconstpointer user_data)
{
  static const struct
  {
    const char *name;
    const char *value;
  } cases[] = {
    { "", "value" },
    { "With Space", "value" },
    { "Colon:", "value" },
    { "Line\r\nFeed", "value" },
    { "Naïve", "value" },
    { "X-Name", "line\nfeed" },
    { "X-Name", "line\rfeed" },
    { "X-Name", "value\r\nInjected: yes" },
    { "With Space", NULL },
  };

  g_assert_true (resilient_origin_set_default_header (self->origin, "X-Name", "as it was", NULL));

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ResilientHeaders) headers = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_false (
        resilient_origin_set_default_header (self->origin, cases[i].name, cases[i].value, &error));
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
      headers = resilient_origin_dup_default_headers (self->origin);
      g_assert_cmpuint (resilient_headers_get_length (headers), ==, 1);
      g_assert_cmpstr (resilient_headers_get_one (headers, "X-Name"), ==, "as it was");
    }
}

static void
test_secrets (Fixture *self, gconstpointer user_data)
{
  g_autoptr (ResilientHeaders) none = NULL;
  g_autoptr (ResilientHeaders) headers = NULL;

  /* The mark may come before the header, and outlives it. */
  resilient_origin_mark_header_secret (self->origin, "X-Api-Key");
  none = resilient_origin_dup_default_headers (self->origin);
  g_assert_nonnull (none);
  g_assert_cmpuint (resilient_headers_get_length (none), ==, 0);
  g_assert_true (resilient_headers_is_secret (none, "x-api-key"));

  resilient_origin_set_default_header (self->origin, "X-Api-Key", "secret", NULL);
  resilient_origin_set_default_header (self->origin, "X-Open", "open", NULL);
  resilient_origin_set_default_header (self->origin, "Authorization", "Bearer secret", NULL);
  headers = resilient_origin_dup_default_headers (self->origin);
  g_assert_true (resilient_headers_is_secret (headers, "X-Api-Key"));
  g_assert_true (resilient_headers_is_secret (headers, "Authorization"));
  g_assert_false (resilient_headers_is_secret (headers, "X-Open"));

  resilient_origin_set_default_header (self->origin, "X-Api-Key", NULL, NULL);
  resilient_origin_set_default_header (self->origin, "X-Open", NULL, NULL);
  resilient_origin_set_default_header (self->origin, "Authorization", NULL, NULL);
  g_clear_pointer (&headers, resilient_headers_unref);
  headers = resilient_origin_dup_default_headers (self->origin);
  g_assert_nonnull (headers);
  g_assert_true (resilient_headers_is_secret (headers, "X-Api-Key"));
}

static void
test_fresh_connection (Fixture *self, gconstpointer user_data)
{
  g_assert_true (resilient_origin_take_fresh_connection (self->origin, 1));
  g_assert_false (resilient_origin_take_fresh_connection (self->origin, 1));
  g_assert_true (resilient_origin_take_fresh_connection (self->origin, 3));
  g_assert_false (resilient_origin_take_fresh_connection (self->origin, 3));
  /* A request that was slow to ask. */
  g_assert_false (resilient_origin_take_fresh_connection (self->origin, 2));
}

static guint n_alive;

static void
gone_cb (gpointer data, GObject *where_the_object_was)
{
  n_alive--;
}

/* An origin that nobody holds, with something in it that a forgotten one would lose. */
typedef void (*Touch) (ResilientOrigin *origin);

static void
touch_limit (ResilientOrigin *origin)
{
  resilient_origin_set_max_concurrent (origin, 1);
}

static void
touch_header (ResilientOrigin *origin)
{
  resilient_origin_set_default_header (origin, "X-Name", "value", NULL);
}

static void
touch_mark (ResilientOrigin *origin)
{
  resilient_origin_mark_header_secret (origin, "X-Name");
}

static guint n_ignored;

static void
touch_handler (ResilientOrigin *origin)
{
  g_signal_connect (origin, "notify::active-count", G_CALLBACK (count_cb), &n_ignored);
}

static void
test_forget (void)
{
  static const Touch touches[] = { touch_limit, touch_header, touch_mark, touch_handler };
  g_autoptr (ResilientGate) gate = resilient_gate_new ();
  g_autoptr (ResilientOriginTable) table = resilient_origin_table_new (gate);
  g_autoptr (ResilientOrigin) held = get_origin (table, "http://held.test");
  ResilientOrigin *touched[G_N_ELEMENTS (touches)];
  ResilientOrigin *again, *busy_one;
  ResilientWaiter waiter = { 0 };

  n_alive = 0;

  for (guint i = 0; i < G_N_ELEMENTS (touches); i++)
    {
      g_autofree char *uri = g_strdup_printf ("http://touched%u.test", i);

      touched[i] = get_origin (table, uri);
      touches[i](touched[i]);
      g_object_unref (touched[i]);
    }

  /* A request is as good as a setting. */
  {
    g_autoptr (ResilientOrigin) busy = get_origin (table, "http://busy.test");

    resilient_gate_enter (gate, resilient_origin_get_slots (busy), &waiter);
    busy_one = busy;
  }

  for (guint i = 0; i < 5000; i++)
    {
      g_autofree char *uri = g_strdup_printf ("http://h%u.test", i);
      g_autoptr (ResilientOrigin) origin = get_origin (table, uri);

      g_object_weak_ref (G_OBJECT (origin), gone_cb, NULL);
      n_alive++;

      /* Fewer than the bound are all kept. */
      if (i < 500)
        g_assert_cmpuint (n_alive, ==, i + 1);
      g_assert_cmpuint (n_alive, <=, 513);
    }
  g_assert_cmpuint (n_alive, >, 500);

  again = get_origin (table, "http://held.test");
  g_assert_true (again == held);
  g_object_unref (again);
  for (guint i = 0; i < G_N_ELEMENTS (touches); i++)
    {
      g_autofree char *uri = g_strdup_printf ("http://touched%u.test", i);

      again = get_origin (table, uri);
      g_assert_true (again == touched[i]);
      g_object_unref (again);
    }
  again = get_origin (table, "http://busy.test");
  g_assert_true (again == busy_one);
  g_object_unref (again);

  resilient_gate_leave (gate, &waiter);
  g_clear_pointer (&table, resilient_origin_table_unref);
  g_assert_cmpuint (n_alive, ==, 0);
}

/* Many that were busy at one time are forgotten as they end. */
static void
test_forget_after_use (void)
{
  const guint n = 2000;
  g_autoptr (ResilientGate) gate = resilient_gate_new ();
  g_autoptr (ResilientOriginTable) table = resilient_origin_table_new (gate);
  g_autofree ResilientWaiter *waiters = g_new0 (ResilientWaiter, n);

  n_alive = 0;
  resilient_gate_set_limits (gate, n, 1, 0);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *uri = g_strdup_printf ("http://h%u.test", i);
      g_autoptr (ResilientOrigin) origin = get_origin (table, uri);

      g_object_weak_ref (G_OBJECT (origin), gone_cb, NULL);
      n_alive++;
      g_assert_cmpint (
        resilient_gate_enter (gate, resilient_origin_get_slots (origin), &waiters[i]),
        ==,
        RESILIENT_GATE_ADMITTED);
    }
  g_assert_cmpuint (n_alive, ==, n);

  for (guint i = 0; i < n; i++)
    resilient_gate_leave (gate, &waiters[i]);
  g_assert_cmpuint (n_alive, ==, 512);
}

/* Origins that somebody holds stay, however many, and nobody looks at all of them each time. */
static void
test_forget_held (void)
{
  g_autoptr (ResilientOriginTable) table = new_table ();
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func (g_object_unref);

  n_alive = 0;
  for (guint i = 0; i < 600; i++)
    {
      g_autofree char *uri = g_strdup_printf ("http://h%u.test", i);

      g_ptr_array_add (held, get_origin (table, uri));
      g_object_weak_ref (held->pdata[i], gone_cb, NULL);
      n_alive++;
    }
  g_assert_cmpuint (n_alive, ==, 600);

  /* Let go of, they are forgotten as others come. */
  g_ptr_array_set_size (held, 0);
  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *uri = g_strdup_printf ("http://n%u.test", i);

      g_object_unref (get_origin (table, uri));
    }
  g_assert_cmpuint (n_alive, <=, 512);
}

#define N_THREADS 4
#define N_ROUNDS 2000

/* Each knows more origins than are kept, and has each for a moment only. */
static gpointer
visitor_thread (gpointer user_data)
{
  Fixture *self = user_data;

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      g_autofree char *uri = g_strdup_printf ("http://h%u.test", i % 700);
      g_autoptr (ResilientOrigin) origin = get_origin (self->table, uri);
      ResilientWaiter waiter = { 0 };

      g_assert_cmpint (
        resilient_gate_enter (self->gate, resilient_origin_get_slots (origin), &waiter),
        ==,
        RESILIENT_GATE_ADMITTED);
      resilient_gate_leave (self->gate, &waiter);
    }

  return NULL;
}

/* Made, used and forgotten in several threads at once. */
static void
test_threads (Fixture *self, gconstpointer user_data)
{
  g_autoptr (GPtrArray) origins = g_ptr_array_new_with_free_func (g_object_unref);
  GThread *threads[N_THREADS];
  guint64 n_taken = 0;

  resilient_gate_set_limits (self->gate, 100, 100, 0);
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("visitor", visitor_thread, self);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);

  /* Those that others held when they were looked at may have stayed. */
  resilient_origin_table_take (self->table, &n_taken, origins);
  g_assert_cmpuint (origins->len, >=, 512);
  g_assert_cmpuint (origins->len, <=, 512 + 8 * N_THREADS);
  g_assert_cmpuint (n_taken, >, 700);
  g_assert_cmpuint (resilient_gate_get_active (self->gate), ==, 0);
}

/* A client that is gone lets go of its origins; who holds one may go on using it. */
static void
test_close (Fixture *self, gconstpointer user_data)
{
  ResilientOrigin *dropped = get_origin (self->table, "http://dropped.test");

  g_object_weak_ref (G_OBJECT (dropped), gone_cb, NULL);
  g_object_unref (dropped);
  n_alive = 1;

  resilient_origin_table_close (self->table);
  g_assert_cmpuint (n_alive, ==, 0);
  g_assert_null (resilient_gate_rotate_idle (self->gate));

  resilient_origin_set_max_concurrent (self->origin, 5);
  g_assert_cmpint (resilient_origin_get_max_concurrent (self->origin), ==, 5);
  g_assert_cmpuint (resilient_origin_get_active_count (self->origin), ==, 0);
}

/* What a binding makes by itself is of no use, and does no harm. */
static void
test_without_gate (void)
{
  ResilientOrigin *origin = g_object_new (RESILIENT_TYPE_ORIGIN, "max-concurrent", 2, NULL);

  g_assert_cmpint (resilient_origin_get_max_concurrent (origin), ==, 2);
  g_assert_cmpuint (resilient_origin_get_active_count (origin), ==, 0);
  g_assert_cmpuint (resilient_origin_get_pending_count (origin), ==, 0);
  g_assert_true (resilient_origin_set_default_header (origin, "X-Name", "value", NULL));
  resilient_origin_mark_header_secret (origin, "X-Name");
  resilient_origin_notify_changes (origin);
  g_assert_finalize_object (origin);
}

typedef struct
{
  ResilientClientGuards *guards;
  gboolean *freed;
} Listener;

static void
listener_clear (gpointer data)
{
  *((Listener *) data)->freed = TRUE;
}

static void
listener_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, listener_clear);
}

static gpointer
close_thread (gpointer guards)
{
  resilient_client_guards_close (guards);
  return NULL;
}

static void
told_cb (gpointer origin,
         ResilientCircuitState old_state,
         ResilientCircuitState new_state,
         gpointer data)
{
  Listener *listener = data;

  g_thread_join (g_thread_new ("closes", close_thread, listener->guards));
  g_assert_false (*listener->freed);
}

/* A client may go in one thread while a circuit changes in another. */
static void
test_told_while_closed (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  gboolean freed = FALSE;
  Listener *listener = g_atomic_rc_box_new0 (Listener);
  ResilientClientGuards *guards = resilient_client_guards_new (context, NULL, NULL);

  listener->guards = guards;
  listener->freed = &freed;
  resilient_client_guards_set_changed_func (guards, told_cb, listener, listener_unref);
  for (guint i = 0; i < 2; i++)
    {
      resilient_client_guards_tell_changed (
        guards, NULL, RESILIENT_CIRCUIT_STATE_CLOSED, RESILIENT_CIRCUIT_STATE_OPEN);
      g_assert_true (freed);
    }
  resilient_client_guards_unref (guards);
}

static guint n_told;

static void
count_told_cb (gpointer origin,
               ResilientCircuitState old_state,
               ResilientCircuitState new_state,
               gpointer data)
{
  n_told++;
}

static ResilientCircuitBreaker *
get_breaker (ResilientClientGuards *guards, ResilientOrigin *origin, guint threshold)
{
  g_autoptr (ResilientCircuitPolicyBuilder) builder = resilient_circuit_policy_builder_new (NULL);
  g_autoptr (ResilientCircuitPolicy) policy = NULL;

  resilient_circuit_policy_builder_set_failure_threshold (builder, threshold);
  policy = resilient_circuit_policy_builder_build (builder, NULL);
  resilient_client_guards_set_circuit_policy (guards, policy);
  return resilient_origin_get_circuit_breaker (origin);
}

/* What was let through by a breaker that is not that of the origin any more still reports to it. */
static void
test_replaced_breaker (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  gboolean freed = FALSE;
  Listener *listener = g_atomic_rc_box_new0 (Listener);
  ResilientClientGuards *guards = resilient_client_guards_new (context, NULL, NULL);
  g_autoptr (ResilientOriginTable) table = new_table ();
  g_autoptr (ResilientOrigin) origin = NULL;
  g_autoptr (ResilientCircuitBreaker) old = NULL;
  g_autoptr (ResilientCircuitBreaker) breaker = NULL;

  listener->freed = &freed;
  n_told = 0;
  resilient_client_guards_set_changed_func (guards, count_told_cb, listener, listener_unref);
  resilient_origin_table_set_guards (table, guards);
  origin = get_origin (table, "http://a.test");
  old = get_breaker (guards, origin, 3);
  breaker = get_breaker (guards, origin, 4);
  g_assert_true (old != breaker);

  resilient_circuit_breaker_trip (old);
  g_assert_cmpuint (n_told, ==, 0);
  resilient_circuit_breaker_trip (breaker);
  g_assert_cmpuint (n_told, ==, 1);

  resilient_client_guards_close (guards);
  g_assert_true (freed);
  resilient_client_guards_unref (guards);
}

/* What opened by a policy that holds no more is no reason to keep an origin. */
static void
test_marked_by_circuit (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  ResilientClientGuards *guards = resilient_client_guards_new (context, NULL, NULL);
  g_autoptr (ResilientOriginTable) table = new_table ();
  g_autoptr (ResilientOrigin) origin = NULL;
  g_autoptr (ResilientCircuitBreaker) breaker = NULL;

  resilient_origin_table_set_guards (table, guards);
  origin = get_origin (table, "http://a.test");
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (ResilientCircuitBreaker) other = get_breaker (guards, origin, 3 + i);

      g_assert_false (resilient_origin_is_marked (origin));
      resilient_circuit_breaker_trip (other);
      g_assert_true (resilient_origin_is_marked (origin));
    }
  resilient_client_guards_set_circuit_policy (guards, NULL);
  g_assert_false (resilient_origin_is_marked (origin));

  /* the same of a policy of its own */
  resilient_origin_set_circuit_policy (origin, resilient_circuit_policy_get_default ());
  breaker = resilient_origin_get_circuit_breaker (origin);
  resilient_circuit_breaker_trip (breaker);
  g_assert_true (resilient_origin_is_marked (origin));
  resilient_origin_set_circuit_policy (origin, NULL);
  g_assert_false (resilient_origin_is_marked (origin));

  resilient_client_guards_close (guards);
  resilient_client_guards_unref (guards);
}

static void
count_need_cb (gpointer data)
{
  ++*(guint *) data;
}

/* Each setting by itself keeps an origin, and asks for the guards once. */
static void
test_guard_settings (void)
{
  guint n_needs = 0;
  ResilientClientGuards *client =
    resilient_client_guards_new (g_main_context_default (), count_need_cb, &n_needs);
  g_autoptr (ResilientRateLimiter) limiter = resilient_rate_limiter_new (1, 1, NULL);
  g_autoptr (ResilientRetryBudget) budget = resilient_retry_budget_new (0, 1, NULL);
  ResilientCircuitPolicy *policy = resilient_circuit_policy_get_default ();

  for (guint with_client = 0; with_client < 2; with_client++)
    {
      g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
      ResilientOriginGuards *guards = resilient_origin_guards_new (object);
      g_autoptr (ResilientCircuitBreaker) breaker = NULL;
      g_autoptr (ResilientCircuitBreaker) same = NULL;
      g_autoptr (ResilientRetryBudget) own_budget = NULL;
      g_autoptr (ResilientRateLimiter) own_limiter = NULL;
      ResilientRateLimiter *limiters[2];

      if (with_client)
        resilient_origin_guards_set_client (guards, client);
      g_assert_null (resilient_origin_guards_dup_breaker (guards));
      g_assert_null (resilient_origin_guards_dup_budget (guards));
      g_assert_false (resilient_origin_guards_is_marked (guards));

      g_assert_true (resilient_origin_guards_set_circuit_policy (guards, policy));
      g_assert_false (resilient_origin_guards_set_circuit_policy (guards, policy));
      g_assert_true (resilient_origin_guards_is_marked (guards));
      breaker = resilient_origin_guards_dup_breaker (guards);
      same = resilient_origin_guards_dup_breaker (guards);
      g_assert_true (breaker != NULL && breaker == same);
      g_assert_true (resilient_origin_guards_set_circuit_policy (guards, NULL));
      g_assert_false (resilient_origin_guards_is_marked (guards));
      /* nobody asks it any more */
      resilient_circuit_breaker_trip (breaker);
      g_assert_false (resilient_origin_guards_is_marked (guards));

      g_assert_true (resilient_origin_guards_set_rate_limiter (guards, limiter));
      g_assert_true (resilient_origin_guards_is_marked (guards));
      own_limiter = resilient_origin_guards_dup_rate_limiter (guards);
      g_assert_true (own_limiter == limiter);
      resilient_client_guards_set_rate_limiter (client, limiter);
      resilient_origin_guards_dup_limiters (guards, limiters);
      g_assert_true (limiters[0] == limiter && limiters[1] == NULL);
      g_object_unref (limiters[0]);
      g_assert_true (resilient_origin_guards_set_rate_limiter (guards, NULL));
      resilient_origin_guards_dup_limiters (guards, limiters);
      g_assert_null (limiters[0]);
      g_assert_true (limiters[1] == (with_client ? limiter : NULL));
      g_clear_object (&limiters[1]);
      resilient_client_guards_set_rate_limiter (client, NULL);

      g_assert_true (resilient_origin_guards_set_retry_budget (guards, budget));
      g_assert_true (resilient_origin_guards_is_marked (guards));
      own_budget = resilient_origin_guards_dup_budget (guards);
      g_assert_true (own_budget == budget);
      g_assert_true (resilient_origin_guards_set_retry_budget (guards, NULL));
      g_assert_false (resilient_origin_guards_is_marked (guards));

      g_assert_true (resilient_origin_guards_hold (guards, G_MAXINT64, 0));
      g_assert_cmpint (resilient_origin_guards_get_held_until (guards), ==, G_MAXINT64);
      g_assert_true (resilient_origin_guards_is_marked (guards));
      resilient_origin_guards_free (guards);
    }

  g_assert_cmpuint (n_needs, ==, 1);
  resilient_client_guards_unref (client);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  ADD ("/origin/hedges", test_hedges);
  ADD ("/origin/answer-times", test_answer_times);
  g_test_add_func ("/origin/key", test_key);
  g_test_add_func ("/origin/key/unusual", test_key_unusual);
  g_test_add_func ("/origin/near", test_near);
  ADD ("/origin/per-gate", test_per_gate);
  ADD ("/origin/max-concurrent", test_max_concurrent);
  ADD ("/origin/max-concurrent-invalid", test_max_concurrent_invalid);
  ADD ("/origin/notify", test_notify);
  ADD ("/origin/take-change", test_take_change);
  ADD ("/origin/headers", test_headers);
  ADD ("/origin/headers-invalid", test_headers_invalid);
  ADD ("/origin/secrets", test_secrets);
  ADD ("/origin/fresh-connection", test_fresh_connection);
  g_test_add_func ("/origin/forget", test_forget);
  g_test_add_func ("/origin/forget-after-use", test_forget_after_use);
  g_test_add_func ("/origin/forget-held", test_forget_held);
  ADD ("/origin/threads", test_threads);
  ADD ("/origin/close", test_close);
  g_test_add_func ("/origin/without-gate", test_without_gate);
  g_test_add_func ("/origin/told-while-closed", test_told_while_closed);
  g_test_add_func ("/origin/replaced-breaker", test_replaced_breaker);
  g_test_add_func ("/origin/marked-by-circuit", test_marked_by_circuit);
  g_test_add_func ("/origin/guard-settings", test_guard_settings);

  return g_test_run ();
}
