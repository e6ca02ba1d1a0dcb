/*
 * Watches: `ready` runs on a thread's event loop when a descriptor becomes readable. The loop itself polls it (uv_poll_t), so that
 * nothing but the wait lies between a packet and its reader: a thread of its own for the wait took 10 µs and two switches a wake.
 *
 * A watch holds a duplicate of its descriptor, so a number that is closed and used again cannot be mistaken for it, and two
 * watches may have the same one. It is freed when both its holders are gone: the JavaScript object and the loop.
 * Read: docs.libuv.org "uv_poll_t"; "napi_make_callback", "napi_add_async_cleanup_hook" in the Node-API documentation.
 */
#define _GNU_SOURCE /* F_DUPFD_CLOEXEC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim.h"
#include "uv-poll.h"

typedef struct {
  napi_env env;
  uv_poll_t *poll;
  int fd;
  napi_ref ready;
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
  /* Until close() or the end of the environment. */
  bool open;
  /* Whether the loop polls, and whether it is to go on after the call that runs. */
  bool polling;
  bool armed;
  int holders;
} watch;

static const napi_type_tag WATCH_TAG = {0x2f4a9c1be5d14a77ULL, 0xb1e6de0c48f34f0aULL};

static void release(watch *w) {
  if (--w->holders == 0) free(w);
}

/* --- on the loop --- */

/* An exception of `ready` is the program's bug and ends it as any other would. */
static void call_ready(watch *w) {
  napi_handle_scope scope;
  napi_value self;
  napi_value ready;
  napi_value error;
  if (napi_open_handle_scope(w->env, &scope) != napi_ok) return;
  if (napi_get_global(w->env, &self) == napi_ok && napi_get_reference_value(w->env, w->ready, &ready) == napi_ok &&
      napi_make_callback(w->env, w->context, self, ready, 0, NULL, NULL) == napi_pending_exception &&
      napi_get_and_clear_last_exception(w->env, &error) == napi_ok) {
    napi_fatal_exception(w->env, error);
  }
  napi_close_handle_scope(w->env, scope);
}

/* A status that is an error is the reader's to find: the descriptor tells it, too. */
static void on_readable(uv_poll_t *poll, int status, int events) {
  watch *w = uv_handle_get_data((uv_handle_t *)poll);
  (void)events;
  /* libuv stops polling at an error. */
  if (status < 0) w->polling = false;
  w->armed = false;
  w->holders++;
  call_ready(w);
  /* Polling goes on without a system call when `ready` has asked for more. */
  if (w->open && !w->armed && w->polling) {
    uv_poll_stop(poll);
    w->polling = false;
  }
  release(w);
}

static void on_closed(uv_handle_t *poll) {
  watch *w = uv_handle_get_data(poll);
  free(poll);
  napi_remove_async_cleanup_hook(w->hook);
  release(w);
}

/* @returns 0 or a negative errno */
static int start_polling(watch *w) {
  w->armed = true;
  if (w->polling) return 0;
  int failed = uv_poll_start(w->poll, UV_POLL_READABLE, on_readable);
  w->polling = failed == 0;
  return failed;
}

/* No call comes after. The descriptor may go at once, the handle when the loop lets go of it. */
static void end(watch *w) {
  if (!w->open) return;
  w->open = false;
  w->polling = false;
  uv_close((uv_handle_t *)w->poll, on_closed);
  close(w->fd);
  napi_delete_reference(w->env, w->ready);
  napi_async_destroy(w->env, w->context);
}

/* The environment ends; it waits for on_closed. */
static void environment_ends(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  end(data);
}

/* --- from JavaScript --- */

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

/* After close() it does nothing, so that a `ready` which closes its watch may still end in rearm(). */
static napi_value rearm(napi_env env, napi_callback_info info) {
  watch *w = self_of(env, info);
  if (w == NULL || !w->open) return NULL;
  int failed = start_polling(w);
  return failed == 0 ? NULL : throw_errno(env, -failed, "epoll_ctl");
}

static napi_value close_watch(napi_env env, napi_callback_info info) {
  watch *w = self_of(env, info);
  if (w != NULL) end(w);
  return NULL;
}

/* Makes the JavaScript object of `w` one of its holders. */
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

/* What the callback needs of the environment. @returns false after throwing, with nothing left */
static bool hold_callback(napi_env env, napi_value ready, watch *w) {
  napi_value name;
  if (!napi_worked(env, napi_create_string_utf8(env, "xlat464:watch", NAPI_AUTO_LENGTH, &name)) ||
      !napi_worked(env, napi_async_init(env, NULL, name, &w->context))) {
    return false;
  }
  if (napi_worked(env, napi_create_reference(env, ready, 1, &w->ready))) return true;
  napi_async_destroy(env, w->context);
  return false;
}

/* Puts the watch, whose descriptor is `fd` and its own from now on, on the loop, which holds it then. */
static napi_value begin(napi_env env, watch *w, napi_value ready) {
  struct uv_loop_s *loop = NULL;
  if (!napi_worked(env, napi_get_uv_event_loop(env, &loop)) || !hold_callback(env, ready, w)) {
    close(w->fd);
    return NULL;
  }
  int failed = uv_poll_init(loop, w->poll, w->fd);
  if (failed != 0) {
    napi_delete_reference(env, w->ready);
    napi_async_destroy(env, w->context);
    close(w->fd);
    return throw_errno(env, -failed, "epoll_ctl");
  }
  uv_handle_set_data((uv_handle_t *)w->poll, w);
  w->open = true;
  w->holders++;
  napi_value object = NULL;
  if (napi_worked(env, napi_add_async_cleanup_hook(env, environment_ends, w, &w->hook))) object = make_object(env, w);
  if (object != NULL && (failed = start_polling(w)) != 0) {
    throw_errno(env, -failed, "epoll_ctl");
    object = NULL;
  }
  if (object == NULL) end(w);
  return object;
}

/* A watch without a descriptor; NULL after throwing. */
static watch *make_watch(napi_env env) {
  if (strcmp(uv_handle_type_name(UV_POLL_TYPE), "poll") != 0) {
    throw_errno(env, ENOSYS, "uv_handle_type_name");
    return NULL;
  }
  watch *w = calloc(1, sizeof *w);
  uv_poll_t *poll = w == NULL ? NULL : calloc(1, uv_handle_size(UV_POLL_TYPE));
  if (poll == NULL) {
    free(w);
    throw_errno(env, ENOMEM, "calloc");
    return NULL;
  }
  w->env = env;
  w->poll = poll;
  w->holders = 1;
  return w;
}

napi_value watch_start(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  napi_valuetype type;
  int fd;
  if (!take_arguments(env, info, 2, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (napi_typeof(env, argv[1], &type) != napi_ok || type != napi_function) {
    throw_type(env, "ready", "must be a function");
    return NULL;
  }
  watch *w = make_watch(env);
  if (w == NULL) return NULL;
  w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  napi_value object = w->fd < 0 ? throw_errno(env, errno, "fcntl(F_DUPFD_CLOEXEC)") : begin(env, w, argv[1]);
  if (w->holders == 1) free(w->poll);
  release(w);
  return object;
}
