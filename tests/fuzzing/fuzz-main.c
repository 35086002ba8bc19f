/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "fuzz.h"

/* Without libFuzzer a target is a test: it runs the inputs of a folder, those that began the search
 * and those that it found. */

static void
run_file (const char *path)
{
  g_autofree char *contents = NULL;
  g_autofree guint8 *data = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  g_test_message ("%s", path);
  g_file_get_contents (path, &contents, &size, &error);
  g_assert_no_error (error);
  /* Without the NUL that GLib puts behind, so that valgrind sees who reads on. */
  data = g_memdup2 (contents, size);
  LLVMFuzzerTestOneInput (data, size);
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *) a, *(const char *const *) b);
}

static void
test_corpus (gconstpointer data)
{
  const char *folder = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  g_assert_no_error (error);
  while ((name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (paths, g_build_filename (folder, name, NULL));
  g_assert_cmpuint (paths->len, >, 0);
  g_ptr_array_sort (paths, compare_paths);

  for (guint i = 0; i < paths->len; i++)
    run_file (paths->pdata[i]);
}

int
main (int argc, char *argv[])
{
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  if (argc != 2)
    g_error ("usage: %s FOLDER", argv[0]);
  LLVMFuzzerInitialize (&argc, &argv);

  name = g_path_get_basename (argv[1]);
  path = g_strconcat ("/fuzzing/", name, NULL);
  g_test_add_data_func (path, argv[1], test_corpus);

  return g_test_run ();
}
