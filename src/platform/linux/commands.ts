// The one runner of operating system commands: argument arrays, fixed language, a time limit, errors with their cause.

import { execFile } from 'node:child_process';
import { XlatError } from '../../contract/errors.ts';
import { withResolvers } from '../with-resolvers.ts';
import { hostAction } from './trace.ts';

const TIME_LIMIT_MS = 10_000;
const OUTPUT_LIMIT = 64 * 1024 * 1024;
/** Node's code for output beyond `maxBuffer`. */
const OUTPUT_FULL = 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER';

/** The Debian package of each tool we run. */
const PACKAGES = {
  ip: 'iproute2',
  nft: 'nftables',
  'ip6tables-legacy': 'iptables',
  conntrack: 'conntrack',
  resolvectl: 'systemd-resolved',
  systemctl: 'systemd',
  networkctl: 'systemd',
  nmcli: 'network-manager',
} as const;

/** A tool that can be run. */
type Tool = keyof typeof PACKAGES;

/** A command that ran and ended with an exit code other than 0. */
export class CommandError extends Error {
  /** What it wrote to its error output, trimmed. */
  readonly stderr: string;

  constructor(command: string, stderr: string, cause: unknown) {
    super(`${command}: ${stderr.split('\n')[0] || 'failed'}`, { cause });
    this.name = 'CommandError';
    this.stderr = stderr;
  }
}

/** System administrators' tools stand in sbin, which is not on every user's path. */
const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`,
  LC_ALL: 'C',
});

/** How a tool is run. */
export interface RunOptions {
  /** What it reads; default: nothing. */
  readonly input?: string;
  /** How long it may take. */
  readonly timeLimitMs?: number;
  /** So much of its output is enough, in bytes: it is ended then, and the rest is not missed. */
  readonly enoughBytes?: number;
}

/**
 * Runs a tool and returns its output.
 * @throws XlatError TOOL_MISSING, NOT_PERMITTED; CommandError when it ends with an error, takes too long or says more than 64 MiB
 */
// Async, so that a failure to start the tool at all rejects as well: whoever runs several at once awaits them together.
export async function run(tool: Tool, args: readonly string[], how: RunOptions = {}): Promise<string> {
  const { promise, resolve, reject } = withResolvers<string>();
  const { input = '', timeLimitMs = TIME_LIMIT_MS, enoughBytes } = how;
  const options = {
    env: environment(),
    timeout: timeLimitMs,
    maxBuffer: enoughBytes ?? OUTPUT_LIMIT,
    killSignal: 'SIGKILL' as const,
  };
  const ended = hostAction('command', [
    tool,
    ...args,
    ...(input === '' ? [] : ['<<', input.trim().replaceAll('\n', '; ')]),
  ]);
  const child = execFile(tool, args, options, (error, stdout, stderr) => {
    const isEnough = enoughBytes !== undefined && error?.code === OUTPUT_FULL;
    ended(error === null || isEnough ? null : stderr.trim().split('\n')[0] || error.message);
    if (error === null || isEnough) resolve(stdout);
    else if (error.code === 'ENOENT') reject(toolMissing(tool, error));
    else reject(commandFailed([tool, ...args].join(' '), stderr.trim() || error.message, error));
  });
  // A tool that ends before it has read everything breaks the pipe; its exit code says why.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  return promise;
}

/** Runs a tool that asks a service of the host; null where it is not installed, or the service does not answer. */
export async function ask(tool: Tool, args: readonly string[]): Promise<string | null> {
  try {
    return await run(tool, args);
  } catch (cause) {
    if (cause instanceof CommandError || (cause instanceof XlatError && cause.code === 'TOOL_MISSING')) return null;
    throw cause;
  }
}

/** Runs a tool that answers in JSON. An empty answer is an empty list (`ip -j` prints nothing then). */
export async function runJson(tool: Tool, args: readonly string[]): Promise<unknown> {
  const text = await run(tool, args);
  return text.trim() === '' ? [] : JSON.parse(text);
}

const PERMISSION = /Operation not permitted|Permission denied/;

/** The failure of a command: not permitted as the product's own error, anything else for the caller to judge. */
function commandFailed(command: string, stderr: string, cause: unknown): Error {
  const error = new CommandError(command, stderr, cause);
  if (!PERMISSION.test(stderr)) return error;
  return new XlatError('NOT_PERMITTED', `run ${command}`, error.message, { advice: 'run it as root', cause: error });
}

const toolMissing = (tool: Tool, cause: unknown): XlatError =>
  new XlatError('TOOL_MISSING', `run ${tool}`, `the program "${tool}" is not installed`, {
    advice: `install it: apt-get install ${PACKAGES[tool]}`,
    cause,
  });
