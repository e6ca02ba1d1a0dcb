// The daemon's log, on standard error: JSON by pino, one-liners on a terminal, one-liners with a syslog priority where systemd
// reads along. pino takes 25 ms to load, so it is loaded when the data path runs; lines written before that wait for it.

import type { LogFields, Reason } from '../contract/reasons.ts';

/** What decides about lines and their looks. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly json: boolean;
  readonly colour: boolean;
}

/** Levels, from all to the worst. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Codes of the translator's own lines; the client's are in contract/reasons.ts. */
export type LogCode =
  | Reason
  | 'ready'
  | 'translator-reloaded'
  | 'translator-reload-failed'
  | 'translator-stopping'
  | 'translator-stopped'
  | 'gateway-reloaded'
  | 'gateway-reload-failed'
  | 'gateway-replanned'
  | 'gateway-unchanged'
  | 'gateway-stopping'
  | 'gateway-stopped'
  | 'bindings-dropped'
  | 'bindings-restored'
  | 'bindings-unreadable'
  | 'bindings-unsaved'
  | 'mapping'
  | 'mapping-log-failed'
  | 'metrics-unavailable'
  | 'client-unchanged'
  | 'client-reload-failed'
  | 'capture-failed'
  | 'config-warning'
  | 'control-unavailable'
  | 'forwarding-off'
  | 'leases-unreadable'
  | 'leases-unsaved';

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
  readonly code: LogCode;
  readonly fields: LogFields;
  readonly text: string;
  readonly time: string;
}

type Writer = (line: Line) => void;

/** Opens the log. @param write where text goes; default: standard error */
export function openLog(options: LogOptions, write = writeToStderr): DaemonLog {
  const waiting: Line[] = [];
  let writer: Writer = (line) => void waiting.push(line);
  let loading: Promise<void> | undefined;
  const load = async (): Promise<void> => {
    writer = await pinoWriter(options, write);
    for (const line of waiting.splice(0)) writer(line);
  };
  const at =
    (level: LogLevel) =>
    (code: LogCode, fields: LogFields, text: string): void =>
      writer({ level, code, fields, text, time: new Date().toISOString() });
  const flush = (): Promise<void> => {
    loading ??= load();
    return loading;
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), flush };
}

const writeToStderr = (text: string): void => void process.stderr.write(text);

async function pinoWriter({ level, json, colour }: LogOptions, write: (text: string) => void): Promise<Writer> {
  const { default: pino } = await import('pino');
  const format = process.env.JOURNAL_STREAM === undefined ? terminalLine(colour) : journalLine;
  const stream = { write: (line: string) => write(json ? line : format(parseLine(line))) };
  const formatters = { level: (label: string) => ({ level: label }) };
  // The time is that of the event, which may be before pino was there.
  const logger = pino({ level, base: null, timestamp: false, messageKey: 'text', formatters }, stream);
  return ({ level: lineLevel, code, fields, text, time }) => logger[lineLevel]({ time, code, ...fields }, text);
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
  const { level, time, text, code, ...fields } = JSON.parse(line) as Record<string, unknown> & WrittenLine;
  const extra = [['code', code], ...Object.entries(fields)].map(([key, value]) => `${key}=${quote(value)}`).join(' ');
  return { level, time, text, extra };
}

const quote = (value: unknown): string => (/^[^\s"=]+$/.test(String(value)) ? String(value) : JSON.stringify(value));

const COLOUR: Readonly<Record<LogLevel, string>> = { debug: '2', info: '0', warn: '33', error: '31' };

const terminalLine =
  (colour: boolean) =>
  ({ level, time, text, extra }: WrittenLine): string => {
    const [from, dim, to] = colour ? [`\u001b[${COLOUR[level]}m`, '\u001b[2m', '\u001b[0m'] : ['', '', ''];
    return `${time.slice(11, 19)} ${from}${level.padEnd(5)} ${text}${to} ${dim}${extra}${to}\n`;
  };

/** sd-daemon(3): `<N>` in front of a line is its syslog priority. */
const PRIORITY: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, warn: 4, error: 3 };

const journalLine = ({ level, text, extra }: WrittenLine): string => `<${PRIORITY[level]}>${text} ${extra}\n`;
