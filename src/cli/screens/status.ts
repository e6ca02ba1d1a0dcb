// The status screen: a snapshot as lines of text. Pure: the clock and the width come in. Read first: contract/status.ts.

import { dateAndTime, timeOfDay } from '../../contract/local-time.ts';
import type { Snapshot } from '../../contract/methods.ts';
import { printable } from '../../contract/printable.ts';
import { dropsOf } from '../../contract/rates.ts';
import type { Status, StatusEvent, StatusProblem } from '../../contract/status.ts';
import { paint } from '../terminal.ts';
import { bytes, count, duration, fit, percent, rate, wrap } from './format.ts';
import { gatewayRows } from './gateway.ts';
import { offerTexts, originWords } from './offers.ts';

/** How the screen is to look. */
export interface ScreenOptions {
  /** Width in columns; the screen needs {@link LEAST_COLUMNS}. */
  readonly columns: number;
  /** Lines that there are; the events get what is left. null: as many as it takes. */
  readonly rows: number | null;
  readonly colour: boolean;
  readonly nowMs: number;
}

/** Below this lines are cut. */
const LEAST_COLUMNS = 80;
const LABEL = 9;
const DROPS_SHOWN = 5;
const EVENTS_SHOWN = 8;
const EVENTS_LEAST = 3;

type Colour = 1 | 31 | 32 | 33;

/** One line, and the colour of a part of it. */
interface Line {
  readonly text: string;
  readonly part?: { readonly text: string; readonly colour: Colour };
}

/** The screen. @returns lines no wider than the columns, colour apart */
export function statusScreen({ status, events }: Snapshot, options: ScreenOptions): readonly string[] {
  const width = Math.max(LEAST_COLUMNS, options.columns);
  const head = [
    ...titleLines(status, options.nowMs),
    ...stateLines(status, width, options.nowMs),
    ...networkLines(status, width, options.nowMs),
    ...gatewayLines(status, width),
    ...deviceLines(status, width),
    ...trafficLines(status),
    ...dropLines(status, width),
  ];
  const left = options.rows === null ? EVENTS_SHOWN : options.rows - head.length - 2;
  const lines = [...head, ...eventLines(events, Math.min(EVENTS_SHOWN, Math.max(EVENTS_LEAST, left)), width)];
  return lines.map((line) => painted(line, options.columns, options.colour));
}

function painted({ text, part }: Line, columns: number, colour: boolean): string {
  const cut = fit(printable(text), columns);
  const start = part === undefined ? -1 : text.indexOf(part.text);
  if (part === undefined || start < 0 || start >= cut.length) return cut;
  const end = start + part.text.length;
  return `${cut.slice(0, start)}${paint(cut.slice(start, end), part.colour, colour)}${cut.slice(end)}`;
}

const heading = (text: string): readonly Line[] => [{ text: '' }, { text, part: { text, colour: 1 } }];

const labelled = (label: string, text: string): Line => ({ text: `${label.padEnd(LABEL)}${text}` });

function titleLines({ daemon }: Status, nowMs: number): readonly Line[] {
  const name = `xlat464 ${daemon.name}`;
  const text = `${name} · version ${daemon.version} · process ${daemon.pid} · up ${duration(nowMs - daemon.startedMs)}`;
  return [{ text, part: { text: name, colour: 1 } }, { text: '' }];
}

const STATE_COLOUR: Readonly<Record<string, Colour>> = {
  running: 32,
  waiting: 33,
  starting: 33,
  stopping: 33,
  stopped: 31,
};

function stateLines({ state }: Status, width: number, nowMs: number): readonly Line[] {
  const colour = STATE_COLOUR[state.name];
  const first = labelled('State', `${state.name} for ${duration(nowMs - state.sinceMs)} (${state.reason})`);
  const next = state.retryMs === undefined ? '' : `; the next attempt comes in ${duration(state.retryMs - nowMs)}`;
  const why = wrap(`${state.text}${next}`, width - LABEL).map((text) => labelled('', text));
  const problems = (state.problems ?? []).flatMap((problem) => problemLines(problem, width));
  return [colour === undefined ? first : { ...first, part: { text: state.name, colour } }, ...why, ...problems];
}

function problemLines({ text, code, advice }: StatusProblem, width: number): readonly Line[] {
  const what = wrap(`${text} (${code})`, width - LABEL).map((part, i): Line => {
    return { ...labelled(i === 0 ? 'Problem' : '', part), part: { text: part, colour: 33 } };
  });
  const how = advice === null ? [] : wrap(advice, width - LABEL);
  return [...what, ...how.map((part) => labelled('', part))];
}

const PREFIX_SOURCE: Readonly<Record<string, string>> = {
  configuration: 'from the configuration',
  'router-advertisement': 'by router advertisement',
  dns: 'by DNS',
};

/** A prefix and where it came from. */
export const prefixWords = ({ prefix, source }: Pick<NonNullable<Status['prefix']>, 'prefix' | 'source'>): string =>
  `${prefix} ${PREFIX_SOURCE[source] ?? `from ${source}`}`;

/** Whether the virtual interface is there without any use: its client is down, or waits. */
const isUnused = ({ daemon, addresses }: Status): boolean => daemon.role === 'client' && addresses.ipv4 === null;

function networkLines(status: Status, width: number, nowMs: number): readonly Line[] {
  const { addresses, device, uplink, mappings } = status;
  const lines = [...prefixLines(status, width, nowMs)];
  const others = offerTexts(status, nowMs).flatMap((text) => wrap(text, width - LABEL));
  lines.push(...others.map((text, i) => labelled(i === 0 ? 'Offered' : '', text)));
  const on = device === null ? '' : ` on ${device.name}`;
  if (addresses.ipv4 !== null || (device !== null && !isUnused(status))) {
    lines.push(labelled('IPv4', `${addresses.ipv4 ?? 'no own address'}${on}${mtu(device?.ipv4MtuBytes)}`));
    lines.push(labelled('IPv6', `${addresses.ipv6 ?? 'no own address'}${mtu(device?.ipv6MtuBytes)}`));
  }
  if (uplink !== null) {
    const source = uplink.source === null ? '' : `, from ${uplink.source}`;
    lines.push(labelled('Uplink', `${uplink.name} by ${uplink.kind}${mtu(uplink.mtuBytes)}${source}`));
  }
  const { explicit, poolAddresses } = mappings;
  if (explicit > 1 || poolAddresses > 0) {
    const pool = poolAddresses > 0 ? `, a pool of ${count(poolAddresses)} addresses` : '';
    lines.push(labelled('Mappings', `${count(explicit)} explicit${pool}`));
  }
  return lines;
}

const mtu = (mtuBytes: number | undefined): string =>
  mtuBytes === undefined || mtuBytes === 0 ? '' : `, MTU ${mtuBytes}`;

/** Outcomes of the connectivity check. */
const CHECKED = { true: ', reachable', false: '; the connectivity check failed', undefined: '' } as const;

/** The prefix in use, who says so, and in colour what speaks against it. */
function prefixLines(status: Status, width: number, nowMs: number): readonly Line[] {
  const isOffered = status.offers?.candidates.some(({ isChosen }) => isChosen) === true;
  if (status.prefix === null) return [labelled('PREF64', isOffered ? 'offered, not in use' : 'none')];
  const { validUntilMs, isReachable } = status.prefix;
  const { from, isSilent } = originWords(status);
  const until = validUntilMs === null ? '' : `, ${duration(validUntilMs - nowMs)} left`;
  const text = `${prefixWords(status.prefix)}${from}${until}${CHECKED[`${isReachable}`]}`;
  return wrap(text, width - LABEL).map((part, i) => {
    const line = labelled(i === 0 ? 'PREF64' : '', part);
    return isSilent || isReachable === false ? { ...line, part: { text: part, colour: 33 } } : line;
  });
}

function gatewayLines({ gateway }: Status, width: number): readonly Line[] {
  if (gateway === null) return [];
  return gatewayRows(gateway).flatMap(({ label, text, isTrouble = false }) =>
    wrap(text, width - LABEL).map((part, i) => {
      const line = labelled(i === 0 ? label : '', part);
      return isTrouble ? { ...line, part: { text: part, colour: 33 as const } } : line;
    }),
  );
}

function deviceLines(status: Status, width: number): readonly Line[] {
  const { device, counters } = status;
  if (device === null || isUnused(status)) return [];
  const { tcpSegmentation, udpSegmentation, vnetHeader } = device.offload;
  const kinds = [
    ...(vnetHeader ? ['checksums'] : []),
    ...(tcpSegmentation ? ['TCP'] : []),
    ...(udpSegmentation ? ['UDP'] : []),
  ];
  const queues = device.queues === 1 ? '1 queue' : `${device.queues} queues`;
  const merged =
    counters === null || counters.superPacketsMade === 0
      ? ''
      : `, ${count(counters.packetsMerged)} packets into ${count(counters.superPacketsMade)}`;
  return [
    labelled('Offload', `${kinds.length === 0 ? 'none' : kinds.join(', ')}; ${queues}`),
    labelled('Merging', `${device.isCoalescing ? 'on' : 'off'}${merged}`),
    ...device.notes.flatMap((note) =>
      wrap(note, width - LABEL).map((text, i) => labelled(i === 0 ? 'Note' : '', text)),
    ),
  ];
}

/** Columns of the traffic table. */
const row = (label: string, cells: readonly string[]): string =>
  `${label.padEnd(13)}${cells.map((cell, i) => cell.padStart([10, 11, 13, 13, 18][i] ?? 10)).join('')}`;

function trafficLines({ counters, rates }: Status): readonly Line[] {
  if (counters === null) return [];
  const drops = dropsOf(counters.verdicts);
  const line = (label: string, family: 'ipv4' | 'ipv6'): Line => {
    const [packets, dropped] = [counters.packetsIn[family], drops[family]];
    const part = `${count(dropped)} (${percent(dropped, packets)})`;
    const cells = [
      rates === null ? '–' : rate(8 * rates.bytesIn[family]),
      rates === null ? '–' : rate(rates.packetsIn[family]),
      bytes(counters.bytesIn[family]),
      count(packets),
      part,
    ];
    return { text: row(label, cells), ...(dropped > 0 ? { part: { text: part, colour: 33 } } : {}) };
  };
  const table = row('Traffic', ['bit/s', 'packets/s', 'bytes', 'packets', 'dropped']);
  return [...heading(table), line('IPv4 → IPv6', 'ipv4'), line('IPv6 → IPv4', 'ipv6'), ...refusedLines(counters)];
}

/** Why packets were not taken, for a person. */
const REFUSALS = [
  ['linkDown', 'interface down'],
  ['invalid', 'no valid packet'],
  ['noMemory', 'no memory'],
  ['other', 'other reasons'],
] as const;

function refusedLines({ writesRefused, writesRefusedBy }: NonNullable<Status['counters']>): readonly Line[] {
  if (writesRefused === 0) return [];
  const text = `${count(writesRefused)} translated packets were not taken by the virtual interface`;
  const reasons = REFUSALS.map(([key, why]) => [why, writesRefusedBy?.[key] ?? 0] as const).filter(([, n]) => n > 0);
  const details = reasons.map(([why, n]) => `${why} ${count(n)}`).join(', ');
  return [{ text, part: { text, colour: 33 } }, ...(details === '' ? [] : [{ text: `  ${details}` }])];
}

function dropLines({ counters }: Status, width: number): readonly Line[] {
  const drops = (counters?.verdicts ?? [])
    .filter(({ isDrop }) => isDrop)
    .map((verdict) => ({ ...verdict, packets: verdict.ipv4 + verdict.ipv6 }))
    .sort((a, b) => b.packets - a.packets);
  if (drops.length === 0) return [];
  const lines = drops
    .slice(0, DROPS_SHOWN)
    .flatMap(({ packets, name, rule, text }) => [
      { text: `${count(packets).padStart(9)}  ${name} (${rule})`, part: { text: name, colour: 33 as const } },
      ...wrap(text, width - 11).map((part) => ({ text: `${' '.repeat(11)}${part}` })),
    ]);
  const others = drops.length - DROPS_SHOWN;
  const more = others > 0 ? [{ text: `${' '.repeat(11)}and ${others} more, see --json` }] : [];
  return [...heading('Dropped, and why'), ...lines, ...more];
}

function eventLines(events: readonly StatusEvent[], most: number, width: number): readonly Line[] {
  if (events.length === 0) return [];
  return [
    ...heading('Recent events'),
    ...events.slice(-most).map((event) => eventLine(timeOfDay(event.timeMs), event, width)),
  ];
}

const LEVEL_COLOUR: Readonly<Record<string, Colour>> = { warn: 33, error: 31 };

/** Where a line is too long its text is cut, and its code stays. */
function eventLine(time: string, { level, text, code }: StatusEvent, width: number): Line {
  const colour = LEVEL_COLOUR[level];
  const shown = fit(text, width - time.length - code.length - 4);
  const line = `${time} ${shown} (${code})`;
  return colour === undefined ? { text: line } : { text: line, part: { text: shown, colour } };
}

/** One event as a line of `xlat464 events`. */
export function eventText(event: StatusEvent, colour: boolean): string {
  const shown = { ...event, text: printable(event.text), code: printable(event.code) };
  const { text, part } = eventLine(dateAndTime(event.timeMs), shown, Number.POSITIVE_INFINITY);
  return part === undefined ? text : text.replace(part.text, () => paint(part.text, part.colour, colour));
}
