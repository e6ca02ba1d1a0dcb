// TCP header, RFC 9293 §3.1: what offloading and merging look at. Its length is checked by whoever reads it.
//
//      0                   1                   2                   3
//      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//     +-------------------------------+-------------------------------+
//     |          Source Port          |       Destination Port        |
//     |                        Sequence Number                        |
//     |                    Acknowledgment Number                      |
//     +-------+-------+---------------+-------------------------------+
//     | Offset| Rsrvd |     Flags     |            Window             |
//     +-------+-------+---------------+-------------------------------+
//     |           Checksum            |         Urgent Pointer        |
//     +-------------------------------+-------------------------------+
//     |                           [Options]                           |

import type { Slab } from './slab.ts';

/** Length of a header without options. */
export const TCP_HEADER = 20;

// Offsets from the header's first byte.
export const TCP_SEQUENCE = 4;
export const TCP_ACKNOWLEDGMENT = 8;
/** The octet whose high half is the header length in words. */
export const TCP_DATA_OFFSET = 12;
export const TCP_FLAGS = 13;
export const TCP_WINDOW = 14;
export const TCP_CHECKSUM = 16;
export const TCP_URGENT_POINTER = 18;

// The octet at TCP_FLAGS.
export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;
export const URG = 0x20;
/** Congestion Window Reduced, RFC 3168 §6.1: it stands in the first segment only. */
export const CWR = 0x80;

/** Header length in bytes as the header says, 0–60; less than TCP_HEADER is malformed. */
export const tcpHeaderLength = (s: Slab, at: number): number => (s.view.getUint8(at + TCP_DATA_OFFSET) >>> 4) << 2;
