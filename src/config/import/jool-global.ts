// The keys of `jool global update` and of the "global" section of Jool's files, for NAT64 and SIIT alike.
// https://nicmx.github.io/Jool/en/usr-flags-global.html

import { TIMER_FLOORS } from '../nat64-fields.ts';
import type { Draft } from './draft.ts';
import type { Given, Statement } from './source.ts';
import { durationText, readNumber, readSwitch } from './values.ts';

type Handler = (draft: Draft, section: string, value: string, from: Statement) => void;

/** A switch that has no key here: right as it is when it has this value. */
const onlyIf =
  (wanted: boolean, reason: string): Handler =>
  (draft, _section, value, from) => {
    const is = readSwitch(draft, value, from);
    if (is !== null && is !== wanted) draft.warn(from, reason);
  };

const without =
  (reason: string): Handler =>
  (draft, _section, _value, from) =>
    draft.warn(from, reason);

const time =
  (key: keyof typeof TIMER_FLOORS): Handler =>
  (draft, _section, value, from) => {
    const ms = millisecondsOf(value);
    if (ms === null) {
      draft.broken(from, `has ${JSON.stringify(value)} for a time`, 'write it as [[HH:]MM:]SS[.mmm]');
      return;
    }
    const { floorMs } = TIMER_FLOORS[key];
    if (ms < floorMs) draft.warn(from, `is less than the RFCs ask for: it is ${durationText(floorMs)} now`);
    draft.set(`nat64.timers.${key}`, durationText(Math.max(ms, floorMs)), from);
  };

/** `[[HH:]MM:]SS[.mmm]` */
function millisecondsOf(value: string): number | null {
  const [, hours, minutes, seconds = '', part = ''] =
    /^(?:(?:(\d{1,4}):)?(\d{1,6}):)?(\d{1,8})(?:\.(\d{1,3}))?$/.exec(value) ?? [];
  if (seconds === '') return null;
  return (Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds)) * 1000 + Number(part.padEnd(3, '0'));
}

const unlessNull =
  (then: Handler): Handler =>
  (draft, section, value, from) => {
    if (value !== 'null') then(draft, section, value, from);
  };

const plateaus: Handler = (draft, section, value, from) => {
  const sizes = value.split(',').map((size) => readNumber(draft, size.trim(), from));
  if (sizes.includes(null)) return;
  const falling = [...new Set(sizes as number[])].sort((a, b) => b - a);
  draft.set(`${section}plateaus`, falling, from);
};

const SYNCHRONIZATION = without('sessions are not synchronised between gateways');

const KEYS: Readonly<Record<string, Handler>> = {
  'manually-enabled': onlyIf(true, 'a translator that is switched off is one that is not started'),
  'lowest-ipv6-mtu': (draft, section, value, from) => {
    const size = readNumber(draft, value, from);
    if (size !== null) draft.set(`${section}lowest-ipv6-mtu`, size, from);
  },
  'zeroize-traffic-class': (draft, section, value, from) => {
    const is = readSwitch(draft, value, from);
    if (is !== null) draft.set(`${section}traffic-class`, is ? 'zero' : 'copy', from);
  },
  'mtu-plateaus': plateaus,
  'logging-debug': onlyIf(false, 'there is no log of single packets; "xlat464 capture" shows them'),

  'address-dependent-filtering': (draft, _section, value, from) => {
    const is = readSwitch(draft, value, from);
    if (is !== null) draft.set('nat64.filtering', is ? 'address-dependent' : 'endpoint-independent', from);
  },
  'udp-timeout': time('udp'),
  'tcp-est-timeout': time('tcp-established'),
  'tcp-trans-timeout': time('tcp-transitory'),
  'icmp-timeout': time('icmp'),
  'maximum-simultaneous-opens': (draft, _section, value, from) => {
    const count = readNumber(draft, value, from);
    if (count !== null) draft.set('nat64.limits.held-syns', count, from);
  },
  'logging-bib': (draft, _section, value, from) => {
    const is = readSwitch(draft, value, from);
    if (is !== null) draft.set('nat64.mapping-log', is ? 'mapping' : 'off', from);
  },
  'logging-session': onlyIf(false, 'mappings are logged, single sessions are not (RFC 6888 REQ-12)'),
  'drop-icmpv6-info': onlyIf(false, 'pings are always translated; block them in the firewall'),
  'drop-externally-initiated-tcp': onlyIf(false, 'block TCP from outside in the firewall, or set filtering'),
  'source-icmpv6-errors-better': onlyIf(true, 'ICMPv6 errors always carry the router that sent them'),
  'handle-rst-during-fin-rcv': onlyIf(false, 'the TCP state machine is that of RFC 6146'),
  'f-args': without('ports are chosen as RFC 6056 says, without options'),

  'amend-udp-checksum-zero': (draft, section, value, from) => {
    const is = readSwitch(draft, value, from);
    if (is !== null) draft.set(`${section}udp-zero-checksum`, is ? 'compute' : 'drop', from);
  },
  'rfc6791v4-prefix': unlessNull((draft, section, value, from) => draft.add(`${section}icmp-pool-ipv4`, value, from)),
  'rfc6791v6-prefix': unlessNull((draft, section, value, from) => draft.set(`${section}icmp-pool-ipv6`, value, from)),
  'randomize-rfc6791-addresses': onlyIf(true, 'how an address of the pool is chosen cannot be set'),
  'eam-hairpin-mode': (draft, _section, value, from) => {
    if (value !== 'intrinsic') draft.warn(from, 'hairpinning is always the intrinsic one of RFC 7757 §4.2.2');
  },

  'ss-enabled': onlyIf(false, 'sessions are not synchronised between gateways'),
  'ss-flush-asap': SYNCHRONIZATION,
  'ss-flush-deadline': SYNCHRONIZATION,
  'ss-capacity': SYNCHRONIZATION,
  'ss-max-payload': SYNCHRONIZATION,
  'ss-max-sessions-per-packet': SYNCHRONIZATION,
};

/** Takes one key. `override-tos` and `tos` mean something together only and are the caller's to give to {@link setTos}. */
export function setGlobal(draft: Draft, key: string, { value, from }: Given): void {
  const handle = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
  const section = draft.role === 'gateway' ? 'nat64.' : '';
  if (key === 'pool6') draft.set(`${section}prefix`, value === 'null' ? 'none' : value, from);
  else if (handle === undefined) draft.warn(from, `${key} is not a key of Jool that is known here`);
  else handle(draft, section, value, from);
}

/** The TOS octet, from `override-tos` and `tos`. */
export function setTos(draft: Draft, isOverridden: Given | undefined, tos: Given | undefined): void {
  const section = draft.role === 'gateway' ? 'nat64.' : '';
  const is = isOverridden === undefined ? false : readSwitch(draft, isOverridden.value, isOverridden.from);
  if (is && isOverridden !== undefined) {
    const from = tos?.from ?? isOverridden.from;
    const value = readNumber(draft, tos?.value ?? '0', from);
    if (value !== null) draft.set(`${section}tos`, value, from);
  } else if (tos !== undefined && tos.value !== '0') {
    draft.warn(tos.from, 'has no effect in Jool without override-tos');
  }
}
