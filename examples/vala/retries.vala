/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A request that is tried again until it works: retries https://example.org */

/* [fetch] */
async string
fetch_text (Resilient.Client client, string uri) throws Error
{
  var policy = Resilient.RetryPolicy.get_standard ();
  var context = new Resilient.RequestContext ("greeting", policy, null);
  var response = yield client.get_async (uri, context, null);

  response.check_status ();
  return response.get_text ();
}
/* [end] */

/* On loopback; answers 503 to the first request and is fine after that. */
Soup.Server
create_server () throws Error
{
  var server = (Soup.Server) Object.new (typeof (Soup.Server));
  var visits = 0;

  server.add_handler (null, (server, message, path, query) => {
    message.set_status (visits++ == 0 ? Soup.Status.SERVICE_UNAVAILABLE : Soup.Status.OK, null);
    message.set_response ("text/plain", Soup.MemoryUse.COPY, "Hello from the other end.\n".data);
  });
  server.listen_local (0, Soup.ServerListenOptions.IPV4_ONLY);
  return server;
}

async bool
run (string? uri) throws Error
{
  var client = new Resilient.Client ();
  Soup.Server? server = null;
  var retries = 0;

  if (uri == null)
    server = create_server ();

  /* [events] */
  client.retry.connect ((event) => {
    retries++;
    print ("%s: again in %.2f s, after %s\n",
           event.get_context ().get_request_id (),
           event.get_delay (),
           event.get_failure ().to_string ());
  });
  /* [end] */

  print ("%s", yield fetch_text (client, uri ?? server.get_uris ().data.to_string ()));

  var result = client.get_result ("greeting");
  print ("attempts: %u, time: %.2f s\n", result.get_attempts (), result.get_total_time ());
  yield client.close_async (1, null);
  /* The signals may still be on their way. */
  while (client.event_queue_length > 0)
    MainContext.default ().iteration (true);

  return server == null || (result.get_attempts () == 2 && retries == 1);
}

int
main (string[] args)
{
  var loop = new MainLoop ();
  var status = 1;

  if (args.length != 2)
    {
      printerr ("Usage: %s URI | --self-test\n", args[0]);
      return 2;
    }

  run.begin (args[1] == "--self-test" ? null : args[1], (object, result) => {
    try
      {
        status = run.end (result) ? 0 : 1;
      }
    catch (Error error)
      {
        printerr ("%s\n", error.message);
      }
    loop.quit ();
  });
  loop.run ();

  return status;
}
