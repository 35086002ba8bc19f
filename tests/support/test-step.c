/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "test-step.h"

static ResilientTestEnd *
make_end (const Step *step)
{
  if (step->takes < 0)
    return resilient_test_end_new_hang (!step->nothing_sent);

  if (step->failure == RESILIENT_FAILURE_NONE)
    {
      g_autoptr (GBytes) body = g_bytes_new_static ("ok", 2);
      ResilientTestEnd *end =
        resilient_test_end_new_response (step->status, NULL, body, step->takes);

      resilient_test_end_set_retry_after (end, step->retry_after);
      if (step->cut)
        {
          g_autoptr (GError) error =
            g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "scripted");

          resilient_test_end_set_cut (end, error);
        }
      return end;
    }
  else
    {
      g_autoptr (GError) error = g_error_new_literal (step->domain, step->code, "scripted");
      ResilientTestEnd *end =
        resilient_test_end_new_error (error, !step->nothing_sent, step->takes);

      resilient_test_end_set_failure (end, step->failure);
      return end;
    }
}

void
add_step (ResilientTestStub *stub, Step step)
{
  ResilientTestEnd *end = make_end (&step);

  resilient_test_end_set_http2 (end, step.http2);
  resilient_test_end_set_released_after (end, step.released_after);
  resilient_test_stub_add (stub, NULL, end);
}

void
use_stub (ResilientEngine *engine, ResilientTestStub *stub)
{
  ResilientCallOptions *options = resilient_engine_lock_settings (engine)->options;

  options->connect_timeout = 0;
  options->write_timeout = 0;
  options->read_timeout = 0;
  options->attempt_timeout = 0;
  resilient_engine_unlock_settings (engine);
  resilient_engine_set_transport (engine, resilient_test_stub_get_transport (stub));
}

ResilientTestAttempt *
get_attempt (ResilientTestStub *stub, guint i)
{
  g_autoptr (GPtrArray) attempts = resilient_test_stub_list_attempts (stub);

  g_assert_cmpuint (i, <, attempts->len);
  return g_object_ref (attempts->pdata[i]);
}
