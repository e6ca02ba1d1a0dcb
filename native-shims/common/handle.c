/* The owner of a file descriptor; see handle.h. */
#include "handle.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "failure.h"

typedef struct {
  int fd;
} handle;

/* Marks our objects, so that `close.call(somethingElse)` throws instead of reading a stranger's memory. */
static const napi_type_tag HANDLE_TAG = {0x8d7f1c5ae2b84a10ULL, 0x9b64f0c77e1d4e52ULL};

static void finalize(napi_env env, void *data, void *hint) {
  handle *self = data;
  (void)env;
  (void)hint;
  if (self->fd >= 0) close(self->fd);
  free(self);
}

static handle *self_of(napi_env env, napi_callback_info info) {
  napi_value object;
  void *data = NULL;
  bool ours = false;
  if (!napi_worked(env, napi_get_cb_info(env, info, NULL, NULL, &object, NULL))) return NULL;
  if (napi_check_object_type_tag(env, object, &HANDLE_TAG, &ours) != napi_ok || !ours) {
    throw_type(env, "this", "must be a Handle");
    return NULL;
  }
  if (!napi_worked(env, napi_unwrap(env, object, &data))) return NULL;
  return data;
}

static napi_value get_fd(napi_env env, napi_callback_info info) {
  napi_value result;
  handle *self = self_of(env, info);
  if (self == NULL) return NULL;
  return napi_worked(env, napi_create_int32(env, self->fd, &result)) ? result : NULL;
}

static napi_value close_handle(napi_env env, napi_callback_info info) {
  handle *self = self_of(env, info);
  if (self == NULL || self->fd < 0) return NULL;
  int fd = self->fd;
  self->fd = -1;
  /* Linux has released the descriptor even when close(2) says EINTR. */
  if (close(fd) != 0 && errno != EINTR) return throw_errno(env, errno, "close");
  return NULL;
}

static napi_value release_handle(napi_env env, napi_callback_info info) {
  napi_value result;
  handle *self = self_of(env, info);
  if (self == NULL) return NULL;
  int fd = self->fd;
  self->fd = -1;
  return napi_worked(env, napi_create_int32(env, fd, &result)) ? result : NULL;
}

/* Hands `self` to `object`; from then on the finaliser frees it. */
static bool wrap(napi_env env, napi_value object, handle *self) {
  return napi_worked(env, napi_type_tag_object(env, object, &HANDLE_TAG)) &&
         napi_worked(env, napi_wrap(env, object, self, finalize, NULL, NULL));
}

napi_value make_handle(napi_env env, int fd) {
  const napi_property_descriptor members[] = {
      {"fd", NULL, NULL, get_fd, NULL, NULL, napi_enumerable, NULL},
      {"close", NULL, close_handle, NULL, NULL, NULL, napi_default, NULL},
      {"release", NULL, release_handle, NULL, NULL, NULL, napi_default, NULL},
  };
  napi_value object;
  handle *self = malloc(sizeof *self);
  if (self == NULL) {
    close(fd);
    return throw_errno(env, ENOMEM, "malloc");
  }
  self->fd = fd;
  if (!napi_worked(env, napi_create_object(env, &object)) || !wrap(env, object, self)) {
    finalize(env, self, NULL);
    return NULL;
  }
  return napi_worked(env, napi_define_properties(env, object, 3, members)) ? object : NULL;
}
