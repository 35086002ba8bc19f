/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-result-store-private.h"

#include "events-fixture.h"
#include "test-clock.h"

/* A result whose body has @body_size bytes, created and added now. */
static void
add (ResilientResultStore *store, const char *id, gsize body_size)
{
  g_autoptr (ResilientResult) result = make_result (id, RESILIENT_RESULT_STATUS_SUCCESS, body_size);

  resilient_result_store_add (store, result);
}

/* Ids from the oldest to the newest, of one character each, in capitals where there is a body. */
static char *
describe (ResilientResultStore *store)
{
  g_autoptr (GPtrArray) list = resilient_result_store_list (store);
  g_autoptr (GString) described = g_string_new (NULL);

  for (guint i = 0; i < list->len; i++)
    {
      const char *id = resilient_result_get_request_id (list->pdata[i]);
      g_autoptr (ResilientResult) found = resilient_result_store_lookup (store, id);
      ResilientResponse *response = resilient_result_get_response (list->pdata[i]);

      g_assert_true (found == list->pdata[i]);
      g_string_append_c (described,
                         resilient_response_has_body (response) ? g_ascii_toupper (*id) : *id);
    }
  g_assert_cmpuint (list->len, ==, resilient_result_store_get_length (store));
  return g_string_free (g_steal_pointer (&described), FALSE);
}

/* One without a body, whose headers have @size bytes. */
static void
add_with_headers (ResilientResultStore *store, const char *id, gsize size)
{
  g_autoptr (ResilientRequestContext) context = make_context (id);
  g_autoptr (GUri) uri = g_uri_parse ("https://example.org/", SOUP_HTTP_URI_FLAGS, NULL);
  g_autoptr (ResilientHeaders) headers = resilient_headers_new ();
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autofree char *value = g_strnfill (size - 33, 'x');

  resilient_headers_append (headers, "H", value);
  g_assert_cmpuint (resilient_headers_get_size (headers), ==, size);
  response = resilient_response_new_full (204, NULL, uri, SOUP_HTTP_1_1, headers, NULL, 0, -1);
  result = resilient_result_new (context,
                                 RESILIENT_RESULT_STATUS_SUCCESS,
                                 response,
                                 NULL,
                                 RESILIENT_FAILURE_NONE,
                                 1,
                                 1,
                                 0,
                                 NULL);
  resilient_result_store_add (store, result);
}

static gboolean
has_headers (ResilientResultStore *store, const char *id)
{
  g_autoptr (ResilientResult) result = resilient_result_store_lookup (store, id);
  ResilientResponse *response = resilient_result_get_response (result);

  g_assert_cmpuint (resilient_response_get_status_code (response), ==, 204);
  return resilient_response_get_header (response, "H") != NULL;
}

/* Large headers are as heavy as bodies, and go as those do; small ones stay, whatever the limit. */
static void
test_headers (void)
{
  ResilientResultStore *store = resilient_result_store_new ();

  resilient_result_store_set_max_bytes (store, 10000);
  add_with_headers (store, "small", 4096);
  add_with_headers (store, "first", 4097);
  add_with_headers (store, "second", 5000);
  g_assert_true (has_headers (store, "small"));
  g_assert_true (has_headers (store, "first"));
  g_assert_true (has_headers (store, "second"));

  add (store, "body", 904);
  g_assert_false (has_headers (store, "first"));
  g_assert_true (has_headers (store, "second"));

  add_with_headers (store, "huge", 10001);
  g_assert_false (has_headers (store, "huge"));
  g_assert_true (has_headers (store, "second"));

  resilient_result_store_set_max_bytes (store, 0);
  g_assert_false (has_headers (store, "second"));
  g_assert_true (has_headers (store, "small"));
  resilient_result_store_free (store);
}

/* Operations: a letter adds a result of that id with a body of 10 bytes, or of as many as the
 * number behind it says; + lets a second lease, or as many as the number says; r, t and b set the
 * limits of results, seconds and bytes to the number behind a '='; c clears what is as old as the
 * number behind a '='. */
static const struct
{
  const char *operations;
  const char *expected;
} limits[] = {
  { "", "" },
  { "x y z", "XYZ" },
  { "x0 y z0", "XYZ" }, /* an empty body is a body */
  /* the newest of each id, in the order of addition */
  { "x y x", "YX" },
  { "x y z y", "XZY" },
  { "x x x", "X" },
  /* number */
  { "r=2 x y z", "YZ" },
  { "r=1 x y z", "Z" },
  { "r=0 x y", "" },
  { "x y z r=2", "YZ" },
  { "x y z r=0", "" },
  { "r=2 x y x z", "XZ" },
  { "r=2 x y z r=3 w", "YZW" },
  /* age */
  { "t=10 x +9 y", "XY" },
  { "t=10 x +10 y", "Y" },
  { "t=10 x + y + z +8", "YZ" },
  { "t=10 x +9 x +9", "X" },
  { "t=10 x +5 y +20", "" },
  { "x +5 y t=5", "Y" },
  { "x t=0 y", "" },
  { "x +3599", "X" },
  { "x +3600", "" },
  /* bytes of body: the oldest lose theirs */
  { "b=30 x y z", "XYZ" },
  { "b=30 x y z w", "xYZW" },
  { "b=30 x y z w25", "xyzW" },
  { "b=30 x y w30", "xyW" },
  { "b=30 x y w31", "XYw" },
  { "b=30 x31 y31 z", "xyZ" },
  { "b=0 x y", "xy" },
  { "x y z b=20", "xYZ" },
  { "x y z b=9", "xyz" },
  { "b=20 x y x20", "yX" },
  { "b=20 x y x0 z", "YXZ" },
  { "b=20 x5 x5 x5 y15", "XY" },
  { "x y b=0 b=100 z", "xyZ" },
  { "b=20 t=10 x y +10 z20 w0", "ZW" }, /* what expires frees its bytes */
  { "b=20 r=2 x y z", "YZ" },           /* and so does what makes room */
  { "b=20 x y c=0 z w", "ZW" },
  /* clearing */
  { "x y c=0", "" },
  { "x +5 y +5 z c=6", "YZ" },
  { "x +5 y +5 z c=5", "Z" },
  { "x +5 y +5 z c=11", "XYZ" },
  { "x +5 x c=5", "X" },
};

static void
test_limits (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      g_autoptr (ResilientResultStore) store = resilient_result_store_new ();
      g_auto (GStrv) operations = g_strsplit (limits[i].operations, " ", -1);
      g_autofree char *described = NULL;

      g_test_message ("%s", limits[i].operations);
      for (char **p = operations; *p != NULL && **p != '\0'; p++)
        {
          const char *operation = *p;
          const char id[] = { *operation, '\0' };
          const char *digits = operation + (operation[1] == '=' ? 2 : 1);
          guint number = (guint) g_ascii_strtoull (digits, NULL, 10);

          if (operation[1] == '=' && *operation == 'r')
            resilient_result_store_set_max_results (store, number);
          else if (operation[1] == '=' && *operation == 't')
            resilient_result_store_set_ttl (store, number);
          else if (operation[1] == '=' && *operation == 'b')
            resilient_result_store_set_max_bytes (store, number);
          else if (operation[1] == '=' && *operation == 'c')
            resilient_result_store_clear (store, number);
          else if (*operation == '+')
            test_clock_pass (operation[1] != '\0' ? number : 1);
          else
            add (store, id, operation[1] != '\0' ? number : 10);
        }

      described = describe (store);
      g_assert_cmpstr (described, ==, limits[i].expected);
    }
}

static void
test_clear (void)
{
  static const struct
  {
    double max_age;
    guint removed;
  } cases[] = {
    { 100, 0 }, { 6, 0 }, { 5, 1 }, { 4, 0 }, { 2, 2 }, { 0.5, 0 }, { 0, 1 }, { 0, 0 },
  };
  g_autoptr (ResilientResultStore) store = resilient_result_store_new ();
  guint length = 4;

  add (store, "x", 1);
  test_clock_pass (3);
  add (store, "y", 1);
  add (store, "z", 1);
  test_clock_pass (2);
  add (store, "w", 1);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint removed = resilient_result_store_clear (store, cases[i].max_age);

      g_assert_cmpuint (removed, ==, cases[i].removed);
      length -= cases[i].removed;
      g_assert_cmpuint (resilient_result_store_get_length (store), ==, length);
    }
}

/* Each kind of access alone forgets what expired. */
static void
test_expiry (void)
{
  for (guint access = 0; access < 6; access++)
    {
      g_autoptr (ResilientResultStore) store = resilient_result_store_new ();
      g_autoptr (GPtrArray) list = NULL;
      g_autoptr (GPtrArray) removed = NULL;

      add (store, "x", 1);
      test_clock_pass (3600);
      switch (access)
        {
        case 0:
          g_assert_null (resilient_result_store_lookup (store, "x"));
          break;
        case 1:
          list = resilient_result_store_list (store);
          g_assert_cmpuint (list->len, ==, 0);
          break;
        case 2:
          g_assert_cmpuint (resilient_result_store_get_length (store), ==, 0);
          break;
        case 3:
          /* It had left already. */
          g_assert_cmpuint (resilient_result_store_clear (store, 0), ==, 0);
          break;
        case 4:
          add (store, "y", 1);
          break;
        default:
          resilient_result_store_set_max_results (store, 10);
        }
      removed = resilient_result_store_steal_removed (store);
      g_assert_cmpuint (removed->len, ==, 1);
      g_assert_cmpstr (resilient_result_get_request_id (removed->pdata[0]), ==, "x");
      g_assert_null (resilient_result_store_steal_removed (store));
    }
}

/* The values of the specification. */
static void
test_defaults (void)
{
  g_autoptr (ResilientResultStore) store = resilient_result_store_new ();
  g_autoptr (ResilientResult) first = NULL;
  g_autoptr (ResilientResult) second = NULL;

  for (guint i = 0; i < 1001; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u", i);

      add (store, id, 0);
    }
  g_assert_cmpuint (resilient_result_store_get_length (store), ==, 1000);
  g_assert_null (resilient_result_store_lookup (store, "0"));

  add (store, "half", 4 * 1024 * 1024);
  add (store, "other", 4 * 1024 * 1024);
  first = resilient_result_store_lookup (store, "half");
  g_assert_cmpuint (resilient_result_get_weight (first), ==, 4 * 1024 * 1024);
  add (store, "more", 1);
  second = resilient_result_store_lookup (store, "half");
  g_assert_cmpuint (resilient_result_get_weight (second), ==, 0);
  g_assert_false (resilient_response_has_body (resilient_result_get_response (second)));
  /* It is the same result, and whoever holds the other one keeps the body. */
  g_assert_cmpint (
    resilient_result_get_created_at (second), ==, resilient_result_get_created_at (first));
  g_assert_true (resilient_response_has_body (resilient_result_get_response (first)));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();

  g_test_add_func ("/result-store/limits", test_limits);
  g_test_add_func ("/result-store/headers", test_headers);
  g_test_add_func ("/result-store/clear", test_clear);
  g_test_add_func ("/result-store/expiry", test_expiry);
  g_test_add_func ("/result-store/defaults", test_defaults);

  return g_test_run ();
}
