/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* An HTTP/1.1 server for what nginx can't be told: answers that take their time, faults, hosts that
 * hang.
 *
 * The query of a request says what is wanted: size=BYTES, wait=MILLISECONDS, fault=PERCENT of the
 * requests (a third each of them 503, closed without an answer, and cut in the middle of the body),
 * hang=1 for no answer at all. It prints its port, and serves every host from 127.0.0.1 on that it
 * was told, until it is killed. */

#define IN_MAX 65536
#define SIZE_MAX_ (1 << 20)

/* What a request asks for. */
typedef struct
{
  guint size;
  guint wait;
  guint fault;
  gboolean hang;
} Wish;

typedef struct
{
  int fd;
  gboolean asked; /* for wish, which is met when nothing is to be skipped any more */
  Wish wish;
  gsize n_in;
  guint64 skip; /* bytes of a request's body that are still to come */
  char in[IN_MAX];
  GByteArray *out; /* what the socket did not take yet; NULL: nothing */
} Connection;

/* An answer that is due later. */
typedef struct
{
  gint64 at;
  Connection *connection;
  gsize size;
} Late;

static int poller;
static GQueue late = G_QUEUE_INIT; /* in order of time */
static char *body;
static guint32 dice = 1;
static guint n_faults;

static void
drop (Connection *c)
{
  for (GList *l = late.head, *next; l != NULL; l = next)
    {
      next = l->next;
      if (((Late *) l->data)->connection == c)
        {
          g_free (l->data);
          g_queue_delete_link (&late, l);
        }
    }
  close (c->fd);
  g_clear_pointer (&c->out, g_byte_array_unref);
  g_free (c);
}

/* Sends what is left; FALSE: the connection is gone. */
static gboolean
flush (Connection *c)
{
  while (c->out != NULL)
    {
      gssize n = send (c->fd, c->out->data, c->out->len, MSG_NOSIGNAL);
      struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c };

      if (n < 0 && errno == EAGAIN)
        return epoll_ctl (poller, EPOLL_CTL_MOD, c->fd, &event) == 0;
      if (n < 0)
        {
          drop (c);
          return FALSE;
        }
      g_byte_array_remove_range (c->out, 0, n);
      if (c->out->len == 0)
        {
          g_clear_pointer (&c->out, g_byte_array_unref);
          event.events = EPOLLIN;
          epoll_ctl (poller, EPOLL_CTL_MOD, c->fd, &event);
        }
    }

  return TRUE;
}

static gboolean
answer (Connection *c, int status, gsize size, gsize sent)
{
  char head[256];
  int n = g_snprintf (head,
                      sizeof head,
                      "HTTP/1.1 %d Answer\r\nContent-Type: application/octet-stream\r\n"
                      "Content-Length: %" G_GSIZE_FORMAT "\r\n\r\n",
                      status,
                      size);
  struct iovec parts[] = { { head, n }, { body, sent } };
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
  gssize done = 0;

  if (c->out == NULL)
    done = sendmsg (c->fd, &message, MSG_NOSIGNAL);
  done = MAX (done, 0);
  if (done == n + (gssize) sent)
    return TRUE;
  if (c->out == NULL)
    c->out = g_byte_array_new ();
  if (done < n)
    g_byte_array_append (c->out, (guint8 *) head + done, n - done);
  g_byte_array_append (c->out, (guint8 *) body, sent - MAX (done - n, 0));

  return flush (c);
}

static guint
wanted (const char *head, const char *end, const char *name, guint otherwise)
{
  const char *at = g_strstr_len (head, end - head, name);

  return at != NULL ? (guint) g_ascii_strtoull (at + strlen (name), NULL, 10) : otherwise;
}

/* A head that ends at @end. */
static void
begin (Connection *c, const char *end)
{
  const char *line = memchr (c->in, '\r', end - c->in);

  c->wish.size = MIN (wanted (c->in, line, "size=", 1024), SIZE_MAX_);
  c->wish.wait = wanted (c->in, line, "wait=", 0);
  c->wish.fault = wanted (c->in, line, "fault=", 0);
  c->wish.hang = wanted (c->in, line, "hang=", 0);
  c->skip = wanted (c->in, end, "\r\nContent-Length: ", 0);
  c->asked = TRUE;
  if (g_strstr_len (c->in, end - c->in, "\r\nExpect: 100-continue") != NULL)
    send (c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
}

static void
answer_late (Connection *c, gint64 at)
{
  Late *item = g_new (Late, 1);
  GList *after = late.tail;

  *item = (Late){ .at = at, .connection = c, .size = c->wish.size };
  while (after != NULL && ((Late *) after->data)->at > at)
    after = after->prev;
  if (after != NULL)
    g_queue_insert_after (&late, after, item);
  else
    g_queue_push_head (&late, item);
}

/* FALSE: the connection is gone. */
static gboolean
serve (Connection *c)
{
  const Wish *wish = &c->wish;

  c->asked = FALSE;
  if (wish->hang)
    return TRUE;

  dice = dice * 1664525 + 1013904223;
  if ((dice >> 8) % 100 < wish->fault)
    switch (n_faults++ % 3)
      {
      case 0:
        return answer (c, 503, 0, 0);
      case 1:
        drop (c);
        return FALSE;
      default:
        if (answer (c, 200, wish->size, wish->size / 2))
          drop (c);
        return FALSE;
      }

  if (wish->wait == 0)
    return answer (c, 200, wish->size, wish->size);

  answer_late (c, g_get_monotonic_time () + wish->wait * 1000);
  return TRUE;
}

/* Serves every request that is there; FALSE: the connection is gone. */
static gboolean
digest (Connection *c)
{
  for (;;)
    {
      gsize skipped = MIN (c->skip, c->n_in), length;
      char *end;

      c->skip -= skipped;
      c->n_in -= skipped;
      memmove (c->in, c->in + skipped, c->n_in);
      if (c->asked && c->skip == 0 && !serve (c))
        return FALSE;
      end = g_strstr_len (c->in, c->n_in, "\r\n\r\n");
      if (c->skip > 0 || end == NULL)
        return TRUE;
      length = end + 4 - c->in;
      begin (c, end);
      c->n_in -= length;
      memmove (c->in, c->in + length, c->n_in);
    }
}

static void
readable (Connection *c)
{
  gssize n = recv (c->fd, c->in + c->n_in, IN_MAX - c->n_in, 0);

  if (n < 0 && errno == EAGAIN)
    return;
  if (n <= 0)
    {
      drop (c);
      return;
    }
  c->n_in += n;
  digest (c);
}

static void
accept_all (int listener)
{
  int fd, one = 1;

  while ((fd = accept4 (listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
    {
      Connection *c = g_new0 (Connection, 1);
      struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

      setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      c->fd = fd;
      epoll_ctl (poller, EPOLL_CTL_ADD, fd, &event);
    }
}

static int
listen_on (guint host, in_port_t *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = *port,
                                 .sin_addr.s_addr = htonl (0x7f000000 + host) };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind (fd, (struct sockaddr *) &address, sizeof address) != 0 || listen (fd, 4096) != 0)
    g_error ("127.0.0.%u: %s", host, g_strerror (errno));
  getsockname (fd, (struct sockaddr *) &address, &length);
  *port = address.sin_port;

  return fd;
}

/* Sends what is due, and returns for how many milliseconds nothing else is. */
static int
send_late (void)
{
  gint64 now = g_get_monotonic_time ();
  Late *first;

  while ((first = g_queue_peek_head (&late)) != NULL && first->at <= now)
    {
      Late item = *(Late *) g_queue_pop_head (&late);

      g_free (first);
      answer (item.connection, 200, item.size, item.size);
    }

  return first != NULL ? (int) ((first->at - now + 999) / 1000) : -1;
}

int
main (int argc, char *argv[])
{
  guint n_hosts = argc > 1 ? (guint) g_ascii_strtoull (argv[1], NULL, 10) : 1;
  struct rlimit files;
  in_port_t port = 0;

  getrlimit (RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit (RLIMIT_NOFILE, &files);
  body = g_malloc (SIZE_MAX_);
  memset (body, 'x', SIZE_MAX_);
  poller = epoll_create1 (EPOLL_CLOEXEC);
  for (guint host = 1; host <= n_hosts; host++)
    {
      /* Told from connections by an odd pointer, which none has. */
      gsize listener = listen_on (host, &port);
      struct epoll_event event = { .events = EPOLLIN, .data.u64 = listener << 1 | 1 };

      epoll_ctl (poller, EPOLL_CTL_ADD, (int) listener, &event);
    }
  g_print ("%u\n", ntohs (port));

  for (;;)
    {
      struct epoll_event events[256];
      int n = epoll_wait (poller, events, G_N_ELEMENTS (events), send_late ());

      for (int i = 0; i < n; i++)
        if (events[i].data.u64 & 1)
          accept_all ((int) (events[i].data.u64 >> 1));
        else if (!(events[i].events & EPOLLOUT) || flush (events[i].data.ptr))
          {
            if (events[i].events & ~EPOLLOUT)
              readable (events[i].data.ptr);
          }
    }
}
