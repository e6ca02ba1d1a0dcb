/*
 * Netlink: notifications of link, address and route changes, and requests to the firewall. Read: netlink(7), rtnetlink(7),
 * linux/rtnetlink.h, linux/netfilter/nfnetlink.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "shim.h"

napi_value netlink_open(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int64_t groups;
  struct sockaddr_nl local;
  memset(&local, 0, sizeof local);
  if (!take_arguments(env, info, 1, argv)) return NULL;
  if (!take_int(env, argv[0], "groups", 0, UINT32_MAX, &groups)) return NULL;
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return throw_errno(env, errno, "socket");
  local.nl_family = AF_NETLINK;
  local.nl_groups = (uint32_t)groups;
  if (bind(fd, (const struct sockaddr *)&local, sizeof local) != 0) {
    int number = errno;
    close(fd);
    return throw_errno(env, number, "bind");
  }
  return make_handle(env, fd);
}

napi_value netfilter_open(napi_env env, napi_callback_info info) {
  (void)info;
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_NETFILTER);
  return fd < 0 ? throw_errno(env, errno, "socket") : make_handle(env, fd);
}

napi_value netlink_send(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  byte_array messages;
  struct sockaddr_nl kernel;
  memset(&kernel, 0, sizeof kernel);
  if (!take_arguments(env, info, 2, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (!take_bytes(env, argv[1], "messages", &messages)) return NULL;
  kernel.nl_family = AF_NETLINK;
  if (sendto(fd, messages.data, messages.length, 0, (const struct sockaddr *)&kernel, sizeof kernel) < 0) {
    return throw_errno(env, errno, "sendto");
  }
  return NULL;
}

napi_value netlink_receive(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  byte_array buffer;
  struct sockaddr_nl from;
  ssize_t length;
  memset(&from, 0, sizeof from);
  if (!take_arguments(env, info, 2, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (!take_bytes(env, argv[1], "buffer", &buffer)) return NULL;
  do {
    socklen_t size = sizeof from;
    /* MSG_TRUNC: the real length, so that a message that was cut is not taken for a whole one. */
    length = recvfrom(fd, buffer.data, buffer.length, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &size);
    /* Only the kernel has port 0; another process may forge the rest. */
  } while (length >= 0 && from.nl_pid != 0);
  if (length < 0) return errno == EAGAIN ? make_int(env, 0) : throw_errno(env, errno, "recv");
  if ((size_t)length > buffer.length) return throw_errno(env, EMSGSIZE, "recv");
  return make_int(env, length);
}
