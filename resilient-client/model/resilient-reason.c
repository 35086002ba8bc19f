/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The word for a reason: its nick, for debug lines. It owns nothing. Any thread. */

#include "config.h"

#include "resilient-reason-private.h"

const char *
resilient_reason_to_string (ResilientReason reason)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (RESILIENT_TYPE_REASON);
  GEnumValue *value = g_enum_get_value (klass, (int) reason);

  g_assert (value != NULL);
  return value->value_nick;
}
