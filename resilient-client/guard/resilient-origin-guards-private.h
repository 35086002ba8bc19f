/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What guards know of one origin; part of it. Any thread: one lock inside, under which nothing is
 * called. */
typedef struct _ResilientOriginGuards ResilientOriginGuards;

ResilientOriginGuards *resilient_origin_guards_new (void);
void resilient_origin_guards_free (ResilientOriginGuards *self);
/* An origin made anew would act differently. */
gboolean resilient_origin_guards_is_marked (ResilientOriginGuards *self);

/* Nobody is sent there before @until, boot-time microseconds, and who waited for that goes within
 * @spread seconds after. FALSE: it was held for as long already. */
gboolean resilient_origin_guards_hold (ResilientOriginGuards *self, gint64 until, double spread);
/* FALSE: it is not held. @until as above. */
gboolean
resilient_origin_guards_is_held (ResilientOriginGuards *self, gint64 *until, double *spread);
/* Microseconds since 1970, 0: it is not held. */
gint64 resilient_origin_guards_get_held_until (ResilientOriginGuards *self);
/* Whether that has changed since the last time. The first one who asks while it is held has to come
 * again at @again, boot-time microseconds, when that is not 0. */
gboolean resilient_origin_guards_take_hold_change (ResilientOriginGuards *self, gint64 *again);

G_END_DECLS
