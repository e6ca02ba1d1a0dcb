/* The raw ICMPv6 socket. Read: RFC 3542 §2–6, ipv6(7), raw(7), cmsg(3), linux/icmpv6.h. */
#define _GNU_SOURCE /* struct in6_pktinfo */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim.h"

enum { ADDRESS = 16 };

/* Room for the two control messages that go with every packet, aligned as cmsg(3) asks for. */
typedef union {
  struct cmsghdr align;
  char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
} control_data;

napi_value icmp6_open(napi_env env, napi_callback_info info) {
  const int on = 1;
  (void)info;
  int fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6);
  if (fd < 0) return throw_errno(env, errno, "socket");
  if (setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) != 0 ||
      setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on) != 0) {
    int number = errno;
    close(fd);
    return throw_errno(env, number, "setsockopt");
  }
  return make_handle(env, fd);
}

napi_value icmp6_set_filter(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  byte_array types;
  struct icmp6_filter filter;
  if (!take_arguments(env, info, 2, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (!take_bytes(env, argv[1], "passTypes", &types)) return NULL;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  for (size_t i = 0; i < types.length; i++) ICMP6_FILTER_SETPASS(types.data[i], &filter);
  if (setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) != 0) {
    return throw_errno(env, errno, "setsockopt(ICMP6_FILTER)");
  }
  return NULL;
}

static bool set_bytes(napi_env env, napi_value object, const char *key, const void *bytes, size_t length) {
  napi_value buffer;
  napi_value array;
  void *data;
  if (!napi_worked(env, napi_create_arraybuffer(env, length, &data, &buffer))) return false;
  memcpy(data, bytes, length);
  return napi_worked(env, napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &array)) &&
         napi_worked(env, napi_set_named_property(env, object, key, array));
}

static bool set_int(napi_env env, napi_value object, const char *key, int64_t number) {
  napi_value value = make_int(env, number);
  return value != NULL && napi_worked(env, napi_set_named_property(env, object, key, value));
}

/* Copies what the kernel said about the packet; what it did not say stays as it is. */
static void read_control(struct msghdr *message, struct in6_pktinfo *packet, int *hop_limit) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level != IPPROTO_IPV6) continue;
    if (c->cmsg_type == IPV6_PKTINFO) memcpy(packet, CMSG_DATA(c), sizeof *packet);
    if (c->cmsg_type == IPV6_HOPLIMIT) memcpy(hop_limit, CMSG_DATA(c), sizeof *hop_limit);
  }
}

/* The Icmp6Message of ../native.d.ts. */
static napi_value received(napi_env env, ssize_t length, struct msghdr *message, const struct sockaddr_in6 *source) {
  napi_value result;
  struct in6_pktinfo packet;
  int hop_limit = -1;
  memset(&packet, 0, sizeof packet);
  read_control(message, &packet, &hop_limit);
  if (!napi_worked(env, napi_create_object(env, &result)) || !set_int(env, result, "length", length) ||
      !set_bytes(env, result, "source", &source->sin6_addr, ADDRESS) ||
      !set_bytes(env, result, "destination", &packet.ipi6_addr, ADDRESS) ||
      !set_int(env, result, "ifIndex", packet.ipi6_ifindex) || !set_int(env, result, "hopLimit", hop_limit)) {
    return NULL;
  }
  return result;
}

napi_value icmp6_receive(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  napi_value nothing;
  int fd;
  byte_array buffer;
  struct sockaddr_in6 source;
  control_data control;
  memset(&source, 0, sizeof source);
  if (!take_arguments(env, info, 2, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (!take_bytes(env, argv[1], "buffer", &buffer)) return NULL;
  struct iovec piece = {buffer.data, buffer.length};
  struct msghdr message = {&source, sizeof source, &piece, 1, control.bytes, sizeof control.bytes, 0};
  ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT);
  if (length >= 0) return received(env, length, &message, &source);
  if (errno != EAGAIN) return throw_errno(env, errno, "recvmsg");
  return napi_worked(env, napi_get_null(env, &nothing)) ? nothing : NULL;
}

/* Everything that icmp6Send was given. */
typedef struct {
  int fd;
  byte_array message;
  struct sockaddr_in6 destination;
  struct in6_pktinfo source;
  int hop_limit;
} sending;

static bool take_sending(napi_env env, napi_callback_info info, sending *s) {
  napi_value argv[6];
  int64_t index;
  int64_t hop_limit;
  memset(s, 0, sizeof *s);
  if (!take_arguments(env, info, 6, argv) || !take_fd(env, argv[0], &s->fd)) return false;
  if (!take_bytes(env, argv[1], "message", &s->message)) return false;
  if (!take_exact_bytes(env, argv[2], "destination", ADDRESS, &s->destination.sin6_addr)) return false;
  if (!take_exact_bytes(env, argv[3], "source", ADDRESS, &s->source.ipi6_addr)) return false;
  if (!take_int(env, argv[4], "ifIndex", 0, INT32_MAX, &index)) return false;
  if (!take_int(env, argv[5], "hopLimit", -1, 255, &hop_limit)) return false;
  s->destination.sin6_family = AF_INET6;
  s->destination.sin6_scope_id = (uint32_t)index;
  s->source.ipi6_ifindex = (unsigned int)index;
  s->hop_limit = (int)hop_limit;
  return true;
}

/* Fills in one control message. @returns the place of the next one */
static struct cmsghdr *put(struct msghdr *message, struct cmsghdr *c, int type, const void *data, size_t length) {
  c->cmsg_level = IPPROTO_IPV6;
  c->cmsg_type = type;
  c->cmsg_len = CMSG_LEN(length);
  memcpy(CMSG_DATA(c), data, length);
  return CMSG_NXTHDR(message, c);
}

napi_value icmp6_send(napi_env env, napi_callback_info info) {
  sending s;
  control_data control;
  memset(&control, 0, sizeof control);
  if (!take_sending(env, info, &s)) return NULL;
  struct iovec piece = {s.message.data, s.message.length};
  struct msghdr message = {&s.destination, sizeof s.destination, &piece, 1, control.bytes, sizeof control.bytes, 0};
  struct cmsghdr *c = put(&message, CMSG_FIRSTHDR(&message), IPV6_PKTINFO, &s.source, sizeof s.source);
  put(&message, c, IPV6_HOPLIMIT, &s.hop_limit, sizeof s.hop_limit);
  if (sendmsg(s.fd, &message, MSG_DONTWAIT) < 0) return throw_errno(env, errno, "sendmsg");
  return NULL;
}
