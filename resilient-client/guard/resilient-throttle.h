/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <gio/gio.h>

#include "resilient-version-macros.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_THROTTLE (resilient_throttle_get_type ())

RESILIENT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientThrottle, resilient_throttle, RESILIENT, THROTTLE, GObject)

RESILIENT_AVAILABLE_IN_1_0
ResilientThrottle *resilient_throttle_new          (double                seconds,
                                                    GError              **error);
RESILIENT_AVAILABLE_IN_1_0
void               resilient_throttle_wait_async   (ResilientThrottle    *self,
                                                    GCancellable         *cancellable,
                                                    GAsyncReadyCallback   callback,
                                                    gpointer              user_data);
RESILIENT_AVAILABLE_IN_1_0
gboolean           resilient_throttle_wait_finish  (ResilientThrottle    *self,
                                                    GAsyncResult         *result,
                                                    GError              **error);
RESILIENT_AVAILABLE_IN_1_0
double             resilient_throttle_get_interval (ResilientThrottle    *self);

G_END_DECLS
