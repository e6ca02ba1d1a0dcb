/*
 * The names of error numbers, for `error.code`. glibc's strerrorname_np(3) is younger than the oldest systems that Node 20
 * runs on, and neither musl nor macOS has it. Numbers differ between systems, names do not. errno(3).
 */
#include <errno.h>
#include <stddef.h>

#include "failure.h"

#define ROW(name) \
  { name, #name }

static const struct {
  int number;
  const char *name;
} NAMES[] = {
    ROW(EPERM),        ROW(ENOENT),      ROW(EINTR),         ROW(EIO),          ROW(ENXIO),           ROW(E2BIG),
    ROW(EBADF),        ROW(EAGAIN),      ROW(ENOMEM),        ROW(EACCES),       ROW(EFAULT),          ROW(EBUSY),
    ROW(EEXIST),       ROW(ENODEV),      ROW(EINVAL),        ROW(ENFILE),       ROW(EMFILE),          ROW(ENOTTY),
    ROW(EFBIG),        ROW(ENOSPC),      ROW(ESPIPE),        ROW(EROFS),        ROW(EPIPE),           ROW(ERANGE),
    ROW(ENOSYS),       ROW(ENOTSOCK),    ROW(EDESTADDRREQ),  ROW(EMSGSIZE),     ROW(EPROTOTYPE),      ROW(ENOPROTOOPT),
    ROW(EOPNOTSUPP),   ROW(EPROTONOSUPPORT), ROW(EAFNOSUPPORT), ROW(EADDRINUSE), ROW(EADDRNOTAVAIL),  ROW(ENETDOWN),
    ROW(ENETUNREACH),  ROW(ENETRESET),   ROW(ECONNABORTED),  ROW(ECONNRESET),   ROW(ENOBUFS),         ROW(EISCONN),
    ROW(ENOTCONN),     ROW(ETIMEDOUT),   ROW(ECONNREFUSED),  ROW(ELOOP),        ROW(ENAMETOOLONG),    ROW(EHOSTDOWN),
    ROW(EHOSTUNREACH), ROW(EALREADY),    ROW(EINPROGRESS),   ROW(ECANCELED),    ROW(EOVERFLOW),       ROW(EPROTO),
    ROW(EILSEQ),
#ifdef EBADFD
    ROW(EBADFD), /* Linux: what a TUN answers whose interface is gone */
#endif
};

const char *errno_name(int number) {
  for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
    if (NAMES[i].number == number) return NAMES[i].name;
  }
  return NULL;
}
