/* eventfd: how one thread wakes another out of a read. Read: eventfd(2). */
#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shim.h"

napi_value event_fd(napi_env env, napi_callback_info info) {
  (void)info;
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return fd < 0 ? throw_errno(env, errno, "eventfd") : make_handle(env, fd);
}

napi_value event_fd_signal(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  const uint64_t one = 1;
  if (!take_arguments(env, info, 1, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (write(fd, &one, sizeof one) < 0) return throw_errno(env, errno, "write");
  return NULL;
}

napi_value event_fd_clear(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  uint64_t count;
  if (!take_arguments(env, info, 1, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (read(fd, &count, sizeof count) >= 0) return make_bool(env, true);
  return errno == EAGAIN ? make_bool(env, false) : throw_errno(env, errno, "read");
}
