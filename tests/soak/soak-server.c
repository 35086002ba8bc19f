/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "soak-server.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LARGE 100000
#define SERVE "--serve"

GSubprocess *
soak_server_start (const char *program, guint16 *port)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDataInputStream) output = NULL;
  g_autofree char *line = NULL;
  GSubprocess *server = g_subprocess_new (
    G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, program, SERVE, NULL);

  if (server == NULL)
    g_error ("No server: %s", error->message);
  output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (server));
  line = g_data_input_stream_read_line (output, NULL, NULL, NULL);
  *port = line != NULL ? (guint16) atoi (line) : 0;
  if (*port == 0)
    g_error ("The server did not start");

  return server;
}

static gboolean
send_all (int fd, const char *data, gsize size)
{
  while (size > 0)
    {
      gssize n = send (fd, data, size, MSG_NOSIGNAL);

      if (n <= 0)
        return FALSE;
      data += n;
      size -= n;
    }
  return TRUE;
}

static gboolean
answer (int fd, const char *status, const char *body, gsize size)
{
  g_autofree char *head =
    g_strdup_printf ("HTTP/1.1 %s\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n\r\n", status, size);

  return send_all (fd, head, strlen (head)) && send_all (fd, body, size);
}

static void
reset (int fd)
{
  struct linger at_once = { 1, 0 };

  setsockopt (fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/* FALSE: the connection ends. */
static gboolean
serve (int fd, const char *path)
{
  static char large[LARGE];
  char byte;

  if (g_str_has_prefix (path, "/large"))
    return answer (fd, "200 OK", large, LARGE);
  if (g_str_has_prefix (path, "/busy"))
    return answer (fd, "503 Busy", "busy", 4);
  if (g_str_has_prefix (path, "/later"))
    return answer (fd, "429 Later\r\nRetry-After: 0", "", 0);
  if (g_str_has_prefix (path, "/moved"))
    return answer (fd, "302 Moved\r\nLocation: /ok", "", 0);
  if (g_str_has_prefix (path, "/absent"))
    return answer (fd, "404 Absent", "absent", 6);
  if (g_str_has_prefix (path, "/once"))
    {
      answer (fd, "200 OK\r\nConnection: close", "ok", 2);
      return FALSE;
    }
  if (g_str_has_prefix (path, "/reset"))
    {
      reset (fd);
      return FALSE;
    }
  if (g_str_has_prefix (path, "/cut"))
    {
      const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nxxx";

      send_all (fd, head, strlen (head));
      return FALSE;
    }
  if (g_str_has_prefix (path, "/garbage"))
    {
      send_all (fd, "garbage\r\n\r\n", 11);
      return FALSE;
    }
  if (g_str_has_prefix (path, "/shut"))
    return FALSE;
  if (g_str_has_prefix (path, "/silent"))
    {
      while (recv (fd, &byte, 1, 0) > 0)
        ;
      return FALSE;
    }
  return answer (fd, "200 OK", "ok", 2);
}

/* Reads a request, its body too; returns its path, NULL at the end. */
static char *
read_request (FILE *in)
{
  g_autofree char *path = NULL;
  char line[8192];
  gsize body = 0;

  while (fgets (line, sizeof line, in) != NULL)
    {
      if (path == NULL)
        {
          char *begin = strchr (line, ' ');
          char *end = begin != NULL ? strchr (begin + 1, ' ') : NULL;

          if (end == NULL)
            return NULL;
          path = g_strndup (begin + 1, end - begin - 1);
        }
      else if (g_ascii_strncasecmp (line, "content-length:", 15) == 0)
        {
          body = strtoul (line + 15, NULL, 10);
        }
      else if (g_str_equal (line, "\r\n"))
        {
          for (; body > 0; body--)
            if (getc (in) == EOF)
              return NULL;
          return g_steal_pointer (&path);
        }
    }
  return NULL;
}

static gpointer
connection_thread (gpointer data)
{
  int fd = GPOINTER_TO_INT (data);
  FILE *in = fdopen (fd, "r");
  gboolean goes_on = TRUE;

  while (goes_on)
    {
      g_autofree char *path = read_request (in);

      goes_on = path != NULL && serve (fd, path);
    }
  fclose (in);

  return NULL;
}

static gpointer
end_with_input_thread (gpointer data)
{
  char byte;

  while (read (STDIN_FILENO, &byte, 1) > 0 || errno == EINTR)
    ;
  _exit (EXIT_SUCCESS);
}

int
soak_server_run (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t size = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  if (fd < 0 || bind (fd, (struct sockaddr *) &address, size) < 0 || listen (fd, 1024) < 0
      || getsockname (fd, (struct sockaddr *) &address, &size) < 0)
    return EXIT_FAILURE;
  printf ("%u\n", ntohs (address.sin_port));
  fflush (stdout);
  g_thread_unref (g_thread_new ("input", end_with_input_thread, NULL));

  for (;;)
    {
      int connection = accept4 (fd, NULL, NULL, SOCK_CLOEXEC);

      if (connection >= 0)
        g_thread_unref (
          g_thread_new ("connection", connection_thread, GINT_TO_POINTER (connection)));
    }
}
