/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-i18n-private.h"

#include <glib/gstdio.h>
#include <libintl.h>
#include <locale.h>

/* The test plays an app that has set its locale to French, with a catalogue of its own making. */
static gboolean have_locale;

typedef struct
{
  const char *id;
  gsize id_length; /* a plural comes with both its forms, a NUL between them */
  const char *text;
  gsize text_length;
} Message;

#define MESSAGE(id, text)                                                                          \
  {                                                                                                \
    id, sizeof (id) - 1, text, sizeof (text) - 1                                                   \
  }

static const Message messages[] = {
  /* Sorted, as the format wants it. */
  MESSAGE ("",
           "Content-Type: text/plain; charset=UTF-8\n"
           "Plural-Forms: nplurals=2; plural=(n > 1);\n"),
  MESSAGE ("%lu attempt\0%lu attempts", "%lu tentative\0%lu tentatives"),
  MESSAGE ("The request failed", "La requête a échoué"),
};

/* "The Format of GNU MO Files", in the manual of gettext. */
static void
write_catalogue (const char *path)
{
  const guint32 n = G_N_ELEMENTS (messages);
  const guint32 header[] = { 0x950412de, 0, n, 28, 28 + 8 * n, 0, 28 + 16 * n };
  g_autoptr (GByteArray) file = g_byte_array_new ();
  g_autoptr (GByteArray) strings = g_byte_array_new ();
  g_autoptr (GError) error = NULL;

  g_byte_array_append (file, (const guint8 *) header, sizeof header);

  for (guint translated = 0; translated < 2; translated++)
    for (guint i = 0; i < n; i++)
      {
        const char *string = translated ? messages[i].text : messages[i].id;
        gsize length = translated ? messages[i].text_length : messages[i].id_length;
        guint32 entry[] = { length, header[6] + strings->len };

        g_byte_array_append (file, (const guint8 *) entry, sizeof entry);
        g_byte_array_append (strings, (const guint8 *) string, length + 1);
      }

  g_byte_array_append (file, strings->data, strings->len);
  g_file_set_contents (path, (const char *) file->data, file->len, &error);
  g_assert_no_error (error);
}

/* The folders of a test's own do not exist yet; and the library looks once, for all tests. */
static char *
install_catalogue (void)
{
  g_autoptr (GError) error = NULL;
  char *root = g_dir_make_tmp ("test-i18n-XXXXXX", &error);
  g_autofree char *folder = g_build_filename (root, "fr", "LC_MESSAGES", NULL);
  g_autofree char *path = g_build_filename (folder, GETTEXT_PACKAGE ".mo", NULL);

  g_assert_no_error (error);
  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  write_catalogue (path);
  g_setenv ("RESILIENT_LOCALE_DIR", root, TRUE);
  g_setenv ("LANGUAGE", "fr", TRUE);

  return root;
}

static void
remove_catalogue (const char *root)
{
  static const char *const paths[] = {
    "fr/LC_MESSAGES/" GETTEXT_PACKAGE ".mo",
    "fr/LC_MESSAGES",
    "fr",
    "",
  };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *path = g_build_filename (root, paths[i], NULL);

      g_assert_cmpint (g_remove (path), ==, 0);
    }
}

static gboolean
skip_without_locale (void)
{
  if (!have_locale)
    g_test_skip ("There is no locale C.UTF-8");

  return !have_locale;
}

static void
test_gettext (void)
{
  if (skip_without_locale ())
    return;

  g_assert_cmpstr (_ ("The request failed"), ==, "La requête a échoué");
}

static void
test_ngettext (void)
{
  if (skip_without_locale ())
    return;

  g_assert_cmpstr (resilient_ngettext ("%lu attempt", "%lu attempts", 0), ==, "%lu tentative");
  g_assert_cmpstr (resilient_ngettext ("%lu attempt", "%lu attempts", 1), ==, "%lu tentative");
  g_assert_cmpstr (resilient_ngettext ("%lu attempt", "%lu attempts", 2), ==, "%lu tentatives");
}

static void
test_untranslated (void)
{
  g_assert_cmpstr (_ ("Not in the catalogue"), ==, "Not in the catalogue");
  g_assert_cmpstr (resilient_ngettext ("%lu thing", "%lu things", 1), ==, "%lu thing");
  g_assert_cmpstr (resilient_ngettext ("%lu thing", "%lu things", 0), ==, "%lu things");
  g_assert_cmpstr (N_ ("The request failed"), ==, "The request failed");
}

/* The app's own texts, and its locale, are none of a library's business. */
static void
test_leaves_app_alone (void)
{
  g_autofree char *locale = g_strdup (setlocale (LC_ALL, NULL));
  g_autofree char *domain = g_strdup (textdomain (NULL));

  g_assert_cmpstr (gettext ("The request failed"), ==, "The request failed");
  _ ("The request failed");
  g_assert_cmpstr (gettext ("The request failed"), ==, "The request failed");

  g_assert_cmpstr (setlocale (LC_ALL, NULL), ==, locale);
  g_assert_cmpstr (textdomain (NULL), ==, domain);
}

static gpointer
translate_cb (gpointer user_data)
{
  return (gpointer) _ ("The request failed");
}

static void
test_threads (void)
{
  const char *expected = have_locale ? "La requête a échoué" : "The request failed";
  GThread *threads[8];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("translate", translate_cb, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_cmpstr (g_thread_join (threads[i]), ==, expected);
}

int
main (int argc, char *argv[])
{
  g_autofree char *catalogue = NULL;
  int result;

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  have_locale = setlocale (LC_ALL, "C.UTF-8") != NULL;
  catalogue = install_catalogue ();

  /* First: several threads meet at the one time that the catalogue is bound. */
  g_test_add_func ("/i18n/threads", test_threads);
  g_test_add_func ("/i18n/gettext", test_gettext);
  g_test_add_func ("/i18n/ngettext", test_ngettext);
  g_test_add_func ("/i18n/untranslated", test_untranslated);
  g_test_add_func ("/i18n/leaves-app-alone", test_leaves_app_alone);

  result = g_test_run ();
  remove_catalogue (catalogue);

  return result;
}
