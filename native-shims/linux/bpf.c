/*
 * eBPF programs and where they are attached. The raw call: there is no wrapper in libc. Read: bpf(2), linux/bpf.h (union
 * bpf_attr), socket(7) for SO_ATTACH_BPF. A program or link lives as long as a descriptor of it: closing detaches.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "shim.h"

enum { INSTRUCTION = 8, LICENCE_MAX = 64 };

/* linux/bpf.h, enum bpf_cmd: the oldest headers that we compile with do not have it. */
enum { LINK_CREATE = 28 };

/* The part of union bpf_attr for BPF_LINK_CREATE with a tcx link (Linux 6.6), which older headers lack. */
struct link_create {
  uint32_t prog_fd;
  uint32_t target_ifindex;
  uint32_t attach_type;
  uint32_t flags;
  uint32_t relative_fd;
  uint32_t padding;
  uint64_t expected_revision;
};

static int bpf(int command, void *attributes, size_t size) {
  return (int)syscall(SYS_bpf, command, attributes, (unsigned int)size);
}

static uint64_t address_of(const void *memory) { return (uint64_t)(uintptr_t)memory; }

napi_value bpf_program_load(napi_env env, napi_callback_info info) {
  napi_value argv[6];
  int64_t type;
  int64_t attach_type;
  char licence[LICENCE_MAX];
  byte_array code;
  byte_array log;
  union bpf_attr load;
  memset(&load, 0, sizeof load);
  if (!take_arguments(env, info, 6, argv)) return NULL;
  if (!take_int(env, argv[0], "type", 0, UINT32_MAX, &type)) return NULL;
  if (!take_int(env, argv[1], "attachType", 0, UINT32_MAX, &attach_type)) return NULL;
  if (!take_text(env, argv[2], "name", load.prog_name, sizeof load.prog_name)) return NULL;
  if (!take_text(env, argv[3], "licence", licence, sizeof licence)) return NULL;
  if (!take_bytes(env, argv[4], "instructions", &code) || !take_bytes(env, argv[5], "log", &log)) return NULL;
  if (code.length % INSTRUCTION != 0 || code.length / INSTRUCTION > UINT32_MAX || log.length > UINT32_MAX) {
    throw_range(env, "instructions or log", "has the wrong length");
    return NULL;
  }
  load.prog_type = (uint32_t)type;
  load.expected_attach_type = (uint32_t)attach_type;
  load.insns = address_of(code.data);
  load.insn_cnt = (uint32_t)(code.length / INSTRUCTION);
  load.license = address_of(licence);
  load.log_level = log.length > 0 ? 1 : 0;
  load.log_buf = log.length > 0 ? address_of(log.data) : 0;
  load.log_size = (uint32_t)log.length;
  int fd = bpf(BPF_PROG_LOAD, &load, sizeof load);
  return fd < 0 ? throw_errno(env, errno, "bpf(BPF_PROG_LOAD)") : make_handle(env, fd);
}

napi_value bpf_link_create(napi_env env, napi_callback_info info) {
  napi_value argv[5];
  int program;
  int relative;
  int64_t index;
  int64_t attach_type;
  int64_t flags;
  struct link_create link;
  memset(&link, 0, sizeof link);
  if (!take_arguments(env, info, 5, argv) || !take_fd(env, argv[0], &program)) return NULL;
  if (!take_int(env, argv[1], "ifIndex", 0, INT32_MAX, &index)) return NULL;
  if (!take_int(env, argv[2], "attachType", 0, UINT32_MAX, &attach_type)) return NULL;
  if (!take_int(env, argv[3], "flags", 0, UINT32_MAX, &flags) || !take_fd(env, argv[4], &relative)) return NULL;
  link.prog_fd = (uint32_t)program;
  link.target_ifindex = (uint32_t)index;
  link.attach_type = (uint32_t)attach_type;
  link.flags = (uint32_t)flags;
  link.relative_fd = relative < 0 ? 0 : (uint32_t)relative;
  int fd = bpf(LINK_CREATE, &link, sizeof link);
  return fd < 0 ? throw_errno(env, errno, "bpf(BPF_LINK_CREATE)") : make_handle(env, fd);
}

napi_value socket_attach_bpf(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  int fd;
  int program;
  if (!take_arguments(env, info, 2, argv) || !take_fd(env, argv[0], &fd)) return NULL;
  if (!take_fd(env, argv[1], &program)) return NULL;
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof program) != 0) {
    return throw_errno(env, errno, "setsockopt(SO_ATTACH_BPF)");
  }
  return NULL;
}
