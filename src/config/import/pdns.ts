// PowerDNS Recursor: recursor.conf in its old form, `name=value`, and as YAML (5.x): what it says about DNS64, who may ask, where it
// listens, and where it forwards to. https://doc.powerdns.com/recursor/settings.html, …/yamlsettings.html

import type { Tree } from '../tree.ts';
import { parseYaml } from '../yaml-document.ts';
import { addListener } from './dns-text.ts';
import type { Draft } from './draft.ts';
import { type Given, placeOfLine, type Source, type Statement } from './source.ts';
import { readNumber } from './values.ts';

type Handler = (draft: Draft, given: Given, state: State) => void;

interface State {
  readonly listen: Given[];
  port: string;
}

/** Splits what the old form lists in one value. */
const listOf = (value: string): string[] => value.split(/[\s,]+/).filter((word) => word !== '');

const seconds =
  (key: string): Handler =>
  (draft, { value, from }) => {
    const number = readNumber(draft, value, from);
    if (number !== null && number > 0) draft.set(`dns64.cache.${key}`, `${number}s`, from);
  };

/** The old names; the YAML form's are the same with its section in front and underscores. */
const SETTINGS: Readonly<Record<string, Handler>> = {
  'dns64-prefix': (draft, { value, from }) => draft.add('dns64.prefixes', value, from),
  'local-address': (_draft, { value, from }, { listen }) => {
    listen.push(...listOf(value).map((address) => ({ value: address, from })));
  },
  'local-port': (_draft, { value }, state) => {
    state.port = value;
  },
  'allow-from': (draft, { value, from }) => {
    for (const net of listOf(value)) {
      if (net.startsWith('!')) draft.warn(from, 'exceptions from a range of clients cannot be written');
      else draft.add('dns64.clients', net, from);
    }
  },
  'forward-zones': (draft, given) => forwardZones(draft, given),
  'forward-zones-recurse': (draft, given) => forwardZones(draft, given),
  'max-cache-ttl': seconds('max-ttl'),
  'max-negative-ttl': seconds('max-negative-ttl'),
  dnssec: (draft, { value, from }) => {
    if (!/^(off|process-no-validate)$/.test(value)) draft.warn(from, 'validation is left to the forwarders');
  },
};

/** `zone=server;server, zone=server` */
function forwardZones(draft: Draft, { value, from }: Given): void {
  for (const item of value.split(',')) {
    const [zone = '', servers = ''] = item.trim().split('=', 2);
    addForwarders(draft, zone.replace(/^\+/, ''), servers.split(/[;\s]+/), from);
  }
}

function addForwarders(draft: Draft, zone: string, servers: readonly string[], from: Statement): void {
  if (zone !== '.') draft.warn(from, `the zone ${zone} cannot have forwarders of its own: ${servers.join(', ')}`);
  else for (const server of servers) if (server !== '') draft.add('dns64.forwarders', server, from);
}

const OF_THE_PROCESS =
  /^(setuid|setgid|daemon|quiet|threads|pdns-distributes-queries|socket-|security-poll|hint-file|config-dir|include-dir|webserver|loglevel|log-|logging|carbon|stats|export-etc-hosts|etc-hosts-file|public-suffix)/;

/** Reads a file of either form. */
export function importPdns(source: Source, draft: Draft): void {
  const state: State = { listen: [], port: '53' };
  if (/^(recursor|incoming|outgoing|dnssec):[ \t]*$/m.test(source.text)) importYaml(source, state, draft);
  else importLines(source, state, draft);
  if (draft.role === 'gateway') draft.markSection('dns64');
  for (const { value, from } of state.listen) {
    const [, bracketed, plain, port = state.port] = /^(?:\[(.*)\]|([\d.]+)):(\d+)$/.exec(value) ?? [];
    addListener(draft, bracketed ?? plain ?? value, port, from);
  }
}

function importLines({ name, text }: Source, state: State, draft: Draft): void {
  for (const [i, raw] of text.split('\n').entries()) {
    const shown = raw.replace(/#.*$/, '').trim();
    if (shown === '') continue;
    const at = placeOfLine(name, i, raw);
    const [, key = '', value = ''] = /^([a-z0-9-]+)\s*\+?=\s*(.*)$/.exec(shown) ?? [];
    const from = { words: [key, value], at, text: shown };
    draft.claim('gateway', from);
    if (key === '') draft.broken(from, 'is not a setting', 'write it as name=value');
    else importSetting(key, { value, from }, state, draft);
  }
}

function importSetting(key: string, given: Given, state: State, draft: Draft): void {
  const handle = Object.hasOwn(SETTINGS, key) ? SETTINGS[key] : undefined;
  if (handle !== undefined) handle(draft, given, state);
  else if (OF_THE_PROCESS.test(key)) draft.leave(given.from, 'is about the recursor process itself');
  else draft.warn(given.from, 'has no counterpart here');
}

/** Names of the YAML form that are not those of the old one. */
const RENAMED: Readonly<Record<string, string>> = {
  'incoming.listen': 'local-address',
  'incoming.port': 'local-port',
  'incoming.allow-from': 'allow-from',
  'recursor.forward-zones': 'forward-zones',
  'recursor.forward-zones-recurse': 'forward-zones-recurse',
  'recordcache.max-ttl': 'max-cache-ttl',
  'recordcache.max-negative-ttl': 'max-negative-ttl',
  'dnssec.validation': 'dnssec',
};

function importYaml({ name, text }: Source, state: State, draft: Draft): void {
  const { tree, issues } = parseYaml(text, name);
  draft.issues.push(...issues);
  if (tree?.kind !== 'map') return;
  for (const { key: section, value } of tree.entries) {
    for (const { key, value: setting, at } of value.kind === 'map' ? value.entries : []) {
      const dashed = `${section}.${key.replaceAll('_', '-')}`;
      const from = { words: [key], at: at ?? { file: name, line: 1, column: 1 }, text: `${section}: ${key}` };
      draft.claim('gateway', from);
      if (setting.kind === 'list' && /forward-zones/.test(dashed)) yamlZones(setting, from, draft);
      else
        importSetting(RENAMED[dashed] ?? dashed.replace(/^[^.]*\./, ''), { value: plain(setting), from }, state, draft);
    }
  }
}

function yamlZones(tree: Tree & { readonly kind: 'list' }, from: Statement, draft: Draft): void {
  for (const item of tree.items) {
    const fields = item.kind === 'map' ? item.entries : [];
    const [zone, forwarders] = ['zone', 'forwarders'].map((key) => fields.find((entry) => entry.key === key)?.value);
    addForwarders(draft, zone === undefined ? '' : plain(zone), plain(forwarders ?? item).split(' '), from);
  }
}

const plain = (tree: Tree): string => {
  if (tree.kind === 'scalar') return String(tree.value);
  return tree.kind === 'list' ? tree.items.map(plain).join(' ') : '';
};
