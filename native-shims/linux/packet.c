/*
 * A packet socket: sends and receives whole network-layer packets, for those that no IPv6 socket may send (a neighbour
 * solicitation from ::, RFC 4862 §5.4.2) or gets to see. Read: packet(7), linux/if_packet.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_packet.h>

#include "shim.h"

enum { LINK_ADDRESS = 6 };

napi_value packet_open(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  int64_t protocol;
  if (!take_arguments(env, info, 1, argv)) return NULL;
  if (!take_int(env, argv[0], "protocol", 0, 0xffff, &protocol)) return NULL;
  int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, htons((uint16_t)protocol));
  return fd < 0 ? throw_errno(env, errno, "socket") : make_handle(env, fd);
}

napi_value packet_bind(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  int fd;
  int64_t index;
  int64_t protocol;
  struct sockaddr_ll local;
  memset(&local, 0, sizeof local);
  if (!take_arguments(env, info, 3, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (!take_int(env, argv[1], "ifIndex", 0, INT32_MAX, &index)) return NULL;
  if (!take_int(env, argv[2], "protocol", 0, 0xffff, &protocol)) return NULL;
  local.sll_family = AF_PACKET;
  local.sll_protocol = htons((uint16_t)protocol);
  local.sll_ifindex = (int)index;
  if (bind(fd, (const struct sockaddr *)&local, sizeof local) != 0) return throw_errno(env, errno, "bind");
  return NULL;
}

napi_value packet_receive(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  byte_array buffer;
  if (!take_arguments(env, info, 2, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (!take_bytes(env, argv[1], "buffer", &buffer)) return NULL;
  ssize_t length = recv(fd, buffer.data, buffer.length, MSG_DONTWAIT);
  if (length < 0) return errno == EAGAIN ? make_int(env, 0) : throw_errno(env, errno, "recv");
  return make_int(env, length);
}

napi_value packet_send(napi_env env, napi_callback_info info) {
  napi_value argv[5];
  int fd;
  int64_t index;
  int64_t protocol;
  byte_array packet;
  struct sockaddr_ll to;
  memset(&to, 0, sizeof to);
  if (!take_arguments(env, info, 5, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (!take_int(env, argv[1], "ifIndex", 0, INT32_MAX, &index)) return NULL;
  if (!take_exact_bytes(env, argv[2], "linkAddress", LINK_ADDRESS, to.sll_addr)) return NULL;
  if (!take_int(env, argv[3], "protocol", 0, 0xffff, &protocol)) return NULL;
  if (!take_bytes(env, argv[4], "packet", &packet)) return NULL;
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons((uint16_t)protocol);
  to.sll_ifindex = (int)index;
  to.sll_halen = LINK_ADDRESS;
  if (sendto(fd, packet.data, packet.length, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof to) < 0) {
    return throw_errno(env, errno, "sendto");
  }
  return NULL;
}
