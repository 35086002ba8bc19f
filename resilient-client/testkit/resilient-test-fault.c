/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Spells each fault of the test kit as the steps of a script. Pure functions that own nothing, for
 * any thread. */

#include "config.h"

#include "resilient-test-fault-private.h"

#define DRIP_MILLISECONDS 100
#define TEXT "Content-Type: text/plain"
#define GOOD fault_answer (200, TEXT, "ok")

/* Long enough that a part of it, packed, is no longer than the rest. */
#define LONG_TEXT                                                                                  \
  "Sphinx of black quartz, judge my vow. The five boxing wizards jump quickly. Pack my box with "  \
  "five dozen liquor jugs. How vexingly quick daft zebras jump."

static void
add (FaultScript *script, FaultStep *step)
{
  g_ptr_array_add (script, step);
}

static void
add_gzip (FaultScript *script, FaultGzip how)
{
  g_autoptr (GBytes) packed = fault_gzip (LONG_TEXT, how);

  add (script, fault_answer_bytes (200, TEXT "\r\nContent-Encoding: gzip", packed));
}

gboolean
resilient_test_fault_is_of_connection (ResilientTestFault fault)
{
  return fault <= RESILIENT_TEST_FAULT_WRONG_HOST;
}

gboolean
resilient_test_fault_needs_tls (ResilientTestFault fault)
{
  return fault >= RESILIENT_TEST_FAULT_TLS_CUT && fault <= RESILIENT_TEST_FAULT_WRONG_HOST;
}

FaultDoor
resilient_test_fault_get_door (ResilientTestFault fault)
{
  return fault == RESILIENT_TEST_FAULT_REFUSE         ? FAULT_DOOR_CLOSED
         : fault == RESILIENT_TEST_FAULT_FULL_BACKLOG ? FAULT_DOOR_STUCK
                                                      : FAULT_DOOR_OPEN;
}

static void
add_steps_of_connection (ResilientTestFault fault, FaultScript *script)
{
  switch (fault)
    {
    case RESILIENT_TEST_FAULT_RESET_ON_ACCEPT:
      add (script, fault_reset ());
      break;
    case RESILIENT_TEST_FAULT_CLOSE_ON_ACCEPT:
      add (script, fault_close ());
      break;
    case RESILIENT_TEST_FAULT_CLOSE_ON_FIRST_BYTE:
    case RESILIENT_TEST_FAULT_TLS_CUT:
      add (script, fault_read (1));
      add (script, fault_cut ());
      break;
    case RESILIENT_TEST_FAULT_TLS_SILENCE:
      add (script, fault_silence ());
      break;
    case RESILIENT_TEST_FAULT_EXPIRED_CERTIFICATE:
      add (script, fault_show_certificate (FAULT_CERTIFICATE_EXPIRED));
      break;
    case RESILIENT_TEST_FAULT_WRONG_HOST:
      add (script, fault_show_certificate (FAULT_CERTIFICATE_WRONG_HOST));
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
add_steps_without_answer (ResilientTestFault fault, FaultScript *script)
{
  switch (fault)
    {
    case RESILIENT_TEST_FAULT_CLOSE_AFTER_HEADERS:
      add (script, fault_read (0));
      add (script, fault_close ());
      break;
    case RESILIENT_TEST_FAULT_CLOSE_AFTER_REQUEST:
      add (script, fault_close ());
      break;
    case RESILIENT_TEST_FAULT_RESET_AFTER_REQUEST:
      add (script, fault_reset ());
      break;
    case RESILIENT_TEST_FAULT_SILENCE:
      add (script, fault_silence ());
      break;
    case RESILIENT_TEST_FAULT_GOAWAY:
      add (script, fault_goaway (FAULT_HTTP2_NO_ERROR, FALSE));
      break;
    case RESILIENT_TEST_FAULT_REFUSED_STREAM:
      add (script, fault_reset_stream (FAULT_HTTP2_REFUSED_STREAM));
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
add_steps_of_cut_answer (ResilientTestFault fault, FaultScript *script)
{
  switch (fault)
    {
    case RESILIENT_TEST_FAULT_CUT_STATUS_LINE:
      add (script, fault_send ("H"));
      break;
    case RESILIENT_TEST_FAULT_CUT_HEADERS:
      add (script, fault_send ("HTTP/1.1 200 OK\r\nContent-Type: text/pl"));
      break;
    case RESILIENT_TEST_FAULT_CUT_CHUNK:
      add (script, fault_head (200, TEXT "\r\nTransfer-Encoding: chunked"));
      add (script, fault_send ("40\r\nnot all of it"));
      break;
    case RESILIENT_TEST_FAULT_CUT_BETWEEN_CHUNKS:
      add (script, fault_head (200, TEXT "\r\nTransfer-Encoding: chunked"));
      add (script, fault_send ("d\r\nnot all of it\r\n"));
      break;
    case RESILIENT_TEST_FAULT_CUT_BODY:
    case RESILIENT_TEST_FAULT_RESET_IN_BODY:
    case RESILIENT_TEST_FAULT_SILENCE_IN_BODY:
    case RESILIENT_TEST_FAULT_RESET_STREAM:
      add (script, fault_head (200, TEXT "\r\nContent-Length: 64"));
      add (script, fault_send ("not all of it"));
      break;
    default:
      g_assert_not_reached ();
    }

  if (fault == RESILIENT_TEST_FAULT_RESET_IN_BODY)
    add (script, fault_reset ());
  else if (fault == RESILIENT_TEST_FAULT_RESET_STREAM)
    add (script, fault_reset_stream (FAULT_HTTP2_INTERNAL_ERROR));
  else if (fault == RESILIENT_TEST_FAULT_SILENCE_IN_BODY)
    add (script, fault_silence ());
  else
    add (script, fault_cut ());
}

static void
add_steps_of_odd_answer (ResilientTestFault fault, FaultScript *script)
{
  switch (fault)
    {
    case RESILIENT_TEST_FAULT_CUT_GZIP:
      add_gzip (script, FAULT_GZIP_CUT);
      break;
    case RESILIENT_TEST_FAULT_CORRUPT_GZIP:
      add_gzip (script, FAULT_GZIP_CORRUPT);
      break;
    case RESILIENT_TEST_FAULT_DRIP:
      add (script, fault_head (200, TEXT "\r\nContent-Length: 4"));
      add (script, fault_drip ("slow", NULL, DRIP_MILLISECONDS));
      break;
    case RESILIENT_TEST_FAULT_GARBAGE:
      add (script, fault_send ("220 mail.example ESMTP\r\n\r\n"));
      add (script, fault_close ());
      break;
    case RESILIENT_TEST_FAULT_HEADER_FLOOD:
      add (script, fault_flood_headers (0));
      break;
    case RESILIENT_TEST_FAULT_ENDLESS_BODY:
      /* to its end: what has no length ends with the connection */
      add (script, fault_head (200, TEXT));
      add (script, fault_send_filler (0));
      break;
    case RESILIENT_TEST_FAULT_LENGTH_TOO_SHORT:
      add (script, fault_head (200, TEXT "\r\nContent-Length: 8"));
      add (script, fault_send ("more than was promised"));
      break;
    case RESILIENT_TEST_FAULT_LENGTH_TOO_LONG:
      add (script, fault_head (200, TEXT "\r\nContent-Length: 64"));
      add (script, fault_send ("all of it"));
      break;
    case RESILIENT_TEST_FAULT_LENGTH_INVALID:
      add (script, fault_head (200, TEXT "\r\nContent-Length: some"));
      add (script, fault_send ("all of it"));
      add (script, fault_close ());
      break;
    case RESILIENT_TEST_FAULT_INFORMATIONAL:
      add (script, fault_head (102, NULL));
      add (script, fault_head (103, "Link: </style.css>; rel=preload"));
      add (script, GOOD);
      break;
    case RESILIENT_TEST_FAULT_REDIRECT_LOOP:
      add (script, fault_redirect (302, "?again"));
      break;
    case RESILIENT_TEST_FAULT_REDIRECT_NOWHERE:
      add (script, fault_answer (302, NULL, ""));
      break;
    case RESILIENT_TEST_FAULT_TOO_MANY_REQUESTS:
      add (script, fault_answer (429, "Retry-After: 1", ""));
      break;
    case RESILIENT_TEST_FAULT_UNAVAILABLE:
      add (script, fault_answer (503, "Retry-After: 1", ""));
      break;
    case RESILIENT_TEST_FAULT_RESET_KEPT_ALIVE:
      add (script, GOOD);
      add (script, fault_await_next ());
      add (script, fault_reset ());
      break;
    case RESILIENT_TEST_FAULT_CLOSE_KEPT_ALIVE:
      add (script, GOOD);
      add (script, fault_close ());
      break;
    default:
      g_assert_not_reached ();
    }
}

void
resilient_test_fault_add_steps (ResilientTestFault fault, FaultScript *script)
{
  if (resilient_test_fault_is_of_connection (fault))
    {
      add_steps_of_connection (fault, script);
      return;
    }

  switch (fault)
    {
    case RESILIENT_TEST_FAULT_CLOSE_AFTER_HEADERS:
    case RESILIENT_TEST_FAULT_CLOSE_AFTER_REQUEST:
    case RESILIENT_TEST_FAULT_RESET_AFTER_REQUEST:
    case RESILIENT_TEST_FAULT_SILENCE:
    case RESILIENT_TEST_FAULT_GOAWAY:
    case RESILIENT_TEST_FAULT_REFUSED_STREAM:
      add_steps_without_answer (fault, script);
      break;
    case RESILIENT_TEST_FAULT_CUT_STATUS_LINE:
    case RESILIENT_TEST_FAULT_CUT_HEADERS:
    case RESILIENT_TEST_FAULT_CUT_BODY:
    case RESILIENT_TEST_FAULT_RESET_IN_BODY:
    case RESILIENT_TEST_FAULT_CUT_CHUNK:
    case RESILIENT_TEST_FAULT_CUT_BETWEEN_CHUNKS:
    case RESILIENT_TEST_FAULT_SILENCE_IN_BODY:
    case RESILIENT_TEST_FAULT_RESET_STREAM:
      add_steps_of_cut_answer (fault, script);
      break;
    default:
      add_steps_of_odd_answer (fault, script);
      break;
    }
}
