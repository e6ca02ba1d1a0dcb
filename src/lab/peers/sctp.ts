// The two SCTP packets of the lab's proof: INIT and INIT ACK. No SCTP stack is needed, only packets whose checksum shows
// that nothing of them was changed on the way. RFC 9260:
//
//     +-------------------------------+-------------------------------+
//     |          source port          |       destination port        |  §3.1 common header
//     +-------------------------------+-------------------------------+
//     |                      verification tag                         |
//     +---------------------------------------------------------------+
//     |                      checksum: CRC32c, little-endian          |
//     +-------------------------------+-------------------------------+
//     |  chunk type   |     flags     |            length             |  §3.3.2 INIT (1), §3.3.3 INIT ACK (2)
//     +-------------------------------+-------------------------------+
//     | initiate tag, a_rwnd, outbound and inbound streams, first TSN |

const HEADER = 12;
const TAG = 4;
const CHECKSUM = 8;
const INIT_LENGTH = 20;
const STATE_COOKIE = 7;

/** Chunk types. */
export const INIT = 1;
export const INIT_ACK = 2;

/** CRC32c (Castagnoli) of RFC 9260 appendix A, bit by bit. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

function seal(packet: Uint8Array): Uint8Array {
  const view = new DataView(packet.buffer);
  view.setUint32(CHECKSUM, 0);
  view.setUint32(CHECKSUM, crc32c(packet), true);
  return packet;
}

function makeChunk(type: number, source: number, destination: number, verification: number, extra: number): Uint8Array {
  const packet = new Uint8Array(HEADER + INIT_LENGTH + extra);
  const view = new DataView(packet.buffer);
  view.setUint16(0, source);
  view.setUint16(2, destination);
  view.setUint32(TAG, verification);
  view.setUint8(HEADER, type);
  view.setUint16(HEADER + 2, INIT_LENGTH + extra);
  view.setUint32(HEADER + 4, 0x1234_5678);
  view.setUint32(HEADER + 8, 65_536);
  view.setUint16(HEADER + 12, 1);
  view.setUint16(HEADER + 14, 1);
  view.setUint32(HEADER + 16, 1);
  return packet;
}

/** An INIT, which has verification tag 0. */
export function makeInit(source: number, destination: number): Uint8Array {
  return seal(makeChunk(INIT, source, destination, 0, 0));
}

/** The INIT ACK to an INIT: ports swapped, its initiate tag as verification tag, and a State Cookie of four bytes. */
export function makeInitAck(init: Uint8Array): Uint8Array {
  const view = new DataView(init.buffer, init.byteOffset, init.byteLength);
  const packet = makeChunk(INIT_ACK, view.getUint16(2), view.getUint16(0), view.getUint32(HEADER + 4), 8);
  const out = new DataView(packet.buffer);
  out.setUint16(HEADER + INIT_LENGTH, STATE_COOKIE);
  out.setUint16(HEADER + INIT_LENGTH + 2, 8);
  return seal(packet);
}

/** Chunk type of a packet whose checksum is right and that holds a whole INIT or INIT ACK; 0 for anything else. */
export function checkInit(packet: Uint8Array): number {
  if (packet.length < HEADER + INIT_LENGTH) return 0;
  // Not slice(): a Buffer's shares the memory.
  const copy = Uint8Array.from(packet);
  const view = new DataView(copy.buffer);
  const checksum = view.getUint32(CHECKSUM, true);
  view.setUint32(CHECKSUM, 0);
  return crc32c(copy) === checksum ? view.getUint8(HEADER) : 0;
}
