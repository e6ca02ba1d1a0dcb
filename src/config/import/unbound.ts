// unbound.conf: what it says about DNS64, who may ask, where it listens, and where it forwards to. unbound.conf(5)

import { addListener, endpointText, tlsForwarderText } from './dns-text.ts';
import type { Draft } from './draft.ts';
import {
  dispatch,
  type Given,
  type Pattern,
  placeOfLine,
  type Source,
  type Statement,
  splitWords,
  withoutComment,
} from './source.ts';
import { readNumber, readSwitch } from './values.ts';

interface Zone {
  readonly from: Statement;
  name: string;
  isTls: boolean;
  readonly addresses: Given[];
  readonly others: Statement[];
}

interface State {
  readonly draft: Draft;
  readonly interfaces: Given[];
  port: string;
  readonly zones: Zone[];
  modules: Given | null;
  staleSeconds: Given | null;
  isServingStale: boolean;
}

/** Sections of the file. */
const CLAUSES = new Set([
  ...['server', 'forward-zone', 'stub-zone', 'auth-zone', 'view', 'remote-control', 'python', 'dynlib', 'dnscrypt'],
  ...['dnstap', 'cachedb', 'redis', 'rpz', 'ipset'],
]);

/** Reads a file. */
export function importUnbound(source: Source, draft: Draft): void {
  const state: State = {
    draft,
    interfaces: [],
    port: '53',
    zones: [],
    modules: null,
    staleSeconds: null,
    isServingStale: false,
  };
  for (const statement of statementsOf(source, draft)) {
    draft.claim('gateway', statement);
    draft.markSection('dns64');
    importStatement(statement, state);
  }
  finish(state);
}

/** One statement a line: the clause, the option, its values. The start of a clause is a statement of one word. */
function statementsOf({ name, text }: Source, draft: Draft): Statement[] {
  const statements: Statement[] = [];
  let clause = '';
  for (const [i, raw] of text.split('\n').entries()) {
    const shown = withoutComment(raw).trim();
    const at = placeOfLine(name, i, raw);
    const words = splitWords(shown);
    if (words === null) {
      draft.broken({ words: [], at, text: shown }, 'has a quote that is not closed', 'close it');
      continue;
    }
    let [option = '', ...values] = words;
    if (CLAUSES.has(option.replace(/:$/, '')) && option.endsWith(':')) {
      clause = option.slice(0, -1);
      statements.push({ words: [clause], at, text: `${clause}:` });
      [option = '', ...values] = values;
    }
    if (option === '') continue;
    // "port:53" is one word.
    const [, key = option, glued = ''] = /^([a-z0-9-]+):(.*)$/.exec(option) ?? [];
    const all = glued === '' ? values : [glued, ...values];
    if (option.includes(':')) statements.push({ words: [clause, key, ...all], at, text: shown });
    else draft.broken({ words: [option], at, text: shown }, 'is not an option', 'write it as "name: value"');
  }
  return statements;
}

function importStatement(statement: Statement, state: State): void {
  const { words } = statement;
  const [clause = ''] = words;
  if (words.length === 1) {
    if (clause === 'forward-zone') {
      state.zones.push({ from: statement, name: '', isTls: false, addresses: [], others: [] });
    }
    return;
  }
  if (dispatch(PATTERNS, state, statement)) return;
  const key = words[1] ?? '';
  if (clause === 'forward-zone') state.zones.at(-1)?.others.push(statement);
  else if (clause === 'remote-control' || OF_UNBOUND.test(key)) {
    state.draft.leave(statement, 'is about the unbound process itself');
  } else state.draft.warn(statement, 'has no counterpart here');
}

/** Options about the process, its files and its threads. */
const OF_UNBOUND =
  /^(verbosity|num-threads|directory|username|chroot|pidfile|logfile|use-syslog|log-time-ascii|log-servfail|root-hints|auto-trust-anchor-file|trust-anchor-file|tls-cert-bundle|tls-system-cert|so-|outgoing-|msg-cache-slabs|rrset-cache-slabs|infra-|key-cache-|neg-cache-size|hide-|prefetch|statistics-|extended-statistics|identity|version|include|include-toplevel|harden-|qname-minimisation|do-daemonize|edns-buffer-size|do-ip4|do-ip6|do-udp|do-tcp|val-|use-caps-for-id|minimal-responses)/;

const size: Pattern<State>[1] = ({ draft }, [value = ''], from) => {
  const [, digits, unit = ''] = /^(\d{1,12})([kmg]?)b?$/i.exec(value) ?? [];
  if (digits === undefined) return draft.broken(from, `has "${value}" for a size`, 'write a number with k, m or g');
  const bytes = Number(digits) * 1024 ** ['', 'k', 'm', 'g'].indexOf(unit.toLowerCase());
  draft.set('dns64.cache.memory', `${Math.max(Math.round(bytes / 1024 ** 2), 1)}MiB`, from);
};

const seconds =
  (key: string): Pattern<State>[1] =>
  ({ draft }, [value = ''], from) => {
    const number = readNumber(draft, value, from);
    if (number !== null && number > 0) draft.set(`dns64.cache.${key}`, `${number}s`, from);
  };

const PATTERNS: readonly Pattern<State>[] = [
  ['server interface * **', ({ interfaces }, [value = ''], from) => void interfaces.push({ value, from })],
  [
    'server port *',
    (state, [port = '']) => {
      state.port = port;
    },
  ],
  [
    'server access-control * *',
    (state, [net = '', action = ''], from) => accessControl(state.draft, net, action, from),
  ],
  [
    'server module-config *',
    (state, [value = ''], from) => {
      state.modules = { value, from };
    },
  ],
  ['server dns64-prefix *', ({ draft }, [prefix = ''], from) => draft.add('dns64.prefixes', prefix, from)],
  [
    'server dns64-synthall *',
    ({ draft }, [value = ''], from) => {
      const is = readSwitch(draft, value, from);
      if (is !== null) draft.set('dns64.synthesize-always', is, from);
    },
  ],
  ['server dns64-ignore-aaaa *', ({ draft }, [name = ''], from) => draft.add('dns64.ignore-aaaa', name, from)],
  ['server rrset-cache-size *', size],
  [
    'server msg-cache-size *',
    ({ draft }, _args, from) => draft.leave(from, 'there is one cache here, as large as rrset-cache-size'),
  ],
  ['server cache-max-ttl *', seconds('max-ttl')],
  ['server cache-min-ttl *', seconds('min-ttl')],
  ['server cache-max-negative-ttl *', seconds('max-negative-ttl')],
  [
    'server serve-expired *',
    (state, [value = ''], from) => {
      state.isServingStale = readSwitch(state.draft, value, from) === true;
    },
  ],
  [
    'server serve-expired-ttl *',
    (state, [value = ''], from) => {
      state.staleSeconds = { value, from };
    },
  ],
  [
    'server log-queries *',
    ({ draft }, [value = ''], from) => {
      const is = readSwitch(draft, value, from);
      if (is !== null) draft.set('dns64.log-queries', is, from);
    },
  ],
  ['forward-zone name *', ({ zones }, [name = '']) => nameZone(zones, name)],
  [
    'forward-zone forward-addr *',
    ({ zones }, [value = ''], from) => void zones.at(-1)?.addresses.push({ value, from }),
  ],
  ['forward-zone forward-tls-upstream *', setTls],
  ['forward-zone forward-ssl-upstream *', setTls],
];

function nameZone(zones: readonly Zone[], name: string): void {
  const zone = zones.at(-1);
  if (zone !== undefined) zone.name = name;
}

function setTls({ zones, draft }: State, [value = '']: readonly string[], from: Statement): void {
  const zone = zones.at(-1);
  if (zone !== undefined) zone.isTls = readSwitch(draft, value, from) === true;
}

/** Loopback may always ask unbound; here whoever is not a client is refused. */
function accessControl(draft: Draft, net: string, action: string, from: Statement): void {
  if (action.startsWith('allow')) draft.add('dns64.clients', net, from);
  else if (action !== 'refuse' && !(action === 'deny' && /\/0$/.test(net))) {
    draft.warn(from, `"${action}" is not known here: who is in no "clients" is refused`);
  } else if (!/\/0$/.test(net)) draft.warn(from, 'exceptions from a range of clients cannot be written');
}

/** How long unbound serves expired answers where nothing is said: since 1.23 a day, before without end. */
const STALE_SECONDS = '86400';

function finish(state: State): void {
  const { draft } = state;
  for (const { value, from } of state.interfaces) {
    const [address = '', port = state.port] = value.split('@');
    addListener(draft, address, port, from);
  }
  if (state.modules !== null) checkModules(state.modules, draft);
  if (state.isServingStale) {
    const from = state.staleSeconds?.from ?? null;
    const given = state.staleSeconds?.value ?? STALE_SECONDS;
    draft.set('dns64.cache.serve-stale', `${given === '0' ? STALE_SECONDS : given}s`, from);
  }
  for (const zone of state.zones) finishZone(zone, draft);
  if (!draft.has('dns64.forwarders') && !state.zones.some((zone) => zone.name === '.')) {
    draft.warn(
      null,
      "unbound asked the root servers itself; here the host's resolvers are asked, or those in forwarders",
    );
  }
}

function checkModules({ value, from }: Given, draft: Draft): void {
  const modules = value.split(/\s+/);
  if (!modules.includes('dns64')) draft.warn(from, 'has no dns64: unbound synthesised nothing, this gateway does');
  if (modules.includes('validator')) draft.warn(from, 'validation is left to the forwarders');
  const strange = modules.filter((module) => !['dns64', 'validator', 'iterator', ''].includes(module));
  if (strange.length > 0) draft.warn(from, `there is no counterpart to ${strange.join(', ')}`);
}

function finishZone({ from, name, isTls, addresses, others }: Zone, draft: Draft): void {
  for (const other of others) draft.warn(other, 'has no counterpart here');
  if (name !== '.') {
    for (const statement of [from, ...addresses.map((address) => address.from)]) {
      draft.warn(statement, `the zone ${name} cannot have forwarders of its own`);
    }
    return;
  }
  for (const { value, from: line } of addresses) {
    const [server = '', tlsName] = value.split('#', 2);
    const [address = '', port = isTls ? '853' : '53'] = server.split('@');
    if (isTls && tlsName === undefined) {
      draft.warn(line, 'has no name to check its certificate against, which DNS over TLS needs here: add #name');
    } else if (isTls) draft.add('dns64.forwarders', tlsForwarderText(address, port, tlsName ?? ''), line);
    else draft.add('dns64.forwarders', endpointText(address, port), line);
  }
}
