/* Opening and setting up a TUN interface. Read: Documentation/networking/tuntap.rst, linux/if_tun.h, drivers/net/tun.c. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "shim.h"

static const char CLONE_DEVICE[] = "/dev/net/tun";

/* @returns a descriptor, or -1 after throwing */
static int open_clone_device(napi_env env) {
  int fd = open(CLONE_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) throw_errno(env, errno, "open");
  return fd;
}

/* { handle, name }; owns `fd` from now on. */
static napi_value opened(napi_env env, int fd, const char *name) {
  napi_value result;
  napi_value text;
  napi_value handle = make_handle(env, fd);
  if (handle == NULL) return NULL;
  if (!napi_worked(env, napi_create_object(env, &result)) ||
      !napi_worked(env, napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &text)) ||
      !napi_worked(env, napi_set_named_property(env, result, "handle", handle)) ||
      !napi_worked(env, napi_set_named_property(env, result, "name", text))) {
    return NULL;
  }
  return result;
}

napi_value tun_open(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int64_t flags;
  struct ifreq request;
  memset(&request, 0, sizeof request);
  if (!take_arguments(env, info, 2, argv)) return NULL;
  if (!take_text(env, argv[0], "name", request.ifr_name, sizeof request.ifr_name)) return NULL;
  if (!take_int(env, argv[1], "flags", 0, 0xffff, &flags)) return NULL;
  int fd = open_clone_device(env);
  if (fd < 0) return NULL;
  request.ifr_flags = (short)flags;
  if (ioctl(fd, TUNSETIFF, &request) != 0) {
    int number = errno;
    close(fd);
    return throw_errno(env, number, "ioctl(TUNSETIFF)");
  }
  request.ifr_name[sizeof request.ifr_name - 1] = '\0';
  return opened(env, fd, request.ifr_name);
}

napi_value tun_features(napi_env env, napi_callback_info info) {
  unsigned int features = 0;
  (void)info;
  int fd = open_clone_device(env);
  if (fd < 0) return NULL;
  int result = ioctl(fd, TUNGETFEATURES, &features);
  int number = errno;
  close(fd);
  return result == 0 ? make_int(env, features) : throw_errno(env, number, "ioctl(TUNGETFEATURES)");
}

napi_value tun_get_flags(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int fd;
  struct ifreq request;
  memset(&request, 0, sizeof request);
  if (!take_arguments(env, info, 1, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (ioctl(fd, TUNGETIFF, &request) != 0) return throw_errno(env, errno, "ioctl(TUNGETIFF)");
  return make_int(env, (unsigned short)request.ifr_flags);
}

napi_value tun_set_offload(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  int64_t offload;
  if (!take_arguments(env, info, 2, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (!take_int(env, argv[1], "offload", 0, UINT32_MAX, &offload)) return NULL;
  if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)offload) != 0) return throw_errno(env, errno, "ioctl(TUNSETOFFLOAD)");
  return NULL;
}

napi_value tun_set_vnet_header_size(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  int64_t size;
  if (!take_arguments(env, info, 2, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (!take_int(env, argv[1], "size", INT32_MIN, INT32_MAX, &size)) return NULL;
  int value = (int)size;
  if (ioctl(fd, TUNSETVNETHDRSZ, &value) != 0) return throw_errno(env, errno, "ioctl(TUNSETVNETHDRSZ)");
  return NULL;
}

napi_value tun_set_persist(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  bool persist;
  if (!take_arguments(env, info, 2, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (!take_bool(env, argv[1], "persist", &persist)) return NULL;
  if (ioctl(fd, TUNSETPERSIST, persist ? 1UL : 0UL) != 0) return throw_errno(env, errno, "ioctl(TUNSETPERSIST)");
  return NULL;
}
