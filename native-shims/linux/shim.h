/*
 * What the Linux shim consists of. One function per entry of `LinuxShim` in ../native.d.ts, which is the documentation of
 * each; module.c puts them into the exports. C makes the system call and nothing else.
 */
#ifndef XLAT464_LINUX_SHIM_H
#define XLAT464_LINUX_SHIM_H

#include <node_api.h>
#include <stdbool.h>

#include "../common/arguments.h"
#include "../common/failure.h"
#include "../common/handle.h"

/* tun.c */
napi_value tun_open(napi_env env, napi_callback_info info);
napi_value tun_features(napi_env env, napi_callback_info info);
napi_value tun_get_flags(napi_env env, napi_callback_info info);
napi_value tun_set_offload(napi_env env, napi_callback_info info);
napi_value tun_set_vnet_header_size(napi_env env, napi_callback_info info);
napi_value tun_set_persist(napi_env env, napi_callback_info info);

/* tun-read.c, tun-write.c: the hot path */
napi_value tun_read_batch(napi_env env, napi_callback_info info);
napi_value tun_write_batch(napi_env env, napi_callback_info info);

/* eventfd.c */
napi_value event_fd(napi_env env, napi_callback_info info);
napi_value event_fd_signal(napi_env env, napi_callback_info info);
napi_value event_fd_clear(napi_env env, napi_callback_info info);

/* icmp6.c */
napi_value icmp6_open(napi_env env, napi_callback_info info);
napi_value icmp6_set_filter(napi_env env, napi_callback_info info);
napi_value icmp6_receive(napi_env env, napi_callback_info info);
napi_value icmp6_send(napi_env env, napi_callback_info info);

/* membership.c */
napi_value icmp6_join(napi_env env, napi_callback_info info);
napi_value icmp6_leave(napi_env env, napi_callback_info info);
napi_value anycast_join(napi_env env, napi_callback_info info);
napi_value anycast_leave(napi_env env, napi_callback_info info);

/* packet.c */
napi_value packet_open(napi_env env, napi_callback_info info);
napi_value packet_bind(napi_env env, napi_callback_info info);
napi_value packet_receive(napi_env env, napi_callback_info info);
napi_value packet_send(napi_env env, napi_callback_info info);

/* bpf.c */
napi_value bpf_program_load(napi_env env, napi_callback_info info);
napi_value bpf_link_create(napi_env env, napi_callback_info info);
napi_value socket_attach_bpf(napi_env env, napi_callback_info info);

/* netlink.c */
napi_value netlink_open(napi_env env, napi_callback_info info);
napi_value netfilter_open(napi_env env, napi_callback_info info);
napi_value netlink_send(napi_env env, napi_callback_info info);
napi_value netlink_receive(napi_env env, napi_callback_info info);

/* link.c */
napi_value if_name_to_index(napi_env env, napi_callback_info info);
napi_value link_set_mtu(napi_env env, napi_callback_info info);
napi_value bind_to_device(napi_env env, napi_callback_info info);

/* udp.c */
napi_value udp_open(napi_env env, napi_callback_info info);
napi_value udp_set_buffer(napi_env env, napi_callback_info info);
napi_value udp_bind(napi_env env, napi_callback_info info);
napi_value udp_receive_batch(napi_env env, napi_callback_info info);
napi_value udp_send_batch(napi_env env, napi_callback_info info);

/* tcp.c */
napi_value tcp_open(napi_env env, napi_callback_info info);

/* watch.c */
napi_value watch_start(napi_env env, napi_callback_info info);

/* Result values; NULL after throwing. */
napi_value make_int(napi_env env, int64_t number);
napi_value make_bool(napi_env env, bool truth);

#endif
