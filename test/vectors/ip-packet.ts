// Vectors whose IPv4 side is encoded by the npm package ip-packet. It knows the header without options, so these are about
// plain packets: every TOS half, TTLs, Identification, protocols. The IPv6 side is 40 bytes put together by hand here.

import { createRequire } from 'node:module';
import { toHex } from '../support/packets.ts';
import type { VectorText } from './load.ts';

interface IpPacket {
  readonly version: 4;
  readonly dscp: number;
  readonly ecn: number;
  readonly identification: number;
  /** 2 is Don't Fragment. */
  readonly flags: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly sourceIp: string;
  readonly destinationIp: string;
  readonly checksum?: number;
  readonly data: Buffer;
}

interface Encoder {
  encode(state: { buffer: Buffer; start: number; end: number }, packet: IpPacket): void;
  checksum(packet: Buffer): number;
}

const encoder = createRequire(import.meta.url)('ip-packet') as Encoder;

/** The header's checksum is computed by the package as well, in a second run. */
function encode(packet: IpPacket): Buffer {
  const size = 20 + packet.data.length;
  const first = Buffer.alloc(size);
  encoder.encode({ buffer: first, start: 0, end: size }, packet);
  const second = Buffer.alloc(size);
  encoder.encode({ buffer: second, start: 0, end: size }, { ...packet, checksum: encoder.checksum(first) });
  return second;
}

/** 2001:db8:1::33 and 2001:db8:64::198.51.100.7, the two ends of every vector here. */
const CLIENT6 = '20010db8000100000000000000000033';
const SERVER6 = '20010db80064000000000000c6336407';

function ipv6Hex(packet: IpPacket, hopLimit: number, toServer: boolean): string {
  const trafficClass = (packet.dscp << 2) | packet.ecn;
  const first = (((6 << 28) | (trafficClass << 20)) >>> 0).toString(16).padStart(8, '0');
  const [source, destination] = toServer ? [CLIENT6, SERVER6] : [SERVER6, CLIENT6];
  const fields = Buffer.from([packet.data.length >> 8, packet.data.length & 0xff, packet.protocol, hopLimit]);
  return first + toHex(fields) + source + destination + toHex(packet.data);
}

const settings = { prefix: '2001:db8:64::/96', mappings: [['192.0.2.33', '2001:db8:1::33']] as const };

/** Protocol numbers without a checksum over the addresses: the payload passes as it is. */
const PROTOCOLS = [4, 41, 47, 50, 51, 132, 253];

function plainPacket(i: number, toServer: boolean): IpPacket {
  return {
    version: 4,
    dscp: (i * 11) % 64,
    ecn: i % 4,
    identification: toServer ? (i * 4099) & 0xffff : 0x4711,
    flags: toServer ? 2 : 0,
    ttl: 2 + ((i * 37) % 253),
    protocol: PROTOCOLS[i % PROTOCOLS.length] as number,
    sourceIp: toServer ? '192.0.2.33' : '198.51.100.7',
    destinationIp: toServer ? '198.51.100.7' : '192.0.2.33',
    data: Buffer.from(Array.from({ length: i * 3 }, (_, k) => (k * 31 + i) & 0xff)),
  };
}

/** Vectors in both directions, the same on every call. */
export function ipPacketVectors(): VectorText[] {
  const out: VectorText[] = [];
  for (let i = 0; i < 14; i++) {
    const common = { settings, verdict: 'translated', reply: null } as const;
    const name = `protocol ${PROTOCOLS[i % PROTOCOLS.length]}, ${i * 3} bytes`;
    const four = plainPacket(i, true);
    const to6 = { in: toHex(encode(four)), out: [ipv6Hex(four, four.ttl - 1, true)] };
    out.push({ ...common, ...to6, id: `ip-packet-4to6-${i}`, rule: 'T-4.1-09', title: name });
    const back = plainPacket(i, false);
    const to4 = { in: ipv6Hex(back, back.ttl + 1, false), out: [toHex(encode(back))] };
    out.push({ ...common, ...to4, id: `ip-packet-6to4-${i}`, rule: 'T-5.1-01', title: name });
  }
  return out;
}
