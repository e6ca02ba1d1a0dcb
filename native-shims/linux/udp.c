/*
 * UDP sockets that take and send datagrams by the batch and know which of their addresses each one came to, for a server.
 * Read: udp(7), ip(7) (IP_PKTINFO), ipv6(7), RFC 3542 §6, recvmmsg(2), sendmmsg(2).
 *
 * The two ends of a datagram lie in 48 bytes, IPv4 addresses as ::ffff:a.b.c.d:
 *
 *     0        16      18     20          24      40              44
 *     +--------+-------+------+-----------+-------+---------------+-------+
 *     | remote | port  | zero | remote    | local | interface     | zero  |
 *     |        | (big) |      | zone (le) |       | (le)          |       |
 *     +--------+-------+------+-----------+-------+---------------+-------+
 */
#define _GNU_SOURCE /* recvmmsg, struct in6_pktinfo */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim.h"

enum { ENDS = 48, PORT = 16, ZONE = 20, LOCAL = 24, INTERFACE = 40, MAPPED = 12, BATCH = 64 };

static const uint8_t MAPPED_PREFIX[MAPPED] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

typedef union {
  struct cmsghdr align;
  char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
} control_data;

typedef union {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} address;

static bool is_mapped(const uint8_t *bytes) { return memcmp(bytes, MAPPED_PREFIX, MAPPED) == 0; }

/* @returns NULL, or the name of the option that failed, its reason in errno */
static const char *set_options(int fd, bool is_v6, bool wants_local) {
  const int on = 1;
  if (is_v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) return "setsockopt(IPV6_V6ONLY)";
  if (!wants_local) return NULL;
  if (is_v6) {
    if (setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) != 0) return "setsockopt(IPV6_RECVPKTINFO)";
    return NULL;
  }
  if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0) return "setsockopt(IP_PKTINFO)";
  return NULL;
}

napi_value udp_open(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  bool is_v6;
  bool wants_local;
  if (!take_arguments(env, info, 2, argv) || !take_bool(env, argv[0], "isIpv6", &is_v6)) return NULL;
  if (!take_bool(env, argv[1], "wantsLocal", &wants_local)) return NULL;
  int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return throw_errno(env, errno, "socket");
  const char *failed = set_options(fd, is_v6, wants_local);
  if (failed == NULL) return make_handle(env, fd);
  int number = errno;
  close(fd);
  return throw_errno(env, number, failed);
}

napi_value udp_set_buffer(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  int64_t size;
  if (!take_arguments(env, info, 2, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (!take_int(env, argv[1], "bytes", 0, INT32_MAX, &size)) return NULL;
  const int bytes = (int)size;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) != 0) {
    return throw_errno(env, errno, "setsockopt(SO_RCVBUF)");
  }
  return NULL;
}

/* @returns the length of the socket address of the remote end */
static socklen_t to_address(const uint8_t *ends, address *to) {
  memset(to, 0, sizeof *to);
  if (is_mapped(ends)) {
    to->v4.sin_family = AF_INET;
    memcpy(&to->v4.sin_port, ends + PORT, sizeof to->v4.sin_port);
    memcpy(&to->v4.sin_addr, ends + MAPPED, sizeof to->v4.sin_addr);
    return sizeof to->v4;
  }
  to->v6.sin6_family = AF_INET6;
  memcpy(&to->v6.sin6_port, ends + PORT, sizeof to->v6.sin6_port);
  memcpy(&to->v6.sin6_addr, ends, sizeof to->v6.sin6_addr);
  memcpy(&to->v6.sin6_scope_id, ends + ZONE, sizeof to->v6.sin6_scope_id);
  return sizeof to->v6;
}

napi_value udp_bind(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  uint8_t ends[ENDS];
  address local;
  if (!take_arguments(env, info, 2, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (!take_exact_bytes(env, argv[1], "address", ENDS, ends)) return NULL;
  socklen_t length = to_address(ends, &local);
  if (bind(fd, &local.any, length) != 0) return throw_errno(env, errno, "bind");
  return NULL;
}

/* The remote end, from where the kernel put it. */
static void from_address(const address *from, uint8_t *ends) {
  memset(ends, 0, ENDS);
  if (from->any.sa_family == AF_INET) {
    memcpy(ends, MAPPED_PREFIX, MAPPED);
    memcpy(ends + MAPPED, &from->v4.sin_addr, sizeof from->v4.sin_addr);
    memcpy(ends + PORT, &from->v4.sin_port, sizeof from->v4.sin_port);
    return;
  }
  memcpy(ends, &from->v6.sin6_addr, sizeof from->v6.sin6_addr);
  memcpy(ends + PORT, &from->v6.sin6_port, sizeof from->v6.sin6_port);
  memcpy(ends + ZONE, &from->v6.sin6_scope_id, sizeof from->v6.sin6_scope_id);
}

/* The local end, from the control messages. */
static void read_local(struct msghdr *message, uint8_t *ends) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo packet;
      memcpy(&packet, CMSG_DATA(c), sizeof packet);
      memcpy(ends + LOCAL, &packet.ipi6_addr, sizeof packet.ipi6_addr);
      memcpy(ends + INTERFACE, &packet.ipi6_ifindex, sizeof packet.ipi6_ifindex);
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo packet;
      memcpy(&packet, CMSG_DATA(c), sizeof packet);
      memcpy(ends + LOCAL, MAPPED_PREFIX, MAPPED);
      memcpy(ends + LOCAL + MAPPED, &packet.ipi_spec_dst, sizeof packet.ipi_spec_dst);
      memcpy(ends + INTERFACE, &packet.ipi_ifindex, sizeof packet.ipi_ifindex);
    }
  }
}

static bool has_local(const uint8_t *ends) {
  static const uint8_t none[MAPPED + 4];
  return memcmp(ends + LOCAL, none, sizeof none) != 0;
}

/* Source address of a datagram; the interface counts for link-local ones alone, all others go where the routes lead. */
static void put_local(struct msghdr *message, const uint8_t *ends) {
  if (!has_local(ends)) {
    message->msg_control = NULL;
    message->msg_controllen = 0;
    return;
  }
  struct cmsghdr *c = CMSG_FIRSTHDR(message);
  if (is_mapped(ends)) {
    struct in_pktinfo packet;
    memset(&packet, 0, sizeof packet);
    memcpy(&packet.ipi_spec_dst, ends + LOCAL + MAPPED, sizeof packet.ipi_spec_dst);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof packet);
    memcpy(CMSG_DATA(c), &packet, sizeof packet);
    message->msg_controllen = CMSG_SPACE(sizeof packet);
    return;
  }
  struct in6_pktinfo packet;
  memset(&packet, 0, sizeof packet);
  memcpy(&packet.ipi6_addr, ends + LOCAL, sizeof packet.ipi6_addr);
  if (IN6_IS_ADDR_LINKLOCAL(&packet.ipi6_addr)) {
    memcpy(&packet.ipi6_ifindex, ends + INTERFACE, sizeof packet.ipi6_ifindex);
  }
  c->cmsg_level = IPPROTO_IPV6;
  c->cmsg_type = IPV6_PKTINFO;
  c->cmsg_len = CMSG_LEN(sizeof packet);
  memcpy(CMSG_DATA(c), &packet, sizeof packet);
  message->msg_controllen = CMSG_SPACE(sizeof packet);
}

/* What both batch calls are given: slot i is `size` bytes of the slab and 48 of the ends. */
typedef struct {
  int fd;
  byte_array slab;
  int64_t size;
  int32_array lengths;
  byte_array ends;
  int64_t from;
  int64_t to;
} batch;

static bool take_batch(napi_env env, napi_callback_info info, batch *b) {
  napi_value argv[7];
  if (!take_arguments(env, info, 7, argv) || !take_fd(env, argv[0], &b->fd)) return false;
  if (!take_bytes(env, argv[1], "slab", &b->slab)) return false;
  if (!take_int(env, argv[2], "slotBytes", 1, 65536, &b->size)) return false;
  if (!take_int32s(env, argv[3], "lengths", &b->lengths) || !take_bytes(env, argv[4], "ends", &b->ends)) return false;
  if (!take_int(env, argv[5], "from", 0, INT32_MAX, &b->from)) return false;
  if (!take_int(env, argv[6], "to", b->from, b->from + BATCH, &b->to)) return false;
  const size_t slots = (size_t)b->to;
  if (slots * (size_t)b->size > b->slab.length || slots > b->lengths.length || slots * ENDS > b->ends.length) {
    return throw_range(env, "to", "is behind the last slot");
  }
  return true;
}

napi_value udp_receive_batch(napi_env env, napi_callback_info info) {
  batch b;
  struct mmsghdr messages[BATCH];
  struct iovec pieces[BATCH];
  address from[BATCH];
  control_data control[BATCH];
  if (!take_batch(env, info, &b)) return NULL;
  const int count = (int)(b.to - b.from);
  for (int i = 0; i < count; i++) {
    pieces[i] = (struct iovec){b.slab.data + (b.from + i) * b.size, (size_t)b.size};
    messages[i].msg_hdr = (struct msghdr){&from[i], sizeof from[i], &pieces[i], 1, &control[i], sizeof control[i], 0};
  }
  int received = recvmmsg(b.fd, messages, (unsigned int)count, MSG_DONTWAIT, NULL);
  if (received < 0) return errno == EAGAIN ? make_int(env, 0) : throw_errno(env, errno, "recvmmsg");
  for (int i = 0; i < received; i++) {
    uint8_t *ends = b.ends.data + (b.from + i) * ENDS;
    const bool is_cut = (messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    b.lengths.data[b.from + i] = is_cut ? -1 : (int32_t)messages[i].msg_len;
    from_address(&from[i], ends);
    read_local(&messages[i].msg_hdr, ends);
  }
  return make_int(env, received);
}

napi_value udp_send_batch(napi_env env, napi_callback_info info) {
  batch b;
  struct mmsghdr messages[BATCH];
  struct iovec pieces[BATCH];
  address to[BATCH];
  control_data control[BATCH];
  if (!take_batch(env, info, &b)) return NULL;
  const int count = (int)(b.to - b.from);
  for (int i = 0; i < count; i++) {
    const int32_t length = b.lengths.data[b.from + i];
    const uint8_t *ends = b.ends.data + (b.from + i) * ENDS;
    if (length < 0 || length > b.size) {
      throw_range(env, "lengths", "has a length that its slot does not hold");
      return NULL;
    }
    pieces[i] = (struct iovec){b.slab.data + (b.from + i) * b.size, (size_t)length};
    const socklen_t size = to_address(ends, &to[i]);
    messages[i].msg_hdr = (struct msghdr){&to[i], size, &pieces[i], 1, &control[i], sizeof control[i], 0};
    put_local(&messages[i].msg_hdr, ends);
  }
  int sent = sendmmsg(b.fd, messages, (unsigned int)count, MSG_DONTWAIT);
  return sent < 0 ? throw_errno(env, errno, "sendmmsg") : make_int(env, sent);
}
