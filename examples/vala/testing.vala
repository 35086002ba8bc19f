/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A test of an app's error paths, against a real server that misbehaves as it is told. */

/* [test] */
void
test_cut_answer ()
{
  try
    {
      var server = new ResilientTest.Server ();
      var client = new Resilient.Client ();
      var request = new Resilient.Request ("GET", server.get_uri ("/notes"));
      var builder = new Resilient.RetryPolicyBuilder (Resilient.RetryPolicy.get_standard ());

      builder.set_base_delay (0); /* no pauses */
      client.retry_policy = builder.build ();
      server.enqueue_fault (ResilientTest.Fault.RESET_ON_ACCEPT);
      server.enqueue_fault (ResilientTest.Fault.CUT_BODY);
      server.enqueue_response (200, "text/plain", new Bytes ("Buy milk".data));

      assert (client.send (request, null, null).get_text () == "Buy milk");
      assert (server.get_n_requests () == 2);
      assert (server.get_request (1).get_path () == "/notes");
    }
  catch (Error error)
    {
      assert_not_reached ();
    }
}
/* [end] */

void
test_wait ()
{
  try
    {
      var server = new ResilientTest.Server.with_flags (ResilientTest.ServerFlags.HTTP2);

      assert (server.get_tls_database () != null);
      server.wait_for_requests (1, 0, null);
      assert_not_reached ();
    }
  catch (IOError.TIMED_OUT error)
    {
    }
  catch (Error error)
    {
      assert_not_reached ();
    }
}

int
main (string[] args)
{
  Test.init (ref args);
  Test.add_func ("/notes/cut-answer", test_cut_answer);
  Test.add_func ("/notes/wait", test_wait);
  return Test.run ();
}
