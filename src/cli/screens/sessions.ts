// Sessions and bindings as lines of text, for 80 columns. Pure. An IPv6 end takes up to 47 columns, so each entry has two lines,
// and three where both ends outside are IPv6. Read first: contract/gateway.ts.

import type { Binding, Session, SessionEnd } from '../../contract/gateway.ts';
import type { Result } from '../../contract/methods.ts';
import { paint } from '../terminal.ts';
import { count, fit, wrap } from './format.ts';

const COLUMNS = 80;
/** Where the ends begin: behind the longest header or protocol, state, and time or header. */
const INDENT = 33;

const end = ({ address, port }: SessionEnd): string => {
  if (port === null) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
};

/** A duration in seven columns. */
function roughly(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}

const row = (a: string, b: string, c: string, text: string): string =>
  fit(`${`${a.padEnd(6)}${b.padEnd(18)}${c} `.padEnd(INDENT)}${text}`, COLUMNS);

/** The list of `xlat464 sessions`. */
export function sessionLines({ total, sessions, notes }: Result<'sessions'>, colour: boolean): readonly string[] {
  const head = paint(row('Proto', 'State', 'Expires', 'Host, what the far end sees of it → far end'), 1, colour);
  return [
    ...(sessions.length === 0 ? ['no sessions'] : [head, ...sessions.flatMap(linesOf)]),
    ...more(total, sessions.length),
    ...notes.flatMap((note) => wrap(note, COLUMNS)).map((line) => paint(line, 33, colour)),
  ];
}

function linesOf({ kind, protocol, state, host, mapped, remote, expiresInMs }: Session): string[] {
  const expires = expiresInMs === null ? '' : roughly(expiresInMs);
  const first = row(protocol, state ?? '–', expires, end(host));
  const both = `${end(mapped)} → ${end(remote)}`;
  const isShort = both.length <= COLUMNS - INDENT;
  const rest = isShort ? [both] : [end(mapped), `→ ${end(remote)}`];
  return [first, ...rest.map((text, i) => row('', i === 0 ? kind : '', '', text))];
}

/** The list of `xlat464 bindings list`. */
export function bindingLines({ total, bindings }: Result<'bindings.list'>, colour: boolean): readonly string[] {
  const head = paint(row('Proto', 'Made by', 'Sessions', 'Host, what the far end sees of it'), 1, colour);
  return [
    ...(bindings.length === 0 ? ['no bindings'] : [head, ...bindings.flatMap(bindingOf)]),
    ...more(total, bindings.length),
  ];
}

const bindingOf = ({ protocol, isStatic, sessions, host, mapped }: Binding): string[] => [
  row(protocol, isStatic ? 'operator' : 'host', count(sessions), end(host)),
  row('', '', '', end(mapped)),
];

const more = (total: number, shown: number): string[] =>
  total > shown ? ['', `${count(total - shown)} more; see --limit, --host and --remote`] : [];
