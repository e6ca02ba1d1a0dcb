/*
 * Writing a batch of packets: one writev(2) each, one crossing from JavaScript, no allocation. All pieces are checked before
 * the first packet goes out. Read: writev(2), drivers/net/tun.c (tun_get_user).
 */
#include <errno.h>
#include <sys/uio.h>

#include "shim.h"

enum { MAX_PIECES = 64 };

/* Everything about one batch. */
typedef struct {
  int fd;
  byte_array slab;
  int32_array piece_offset;
  int32_array piece_length;
  int32_array piece_end;
  int32_array results;
  int64_t packets;
} batch;

static bool take_batch(napi_env env, napi_callback_info info, batch *b) {
  napi_value argv[7];
  if (!take_arguments(env, info, 7, argv) || !take_fd(env, argv[0], &b->fd)) return false;
  if (!take_bytes(env, argv[1], "slab", &b->slab)) return false;
  if (!take_int32s(env, argv[2], "pieceOffset", &b->piece_offset)) return false;
  if (!take_int32s(env, argv[3], "pieceLength", &b->piece_length)) return false;
  if (!take_int32s(env, argv[4], "pieceEnd", &b->piece_end)) return false;
  if (!take_int32s(env, argv[6], "results", &b->results)) return false;
  size_t capacity = b->piece_end.length < b->results.length ? b->piece_end.length : b->results.length;
  return take_int(env, argv[5], "packets", 0, (int64_t)capacity, &b->packets);
}

/* Points `pieces` at the pieces first … last-1. @returns how many, or -1 if one lies outside the slab or there are too many */
static int gather(const batch *b, int64_t first, int64_t last, struct iovec *pieces) {
  int64_t count = last - first;
  if (count < 1 || count > MAX_PIECES) return -1;
  if (last > (int64_t)b->piece_offset.length || last > (int64_t)b->piece_length.length) return -1;
  for (int64_t k = 0; k < count; k++) {
    int64_t offset = b->piece_offset.data[first + k];
    int64_t length = b->piece_length.data[first + k];
    if (offset < 0 || length < 0 || offset + length > (int64_t)b->slab.length) return -1;
    pieces[k].iov_base = b->slab.data + offset;
    pieces[k].iov_len = (size_t)length;
  }
  return (int)count;
}

static bool all_inside(const batch *b) {
  struct iovec pieces[MAX_PIECES];
  int64_t first = 0;
  for (int64_t i = 0; i < b->packets; i++) {
    int64_t last = b->piece_end.data[i];
    if (gather(b, first, last, pieces) < 0) return false;
    first = last;
  }
  return true;
}

/* @returns 0 or the errno. The pieces are checked again: another thread may share the arrays. */
static int write_one(const batch *b, int64_t first, int64_t last) {
  struct iovec pieces[MAX_PIECES];
  int count = gather(b, first, last, pieces);
  if (count < 0) return EFAULT;
  return writev(b->fd, pieces, count) < 0 ? errno : 0;
}

napi_value tun_write_batch(napi_env env, napi_callback_info info) {
  batch b;
  int64_t first = 0;
  int64_t refused = 0;
  if (!take_batch(env, info, &b)) return NULL;
  if (!all_inside(&b)) {
    throw_range(env, "a piece", "lies outside the slab, or a packet has none or more than 64");
    return NULL;
  }
  for (int64_t i = 0; i < b.packets; i++) {
    int64_t last = b.piece_end.data[i];
    int result = first >= 0 ? write_one(&b, first, last) : EFAULT;
    b.results.data[i] = result;
    if (result != 0) refused++;
    first = last;
  }
  return make_int(env, refused);
}
