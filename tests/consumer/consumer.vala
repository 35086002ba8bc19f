/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The VAPI as Vala sees it: ownership, throwing, yielding. */

void
test_values ()
{
  var policy = new Resilient.RetryPolicy (3, 0.5);
  assert (policy.get_max_retries () == 3);
  assert (policy.equal (new Resilient.RetryPolicy (3, 0.5)));

  try
    {
      var context = new Resilient.RequestContext ("vala", policy, null);
      assert (context.get_request_id () == "vala");
      assert (context.increment_attempt ().get_current_attempt () == 1);
      assert (context.get_current_attempt () == 0);
    }
  catch (Error error)
    {
      assert_not_reached ();
    }
}

void
test_policy_refused ()
{
  var builder = new Resilient.RetryPolicyBuilder (Resilient.RetryPolicy.get_standard ());
  builder.set_base_delay (60);

  try
    {
      builder.build ();
      assert_not_reached ();
    }
  catch (Resilient.ClientError.INVALID_POLICY error)
    {
      assert (error.message != "");
    }
  catch (Error error)
    {
      assert_not_reached ();
    }
}

void
test_circuit_breaker ()
{
  try
    {
      var builder = new Resilient.CircuitPolicyBuilder (null);
      builder.set_failure_threshold (1);
      var breaker = new Resilient.CircuitBreaker (builder.build ());
      breaker.acquire ().fail ();
      assert (breaker.state == Resilient.CircuitState.OPEN);
      assert (breaker.retry_after > 0);
      breaker.acquire ();
      assert_not_reached ();
    }
  catch (Resilient.ClientError.CIRCUIT_OPEN error)
    {
      assert (error.message != "");
    }
  catch (Error error)
    {
      assert_not_reached ();
    }
}

async void
take (Resilient.RateLimiter limiter, Resilient.Throttle throttle, Resilient.Debouncer debouncer) throws Error
{
  assert (yield limiter.acquire_async (null));
  assert (yield throttle.wait_async (null));
  assert (yield debouncer.wait_async (null));
}

void
test_guards ()
{
  var loop = new MainLoop ();

  try
    {
      var limiter = new Resilient.RateLimiter (1000, 1);
      var budget = new Resilient.RetryBudget (0, 1);
      var client = new Resilient.Client.standard ();

      client.rate_limiter = limiter;
      client.retry_budget = budget;
      assert (budget.try_withdraw () && !budget.try_withdraw ());
      take.begin (limiter, new Resilient.Throttle (0), new Resilient.Debouncer (0), (source, result) => {
        try
          {
            take.end (result);
          }
        catch (Error error)
          {
            assert_not_reached ();
          }
        loop.quit ();
      });
      loop.run ();
      new Resilient.RateLimiter (0, 1);
      assert_not_reached ();
    }
  catch (Resilient.ClientError.INVALID_POLICY error)
    {
      assert ("rate" in error.message);
    }
  catch (Error error)
    {
      assert_not_reached ();
    }
}

async uint
fetch (Resilient.Client client, string uri) throws Error
{
  var response = yield client.get_async (uri, null, null);
  return response.get_status_code ();
}

void
test_fetch ()
{
  var loop = new MainLoop ();
  var server = (Soup.Server) Object.new (typeof (Soup.Server));
  var client = new Resilient.Client ();
  var successes = 0;

  server.add_handler (null, (server, message, path, query) => message.set_status (204, null));
  try
    {
      server.listen_local (0, Soup.ServerListenOptions.IPV4_ONLY);
    }
  catch (Error error)
    {
      assert_not_reached ();
    }
  client.success.connect ((event) => {
    assert (event.get_event_type () == Resilient.EventType.SUCCESS);
    successes += 1;
    loop.quit ();
  });
  fetch.begin (client, server.get_uris ().data.to_string (), (object, result) => {
    try
      {
        assert (fetch.end (result) == 204);
      }
    catch (Error error)
      {
        assert_not_reached ();
      }
  });
  loop.run ();
  assert (successes == 1);
}

void
test_batch ()
{
  var loop = new MainLoop ();
  var client = new Resilient.Client ();
  var requests = new GenericArray<Resilient.Request> ();
  requests.add (new Resilient.Request ("GET", "no URI"));
  requests.add (new Resilient.Request ("GET", "no URI either"));
  var batch = new Resilient.Batch (client, requests, Resilient.BatchFlags.NONE);
  var progress = 0u;

  batch.max_concurrent = 1;
  batch.notify["n-done"].connect (() => progress = batch.n_done);
  batch.run_async.begin (null, (object, result) => {
    try
      {
        var results = batch.run_async.end (result);
        assert (results.length == 2);
        assert (results[1].is_error ());
      }
    catch (Error error)
      {
        assert_not_reached ();
      }
    loop.quit ();
  });
  loop.run ();
  assert (progress == 2 && batch.n_failed == 2 && batch.n_total == 2);
}

async void
retry (Resilient.Retrier retrier, Error? cause) throws Error
{
  assert (yield retrier.backoff_async (cause, null));
}

void
test_retrier ()
{
  var loop = new MainLoop ();
  var retrier = new Resilient.Retrier (new Resilient.RetryPolicy (1, 0), null);

  retry.begin (retrier, new IOError.CONNECTION_REFUSED ("refused"), (object, result) => {
    try
      {
        retry.end (result);
      }
    catch (Error error)
      {
        assert_not_reached ();
      }
    loop.quit ();
  });
  loop.run ();
  assert (retrier.attempt == 2);

  retry.begin (retrier, null, (object, result) => {
    try
      {
        retry.end (result);
        assert_not_reached ();
      }
    catch (Resilient.ClientError.RETRIES_EXHAUSTED error)
      {
        assert (error.message != "");
      }
    catch (Error error)
      {
        assert_not_reached ();
      }
    loop.quit ();
  });
  loop.run ();
}

int
main (string[] args)
{
  Test.init (ref args);
  Test.add_func ("/vala/values", test_values);
  Test.add_func ("/vala/policy-refused", test_policy_refused);
  Test.add_func ("/vala/circuit-breaker", test_circuit_breaker);
  Test.add_func ("/vala/fetch", test_fetch);
  Test.add_func ("/vala/guards", test_guards);
  Test.add_func ("/vala/batch", test_batch);
  Test.add_func ("/vala/retrier", test_retrier);
  return Test.run ();
}
