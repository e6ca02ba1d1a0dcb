/* Joining and leaving multicast groups and anycast addresses. Read: RFC 3493 §5.2, ipv6(7), linux/in6.h. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "shim.h"

/* linux/in6.h; glibc's netinet/in.h has them too, musl's does not. */
#ifndef IPV6_JOIN_ANYCAST
#define IPV6_JOIN_ANYCAST 27
#define IPV6_LEAVE_ANYCAST 28
#endif

static napi_value change(napi_env env, napi_callback_info info, int option, const char *syscall) {
  napi_value argv[3];
  int fd;
  int64_t index;
  struct ipv6_mreq request;
  memset(&request, 0, sizeof request);
  if (!take_arguments(env, info, 3, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (!take_int(env, argv[1], "ifIndex", 0, INT32_MAX, &index)) return NULL;
  if (!take_exact_bytes(env, argv[2], "address", 16, &request.ipv6mr_multiaddr)) return NULL;
  request.ipv6mr_interface = (unsigned int)index;
  if (setsockopt(fd, IPPROTO_IPV6, option, &request, sizeof request) != 0) return throw_errno(env, errno, syscall);
  return NULL;
}

napi_value icmp6_join(napi_env env, napi_callback_info info) {
  return change(env, info, IPV6_JOIN_GROUP, "setsockopt(IPV6_JOIN_GROUP)");
}

napi_value icmp6_leave(napi_env env, napi_callback_info info) {
  return change(env, info, IPV6_LEAVE_GROUP, "setsockopt(IPV6_LEAVE_GROUP)");
}

napi_value anycast_join(napi_env env, napi_callback_info info) {
  return change(env, info, IPV6_JOIN_ANYCAST, "setsockopt(IPV6_JOIN_ANYCAST)");
}

napi_value anycast_leave(napi_env env, napi_callback_info info) {
  return change(env, info, IPV6_LEAVE_ANYCAST, "setsockopt(IPV6_LEAVE_ANYCAST)");
}
