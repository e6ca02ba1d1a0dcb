/* TCP sockets that are not connected yet, to be tied to an interface before they are. Read: tcp(7), socket(2). */
#define _GNU_SOURCE /* SOCK_NONBLOCK, SOCK_CLOEXEC */
#include <errno.h>
#include <sys/socket.h>

#include "shim.h"

napi_value tcp_open(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  bool is_v6;
  if (!take_arguments(env, info, 1, argv) || !take_bool(env, argv[0], "isIpv6", &is_v6)) return NULL;
  int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return throw_errno(env, errno, "socket");
  return make_handle(env, fd);
}
