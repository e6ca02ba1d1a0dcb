// The firewall table of the client as netlink messages, so that the process can own it: such a table goes when the socket that
// made it is closed, however the process ends, and nobody else's `nft flush ruleset` takes it away. What it says is what
// firewall.ts says for nft(8). Read: linux/netlink.h, linux/netfilter/nfnetlink.h and nf_tables.h.
//
//     message   = length, type, flags, sequence, port (4 2 2 4 4 bytes), family, version, resource, attributes
//     attribute = length, type (2 2 bytes), value, padding to 4; numbers of nf_tables in network order, the rest as the machine's

import { CHAIN } from './firewall.ts';
import { FIREWALL_TABLE } from './host-config.ts';

const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;
const NEW_TABLE = 0x0a00;
const NEW_CHAIN = 0x0a03;
const NEW_RULE = 0x0a06;
/** Type of an answer; its error number, 0 for none, comes right after the header. */
const NLMSG_ERROR = 2;

const NLM_F_REQUEST = 0x001;
const NLM_F_ACK = 0x004;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;
const CREATE = NLM_F_REQUEST | NLM_F_CREATE;

const HEADER = 16;
const NFPROTO_UNSPEC = 0;
const NFPROTO_IPV4 = 2;
/** The batch is for nf_tables. */
const SUBSYSTEM = 10;

const NESTED = 0x8000;
const TABLE_OWNER = 0x2;
const HOOK_LOCAL_IN = 1;
const ACCEPT = 1;
const DROP = 0;
const REGISTER_VERDICT = 0;
const REGISTER_1 = 1;
const META_IIFNAME = 6;
const INTERFACE_NAME_SIZE = 16;
const CT_STATE = 0;
/** NF_CT_STATE_BIT(IP_CT_NEW), in the machine's byte order. */
const STATE_NEW = Uint8Array.of(8, 0, 0, 0);
const EQUAL = 0;
const NOT_EQUAL = 1;

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((4 + value.length + 3) & ~3);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

const nested = (type: number, ...attributes: readonly Uint8Array[]): Uint8Array =>
  attribute(type | NESTED, concat(attributes));

/** A number in network order. */
function number(type: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return attribute(type, bytes);
}

/** ASCII with a final NUL, filled with NULs to `size`. */
function nulEnded(value: string, size = value.length + 1): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < value.length; i++) bytes[i] = value.charCodeAt(i);
  return bytes;
}

const text = (type: number, value: string): Uint8Array => attribute(type, nulEnded(value));

/** One expression of a rule: an element of its list, with a name and data of its own. */
const expression = (name: string, ...data: readonly Uint8Array[]): Uint8Array =>
  nested(1, text(1, name), nested(2, ...data));

/** Goes on with the rule if register 1 compares so with `value`. */
const compare = (operation: number, value: Uint8Array): Uint8Array =>
  expression('cmp', number(1, REGISTER_1), number(2, operation), nested(3, attribute(1, value)));

/** iifname <device> ct state new counter drop */
const dropNew = (device: string): Uint8Array[] => [
  expression('meta', number(1, REGISTER_1), number(2, META_IIFNAME)),
  compare(EQUAL, nulEnded(device, INTERFACE_NAME_SIZE)),
  expression('ct', number(1, REGISTER_1), number(2, CT_STATE)),
  expression(
    'bitwise',
    number(1, REGISTER_1),
    number(2, REGISTER_1),
    number(3, STATE_NEW.length),
    nested(4, attribute(1, STATE_NEW)),
    nested(5, attribute(1, new Uint8Array(STATE_NEW.length))),
  ),
  compare(NOT_EQUAL, new Uint8Array(STATE_NEW.length)),
  expression('counter'),
  expression('immediate', number(1, REGISTER_VERDICT), nested(2, nested(2, number(1, DROP)))),
];

function message(type: number, flags: number, sequence: number, ...attributes: readonly Uint8Array[]): Uint8Array {
  const isBatch = type === BATCH_BEGIN || type === BATCH_END;
  const bytes = concat([new Uint8Array(HEADER + 4), ...attributes]);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  view.setUint8(HEADER, isBatch ? NFPROTO_UNSPEC : NFPROTO_IPV4);
  view.setUint16(HEADER + 2, isBatch ? SUBSYSTEM : 0);
  return bytes;
}

/**
 * The transaction that makes the table: new IPv4 connections that come in through `device` are dropped. It is answered once, by
 * {@link firstError} 0, or by the errors of what is wrong.
 * @param device an interface name, up to 15 ASCII characters
 */
export function ownedFirewall(device: string): Uint8Array {
  const hook = nested(4, number(1, HOOK_LOCAL_IN), number(2, 0));
  return concat([
    message(BATCH_BEGIN, NLM_F_REQUEST, 1),
    message(NEW_TABLE, CREATE | NLM_F_EXCL, 2, text(1, FIREWALL_TABLE), number(2, TABLE_OWNER)),
    message(NEW_CHAIN, CREATE, 3, text(1, FIREWALL_TABLE), text(3, CHAIN), hook, number(5, ACCEPT), text(7, 'filter')),
    message(
      NEW_RULE,
      CREATE | NLM_F_APPEND | NLM_F_ACK,
      4,
      text(1, FIREWALL_TABLE),
      text(2, CHAIN),
      nested(4, ...dropNew(device)),
    ),
    message(BATCH_END, NLM_F_REQUEST, 5),
  ]);
}

/**
 * Reads the kernel's answers.
 * @param bytes netlink messages, whole
 * @returns the first error number that is not 0; 0 when all answers say that it worked; null when there is no answer
 */
export function firstError(bytes: Uint8Array): number | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let result: number | null = null;
  for (let at = 0; at + HEADER + 4 <= bytes.length; ) {
    const length = view.getUint32(at, true);
    if (view.getUint16(at + 4, true) === NLMSG_ERROR) {
      const error = -view.getInt32(at + HEADER, true);
      if (error !== 0) return error;
      result = 0;
    }
    if (length < HEADER) return result;
    at += (length + 3) & ~3;
  }
  return result;
}
