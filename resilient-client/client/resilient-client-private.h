/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-call-list-private.h"
#include "resilient-call-private.h"
#include "resilient-client.h"
#include "resilient-origin-list-private.h"

G_BEGIN_DECLS

struct _ResilientClient
{
  GObject parent_instance;

  /* Set once, at construction. */
  GMainContext *main_context;
  SoupSession *given_session; /* until the engine has it */
  ResilientEngine *engine;

  GSource *monitor;
  ResilientCallList *calls;     /* of the home context; made at need */
  ResilientOriginList *origins; /* the same */
};

/* Starts @frozen, or for a NULL one a call refused with @error. */
ResilientCall *resilient_client_start_frozen (ResilientClient *self,
                                              ResilientFrozenRequest *frozen,
                                              const GError *frozen_error,
                                              ResilientRequestContext *context,
                                              GCancellable *cancellable);
/* The same, as a task of @self (any tag) that returns the response. */
void resilient_client_send_frozen (ResilientClient *self,
                                   ResilientFrozenRequest *frozen,
                                   const GError *frozen_error,
                                   ResilientRequestContext *context,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data,
                                   gpointer tag);
/* The same for a verb; @content_type and @body are nullable. */
void resilient_client_send_verb (ResilientClient *self,
                                 const char *method,
                                 const char *uri,
                                 const char *content_type,
                                 GBytes *body,
                                 ResilientRequestContext *context,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data,
                                 gpointer tag);
/* Blocks; driven by the I/O thread. */
ResilientResponse *resilient_client_send_recipe_sync (ResilientClient *self,
                                                      ResilientFrozenRequest *frozen,
                                                      ResilientRequestContext *context,
                                                      GCancellable *cancellable,
                                                      GError **error);
ResilientResponse *resilient_client_finish_response (ResilientClient *self,
                                                     GAsyncResult *result,
                                                     gpointer tag,
                                                     GError **error);

enum
{
  RESILIENT_CLIENT_PROP_SESSION = 1,
  RESILIENT_CLIENT_PROP_MAIN_CONTEXT,
  RESILIENT_CLIENT_PROP_RETRY_POLICY,
  RESILIENT_CLIENT_PROP_USER_AGENT,
  RESILIENT_CLIENT_PROP_IO_PRIORITY,
  RESILIENT_CLIENT_PROP_MAX_CONCURRENT,
  RESILIENT_CLIENT_PROP_MAX_CONCURRENT_PER_HOST,
  RESILIENT_CLIENT_PROP_MAX_PENDING,
  RESILIENT_CLIENT_PROP_CONNECT_TIMEOUT,
  RESILIENT_CLIENT_PROP_READ_TIMEOUT,
  RESILIENT_CLIENT_PROP_WRITE_TIMEOUT,
  RESILIENT_CLIENT_PROP_QUEUE_TIMEOUT,
  RESILIENT_CLIENT_PROP_ATTEMPT_TIMEOUT,
  RESILIENT_CLIENT_PROP_TOTAL_TIMEOUT,
  RESILIENT_CLIENT_PROP_MAX_RESPONSE_SIZE,
  RESILIENT_CLIENT_PROP_EVENT_QUEUE_CAPACITY,
  RESILIENT_CLIENT_PROP_MAX_RESULTS,
  RESILIENT_CLIENT_PROP_RESULT_TTL,
  RESILIENT_CLIENT_PROP_MAX_RESULT_BYTES,
  RESILIENT_CLIENT_PROP_ACTIVE_COUNT,
  RESILIENT_CLIENT_PROP_PENDING_COUNT,
  RESILIENT_CLIENT_PROP_RESULT_COUNT,
  RESILIENT_CLIENT_PROP_EVENT_QUEUE_LENGTH,
  RESILIENT_CLIENT_PROP_DROPPED_EVENTS,
  RESILIENT_CLIENT_PROP_CLOSED,
  RESILIENT_CLIENT_PROP_CALLS,
  RESILIENT_CLIENT_PROP_ORIGINS,
  RESILIENT_CLIENT_N_PROPS
};

/* resilient-client-properties.c and resilient-client-pspecs.c */
void
resilient_client_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec);
void resilient_client_set_property (GObject *object,
                                    guint prop_id,
                                    const GValue *value,
                                    GParamSpec *pspec);
void resilient_client_install_properties (GObjectClass *object_class);
/* resilient-client-signals.c */
void resilient_client_install_signals (GObjectClass *object_class);
/* TRUE if a handler of a signal wants events of @type; any thread. */
gboolean resilient_client_wants_event (ResilientEventType type, gpointer client);
/* Notifies active-count, pending-count and closed in the home context when they change, if anybody
 * listens. */
void resilient_client_watch_counts (ResilientClient *self);
void resilient_client_counts_changed (ResilientClient *self);
/* @weak_client: a GWeakRef; in the home context. */
void resilient_client_emit_event (ResilientEvent *event, gpointer weak_client);

/* In a forked child the settings are what they were: nobody is there who would change them. */
#define GET_SETTING(self, field)                                                                   \
  G_STMT_START                                                                                     \
  {                                                                                                \
    __typeof__ ((self)->engine->settings.field) value;                                             \
    g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);                                          \
    if (resilient_engine_is_foreign ((self)->engine, NULL))                                        \
      return (self)->engine->settings.field;                                                       \
    g_mutex_lock (&(self)->engine->lock);                                                          \
    value = (self)->engine->settings.field;                                                        \
    g_mutex_unlock (&(self)->engine->lock);                                                        \
    return value;                                                                                  \
  }                                                                                                \
  G_STMT_END

/* Both leave the function unless the value is a new one, and in a forked child. */
#define SET_SETTING(self, field)                                                                   \
  G_STMT_START                                                                                     \
  {                                                                                                \
    gboolean same;                                                                                 \
    if (resilient_engine_is_foreign ((self)->engine, NULL))                                        \
      return;                                                                                      \
    g_mutex_lock (&(self)->engine->lock);                                                          \
    same = (self)->engine->settings.field == field;                                                \
    (self)->engine->settings.field = field;                                                        \
    g_mutex_unlock (&(self)->engine->lock);                                                        \
    if (same)                                                                                      \
      return;                                                                                      \
  }                                                                                                \
  G_STMT_END

/* Calls keep the limits with which they were started: they are replaced, not changed. */
#define SET_LIMIT(self, field)                                                                     \
  G_STMT_START                                                                                     \
  {                                                                                                \
    ResilientCallOptions *old_limits, *new_limits;                                                 \
    gboolean same;                                                                                 \
    if (resilient_engine_is_foreign ((self)->engine, NULL))                                        \
      return;                                                                                      \
    g_mutex_lock (&(self)->engine->lock);                                                          \
    old_limits = (self)->engine->settings.limits;                                                  \
    same = old_limits->field == field;                                                             \
    if (!same)                                                                                     \
      {                                                                                            \
        new_limits = g_atomic_rc_box_dup (sizeof *old_limits, old_limits);                         \
        new_limits->field = field;                                                                 \
        (self)->engine->settings.limits = new_limits;                                              \
        g_atomic_rc_box_release (old_limits);                                                      \
      }                                                                                            \
    g_mutex_unlock (&(self)->engine->lock);                                                        \
    if (same)                                                                                      \
      return;                                                                                      \
  }                                                                                                \
  G_STMT_END

G_END_DECLS
