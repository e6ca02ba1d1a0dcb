/*
 * Watches: `ready` runs on a thread's event loop when a descriptor becomes readable. One epoll thread per environment (the
 * main thread and each worker have their own), started by the first watch, ended by the environment's clean-up hook.
 *
 *     epoll thread --- finds the watch by its id, under the lock ---> napi_threadsafe_function ---> ready()
 *
 * A watch holds a duplicate of its descriptor, so a number that is closed and used again cannot be mistaken for it. It is
 * freed when both its holders are gone: the JavaScript object and the thread-safe function.
 * Read: epoll(7), epoll_ctl(2) (EPOLLONESHOT), "Asynchronous thread-safe function calls" in the Node-API documentation.
 */
#define _GNU_SOURCE /* F_DUPFD_CLOEXEC */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shim.h"

enum { STOP_ID = 0, EVENTS = 32 };

typedef struct watch watch;

/* The watches of one environment. The lock guards the list; all else belongs to the environment's own thread. */
typedef struct {
  int epoll;
  int stop;
  bool running;
  pthread_t thread;
  pthread_mutex_t lock;
  watch *first;
  uint64_t last_id;
} watcher;

struct watch {
  watcher *owner; /* NULL once it has ended */
  watch *next;
  uint64_t id;
  int fd;
  napi_threadsafe_function call;
  int holders;
};

static const napi_type_tag WATCH_TAG = {0x2f4a9c1be5d14a77ULL, 0xb1e6de0c48f34f0aULL};

/* --- the epoll thread --- */

/* Under the lock. An id that is not found belongs to a watch that has just ended. */
static void announce(watcher *owner, uint64_t id) {
  for (watch *w = owner->first; w != NULL; w = w->next) {
    if (w->id != id) continue;
    /* The queue has no limit and the function is open while the watch is in the list: this cannot fail. */
    napi_call_threadsafe_function(w->call, NULL, napi_tsfn_nonblocking);
    return;
  }
}

static void *epoll_main(void *data) {
  watcher *owner = data;
  struct epoll_event events[EVENTS];
  bool stopped = false;
  while (!stopped) {
    /* -1 can only be EINTR (a debugger): the descriptor is ours until this thread has been joined. */
    int count = epoll_wait(owner->epoll, events, EVENTS, -1);
    pthread_mutex_lock(&owner->lock);
    for (int i = 0; i < count; i++) {
      if (events[i].data.u64 == STOP_ID) stopped = true;
      else announce(owner, events[i].data.u64);
    }
    pthread_mutex_unlock(&owner->lock);
  }
  return NULL;
}

/* Signals are for Node's main thread. @returns 0 or an errno */
static int start_thread(watcher *owner) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = pthread_create(&owner->thread, NULL, epoll_main, owner);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failed;
}

static void close_watcher(watcher *owner) {
  if (owner->epoll >= 0) close(owner->epoll);
  if (owner->stop >= 0) close(owner->stop);
  owner->epoll = owner->stop = -1;
}

/* @returns NULL, or the name of the call that failed, its reason in errno */
static const char *start(watcher *owner) {
  struct epoll_event stop = {.events = EPOLLIN, .data.u64 = STOP_ID};
  owner->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (owner->epoll < 0) return "epoll_create1";
  owner->stop = eventfd(0, EFD_CLOEXEC);
  if (owner->stop < 0) return "eventfd";
  if (epoll_ctl(owner->epoll, EPOLL_CTL_ADD, owner->stop, &stop) != 0) return "epoll_ctl";
  errno = start_thread(owner);
  return errno == 0 ? NULL : "pthread_create";
}

/* Starts the thread unless it runs. On failure it throws and leaves nothing behind. */
static bool ensure_running(napi_env env, watcher *owner) {
  if (owner->running) return true;
  const char *failed = start(owner);
  if (failed == NULL) return owner->running = true;
  throw_errno(env, errno, failed);
  close_watcher(owner);
  return false;
}

/* Environment clean-up hook: it runs after those of the watches, because it was added before them. */
static void stop_watcher(void *data) {
  watcher *owner = data;
  const uint64_t one = 1;
  if (!owner->running) return;
  /* An eventfd write of 1 to an empty counter neither blocks nor fails. */
  if (write(owner->stop, &one, sizeof one) == sizeof one) pthread_join(owner->thread, NULL);
  owner->running = false;
  close_watcher(owner);
}

static void free_watcher(napi_env env, void *data, void *hint) {
  watcher *owner = data;
  (void)env;
  (void)hint;
  pthread_mutex_destroy(&owner->lock);
  free(owner);
}

bool watch_init(napi_env env) {
  watcher *owner = calloc(1, sizeof *owner);
  if (owner == NULL) {
    throw_errno(env, ENOMEM, "calloc");
    return false;
  }
  owner->epoll = owner->stop = -1;
  pthread_mutex_init(&owner->lock, NULL);
  if (!napi_worked(env, napi_set_instance_data(env, owner, free_watcher, NULL))) {
    free_watcher(env, owner, NULL);
    return false;
  }
  return napi_worked(env, napi_add_env_cleanup_hook(env, stop_watcher, owner));
}

/* --- one watch, on its environment's thread --- */

static void release(watch *w) {
  if (--w->holders == 0) free(w);
}

/* Takes the watch out of the list and closes its descriptor: from now on the epoll thread cannot reach it. */
static void detach(void *data) {
  watch *w = data;
  watcher *owner = w->owner;
  if (owner == NULL) return;
  pthread_mutex_lock(&owner->lock);
  watch **link = &owner->first;
  while (*link != w) link = &(*link)->next;
  *link = w->next;
  pthread_mutex_unlock(&owner->lock);
  /* close(2) alone would not do: others may hold the same open file. */
  epoll_ctl(owner->epoll, EPOLL_CTL_DEL, w->fd, NULL);
  close(w->fd);
  w->owner = NULL;
}

static void attach(watcher *owner, watch *w) {
  w->owner = owner;
  w->id = ++owner->last_id;
  pthread_mutex_lock(&owner->lock);
  w->next = owner->first;
  owner->first = w;
  pthread_mutex_unlock(&owner->lock);
}

/* napi_threadsafe_function_call_js. An exception of `ready` is the program's bug and ends it as any other would. */
static void call_ready(napi_env env, napi_value ready, void *context, void *data) {
  watch *w = context;
  napi_value self;
  napi_value error;
  (void)data;
  if (env == NULL || w->owner == NULL) return;
  if (napi_get_undefined(env, &self) != napi_ok) return;
  if (napi_call_function(env, self, ready, 0, NULL, NULL) != napi_pending_exception) return;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

static void function_finalized(napi_env env, void *data, void *context) {
  (void)env;
  (void)data;
  release(context);
}

static void object_finalized(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  release(data);
}

static watch *self_of(napi_env env, napi_callback_info info) {
  napi_value object;
  void *data = NULL;
  bool ours = false;
  if (!napi_worked(env, napi_get_cb_info(env, info, NULL, NULL, &object, NULL))) return NULL;
  if (napi_check_object_type_tag(env, object, &WATCH_TAG, &ours) != napi_ok || !ours) {
    throw_type(env, "this", "must be a Watch");
    return NULL;
  }
  return napi_worked(env, napi_unwrap(env, object, &data)) ? data : NULL;
}

static int arm(const watch *w, int operation) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = w->id};
  return epoll_ctl(w->owner->epoll, operation, w->fd, &event);
}

/* After close() it does nothing, so that a `ready` which closes its watch may still end in rearm(). */
static napi_value rearm(napi_env env, napi_callback_info info) {
  watch *w = self_of(env, info);
  if (w == NULL || w->owner == NULL) return NULL;
  if (arm(w, EPOLL_CTL_MOD) != 0) return throw_errno(env, errno, "epoll_ctl");
  return NULL;
}

static void end(napi_env env, watch *w) {
  detach(w);
  napi_remove_env_cleanup_hook(env, detach, w);
  napi_release_threadsafe_function(w->call, napi_tsfn_abort);
}

static napi_value close_watch(napi_env env, napi_callback_info info) {
  watch *w = self_of(env, info);
  if (w != NULL && w->owner != NULL) end(env, w);
  return NULL;
}

/* The thread-safe function of `w`, which becomes one of its holders. It keeps the event loop alive. */
static bool make_call(napi_env env, napi_value ready, watch *w) {
  napi_value name;
  if (!napi_worked(env, napi_create_string_utf8(env, "xlat464:watch", NAPI_AUTO_LENGTH, &name))) return false;
  napi_status status = napi_create_threadsafe_function(env, ready, NULL, name, 0, 1, NULL, function_finalized, w,
                                                       call_ready, &w->call);
  if (!napi_worked(env, status)) return false;
  w->holders++;
  return true;
}

/* Makes the JavaScript object of `w` the second of its holders. */
static napi_value make_object(napi_env env, watch *w) {
  const napi_property_descriptor members[] = {
      {"rearm", NULL, rearm, NULL, NULL, NULL, napi_default, NULL},
      {"close", NULL, close_watch, NULL, NULL, NULL, napi_default, NULL},
  };
  napi_value object;
  if (!napi_worked(env, napi_create_object(env, &object)) ||
      !napi_worked(env, napi_define_properties(env, object, 2, members)) ||
      !napi_worked(env, napi_type_tag_object(env, object, &WATCH_TAG)) ||
      !napi_worked(env, napi_wrap(env, object, w, object_finalized, NULL, NULL))) {
    return NULL;
  }
  w->holders++;
  return object;
}

/* Starts a watch whose descriptor is `fd`, which it owns from now on. The caller holds it until this returns. */
static napi_value begin(napi_env env, watcher *owner, watch *w, napi_value ready) {
  if (!make_call(env, ready, w)) {
    close(w->fd);
    return NULL;
  }
  attach(owner, w);
  /* Added after the thread-safe function's own hook, so it runs before: the epoll thread never calls one that is gone. */
  napi_add_env_cleanup_hook(env, detach, w);
  napi_value object = make_object(env, w);
  if (object != NULL && arm(w, EPOLL_CTL_ADD) != 0) {
    throw_errno(env, errno, "epoll_ctl");
    object = NULL;
  }
  if (object == NULL) end(env, w);
  return object;
}

napi_value watch_start(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  napi_valuetype type;
  int fd;
  void *owner = NULL;
  if (!take_arguments(env, info, 2, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (napi_typeof(env, argv[1], &type) != napi_ok || type != napi_function) {
    throw_type(env, "ready", "must be a function");
    return NULL;
  }
  if (!napi_worked(env, napi_get_instance_data(env, &owner)) || !ensure_running(env, owner)) return NULL;
  watch *w = calloc(1, sizeof *w);
  if (w == NULL) return throw_errno(env, ENOMEM, "calloc");
  w->holders = 1;
  w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  napi_value object = w->fd < 0 ? throw_errno(env, errno, "fcntl(F_DUPFD_CLOEXEC)") : begin(env, owner, w, argv[1]);
  release(w);
  return object;
}
