/* The exports of the Linux addon: the table from JavaScript's names to C's functions. Read: node_api.h. */
#include "shim.h"

#define EXPORT(name, function) \
  { name, NULL, function, NULL, NULL, NULL, napi_enumerable, NULL }

static const napi_property_descriptor EXPORTS[] = {
    EXPORT("tunOpen", tun_open),
    EXPORT("tunFeatures", tun_features),
    EXPORT("tunGetFlags", tun_get_flags),
    EXPORT("tunSetOffload", tun_set_offload),
    EXPORT("tunSetVnetHeaderSize", tun_set_vnet_header_size),
    EXPORT("tunSetPersist", tun_set_persist),
    EXPORT("tunReadBatch", tun_read_batch),
    EXPORT("tunWriteBatch", tun_write_batch),
    EXPORT("eventFd", event_fd),
    EXPORT("eventFdSignal", event_fd_signal),
    EXPORT("eventFdClear", event_fd_clear),
    EXPORT("icmp6Open", icmp6_open),
    EXPORT("icmp6SetFilter", icmp6_set_filter),
    EXPORT("bindToDevice", bind_to_device),
    EXPORT("icmp6Join", icmp6_join),
    EXPORT("icmp6Leave", icmp6_leave),
    EXPORT("anycastJoin", anycast_join),
    EXPORT("anycastLeave", anycast_leave),
    EXPORT("icmp6Receive", icmp6_receive),
    EXPORT("icmp6Send", icmp6_send),
    EXPORT("packetOpen", packet_open),
    EXPORT("packetBind", packet_bind),
    EXPORT("packetReceive", packet_receive),
    EXPORT("packetSend", packet_send),
    EXPORT("bpfProgramLoad", bpf_program_load),
    EXPORT("bpfLinkCreate", bpf_link_create),
    EXPORT("socketAttachBpf", socket_attach_bpf),
    EXPORT("netlinkOpen", netlink_open),
    EXPORT("netfilterOpen", netfilter_open),
    EXPORT("netlinkSend", netlink_send),
    EXPORT("netlinkReceive", netlink_receive),
    EXPORT("udpOpen", udp_open),
    EXPORT("udpSetBuffer", udp_set_buffer),
    EXPORT("udpBind", udp_bind),
    EXPORT("udpReceiveBatch", udp_receive_batch),
    EXPORT("udpSendBatch", udp_send_batch),
    EXPORT("tcpOpen", tcp_open),
    EXPORT("watch", watch_start),
    EXPORT("ifNameToIndex", if_name_to_index),
    EXPORT("linkSetMtu", link_set_mtu),
};

napi_value make_int(napi_env env, int64_t number) {
  napi_value result;
  return napi_worked(env, napi_create_int64(env, number, &result)) ? result : NULL;
}

napi_value make_bool(napi_env env, bool truth) {
  napi_value result;
  return napi_worked(env, napi_get_boolean(env, truth, &result)) ? result : NULL;
}

NAPI_MODULE_INIT() {
  const size_t count = sizeof EXPORTS / sizeof EXPORTS[0];
  return napi_worked(env, napi_define_properties(env, exports, count, EXPORTS)) ? exports : NULL;
}
