/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <stdlib.h>

#include "resilient-circuit-breaker-private.h"
#include "resilient-heap-private.h"
#include "resilient-random-private.h"
#include "resilient-request-context-private.h"
#include "resilient-retry-budget.h"
#include "resilient-verdict-private.h"
#include "test-clock.h"

/* A server that answers 503 for a day, and the apps of a thousand users that go on asking it, in
 * virtual time: how much it gets, with and without guards. Verdicts, breakers and budgets are the
 * library's, asked as a call asks them; the calls themselves are not, as a thousand clients in one
 * main context would take minutes. Writes JSON, of which outage.py makes the plot of
 * docs/guards.md. */

/* What the server can do: so many at once, in so many seconds each, which makes 25 a second. As
 * many more wait there, which makes all slower, and the rest is turned away. When it is back its
 * caches are cold: it begins with a fifth of that, and has all of it so many seconds later. */
#define CAPACITY 10.0
#define SERVICE 0.4
#define COLD 0.2
#define WARM_UP 600.0
/* How long it takes to say that it can't, seconds. */
#define REFUSAL 0.001
/* What is shown: seconds before and after it is back, and of how many seconds each point is. */
#define BEFORE 600
#define AFTER 1800
#define BIN 10
#define N_BINS ((BEFORE + AFTER) / BIN)

/* What new_standard () has for each origin. */
#define BUDGET_RATIO 0.2
#define BUDGET_RESERVE 10
#define MAX_ATTEMPTS 16

static double hours = 24;
static int n_clients = 1000;
static int interval = 60;

static const GOptionEntry entries[] = {
  { "hours", 0, 0, G_OPTION_ARG_DOUBLE, &hours, "How long it is down", "H" },
  { "clients", 0, 0, G_OPTION_ARG_INT, &n_clients, "How many clients", "N" },
  { "interval",
    0,
    0,
    G_OPTION_ARG_INT,
    &interval,
    "Seconds from one request of a client to its next, in the mean",
    "S" },
  G_OPTION_ENTRY_NULL
};

/* NULL: it has none. */
typedef struct
{
  ResilientCircuitBreaker *breaker;
  ResilientRetryBudget *budget;
} Client;

typedef struct
{
  Client *client;
  gint64 due; /* the end of its attempt, or of its sleep */
  guint attempt;
  gboolean asleep;
  guint status;
  ResilientCircuitLease lease;
  guint index;
} Request;

typedef struct
{
  Client *clients;
  ResilientRequestContext *contexts[MAX_ATTEMPTS];
  ResilientHeap requests;
  gint64 back; /* when the server is */
  guint n_live;
  guint64 n_down; /* attempts before that */
  guint attempts[N_BINS];
  guint answered[N_BINS];
  guint failed[N_BINS];
} World;

static gboolean
is_before (gconstpointer a, gconstpointer b)
{
  return ((const Request *) a)->due < ((const Request *) b)->due;
}

static void
count (World *world, guint counts[N_BINS])
{
  gint64 shown = test_clock_get () - world->back + (gint64) BEFORE * G_USEC_PER_SEC;
  gint64 bin = shown / G_USEC_PER_SEC / BIN;

  if (shown >= 0 && bin < N_BINS)
    counts[bin]++;
}

static void
plan (World *world, Request *request, double seconds)
{
  request->due = resilient_clock_add (test_clock_get (), seconds);
  resilient_heap_insert (&world->requests, request);
}

static void
end (World *world, Request *request, gboolean answered)
{
  count (world, answered ? world->answered : world->failed);
  g_free (request);
}

/* Less than nothing: it is down. */
static double
get_capacity (World *world)
{
  double since = resilient_clock_to_seconds (test_clock_get () - world->back);

  return since < 0 ? -1 : CAPACITY * MIN (COLD + (1 - COLD) * since / WARM_UP, 1);
}

static void
serve (World *world, Request *request)
{
  double capacity = get_capacity (world);

  count (world, world->attempts);
  world->n_down += test_clock_get () < world->back;
  world->n_live++;
  request->asleep = FALSE;
  request->status = world->n_live <= 2 * capacity ? 200 : 503;
  plan (
    world, request, request->status == 200 ? SERVICE * MAX (world->n_live / capacity, 1) : REFUSAL);
}

/* Asks the breaker for one more attempt. */
static void
try (World *world, Request *request)
{
  Client *client = request->client;

  request->lease = (ResilientCircuitLease){ 0 };
  if (client->breaker != NULL
      && !resilient_circuit_breaker_take (client->breaker, &request->lease, NULL))
    {
      end (world, request, FALSE);
      return;
    }
  if (client->budget != NULL && request->attempt == 0)
    resilient_retry_budget_deposit (client->budget);
  serve (world, request);
}

static gboolean
may_retry (Client *client, double delay)
{
  if (client->breaker != NULL && !resilient_circuit_breaker_check (client->breaker, NULL)
      && resilient_circuit_breaker_get_retry_after (client->breaker) > delay)
    return FALSE;
  return client->budget == NULL || resilient_retry_budget_try_withdraw (client->budget);
}

static void
take_answer (World *world, Request *request)
{
  Client *client = request->client;
  ResilientVerdictInput input = {
    .context = world->contexts[request->attempt],
    .policy = resilient_retry_policy_get_standard (),
    .failure = RESILIENT_FAILURE_STATUS,
    .status_code = request->status,
    .retry_after = -1,
    .method = "GET",
    .now = test_clock_get (),
  };
  ResilientVerdict verdict;

  world->n_live--;
  if (client->breaker != NULL)
    resilient_circuit_breaker_report (client->breaker,
                                      &request->lease,
                                      request->status == 200 ? RESILIENT_CIRCUIT_OUTCOME_SUCCEEDED
                                                             : RESILIENT_CIRCUIT_OUTCOME_FAILED);
  if (request->status == 200)
    {
      end (world, request, TRUE);
      return;
    }

  verdict = resilient_verdict (&input);
  if (!verdict.retry || !may_retry (client, verdict.delay))
    {
      end (world, request, FALSE);
      return;
    }
  request->attempt++;
  request->asleep = TRUE;
  plan (world, request, verdict.delay);
}

static void
ask (World *world, Client *client)
{
  Request *request = g_new0 (Request, 1);

  request->client = client;
  try (world, request);
}

/* The users have not agreed on a time: whose turn it is is chance. */
static void
pass (World *world, gint64 until)
{
  const gint64 gap = (gint64) interval * G_USEC_PER_SEC / n_clients;
  gint64 next_ask = test_clock_get ();

  for (;;)
    {
      Request *request = resilient_heap_peek (&world->requests);
      gint64 next = request != NULL ? MIN (request->due, next_ask) : next_ask;

      if (next >= until)
        return;
      test_clock_set (next);
      if (next == next_ask)
        {
          ask (world, &world->clients[(int) (resilient_random_double () * n_clients)]);
          next_ask += gap;
          continue;
        }
      resilient_heap_remove (&world->requests, request);
      if (request->asleep)
        try (world, request);
      else
        take_answer (world, request);
    }
}

static void
print_rates (const char *name, const guint counts[N_BINS])
{
  g_print (", \"%s\": [", name);
  for (guint i = 0; i < N_BINS; i++)
    g_print ("%s%.1f", i > 0 ? ", " : "", counts[i] / (double) BIN);
  g_print ("]");
}

static void
world_init (World *self, gboolean guards)
{
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_stamp (NULL, resilient_retry_policy_get_standard (), NULL);

  *self = (World){ .requests = RESILIENT_HEAP_INIT (is_before, Request, index) };
  for (guint i = 0; i < MAX_ATTEMPTS; i++)
    self->contexts[i] = resilient_request_context_at (context, i, 0);
  self->clients = g_new0 (Client, n_clients);
  for (int i = 0; i < n_clients && guards; i++)
    self->clients[i] = (Client){
      .breaker = resilient_circuit_breaker_new (resilient_circuit_policy_get_default ()),
      .budget = resilient_retry_budget_new (BUDGET_RATIO, BUDGET_RESERVE, NULL),
    };
  self->back = test_clock_get () + (gint64) (hours * 3600 * G_USEC_PER_SEC);
}

static void
world_clear (World *self)
{
  Request *request;

  while ((request = resilient_heap_peek (&self->requests)) != NULL)
    {
      resilient_heap_remove (&self->requests, request);
      if (!request->asleep && request->client->breaker != NULL)
        resilient_circuit_breaker_report (
          request->client->breaker, &request->lease, RESILIENT_CIRCUIT_OUTCOME_RELEASED);
      g_free (request);
    }
  resilient_heap_clear (&self->requests);
  for (int i = 0; i < n_clients; i++)
    {
      g_clear_object (&self->clients[i].breaker);
      g_clear_object (&self->clients[i].budget);
    }
  g_free (self->clients);
  for (guint i = 0; i < MAX_ATTEMPTS; i++)
    resilient_request_context_unref (self->contexts[i]);
}

static void
run (const char *name, gboolean guards)
{
  World world;

  resilient_random_seed (1);
  world_init (&world, guards);
  pass (&world, world.back + (gint64) AFTER * G_USEC_PER_SEC);
  g_print ("  \"%s\": { \"down\": %" G_GUINT64_FORMAT, name, world.n_down);
  print_rates ("attempts", world.attempts);
  print_rates ("answered", world.answered);
  print_rates ("failed", world.failed);
  g_print (" }");
  world_clear (&world);
  resilient_random_unseed ();
}

int
main (int argc, char *argv[])
{
  g_autoptr (GOptionContext) options = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  if (hours * 3600 < BEFORE || n_clients < 1 || interval < 1)
    {
      g_printerr ("It is down for ten minutes at least, and somebody asks.\n");
      return 2;
    }

  test_clock_install ();
  g_print ("{\n  \"clients\": %d, \"interval\": %d, \"hours\": %g, \"capacity\": %g,\n",
           n_clients,
           interval,
           hours,
           CAPACITY / SERVICE);
  g_print ("  \"bin\": %d, \"before\": %d,\n", BIN, BEFORE);
  run ("with guards", TRUE);
  g_print (",\n");
  run ("without", FALSE);
  g_print ("\n}\n");

  return EXIT_SUCCESS;
}
