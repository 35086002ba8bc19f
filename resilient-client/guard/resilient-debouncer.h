/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <gio/gio.h>

#include "resilient-version-macros.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_DEBOUNCER (resilient_debouncer_get_type ())

RESILIENT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientDebouncer, resilient_debouncer, RESILIENT, DEBOUNCER, GObject)

RESILIENT_AVAILABLE_IN_1_0
ResilientDebouncer *resilient_debouncer_new          (double                seconds,
                                                      GError              **error);
RESILIENT_AVAILABLE_IN_1_0
void                resilient_debouncer_wait_async   (ResilientDebouncer   *self,
                                                      GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
RESILIENT_AVAILABLE_IN_1_0
gboolean            resilient_debouncer_wait_finish  (ResilientDebouncer   *self,
                                                      GAsyncResult         *result,
                                                      GError              **error);
RESILIENT_AVAILABLE_IN_1_0
double              resilient_debouncer_get_interval (ResilientDebouncer   *self);

G_END_DECLS
