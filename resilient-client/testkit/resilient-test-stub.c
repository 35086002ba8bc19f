/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A scripted maker of attempts, and the attempts that it makes: no sockets; each ends as somebody
 * says, after so much time, or by its own deadlines as any other. The stub owns what the script
 * says and what came so far, under the lock of all attempts. An attempt belongs to its driving
 * context.
 */

#include "config.h"

#include "resilient-test-stub-private.h"

struct _ResilientTestStub
{
  ResilientTransport parent;
  gint64 created;           /* on the boot-time clock; constant */
  ResilientTestAskFunc ask; /* set before the first attempt; NULL: nobody is asked */
  GWeakRef owner;
  gboolean keeps_attempts; /* set before the first attempt */

  /* Under the lock. */
  GHashTable *lines; /* URI, "" for any → GPtrArray of ends */
  GHashTable *next;  /* the same → how many of them were taken */
  GPtrArray *attempts;
  GHashTable *numbers; /* ResilientFrozenRequest → how many attempts of it; kept by the attempts */
  guint n_started;
  guint n_live;
  guint max_live;
  guint n_discarded;
  guint n_new_connections;
};

/* One attempt of a stub. */
typedef struct
{
  ResilientTransportAttempt parent;
  int ref_count;

  ResilientTestStub *stub;
  ResilientTestAttempt *attempt; /* NULL: nobody will look at it */
  ResilientFrozenRequest *frozen;
  ResilientTransportAttemptFuncs funcs;
  gpointer data;
  ResilientTimerQueue *timers;
  ResilientTimer timer;
  ResilientDeadlines deadlines;
  ResilientOutcome outcome;
  gboolean asked;     /* those who may say how it ends */
  gboolean begun;     /* that is known here, too */
  gint64 due;         /* when it ends the attempt */
  GError *body_error; /* of the request */
  gboolean body_sent;
  gint64 body_size; /* of what was sent */

  /* Under the lock; the rest is of the driving context. */
  ResilientTestEnd *end; /* NULL until somebody says how it ends */
  gint64 planned;        /* when that was said */
  gboolean over;
} StubAttempt;

/* --- the script ------------------------------------------------------------------------------- */

/* As an attempt will call it. */
static char *
normalize (const char *uri)
{
  g_autoptr (GUri) parsed = NULL;

  if (uri == NULL)
    return g_strdup ("");

  parsed = g_uri_parse (uri, SOUP_HTTP_URI_FLAGS, NULL);
  return parsed != NULL ? g_uri_to_string (parsed) : g_strdup (uri);
}

/* With the lock held. FALSE: nothing was added for it. */
static gboolean
find_line (StubAttempt *self, gpointer *key, gpointer *line)
{
  GHashTable *lines = self->stub->lines;
  guint n_common = g_hash_table_contains (lines, "") ? 1 : 0;

  /* Most tests have none but the common one, and many attempts. */
  if (g_hash_table_size (lines) > n_common)
    {
      g_autofree char *uri = g_uri_to_string (resilient_frozen_request_peek_uri (self->frozen));

      if (g_hash_table_lookup_extended (lines, uri, key, line))
        return TRUE;
    }

  return g_hash_table_lookup_extended (lines, "", key, line);
}

/* The next end for it, or NULL; transfer full. With the lock held. */
static ResilientTestEnd *
take_next (StubAttempt *self)
{
  ResilientTestStub *stub = self->stub;
  gpointer key, value;
  GPtrArray *line;
  guint n;

  if (!find_line (self, &key, &value))
    return NULL;

  line = value;
  n = GPOINTER_TO_UINT (g_hash_table_lookup (stub->next, key));
  /* The last one repeats, until more are added. */
  if (n < line->len)
    g_hash_table_insert (stub->next, key, GUINT_TO_POINTER (n + 1));
  else
    n = line->len - 1;

  return resilient_test_end_ref (line->pdata[n]);
}

/* --- an attempt ------------------------------------------------------------------------------- */

static void
attempt_unref (ResilientTransportAttempt *attempt)
{
  StubAttempt *self = (StubAttempt *) attempt;

  if (--self->ref_count > 0)
    return;

  g_clear_pointer (&self->end, resilient_test_end_unref);
  g_clear_error (&self->body_error);
  g_clear_object (&self->attempt);
  resilient_frozen_request_unref (self->frozen);
  resilient_timer_queue_unref (self->timers);
  resilient_transport_unref (&self->stub->parent);
  g_free (self);
}

static void
release_cb (gpointer data)
{
  StubAttempt *self = data;

  resilient_test_attempt_lock ();
  self->stub->n_live--;
  resilient_test_attempt_unlock ();

  self->funcs.released (&self->parent, self->data);
  attempt_unref (&self->parent);
}

/* FALSE: it has ended. From now on nothing is heard of it but that it is released, by and by. */
static gboolean
take_end (StubAttempt *self)
{
  gboolean first;
  double held;

  resilient_test_attempt_lock ();
  first = !self->over;
  self->over = TRUE;
  held = self->end != NULL ? resilient_test_end_get_released_after (self->end) : 0.0;
  if (self->attempt != NULL)
    resilient_test_attempt_set_plan_func (self->attempt, NULL, NULL);
  resilient_test_attempt_unlock ();

  if (first)
    resilient_timer_queue_set (self->timers,
                               &self->timer,
                               resilient_clock_add (resilient_clock_get_boot (), held),
                               release_cb,
                               self);
  return first;
}

static void
end_with_error (StubAttempt *self, ResilientFailure failure, const GError *error)
{
  if (!take_end (self))
    return;

  self->outcome.failure = failure;
  self->outcome.error = g_error_copy (error);
  self->outcome.phase = self->deadlines.phase;
  self->funcs.done (&self->parent, &self->outcome, self->data);
  g_clear_error (&self->outcome.error);
}

static void
end_with_response (StubAttempt *self)
{
  ResilientTestEnd *end = self->end;
  guint status = resilient_test_end_get_status (end);
  double retry_after = resilient_test_end_get_retry_after (end);
  gint64 elapsed = resilient_clock_get_boot () - self->deadlines.started;
  gboolean wanted;

  self->funcs.phase (&self->parent, RESILIENT_PHASE_READING, self->data);
  self->outcome.status_code = status;
  self->outcome.answered = TRUE;
  wanted = self->funcs.headers (&self->parent, status, retry_after, self->data);
  if (wanted)
    {
      gint64 upload = self->body_size;
      gint64 download = (gint64) resilient_test_end_get_body_size (end);

      if (self->funcs.progress != NULL)
        self->funcs.progress (&self->parent, upload, download, upload, download, self->data);
    }
  else
    {
      resilient_test_attempt_lock ();
      self->stub->n_discarded++;
      resilient_test_attempt_unlock ();
    }

  if (resilient_test_end_get_cut (end) != NULL)
    {
      end_with_error (self, RESILIENT_FAILURE_DISCONNECT, resilient_test_end_get_cut (end));
      return;
    }
  if (!take_end (self))
    return;

  self->outcome.failure = RESILIENT_FAILURE_NONE;
  self->outcome.phase = RESILIENT_PHASE_DONE;
  self->outcome.response =
    resilient_test_end_make_response (end,
                                      resilient_frozen_request_peek_uri (self->frozen),
                                      wanted,
                                      resilient_clock_to_seconds (elapsed));
  self->funcs.done (&self->parent, &self->outcome, self->data);
  g_clear_pointer (&self->outcome.response, resilient_response_unref);
}

/* Reads what would go to the server; a stream that can be read once is spent by that. */
static void
send_body (StubAttempt *self)
{
  ResilientBody *body = resilient_frozen_request_get_body (self->frozen);
  g_autoptr (GOutputStream) memory = NULL;
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gint64 size;

  if (body == NULL || self->body_sent)
    return;

  self->body_sent = TRUE;
  stream = resilient_body_open (body, &size, &self->body_error);
  if (stream == NULL)
    return;

  resilient_body_begin (body);
  memory = g_memory_output_stream_new_resizable ();
  if (g_output_stream_splice (
        memory, stream, G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, &self->body_error)
      < 0)
    return;

  bytes = g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (memory));
  self->body_size = (gint64) g_bytes_get_size (bytes);
  if (self->attempt != NULL)
    resilient_test_attempt_set_body (self->attempt, bytes);
}

/* In the driving context, once the end is known. */
static void
begin_end (StubAttempt *self)
{
  ResilientTestEnd *end = self->end;
  double takes = resilient_test_end_get_takes (end);

  self->begun = TRUE;
  self->due = takes < 0.0 ? G_MAXINT64 : resilient_clock_add (self->planned, takes);
  self->outcome.nothing_sent = resilient_test_end_get_nothing_sent (end);
  self->outcome.sends = self->outcome.nothing_sent ? 0 : 1;
  self->outcome.http2 = resilient_test_end_get_http2 (end);
  self->outcome.http2_of_origin = self->outcome.http2;

  if (self->outcome.nothing_sent)
    resilient_deadlines_enter (
      &self->deadlines, RESILIENT_PHASE_CONNECTING, self->deadlines.started);
  else
    send_body (self);
}

static void
end_as_said (StubAttempt *self)
{
  const GError *error = resilient_test_end_get_error (self->end);

  if (error != NULL)
    end_with_error (self, resilient_test_end_get_failure (self->end), error);
  else
    end_with_response (self);
}

static void
end_by_deadline (StubAttempt *self, gint64 now)
{
  ResilientFailure failure =
    resilient_deadlines_check (&self->deadlines, now, self->outcome.nothing_sent);
  g_autoptr (GError) error = resilient_deadlines_make_error (&self->deadlines, failure);

  if (!self->outcome.nothing_sent)
    send_body (self);
  end_with_error (self, failure, error);
}

static void go_on_cb (gpointer data);

static gboolean
plan (gpointer data, ResilientTestEnd *end)
{
  StubAttempt *self = data;

  if (self->end != NULL)
    {
      resilient_test_end_unref (end);
      return FALSE;
    }

  self->end = end;
  self->planned = resilient_clock_get_boot ();
  resilient_timer_queue_set (self->timers, &self->timer, self->planned, go_on_cb, self);
  return TRUE;
}

/* Somebody may say how it ends; else the script does, and without steps the attempt waits. */
static void
ask (StubAttempt *self)
{
  g_autoptr (GObject) owner = g_weak_ref_get (&self->stub->owner);

  self->asked = TRUE;
  if (owner != NULL)
    self->stub->ask (owner, self->attempt);

  resilient_test_attempt_lock ();
  if (!self->over && self->end == NULL)
    {
      ResilientTestEnd *end = take_next (self);

      if (end != NULL)
        plan (self, end);
    }
  resilient_test_attempt_unlock ();
}

static void
go_on_cb (gpointer data)
{
  StubAttempt *self = data;
  gint64 now = resilient_clock_get_boot ();
  gint64 deadline;
  gboolean is_over, has_end;

  /* Who is asked may cancel it. */
  self->ref_count++;
  if (!self->asked)
    ask (self);

  resilient_test_attempt_lock ();
  is_over = self->over;
  has_end = self->end != NULL;
  resilient_test_attempt_unlock ();

  if (has_end && !is_over && !self->begun)
    begin_end (self);
  deadline = resilient_deadlines_get_due (&self->deadlines);

  if (is_over)
    ;
  else if (self->body_error != NULL)
    end_with_error (self, RESILIENT_FAILURE_INVALID, self->body_error);
  else if (self->due <= MIN (now, deadline))
    end_as_said (self);
  else if (deadline <= now)
    end_by_deadline (self, now);
  else
    resilient_timer_queue_set (
      self->timers, &self->timer, MIN (self->due, deadline), go_on_cb, self);

  attempt_unref (&self->parent);
}

static void
abandon (ResilientTransportAttempt *attempt)
{
  take_end ((StubAttempt *) attempt);
}

/* What a server would see: the request's own headers win over defaults. */
static ResilientHeaders *
make_headers (StubAttempt *self, const ResilientTransportAttemptParams *params)
{
  ResilientHeaders *own = resilient_frozen_request_get_headers (self->frozen);
  ResilientBody *body = resilient_frozen_request_get_body (self->frozen);
  ResilientHeaders *defaults = NULL;
  ResilientHeaders *merged;
  ResilientRequestPlan plan;

  if (self->funcs.default_headers != NULL)
    defaults =
      self->funcs.default_headers (resilient_frozen_request_peek_uri (self->frozen), self->data);
  resilient_request_plan_init (&plan, self->frozen);
  merged = resilient_request_plan_merge_headers (&plan, defaults, own);
  resilient_request_plan_clear (&plan);
  if (defaults != NULL)
    resilient_headers_unref (defaults);

#define HAS_OWN(name) (own != NULL && resilient_headers_get_one (own, name) != NULL)
  if (body != NULL && resilient_body_get_content_type (body) != NULL && !HAS_OWN ("Content-Type"))
    resilient_headers_replace (merged, "Content-Type", resilient_body_get_content_type (body));
  if (params->idempotency_key != NULL)
    resilient_headers_replace (merged, "Idempotency-Key", params->idempotency_key);
  if (params->user_agent != NULL && !HAS_OWN ("User-Agent"))
    resilient_headers_replace (merged, "User-Agent", params->user_agent);
#undef HAS_OWN

  return merged;
}

/* With the lock held. */
static guint
count_attempt (ResilientTestStub *stub, const ResilientTransportAttemptParams *params)
{
  guint number = 0;

  if (stub->keeps_attempts)
    {
      number = GPOINTER_TO_UINT (g_hash_table_lookup (stub->numbers, params->frozen)) + 1;
      g_hash_table_insert (stub->numbers, params->frozen, GUINT_TO_POINTER (number));
    }
  stub->n_started++;
  stub->n_live++;
  stub->max_live = MAX (stub->max_live, stub->n_live);
  stub->n_new_connections += params->new_connection;

  return number;
}

/* What the test sees of it, if anybody does; takes @headers. With the lock held. */
static void
show (StubAttempt *self, ResilientHeaders *headers, guint number)
{
  gint64 time = self->deadlines.started - self->stub->created;

  self->attempt =
    resilient_test_attempt_new (self->frozen, headers, number, resilient_clock_to_seconds (time));
  resilient_test_attempt_set_plan_func (self->attempt, plan, self);
  if (self->stub->keeps_attempts)
    g_ptr_array_add (self->stub->attempts, g_object_ref (self->attempt));
}

static ResilientTransportAttempt *
start (ResilientTransport *transport,
       const ResilientTransportAttemptParams *params,
       ResilientTimerQueue *timers,
       const ResilientTransportAttemptFuncs *funcs,
       gpointer data)
{
  ResilientTestStub *stub = (ResilientTestStub *) transport;
  StubAttempt *self = g_new0 (StubAttempt, 1);
  gint64 now = resilient_clock_get_boot ();
  ResilientHeaders *headers = NULL;
  guint number;

  self->parent.transport = resilient_transport_ref (transport);
  self->parent.unref = attempt_unref;
  self->parent.outcome = &self->outcome;
  self->ref_count = 2; /* the caller's, and our own until released() */
  self->stub = stub;
  self->frozen = resilient_frozen_request_ref (params->frozen);
  self->funcs = *funcs;
  self->data = data;
  self->timers = resilient_timer_queue_ref (timers);
  self->due = G_MAXINT64;
  self->outcome.sends = 1;
  /* To connect and to write takes no time. */
  resilient_deadlines_init (&self->deadlines,
                            now,
                            params->connect_timeout,
                            params->write_timeout,
                            params->read_timeout,
                            params->attempt_timeout);
  resilient_deadlines_enter (&self->deadlines, RESILIENT_PHASE_WAITING, now);

  if (stub->keeps_attempts || stub->ask != NULL)
    headers = make_headers (self, params);

  resilient_test_attempt_lock ();
  number = count_attempt (stub, params);
  if (headers != NULL)
    show (self, headers, number);
  if (stub->ask == NULL)
    {
      /* Attempts and ends are in the same order then, also when one is abandoned at once. */
      self->asked = TRUE;
      self->end = take_next (self);
      g_assert (self->end != NULL);
      self->planned = now;
    }
  resilient_test_attempt_unlock ();

  if (resilient_frozen_request_get_body (self->frozen) != NULL
      && resilient_body_is_replayable (resilient_frozen_request_get_body (self->frozen)))
    send_body (self);

  /* Nothing may come of it before the caller has it. */
  resilient_timer_queue_set (timers, &self->timer, now, go_on_cb, self);

  return &self->parent;
}

/* --- the stub --------------------------------------------------------------------------------- */

static void
stub_free (ResilientTransport *transport)
{
  ResilientTestStub *self = (ResilientTestStub *) transport;

  g_assert (self->n_live == 0);
  g_weak_ref_clear (&self->owner);
  g_hash_table_unref (self->next);
  g_hash_table_unref (self->lines);
  g_hash_table_unref (self->numbers);
  g_ptr_array_unref (self->attempts);
  g_free (self);
}

ResilientTestStub *
resilient_test_stub_new (void)
{
  static const ResilientTransportFuncs funcs = {
    .start = start,
    .abandon = abandon,
    .free = stub_free,
  };
  ResilientTestStub *self = g_new0 (ResilientTestStub, 1);

  self->parent.funcs = &funcs;
  self->parent.ref_count = 1;
  self->created = resilient_clock_get_boot ();
  g_weak_ref_init (&self->owner, NULL);
  self->lines =
    g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  self->next = g_hash_table_new (g_str_hash, g_str_equal);
  self->attempts = g_ptr_array_new_with_free_func (g_object_unref);
  self->numbers = g_hash_table_new (NULL, NULL);
  self->keeps_attempts = TRUE;

  return self;
}

ResilientTestStub *
resilient_test_stub_ref (ResilientTestStub *self)
{
  resilient_transport_ref (&self->parent);
  return self;
}

void
resilient_test_stub_unref (ResilientTestStub *self)
{
  resilient_transport_unref (&self->parent);
}

ResilientTransport *
resilient_test_stub_get_transport (ResilientTestStub *self)
{
  return &self->parent;
}

void
resilient_test_stub_set_ask_func (ResilientTestStub *self,
                                  ResilientTestAskFunc func,
                                  GObject *owner)
{
  self->ask = func;
  g_weak_ref_set (&self->owner, owner);
}

void
resilient_test_stub_set_keeps_attempts (ResilientTestStub *self, gboolean keeps)
{
  self->keeps_attempts = keeps;
}

void
resilient_test_stub_add (ResilientTestStub *self, const char *uri, ResilientTestEnd *end)
{
  g_autofree char *key = normalize (uri);
  GPtrArray *line;

  resilient_test_attempt_lock ();

  line = g_hash_table_lookup (self->lines, key);
  if (line == NULL)
    {
      line = g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_test_end_unref);
      g_hash_table_insert (self->lines, g_steal_pointer (&key), line);
    }
  g_ptr_array_add (line, end);

  resilient_test_attempt_unlock ();
}

/* With the lock held. */
static void
forget_steps (ResilientTestStub *self)
{
  g_hash_table_remove_all (self->next);
  g_hash_table_remove_all (self->lines);
}

void
resilient_test_stub_clear_steps (ResilientTestStub *self)
{
  resilient_test_attempt_lock ();
  forget_steps (self);
  resilient_test_attempt_unlock ();
}

void
resilient_test_stub_clear (ResilientTestStub *self)
{
  g_autoptr (GPtrArray) attempts = NULL;

  resilient_test_attempt_lock ();

  forget_steps (self);
  g_hash_table_remove_all (self->numbers);
  attempts = g_steal_pointer (&self->attempts);
  self->attempts = g_ptr_array_new_with_free_func (g_object_unref);
  self->n_started = 0;
  self->n_discarded = 0;
  self->n_new_connections = 0;
  self->max_live = self->n_live;

  resilient_test_attempt_unlock ();
}

static guint
read_count (const guint *count)
{
  guint value;

  resilient_test_attempt_lock ();
  value = *count;
  resilient_test_attempt_unlock ();

  return value;
}

guint
resilient_test_stub_get_started (ResilientTestStub *self)
{
  return read_count (&self->n_started);
}

guint
resilient_test_stub_get_live (ResilientTestStub *self)
{
  return read_count (&self->n_live);
}

guint
resilient_test_stub_get_max_live (ResilientTestStub *self)
{
  return read_count (&self->max_live);
}

guint
resilient_test_stub_get_discarded (ResilientTestStub *self)
{
  return read_count (&self->n_discarded);
}

guint
resilient_test_stub_get_new_connections (ResilientTestStub *self)
{
  return read_count (&self->n_new_connections);
}

GPtrArray *
resilient_test_stub_list_attempts (ResilientTestStub *self)
{
  GPtrArray *attempts = g_ptr_array_new_with_free_func (g_object_unref);

  resilient_test_attempt_lock ();
  for (guint i = 0; i < self->attempts->len; i++)
    g_ptr_array_add (attempts, g_object_ref (self->attempts->pdata[i]));
  resilient_test_attempt_unlock ();

  return attempts;
}
