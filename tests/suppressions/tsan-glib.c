/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Tells ThreadSanitizer what GLib synchronises. GLib as distributions ship it is not instrumented,
 * and its locks are futexes, so the sanitizer sees neither and would call all that they guard a
 * race. This library is preloaded: each function below does what GLib's of that name does, and says
 * before and after it who let go of what, and who took it. Only what happens within GLib, out of
 * sight, needs saying: threads, and atomic operations in our own code, are seen as they are.
 *
 * What is said here and not so would hide races. So hand-overs are told object by object, and a
 * lock is told as a lock, which also finds orders of locking that may end in a deadlock. */

#include <dlfcn.h>
#include <glib-object.h>
#include <gio/gio.h>

/* From the sanitizer's interface, whose header not every compiler brings along. */
extern void __tsan_acquire (void *address);
extern void __tsan_release (void *address);
extern void __tsan_mutex_destroy (void *address, unsigned flags);
extern void __tsan_mutex_pre_lock (void *address, unsigned flags);
extern void __tsan_mutex_post_lock (void *address, unsigned flags, int recursion);
extern int __tsan_mutex_pre_unlock (void *address, unsigned flags);
extern void __tsan_mutex_post_unlock (void *address, unsigned flags);

#define RECURSIVE (1 << 1)
#define READ_LOCK (1 << 3)
#define TRY_LOCK (1 << 4)
#define TRY_LOCK_FAILED (1 << 5)

/* GLib's own function of that name. */
#define REAL(name)                                                                                 \
  ({                                                                                               \
    static __typeof__ (&name) real_;                                                               \
    __typeof__ (&name) found_ = __atomic_load_n (&real_, __ATOMIC_RELAXED);                        \
    if (G_UNLIKELY (found_ == NULL))                                                               \
      {                                                                                            \
        found_ = (__typeof__ (&name)) dlsym (RTLD_NEXT, #name);                                    \
        __atomic_store_n (&real_, found_, __ATOMIC_RELAXED);                                       \
      }                                                                                            \
    found_;                                                                                        \
  })

/* --- locks ------------------------------------------------------------------------------------ */

#define LOCK(Type, name, clear, lock, trylock, unlock, flags)                                      \
  void clear (Type *self)                                                                          \
  {                                                                                                \
    __tsan_mutex_destroy (self, 0);                                                                \
    REAL (clear) (self);                                                                           \
  }                                                                                                \
  LOCK_WAYS (Type, lock, trylock, unlock, flags)

#define LOCK_WAYS(Type, lock, trylock, unlock, flags)                                              \
  void lock (Type *self)                                                                           \
  {                                                                                                \
    __tsan_mutex_pre_lock (self, flags);                                                           \
    REAL (lock) (self);                                                                            \
    __tsan_mutex_post_lock (self, flags, 1);                                                       \
  }                                                                                                \
  gboolean trylock (Type *self)                                                                    \
  {                                                                                                \
    gboolean locked;                                                                               \
    __tsan_mutex_pre_lock (self, flags | TRY_LOCK);                                                \
    locked = REAL (trylock) (self);                                                                \
    __tsan_mutex_post_lock (self, flags | TRY_LOCK | (locked ? 0 : TRY_LOCK_FAILED), 1);           \
    return locked;                                                                                 \
  }                                                                                                \
  void unlock (Type *self)                                                                         \
  {                                                                                                \
    __tsan_mutex_pre_unlock (self, flags);                                                         \
    REAL (unlock) (self);                                                                          \
    __tsan_mutex_post_unlock (self, flags);                                                        \
  }

LOCK (GMutex, mutex, g_mutex_clear, g_mutex_lock, g_mutex_trylock, g_mutex_unlock, 0)
LOCK (GRecMutex,
      rec_mutex,
      g_rec_mutex_clear,
      g_rec_mutex_lock,
      g_rec_mutex_trylock,
      g_rec_mutex_unlock,
      RECURSIVE)
LOCK (GRWLock,
      rw_lock,
      g_rw_lock_clear,
      g_rw_lock_writer_lock,
      g_rw_lock_writer_trylock,
      g_rw_lock_writer_unlock,
      0)
LOCK_WAYS (GRWLock,
           g_rw_lock_reader_lock,
           g_rw_lock_reader_trylock,
           g_rw_lock_reader_unlock,
           READ_LOCK)

/* Who waits lets go of the lock meanwhile. */

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  REAL (g_cond_wait) (cond, mutex);
  __tsan_mutex_pre_lock (mutex, 0);
  __tsan_mutex_post_lock (mutex, 0, 1);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  gboolean in_time;

  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  in_time = REAL (g_cond_wait_until) (cond, mutex, end_time);
  __tsan_mutex_pre_lock (mutex, 0);
  __tsan_mutex_post_lock (mutex, 0, 1);

  return in_time;
}

gboolean (g_once_init_enter) (volatile void *location)
{
  gboolean enter = REAL (g_once_init_enter) (location);

  __tsan_acquire ((void *) location);
  return enter;
}

void (g_once_init_leave) (volatile void *location, gsize result)
{
  __tsan_release ((void *) location);
  REAL (g_once_init_leave) (location, result);
}

/* --- queues ----------------------------------------------------------------------------------- */

void
g_async_queue_lock (GAsyncQueue *self)
{
  __tsan_mutex_pre_lock (self, 0);
  REAL (g_async_queue_lock) (self);
  __tsan_mutex_post_lock (self, 0, 1);
}

void
g_async_queue_unlock (GAsyncQueue *self)
{
  __tsan_mutex_pre_unlock (self, 0);
  REAL (g_async_queue_unlock) (self);
  __tsan_mutex_post_unlock (self, 0);
}

#define PUSH(name)                                                                                 \
  void name (GAsyncQueue *self, gpointer data)                                                     \
  {                                                                                                \
    __tsan_release (data);                                                                         \
    REAL (name) (self, data);                                                                      \
  }

PUSH (g_async_queue_push)
PUSH (g_async_queue_push_unlocked)

#define POP(name, parameters, arguments)                                                           \
  gpointer name parameters                                                                         \
  {                                                                                                \
    gpointer data = REAL (name) arguments;                                                         \
    if (data != NULL)                                                                              \
      __tsan_acquire (data);                                                                       \
    return data;                                                                                   \
  }

POP (g_async_queue_pop, (GAsyncQueue * self), (self))
POP (g_async_queue_try_pop, (GAsyncQueue * self), (self))
POP (g_async_queue_try_pop_unlocked, (GAsyncQueue * self), (self))
POP (g_async_queue_timeout_pop, (GAsyncQueue * self, guint64 timeout), (self, timeout))

/* --- references ------------------------------------------------------------------------------- */

/* Whoever drops the last reference comes after all who dropped theirs. Before it is the last,
 * others stay apart: to drop a reference synchronises nothing else. */

static __thread GDestroyNotify clear_of_box;

static void
clear_box (gpointer box)
{
  GDestroyNotify clear = clear_of_box;

  __tsan_acquire (box);
  if (clear != NULL)
    clear (box);
}

void
g_atomic_rc_box_release_full (gpointer box, GDestroyNotify clear)
{
  GDestroyNotify outer = clear_of_box;

  __tsan_release (box);
  clear_of_box = clear;
  REAL (g_atomic_rc_box_release_full) (box, clear_box);
  clear_of_box = outer;
}

void
g_atomic_rc_box_release (gpointer box)
{
  g_atomic_rc_box_release_full (box, NULL);
}

gboolean
g_atomic_ref_count_dec (gatomicrefcount *count)
{
  gboolean last;

  __tsan_release ((gpointer) count);
  last = REAL (g_atomic_ref_count_dec) (count);
  if (last)
    __tsan_acquire ((gpointer) count);
  return last;
}

void
g_object_unref (gpointer object)
{
  __tsan_release (object);
  /* The count can't be asked for after. Two who drop the last two at once both come here. */
  if (g_atomic_int_get ((gint *) &((GObject *) object)->ref_count) <= 2)
    __tsan_acquire (object);
  REAL (g_object_unref) (object);
}

#define UNREF(Type, name)                                                                          \
  void name (Type *self)                                                                           \
  {                                                                                                \
    __tsan_release (self);                                                                         \
    __tsan_acquire (self);                                                                         \
    REAL (name) (self);                                                                            \
  }

UNREF (GBytes, g_bytes_unref)
UNREF (GUri, g_uri_unref)
UNREF (GVariant, g_variant_unref)
UNREF (GMainContext, g_main_context_unref)

gpointer
g_weak_ref_get (GWeakRef *self)
{
  gpointer object = REAL (g_weak_ref_get) (self);

  __tsan_acquire (self);
  return object;
}

void
g_weak_ref_clear (GWeakRef *self)
{
  __tsan_release (self);
  __tsan_acquire (self);
  REAL (g_weak_ref_clear) (self);
}

/* --- types ------------------------------------------------------------------------------------ */

/* Who makes an object comes after the initialisation of its class, wherever that ran. */

static char classes;

static void
init_class (gpointer class, gpointer data)
{
  ((GClassInitFunc) data) (class, NULL);
  __tsan_release (&classes);
}

GType
g_type_register_static_simple (GType parent_type,
                               const char *type_name,
                               guint class_size,
                               GClassInitFunc class_init,
                               guint instance_size,
                               GInstanceInitFunc instance_init,
                               GTypeFlags flags)
{
  GTypeInfo info = { 0 };

  info.class_size = class_size;
  info.class_init = class_init != NULL ? init_class : NULL;
  info.class_data = class_init;
  info.instance_size = instance_size;
  info.instance_init = instance_init;

  return g_type_register_static (parent_type, type_name, &info, flags);
}

GObject *
g_object_new_valist (GType type, const char *first, va_list args)
{
  GObject *object;

  g_type_class_unref (g_type_class_ref (type));
  __tsan_acquire (&classes);
  object = REAL (g_object_new_valist) (type, first, args);
  return object;
}

gpointer
g_object_new (GType type, const char *first, ...)
{
  gpointer object;
  va_list args;

  va_start (args, first);
  object = g_object_new_valist (type, first, args);
  va_end (args);
  return object;
}

/* A handler comes after its connection, wherever the signal is emitted. */

gulong
g_signal_connect_data (gpointer instance,
                       const char *signal,
                       GCallback handler,
                       gpointer data,
                       GClosureNotify destroy,
                       GConnectFlags flags)
{
  __tsan_release (instance);
  return REAL (g_signal_connect_data) (instance, signal, handler, data, destroy, flags);
}

void
g_signal_emit (gpointer instance, guint signal, GQuark detail, ...)
{
  va_list args;

  __tsan_acquire (instance);
  va_start (args, detail);
  g_signal_emit_valist (instance, signal, detail, args);
  va_end (args);
}

/* --- cancellables ----------------------------------------------------------------------------- */

gulong
g_cancellable_connect (GCancellable *self, GCallback handler, gpointer data, GDestroyNotify destroy)
{
  __tsan_release (self);
  __tsan_acquire (self);
  return REAL (g_cancellable_connect) (self, handler, data, destroy);
}

void
g_cancellable_cancel (GCancellable *self)
{
  if (self != NULL)
    {
      __tsan_acquire (self);
      __tsan_release (self);
    }
  REAL (g_cancellable_cancel) (self);
}

gboolean
g_cancellable_is_cancelled (GCancellable *self)
{
  gboolean cancelled = REAL (g_cancellable_is_cancelled) (self);

  if (cancelled)
    __tsan_acquire (self);
  return cancelled;
}

/* --- sources ---------------------------------------------------------------------------------- */

/* Whatever runs a source comes after all that was done to it, and its end after it last ran. */

typedef struct
{
  GSourceFuncs funcs; /* first: what GLib sees */
  const GSourceFuncs *real;
} Funcs;

static Funcs *
funcs_of (GSource *source)
{
  __tsan_acquire (source);
  return (Funcs *) source->source_funcs;
}

static gboolean
prepare (GSource *source, int *timeout)
{
  gboolean ready = funcs_of (source)->real->prepare (source, timeout);

  __tsan_release (source);
  return ready;
}

static gboolean
check (GSource *source)
{
  gboolean ready = funcs_of (source)->real->check (source);

  __tsan_release (source);
  return ready;
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  gboolean again = funcs_of (source)->real->dispatch (source, callback, data);

  __tsan_release (source);
  return again;
}

static void
finalize (GSource *source)
{
  funcs_of (source)->real->finalize (source);
}

/* There are a few dozen in a process; they stay. */
static GSourceFuncs *
wrap (const GSourceFuncs *real)
{
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static GHashTable *known;
  Funcs *funcs;

  pthread_mutex_lock (&lock);
  if (known == NULL)
    known = g_hash_table_new (NULL, NULL);
  funcs = g_hash_table_lookup (known, real);
  if (funcs == NULL)
    {
      funcs = g_new0 (Funcs, 1);
      funcs->funcs = *real;
      funcs->real = real;
      funcs->funcs.prepare = real->prepare != NULL ? prepare : NULL;
      funcs->funcs.check = real->check != NULL ? check : NULL;
      funcs->funcs.dispatch = dispatch;
      funcs->funcs.finalize = real->finalize != NULL ? finalize : NULL;
      g_hash_table_insert (known, (gpointer) real, funcs);
    }
  pthread_mutex_unlock (&lock);

  return &funcs->funcs;
}

GSource *
g_source_new (GSourceFuncs *funcs, guint size)
{
  return REAL (g_source_new) (wrap (funcs), size);
}

/* GLib makes these without g_source_new(). */
static GSource *
wrapped (GSource *source)
{
  g_source_set_funcs (source, wrap (source->source_funcs));
  return source;
}

GSource *
g_idle_source_new (void)
{
  return wrapped (REAL (g_idle_source_new) ());
}

GSource *
g_timeout_source_new (guint interval)
{
  return wrapped (REAL (g_timeout_source_new) (interval));
}

GSource *
g_timeout_source_new_seconds (guint interval)
{
  return wrapped (REAL (g_timeout_source_new_seconds) (interval));
}

static guint
add (GMainContext *context,
     GSource *source,
     int priority,
     GSourceFunc func,
     gpointer data,
     GDestroyNotify notify)
{
  guint id;

  g_source_set_priority (source, priority);
  g_source_set_callback (source, func, data, notify);
  id = g_source_attach (source, context);
  g_source_unref (source);
  return id;
}

guint
g_idle_add_full (int priority, GSourceFunc func, gpointer data, GDestroyNotify notify)
{
  return add (NULL, g_idle_source_new (), priority, func, data, notify);
}

guint
g_idle_add (GSourceFunc func, gpointer data)
{
  return g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, func, data, NULL);
}

guint
g_timeout_add_full (int priority,
                    guint interval,
                    GSourceFunc func,
                    gpointer data,
                    GDestroyNotify notify)
{
  return add (NULL, g_timeout_source_new (interval), priority, func, data, notify);
}

guint
g_timeout_add (guint interval, GSourceFunc func, gpointer data)
{
  return g_timeout_add_full (G_PRIORITY_DEFAULT, interval, func, data, NULL);
}

void
g_main_context_invoke_full (GMainContext *context,
                            int priority,
                            GSourceFunc func,
                            gpointer data,
                            GDestroyNotify notify)
{
  g_autoptr (GMainContext) thread_default = g_main_context_ref_thread_default ();

  if (context == NULL)
    context = g_main_context_default ();

  /* As GLib does it: here and now, or by a source. */
  if (thread_default != context && !g_main_context_is_owner (context))
    add (context, g_idle_source_new (), priority, func, data, notify);
  else if (!g_main_context_acquire (context))
    add (context, g_idle_source_new (), priority, func, data, notify);
  else
    {
      REAL (g_main_context_invoke_full) (context, priority, func, data, notify);
      g_main_context_release (context);
    }
}

guint
g_source_attach (GSource *source, GMainContext *context)
{
  __tsan_release (source);
  return REAL (g_source_attach) (source, context);
}

void
g_source_set_callback (GSource *source, GSourceFunc func, gpointer data, GDestroyNotify notify)
{
  __tsan_release (source);
  REAL (g_source_set_callback) (source, func, data, notify);
}

void
g_source_set_ready_time (GSource *source, gint64 ready_time)
{
  __tsan_release (source);
  REAL (g_source_set_ready_time) (source, ready_time);
}

void
g_source_destroy (GSource *source)
{
  __tsan_release (source);
  __tsan_acquire (source);
  REAL (g_source_destroy) (source);
}

void
g_source_unref (GSource *source)
{
  __tsan_release (source);
  REAL (g_source_unref) (source);
}
