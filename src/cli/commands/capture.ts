// `xlat464 capture`: both sides of the translation into a pcapng file. The daemon sends the bytes and this program writes
// them, so the file belongs to who called it.

import { createWriteStream } from 'node:fs';
import { isIP } from 'node:net';
import type { Writable } from 'node:stream';
import { InvalidArgumentError, Option } from 'commander';
import { EXIT, XlatError } from '../../contract/errors.ts';
import type { Captured, Params } from '../../contract/methods.ts';
import type { ControlConnection } from '../../control/client.ts';
import type { AddCommand } from '../context.ts';
import { withDaemon } from '../daemon.ts';
import { bytes, count, duration } from '../screens/format.ts';
import { jsonText, type Terminal } from '../terminal.ts';
import { jsonOption, nameOption } from './options.ts';
import { untilInterrupted } from './status.ts';

const HELP = `
Examples:
  sudo xlat464 capture both-sides.pcapng
  sudo xlat464 capture drops.pcapng --drops --seconds 60
  sudo xlat464 capture - --address 192.0.2.1 | wireshark -k -i -

Each packet carries a comment with what became of it and by which rule. Ctrl-C
ends the capture. For root and members of the group xlat464.`;

const PROGRESS_MS = 500;
const OPERATION = 'capture';

interface Parsed {
  readonly drops?: true;
  readonly address?: readonly string[];
  readonly family?: '4' | '6';
  readonly seconds?: number;
  readonly snaplen?: number;
  readonly name?: string;
  readonly json?: true;
}

const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };

/** Adds the command. */
export const add: AddCommand = (program, { terminal, finish }) => {
  program
    .command('capture <file>')
    .description('write both sides of the translation into a pcapng file; - is standard output')
    .option('--drops', 'only packets that were dropped')
    .option('--address <addresses...>', 'only packets from or to one of these addresses, IPv4 or IPv6')
    .addOption(new Option('--family <family>', 'only this side').choices(['4', '6']))
    .option('--seconds <n>', 'end after so long', wholeNumber(1, 86_400))
    .option('--snaplen <bytes>', 'keep so much of each packet', wholeNumber(1, 65_575))
    .addOption(nameOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async (file: string, parsed: Parsed) => {
      if (file === '-' && process.stdout.isTTY)
        throw new XlatError('USAGE', OPERATION, 'a capture is nothing for a terminal');
      for (const address of parsed.address ?? []) checkAddress(address);
      const total = await withDaemon('admin', { name: parsed.name }, (connection) =>
        captureInto(file, connection, requestOf(parsed)),
      );
      report(file, total, terminal, parsed.json === true);
      finish(EXIT.done);
    });
};

function checkAddress(address: string): void {
  if (isIP(address) !== 0) return;
  throw new XlatError('USAGE', OPERATION, `"${address.slice(0, 64)}" is no IPv4 or IPv6 address`);
}

const requestOf = ({ drops, address, family, seconds, snaplen }: Parsed): Params<'capture.start'> => ({
  ...(drops === true ? { dropsOnly: true } : {}),
  ...(address === undefined ? {} : { addresses: address }),
  ...(family === undefined ? {} : { family: family === '4' ? 4 : 6 }),
  ...(seconds === undefined ? {} : { durationMs: seconds * 1000 }),
  ...(snaplen === undefined ? {} : { snaplenBytes: snaplen }),
});

interface Total extends Captured {
  readonly bytes: number;
}

/** Captures until Ctrl-C, the daemon, or the reader of standard output ends it. The file is complete afterwards. */
async function captureInto(
  file: string,
  connection: ControlConnection,
  request: Params<'capture.start'>,
): Promise<Total> {
  const out = await openOutput(file);
  const interrupted = untilInterrupted();
  const written = { recorded: 0, lost: 0, bytes: 0 };
  connection.on('captured', (piece) => {
    const part = Buffer.from(piece.bytes, 'base64');
    Object.assign(written, { recorded: piece.recorded, lost: piece.lost, bytes: written.bytes + part.length });
    if (out.isClosed() || out.stream.write(part)) return;
    // Let the daemon count losses, instead of keeping here what the disk or the pipe does not take.
    connection.pause();
    out.stream.once('drain', () => connection.resume());
  });
  const byItself = new Promise<Captured>((resolve) => connection.on('captureEnded', resolve));
  await connection.call('capture.start', request);
  const progress = showProgress(written);
  try {
    const left = await Promise.race([byItself, interrupted.promise, out.closed, goneOf(connection)]);
    if (left === null) Object.assign(written, await connection.call('capture.stop', {}));
    else if (left !== 'closed') Object.assign(written, { recorded: left.recorded, lost: left.lost });
    await out.end();
  } finally {
    interrupted.off();
    progress.end();
  }
  return written;
}

/** Rejects when the connection has ended. */
async function goneOf(connection: ControlConnection): Promise<never> {
  const reason = await connection.closed;
  const because = reason === null ? '' : `: ${reason}`;
  throw new XlatError('CONTROL_FAILED', OPERATION, `the daemon ended the capture${because}; the file is incomplete`);
}

interface Output {
  readonly stream: Writable;
  /** Resolves when nobody reads standard output any more; rejects when writing failed. */
  readonly closed: Promise<'closed'>;
  isClosed(): boolean;
  /** Writes what is left. */
  end(): Promise<void>;
}

async function openOutput(file: string): Promise<Output> {
  // Not process.stdout: it blocks this program while a pipe is full, so that Ctrl-C would not be heard.
  const stream =
    file === '-' ? createWriteStream('', { fd: 1, autoClose: false }) : createWriteStream(file, { mode: 0o600 });
  if (file !== '-') await opened(stream, file);
  let isClosed = false;
  const closed = new Promise<'closed'>((resolve, reject) => {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      isClosed = true;
      // Wireshark was closed: that is an end like any other.
      if (error.code === 'EPIPE') resolve('closed');
      else
        reject(
          new XlatError('HOST_CHANGE_FAILED', OPERATION, `cannot write ${file}: ${error.message}`, { cause: error }),
        );
    });
  });
  closed.catch(() => undefined); // whoever captures gets it
  const end = async (): Promise<void> => {
    if (isClosed) return;
    const flushed = new Promise<void>((resolve) => stream.end(() => resolve()));
    await Promise.race([flushed, closed]);
  };
  return { stream, closed, isClosed: () => isClosed, end };
}

function opened(stream: Writable, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      const code = error.code === 'EACCES' || error.code === 'EPERM' ? 'NOT_PERMITTED' : 'USAGE';
      reject(new XlatError(code, OPERATION, `cannot write ${file}: ${error.message}`, { cause: error }));
    };
    stream.once('error', failed);
    stream.once('open', () => {
      stream.off('error', failed);
      resolve();
    });
  });
}

function showProgress(total: Total): { readonly end: () => void } {
  if (!process.stderr.isTTY) return { end: () => undefined };
  const start = performance.now();
  // Straight to the terminal: it is moved on purpose, and there is nothing from elsewhere in it.
  const draw = (): void =>
    void process.stderr.write(`\r\u001b[K${describe(total)} in ${duration(performance.now() - start)}, Ctrl-C ends it`);
  const timer = setInterval(draw, PROGRESS_MS);
  draw();
  const end = (): void => {
    clearInterval(timer);
    process.stderr.write('\r\u001b[K');
  };
  return { end };
}

const describe = ({ recorded, lost, bytes: size }: Total): string =>
  `${count(recorded)} packets, ${bytes(size)}, ${lost === 0 ? 'none lost' : `${count(lost)} lost`}`;

/** On standard error where standard output is the capture. */
function report(file: string, total: Total, terminal: Terminal, json: boolean): void {
  const write = file === '-' ? terminal.err : terminal.out;
  write(json ? `${jsonText({ file, ...total })}\n` : `${file === '-' ? '' : `${file}: `}${describe(total)}\n`);
}
