// Numbers of the kernel's interface to programs: linux/bpf.h. Owns no behaviour.

/** Program types and the places they are attached to. */
export const PROGRAM = { socketFilter: 1, schedCls: 3 } as const;
export const ATTACH_TCX_INGRESS = 46;

/** Helper functions, bpf-helpers(7). */
export const HELPER = { redirect: 23, skbChangeHead: 43, skbLoadBytesRelative: 68, redirectNeigh: 152 } as const;

/** Origin of skbLoadBytesRelative: the network header. */
export const HEADER_START_NETWORK = 1;

/** Verdicts of a tcx program. Redirecting ones are returned by the helpers. */
export const TCX = { next: -1, pass: 0, drop: 2, redirect: 7 } as const;

/** Fields of struct __sk_buff. */
export const SKB = { packetType: 4, protocol: 16, vlanPresent: 20, vlanTci: 24 } as const;

/** struct bpf_redir_neigh: offsets and size. */
export const NEXT_HOP = { family: 0, address: 4, size: 20 } as const;
export const AF_INET6 = 10;

/** skb->pkt_type, linux/if_packet.h: for us, and for another machine. */
export const PACKET_HOST = 0;
export const PACKET_OTHERHOST = 3;

/** ETH_P_IPV6 in network order as a little-endian machine loads it. */
export const PROTOCOL_IPV6 = 0xdd86;
