// tayga.conf: a stateless translator. tayga.conf(5)

import type { Draft } from './draft.ts';
import { addEam } from './jool.ts';
import { dispatch, type Pattern, placeOfLine, type Source, splitWords, withoutComment } from './source.ts';
import { readNumber, readSwitch } from './values.ts';

const PATTERNS: readonly Pattern<Draft>[] = [
  ['tun-device *', (draft, [name = ''], from) => draft.set('tun.name', name, from)],
  ['ipv4-addr *', (draft, [address = ''], from) => draft.set('own-ipv4', address, from)],
  ['ipv6-addr *', (draft, [address = ''], from) => draft.set('own-ipv6', address, from)],
  ['prefix *', (draft, [prefix = ''], from) => draft.set('prefix', prefix, from)],
  ['map * *', (draft, pair, from) => addEam(draft, pair, false, from)],
  ['dynamic-pool *', (draft, [range = ''], from) => draft.add('dynamic-pool.ranges', range, from)],
  [
    'data-dir *',
    (draft, _args, from) => draft.leave(from, 'leases are kept in dynamic-pool.lease-file, in a format of its own'),
  ],
  ['map-file *', (draft, _args, from) => draft.warn(from, 'names another file: put its mappings into mappings-file')],
  ['tun-up *', (draft, _args, from) => draft.leave(from, 'the interface is always brought up')],
  ['tun-ip *', (draft, [address = ''], from) => draft.add('tun.addresses', address, from)],
  ['tun-route *', (draft, [prefix = ''], from) => draft.add('tun.routes', prefix, from)],
  [
    'wkpf-strict *',
    (draft, [value = ''], from) => {
      const is = readSwitch(draft, value, from);
      if (is !== null) draft.set('allow-non-global', !is, from);
    },
  ],
  [
    'udp-cksum-mode *',
    (draft, [mode = ''], from) => {
      const ours: Readonly<Record<string, string>> = { drop: 'drop', calc: 'compute', fwd: 'forward' };
      draft.set('udp-zero-checksum', ours[mode] ?? mode, from);
    },
  ],
  [
    'offlink-mtu *',
    (draft, [value = ''], from) => {
      const mtu = readNumber(draft, value, from);
      if (mtu !== null) draft.set('lowest-ipv6-mtu', mtu, from);
    },
  ],
  ['workers *', (draft, _args, from) => draft.leave(from, 'queues of the interface are tun.queues')],
];

/** Reads a file. */
export function importTayga({ name, text }: Source, draft: Draft): void {
  for (const [i, raw] of text.split('\n').entries()) {
    const shown = withoutComment(raw).trim();
    const at = placeOfLine(name, i, raw);
    const words = splitWords(shown);
    if (words === null) draft.broken({ words: [], at, text: shown }, 'has a quote that is not closed', 'close it');
    if (words === null || words.length === 0) continue;
    const statement = { words, at, text: shown };
    draft.claim('translator', statement);
    if (!dispatch(PATTERNS, draft, statement)) draft.warn(statement, 'has no counterpart here');
  }
}
