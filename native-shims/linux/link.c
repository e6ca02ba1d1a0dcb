/* Calls that name an interface. Read: if_nametoindex(3), netdevice(7), socket(7). */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim.h"

napi_value if_name_to_index(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  char name[IFNAMSIZ];
  if (!take_arguments(env, info, 1, argv) || !take_text(env, argv[0], "name", name, sizeof name)) return NULL;
  unsigned int index = if_nametoindex(name);
  if (index == 0 && errno != ENODEV && errno != ENXIO) return throw_errno(env, errno, "if_nametoindex");
  return make_int(env, index);
}

napi_value link_set_mtu(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int64_t mtu;
  struct ifreq request;
  memset(&request, 0, sizeof request);
  if (!take_arguments(env, info, 2, argv)) return NULL;
  if (!take_text(env, argv[0], "name", request.ifr_name, sizeof request.ifr_name)) return NULL;
  if (!take_int(env, argv[1], "mtu", 0, INT32_MAX, &mtu)) return NULL;
  request.ifr_mtu = (int)mtu;
  int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return throw_errno(env, errno, "socket");
  int result = ioctl(fd, SIOCSIFMTU, &request);
  int number = errno;
  close(fd);
  return result == 0 ? NULL : throw_errno(env, number, "ioctl(SIOCSIFMTU)");
}

napi_value bind_to_device(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  char name[IFNAMSIZ];
  if (!take_arguments(env, info, 2, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (!take_text(env, argv[1], "name", name, sizeof name)) return NULL;
  if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) != 0) {
    return throw_errno(env, errno, "setsockopt(SO_BINDTODEVICE)");
  }
  return NULL;
}
