/*
 * Reading a batch of packets: as many read(2) as there are packets, one crossing from JavaScript, no allocation.
 * Read: read(2), poll(2), drivers/net/tun.c (tun_do_read). The layout is in ../native.d.ts, tunReadBatch.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "shim.h"

/* Everything about one batch. Invariant: 0 ≤ start ≤ end ≤ the slab's length, 0 ≤ vnet_size ≤ head. */
typedef struct {
  int fd;
  int wake_fd;
  int timeout_ms;
  uint8_t *slab;
  int64_t next; /* first byte after the last packet */
  int64_t end;
  int64_t head;
  int64_t max_packet;
  int64_t vnet_size;
  int32_t *offsets;
  int32_t *lengths;
  int64_t max_packets;
  int64_t count;
} batch;

static bool take_slab(napi_env env, const napi_value *argv, batch *b) {
  byte_array slab;
  int64_t start;
  if (!take_bytes(env, argv[3], "slab", &slab)) return false;
  int64_t limit = slab.length > INT32_MAX ? INT32_MAX : (int64_t)slab.length;
  if (!take_int(env, argv[5], "end", 0, limit, &b->end)) return false;
  if (!take_int(env, argv[4], "start", 0, b->end, &start)) return false;
  if (!take_int(env, argv[6], "head", 0, INT32_MAX, &b->head)) return false;
  if (!take_int(env, argv[7], "maxPacket", 1, INT32_MAX, &b->max_packet)) return false;
  b->slab = slab.data;
  b->next = start;
  return take_int(env, argv[8], "vnetSize", 0, b->head, &b->vnet_size);
}

static bool take_lists(napi_env env, const napi_value *argv, batch *b) {
  int32_array offsets;
  int32_array lengths;
  if (!take_int32s(env, argv[9], "offsets", &offsets) || !take_int32s(env, argv[10], "lengths", &lengths)) return false;
  size_t capacity = offsets.length < lengths.length ? offsets.length : lengths.length;
  b->offsets = offsets.data;
  b->lengths = lengths.data;
  b->count = 0;
  return take_int(env, argv[11], "maxPackets", 0, (int64_t)capacity, &b->max_packets);
}

static bool take_batch(napi_env env, napi_callback_info info, batch *b) {
  napi_value argv[12];
  int64_t timeout;
  if (!take_arguments(env, info, 12, argv)) return false;
  if (!take_fd(env, argv[0], &b->fd) || !take_fd(env, argv[1], &b->wake_fd)) return false;
  if (!take_int(env, argv[2], "timeoutMs", -1, INT32_MAX, &timeout)) return false;
  b->timeout_ms = (int)timeout;
  return take_slab(env, argv, b) && take_lists(env, argv, b);
}

/* Where the next packet's IP header goes: head room after the one before, 4-aligned for its address words. */
static inline int64_t next_offset(const batch *b) { return (b->next + b->head + 3) & ~(int64_t)3; }

static inline bool has_room(const batch *b) {
  return b->count < b->max_packets && next_offset(b) + b->max_packet <= b->end;
}

/* Reads until there is nothing, no room, or a signal. @returns 0 or the errno of a read that failed otherwise */
static int drain(batch *b) {
  while (has_room(b)) {
    int64_t offset = next_offset(b);
    ssize_t taken = read(b->fd, b->slab + offset - b->vnet_size, (size_t)(b->max_packet + b->vnet_size));
    if (taken < 0) return errno == EAGAIN || errno == EINTR ? 0 : errno;
    int64_t length = taken > b->vnet_size ? taken - b->vnet_size : 0;
    b->offsets[b->count] = (int32_t)offset;
    b->lengths[b->count] = (int32_t)length;
    b->count++;
    b->next = offset + length;
  }
  return 0;
}

/* Waits until `fd` has something to say. @returns 1 if so, 0 when woken, timed out or interrupted, -1 and errno */
static int wait_readable(const batch *b) {
  struct pollfd polled[2] = {{b->fd, POLLIN, 0}, {b->wake_fd, POLLIN, 0}};
  int ready = poll(polled, 2, b->timeout_ms);
  if (ready < 0) return errno == EINTR ? 0 : -1;
  return polled[0].revents != 0 ? 1 : 0;
}

napi_value tun_read_batch(napi_env env, napi_callback_info info) {
  batch b;
  if (!take_batch(env, info, &b)) return NULL;
  if (!has_room(&b)) return make_int(env, 0);
  int failed = drain(&b);
  if (failed == 0 && b.count == 0) {
    int ready = wait_readable(&b);
    if (ready < 0) return throw_errno(env, errno, "poll");
    if (ready > 0) failed = drain(&b);
  }
  /* A failure after the first packet shows again at the next call. */
  if (failed != 0 && b.count == 0) return throw_errno(env, failed, "read");
  return make_int(env, b.count);
}
