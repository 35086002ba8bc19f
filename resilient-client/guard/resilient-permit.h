/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <glib-object.h>

#include "resilient-version-macros.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_PERMIT (resilient_permit_get_type ())

RESILIENT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientPermit, resilient_permit, RESILIENT, PERMIT, GObject)

RESILIENT_AVAILABLE_IN_1_0
void resilient_permit_succeed (ResilientPermit *self);
RESILIENT_AVAILABLE_IN_1_0
void resilient_permit_fail    (ResilientPermit *self);

G_END_DECLS
