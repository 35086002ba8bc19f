/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The story of a request in the log, for G_MESSAGES_DEBUG=Resilient: one line for each change of
 * state, lease, verdict and choice, which begins with the id of the request and the number of the
 * attempt. Nobody who looks for a fault may find a secret there: no header is ever told, no message
 * of an error, and of a URI neither the user nor the values of its query. Any thread. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Whether the lines are wanted. The environment is read once for the process. */
gboolean resilient_debug_is_on (void);

/* "id, attempt 1" for the lines of one attempt; NULL where none are wanted. */
char *resilient_debug_name_new (const char *request_id, guint attempt);

/* One line of what has a @name. A branch and nothing else where none are wanted. */
#define resilient_debug(name, ...)                                                                 \
  G_STMT_START                                                                                     \
  {                                                                                                \
    if (G_UNLIKELY ((name) != NULL))                                                               \
      resilient_debug_write ((name), __VA_ARGS__);                                                 \
  }                                                                                                \
  G_STMT_END

void resilient_debug_write (const char *name, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* As it may be shown: "https://example.org/path?key=…". Transfer full. */
char *resilient_debug_redact_uri (GUri *uri);
/* What kind of error it is: "g-io-error-quark 39". Transfer full. */
char *resilient_debug_describe_error (const GError *error);

G_END_DECLS
