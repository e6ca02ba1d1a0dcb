// The log of mappings (rule N-11, RFC 6888 REQ-12): who had which address and port, a line each. The tables keep the records until
// they are fetched here, and count what finds no room, so the data path waits for nobody; nor does this thread for the disk.
//
//     2026-11-22T19:22:26.123Z mapping-made tcp [2001:db8::5]:50123 192.0.2.10:50123
//     2026-11-22T19:22:26.123Z block-taken udp 2001:db8::5 192.0.2.10:1024-1279

import { constants, createWriteStream, type WriteStream } from 'node:fs';
import { formatIpv4, formatIpv6 } from '../config/addresses.ts';
import type { MappingRecord } from '../core/nat64/mapping-log.ts';
import type { Nat64Control } from '../dataplane/nat64-control.ts';
import type { DaemonLog } from './log.ts';

const FETCH_EVERY_MS = 1_000;
/** The tables have room for 8,192: so many at once mean that more come than a look a second can take. */
const BUSY = 2_000;
const FETCH_SOON_MS = 50;
/** Bytes that wait for the disk; what comes beyond them is lost and counted. */
const BACKLOG_BYTES = 8 * 1024 * 1024;

/** Where lines go. */
interface Sink {
  write(lines: readonly string[]): void;
  close(): Promise<void>;
}

/** What is logged, and as what. */
export interface MappingLogOptions {
  /** null: the program's own log. */
  readonly file: string | null;
  readonly nat64: Pick<Nat64Control, 'takeLog'>;
  /** The address that the outside sees in the place of one of the tables'. */
  readonly outsideOf: (address: number) => number;
  readonly log: DaemonLog;
}

/** A mapping log that is being written. */
export interface RunningMappingLog {
  /** Writes what is left, and ends it. A second call waits for the same end. */
  close(): Promise<void>;
}

/** One record as a line, without its end. */
export function mappingLine(record: MappingRecord, outsideOf: (address: number) => number): string {
  const { kind, timeMs, protocol, ipv6, port6, ipv4, firstPort, lastPort } = record;
  const isBlock = kind === 'block-taken' || kind === 'block-left';
  const host = formatIpv6(bytesOf(ipv6));
  const [inside, ports] = isBlock ? [host, `${firstPort}-${lastPort}`] : [`[${host}]:${port6}`, String(firstPort)];
  return `${new Date(timeMs).toISOString()} ${kind} ${protocol} ${inside} ${formatIpv4(outsideOf(ipv4))}:${ports}`;
}

function bytesOf(words: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  words.forEach((word, i) => {
    view.setInt32(i * 4, word);
  });
  return new Uint8Array(view.buffer);
}

/** Starts to log. */
export function startMappingLog(options: MappingLogOptions): RunningMappingLog {
  const sink = options.file === null ? logSink(options.log) : fileSink(options.file, options.log);
  const fetch = async (): Promise<number> => {
    const records = await options.nat64.takeLog();
    sink.write(records.map((record) => mappingLine(record, options.outsideOf)));
    return records.length;
  };
  let timer: NodeJS.Timeout | null = null;
  let fetching: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | null = null;
  const later = (ms: number): void => {
    if (closing !== null) return;
    timer = setTimeout(() => {
      // The data path may have ended meanwhile; whoever ends the gateway says why.
      fetching = fetch().then(
        (count) => later(count >= BUSY ? FETCH_SOON_MS : FETCH_EVERY_MS),
        () => undefined,
      );
    }, ms);
  };
  const end = async (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    await fetching;
    await fetch().catch(() => undefined); // the data path has ended: its records are gone
    await sink.close();
  };
  later(FETCH_EVERY_MS);
  return {
    close: () => {
      closing ??= end();
      return closing;
    },
  };
}

const logSink = (log: DaemonLog): Sink => ({
  write: (lines) => {
    for (const line of lines) log.info('mapping', {}, line);
  },
  close: async () => undefined,
});

/** To its end; a symbolic link is not followed, as it might lead anywhere. */
const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;

function fileSink(file: string, log: DaemonLog): Sink {
  // Node passes numbers on as they are; its types know the texts alone, none of which says O_NOFOLLOW.
  const stream = createWriteStream(file, { flags: APPEND as unknown as string, mode: 0o600 });
  let failed = false;
  stream.on('error', (error) => {
    failed = true;
    log.error('mapping-log-failed', { file }, `the mapping log ends here: ${error.message}`);
  });
  const write = (lines: readonly string[]): void => {
    if (failed || lines.length === 0) return;
    if (stream.writableLength > BACKLOG_BYTES) {
      log.error(
        'mapping-log-failed',
        { file, lost: lines.length },
        `${file} is too slow: ${lines.length} mappings are lost`,
      );
      return;
    }
    stream.write(`${lines.join('\n')}\n`);
  };
  return { write, close: () => (failed ? Promise.resolve() : ended(stream)) };
}

const ended = (stream: WriteStream): Promise<void> =>
  new Promise((resolve) => {
    stream.once('close', resolve);
    stream.end();
  });
