// Runs programs: once with an answer, or in the background until stopped. Arguments are arrays, never a shell string.
// Read next: netns.ts, which runs them inside a network namespace.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { XlatError } from '../contract/errors.ts';

/** How a program ended. `code` is null when a signal ended it. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a run may be given. */
export interface CommandOptions {
  /** Written to standard input, which is closed then. */
  readonly input?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Ends the program with SIGKILL after this long; default 20,000 ms. */
  readonly timeoutMs?: number;
  /** Takes standard output chunk by chunk instead of collecting it. */
  readonly onOutput?: (chunk: Uint8Array) => void;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called with the child as soon as it exists, so that the caller can end it. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** The C locale: the output of the tools is read by programs here. */
function environment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C', ...extra };
}

/** The program of an argument list. Throws on an empty list (a bug). */
function programOf(argv: readonly string[]): string {
  const program = argv[0];
  if (program === undefined) throw new Error('an empty command');
  return program;
}

function spawnError(program: string, cause: Error & { code?: string }): XlatError {
  if (cause.code !== 'ENOENT') return new XlatError('LAB_FAILED', `run ${program}`, cause.message, { cause });
  return new XlatError('TOOL_MISSING', `run ${program}`, `${program} is not installed`, { cause });
}

async function feed(child: ChildProcess, input: CommandOptions['input']): Promise<void> {
  const stdin = child.stdin;
  if (stdin === null || input === undefined) return;
  const whole = typeof input === 'string' || input instanceof Uint8Array;
  try {
    await pipeline(Readable.from(whole ? [input] : input), stdin);
  } catch (error) {
    // A program may end without reading all of its input; its exit code tells what happened.
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes(code)) throw error;
  }
}

/**
 * Runs a program to its end.
 * @returns its exit code and output, whatever the code is
 * @throws XlatError TOOL_MISSING when it is not installed, LAB_FAILED when it ran out of time
 */
export async function runAny(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const program = programOf(argv);
  const timeoutMs = options.timeoutMs ?? 20_000;
  const stdin = options.input === undefined ? 'ignore' : 'pipe';
  const spawnOptions: SpawnOptions = { stdio: [stdin, 'pipe', 'pipe'], env: environment(options.env) };
  const child = spawn(program, argv.slice(1), spawnOptions);
  options.onStart?.(child);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  try {
    const [result] = await Promise.all([collect(child, program, options.onOutput), feed(child, options.input)]);
    if (isLate) throw new XlatError('LAB_FAILED', `run ${program}`, `no end after ${timeoutMs} ms: ${argv.join(' ')}`);
    return result;
  } finally {
    clearTimeout(timer);
  }
}

function collect(child: ChildProcess, program: string, onOutput: CommandOptions['onOutput']): Promise<CommandResult> {
  const stdout: Uint8Array[] = [];
  const stderr: Uint8Array[] = [];
  child.stdout?.on('data', onOutput ?? ((chunk: Uint8Array) => stdout.push(chunk)));
  child.stderr?.on('data', (chunk: Uint8Array) => stderr.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(spawnError(program, error)));
    child.once('close', (code) =>
      resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }),
    );
  });
}

/**
 * Runs a program that must succeed.
 * @returns its standard output
 * @throws XlatError LAB_FAILED with the program's own words when the exit code is not 0
 */
export async function run(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runAny(argv, options);
  if (result.code === 0) return result.stdout;
  throw new XlatError('LAB_FAILED', `run ${argv[0]}`, `"${argv.join(' ')}" ended with ${describeEnd(result)}`);
}

/** "code 1: last words" for messages. */
export function describeEnd(result: CommandResult): string {
  const words = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-3).join(' / ');
  return `${result.code === null ? 'a signal' : `code ${result.code}`}${words === '' ? '' : `: ${words}`}`;
}

/** A program in the background. */
export interface Running {
  readonly child: ChildProcess;
  /** Everything it wrote so far, both outputs, at most the last 64 KiB. */
  output(): string;
  /** Whether it has ended. */
  hasEnded(): boolean;
  /** Sends the signal, SIGTERM by default, and waits for the end; SIGKILL after 10 s. @returns exit code, null after a signal */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/**
 * Starts a program in the background. The caller owns it and must stop it.
 * @throws XlatError TOOL_MISSING when it is not installed
 */
export async function start(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Running> {
  const program = programOf(argv);
  const child = spawn(program, argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env: environment(env) });
  let text = '';
  const note = (chunk: Uint8Array) => {
    text = (text + Buffer.from(chunk).toString()).slice(-65_536);
  };
  child.stdout.on('data', note);
  child.stderr.on('data', note);
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', () => resolve());
    child.once('error', (error) => reject(spawnError(program, error)));
  });
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return { child, output: () => text, hasEnded, stop: (signal = 'SIGTERM') => stop(child, ended, hasEnded, signal) };
}

async function stop(
  child: ChildProcess,
  ended: Promise<number | null>,
  hasEnded: () => boolean,
  signal: NodeJS.Signals,
): Promise<number | null> {
  if (hasEnded()) return child.exitCode;
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  try {
    return await ended;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Polls until `condition` gives something other than undefined or false.
 * @param what names the condition in the error
 * @throws XlatError LAB_FAILED after `timeoutMs`; what the condition throws goes through at once
 */
export async function waitFor<T>(
  what: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) {
      throw new XlatError('LAB_FAILED', `wait for ${what}`, `${what}: not within ${timeoutMs} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
