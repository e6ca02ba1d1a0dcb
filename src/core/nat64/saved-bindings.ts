// Bindings over a restart: hosts keep their public ports, and connections that are older than the process go on. Configured ones
// are not saved, the configuration has them. The bytes come from a file, so nothing in them is believed.
//
//     0       4        5                  then for each binding, 25 bytes:
//     "X4NB"  version  number of bindings   flags | protocol   ipv6   port6   ipv4   port4
//                      (4 bytes)            1                  16     2       4      2         all big-endian
//
// Flags: 80 made by the operator, 40 has an established TCP connection.

import { HOLDS_PORT, IS_CONFIGURED, IS_RESTORED, IS_STATIC } from './bib.ts';
import { BIB_PROTOCOLS, bibOf, TCP_BIB } from './bib-protocol.ts';
import { ClientRanges } from './client-ranges.ts';
import { WHEEL_SLOTS } from './expiry-wheel.ts';
import type { Nat64Tables } from './nat64-tables.ts';
import { isEstablished } from './session-state.ts';
import type { Nat64Protocol, StaticBinding } from './settings.ts';
import { addStatic, hostOf } from './static-bindings.ts';

const MAGIC = 0x58344e42;
const VERSION = 1;
const HEADER = 9;
const RECORD = 25;
const SAVED_STATIC = 0x80;
const SAVED_ESTABLISHED = 0x40;

/** What became of saved bindings. */
export interface RestoreResult {
  readonly restored: number;
  /** Those that do not fit: not in the pool, not of a client, taken, over a limit, malformed. */
  readonly refused: number;
}

/** All bindings that packets find, but the configured ones. A million take 25 MB and a quarter of a second, in which packets wait. */
export function saveBindings(t: Nat64Tables): Uint8Array {
  const { bib, hosts } = t;
  const hasConnection = establishedBindings(t);
  const isSaved = (binding: number) => bib.isAlive(binding) && bib.flags(binding, IS_CONFIGURED) === 0;
  let count = 0;
  for (let binding = 1; binding <= bib.top; binding++) if (isSaved(binding)) count++;
  const bytes = new Uint8Array(HEADER + count * RECORD);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint8(4, VERSION);
  view.setUint32(5, count);
  let at = HEADER;
  for (let binding = 1; binding <= bib.top; binding++) {
    if (!isSaved(binding)) continue;
    const isStatic = bib.flags(binding, IS_STATIC) !== 0;
    const established = hasConnection[binding] === 0 ? 0 : SAVED_ESTABLISHED;
    view.setUint8(at, bib.protocol(binding) | (isStatic ? SAVED_STATIC : established));
    for (let i = 0; i < 4; i++) view.setInt32(at + 1 + i * 4, hosts.word(bib.host(binding), i));
    view.setUint16(at + 17, bib.port6(binding));
    view.setInt32(at + 19, bib.ipv4(binding));
    view.setUint16(at + 23, bib.port4(binding));
    at += RECORD;
  }
  return bytes;
}

/** By binding: 1 where it has an established TCP connection, or had one when it was restored and still waits for it. */
function establishedBindings({ bib, sessions }: Nat64Tables): Uint8Array {
  const found = new Uint8Array(bib.top + 1);
  for (let row = WHEEL_SLOTS; row <= sessions.top; row++)
    if (isEstablished(sessions.state(row))) found[sessions.binding(row)] = 1;
  return found;
}

/** Takes saved bindings over, each if it fits. Bytes that are no such file restore nothing. Never throws. */
export function restoreBindings(t: Nat64Tables, bytes: Uint8Array, nowMs: number): RestoreResult {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER || view.getUint32(0) !== MAGIC || view.getUint8(4) !== VERSION)
    return { restored: 0, refused: 0 };
  t.setTime(nowMs);
  const there = Math.floor((bytes.length - HEADER) / RECORD);
  const count = Math.min(view.getUint32(5), there);
  const clients = new ClientRanges(t.settings.clients);
  let restored = 0;
  for (let i = 0; i < count; i++) if (restoreOne(t, clients, view, bytes, HEADER + i * RECORD, nowMs)) restored++;
  return { restored, refused: view.getUint32(5) - restored };
}

function restoreOne(
  t: Nat64Tables,
  clients: ClientRanges,
  view: DataView,
  bytes: Uint8Array,
  at: number,
  nowMs: number,
): boolean {
  const head = view.getUint8(at);
  const protocol: Nat64Protocol | undefined = BIB_PROTOCOLS[head & ~(SAVED_STATIC | SAVED_ESTABLISHED)];
  if (protocol === undefined) return false;
  const ipv6 = bytes.slice(at + 1, at + 17);
  const [port6, ipv4, port4] = [view.getUint16(at + 17), view.getUint32(at + 19), view.getUint16(at + 23)];
  const binding = { protocol, ipv6, port6, ipv4, port4 };
  if ((head & SAVED_STATIC) !== 0) return addStatic(t, binding, IS_STATIC, nowMs) === 'added';
  const isServed = clients.has(
    view.getInt32(at + 1),
    view.getInt32(at + 5),
    view.getInt32(at + 9),
    view.getInt32(at + 13),
  );
  return isServed && restoreDynamic(t, binding, (head & SAVED_ESTABLISHED) !== 0, nowMs);
}

/** A binding that traffic made waits for its host's next packet (session-state.ts, KEPT); limits hold for it as for a session. */
function restoreDynamic(t: Nat64Tables, binding: StaticBinding, hadConnection: boolean, nowMs: number): boolean {
  const { bib, hosts, pool } = t;
  const proto = bibOf(binding.protocol);
  const host = hostOf(t, binding.ipv6, nowMs);
  const [w0, w1, w2, w3] = [hosts.word(host, 0), hosts.word(host, 1), hosts.word(host, 2), hosts.word(host, 3)];
  const ipv4 = binding.ipv4 | 0;
  const fits =
    t.sessionCount < t.settings.limits.sessions &&
    hosts.hasRoom(host) &&
    bib.find6(proto, w0, w1, w2, w3, binding.port6) === 0 &&
    pool.reserve(proto, ipv4, binding.port4, host);
  if (fits) {
    const restored = t.addBinding(proto, host, binding.port6, ipv4, binding.port4, IS_RESTORED | HOLDS_PORT);
    t.keep(restored, hadConnection && proto === TCP_BIB, nowMs);
  } else if (!hosts.isUsed(host)) t.removeHost(host);
  return fits;
}
