// The daemon's log, on standard error: JSON by pino, one-liners on a terminal, one-liners with a syslog priority where systemd
// reads along. pino takes 25 ms to load, so it is loaded when the data path runs; lines written before that wait for it.

import { dateAndTime } from '../contract/local-time.ts';
import { type LogCode, type LogLevel, type LogPart, partOf } from '../contract/log-parts.ts';
import { printable, printableJson } from '../contract/printable.ts';
import type { LogFields } from '../contract/reasons.ts';
import type { LogOptions } from '../contract/role-options.ts';
import { LineLimit } from './line-limit.ts';

const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Writes one line each. `text` is for a person, `fields` for a program. */
export interface DaemonLog {
  debug(code: LogCode, fields: LogFields, text: string): void;
  info(code: LogCode, fields: LogFields, text: string): void;
  warn(code: LogCode, fields: LogFields, text: string): void;
  error(code: LogCode, fields: LogFields, text: string): void;
  /** Loads what writes, and writes what has waited. Lines after it are written at once. */
  flush(): Promise<void>;
}

interface Line {
  readonly level: LogLevel;
  readonly part: LogPart;
  readonly code: LogCode;
  readonly fields: LogFields;
  readonly text: string;
  readonly time: string;
}

type Writer = (line: Line) => void;

/**
 * Opens the log.
 * @param write where text goes; default: standard error
 * @param nowMs the time; default: this machine's
 */
export function openLog(options: LogOptions, write = writeToStderr, nowMs: () => number = Date.now): DaemonLog {
  const waiting: Line[] = [];
  let writer: Writer = (line) => void waiting.push(line);
  let loading: Promise<void> | undefined;
  const load = async (): Promise<void> => {
    writer = await pinoWriter(options, write);
    for (const line of waiting.splice(0)) writer(line);
  };
  const limit = new LineLimit();
  const say = (level: LogLevel, part: LogPart, code: LogCode, fields: LogFields, text: string): void =>
    writer({ level, part, code, fields, text, time: new Date(nowMs()).toISOString() });
  const at =
    (level: LogLevel) =>
    (code: LogCode, fields: LogFields, text: string): void => {
      const part = partOf(code);
      if (!isWanted(options, level, part)) return;
      const lines = level === 'debug' ? limit.ask(part, nowMs()) : 0;
      if (lines === null) return;
      if (lines > 0) say('debug', part, 'lines-left-out', { lines }, `${lines} details of ${part} came too fast`);
      say(level, part, code, fields, text);
    };
  const flush = (): Promise<void> => {
    loading ??= load();
    return loading;
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), flush };
}

const isWanted = ({ level, verbose }: LogOptions, of: LogLevel, part: LogPart): boolean =>
  SEVERITY[of] >= SEVERITY[level] || verbose.includes(part);

const writeToStderr = (text: string): void => void process.stderr.write(text);

async function pinoWriter({ json, colour }: LogOptions, write: (text: string) => void): Promise<Writer> {
  const { default: pino } = await import('pino');
  const format = process.env.JOURNAL_STREAM === undefined ? terminalLine(colour) : journalLine;
  const stream = { write: (line: string) => write(json ? printableJson(line) : format(parseLine(line))) };
  const formatters = { level: (label: string) => ({ level: label }) };
  // The time is that of the event, which may be before pino was there; what comes here is wanted, whatever its level.
  const logger = pino({ level: 'debug', base: null, timestamp: false, messageKey: 'text', formatters }, stream);
  return ({ level, part, code, fields, text, time }) => logger[level]({ time, part, code, ...fields }, text);
}

interface WrittenLine {
  readonly level: LogLevel;
  readonly time: string;
  readonly text: string;
  /** `key=value` pairs. */
  readonly extra: string;
}

/** Reads back a line that pino made: pino decides what is written, this only how it looks. */
function parseLine(line: string): WrittenLine {
  const { level, time, text, code, part: _part, ...fields } = JSON.parse(line) as Record<string, unknown> & WrittenLine;
  // The part is for who filters JSON; a person has the code.
  const extra = [['code', code], ...Object.entries(fields)].map(([key, value]) => `${key}=${quote(value)}`).join(' ');
  return { level, time, text: printable(text), extra: printable(extra) };
}

const quote = (value: unknown): string => (/^[^\s"=]+$/.test(String(value)) ? String(value) : JSON.stringify(value));

const COLOUR: Readonly<Record<LogLevel, string>> = { debug: '2', info: '0', warn: '33', error: '31' };

const terminalLine =
  (colour: boolean) =>
  ({ level, time, text, extra }: WrittenLine): string => {
    const [from, dim, to] = colour ? [`\u001b[${COLOUR[level]}m`, '\u001b[2m', '\u001b[0m'] : ['', '', ''];
    return `${dateAndTime(Date.parse(time))} ${from}${level.padEnd(5)} ${text}${to} ${dim}${extra}${to}\n`;
  };

/** sd-daemon(3): `<N>` in front of a line is its syslog priority. */
const PRIORITY: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, warn: 4, error: 3 };

const journalLine = ({ level, text, extra }: WrittenLine): string => `<${PRIORITY[level]}>${text} ${extra}\n`;
