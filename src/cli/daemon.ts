// Finds the daemons of this host and connects to them.

import { XlatError } from '../contract/errors.ts';
import type { Access } from '../contract/methods.ts';
import { type ControlConnection, connectTo } from '../control/client.ts';
import { controlDirectories, type Endpoint, findEndpoints, surroundings } from '../control/endpoint.ts';

const PROGRAM = 'xlat464 command line';
const OPERATION = 'find the daemon';

type Role = 'client' | 'gateway' | 'translator';

/** How a daemon is started, by its role; '': any. */
const START: Readonly<Record<Role | '', string>> = {
  client: 'Start one with "sudo xlat464 client".',
  gateway: 'Start one with "sudo xlat464 gateway -c FILE".',
  translator: 'Start one with "sudo xlat464 translate -c FILE".',
  '': 'Start one with "sudo xlat464 client", "gateway -c FILE" or "translate -c FILE".',
};
const CLEAN_UP = 'Run "sudo xlat464 cleanup" to undo what it left, or start it again, which does the same first.';

/** No daemon, or none of that name; a socket that nobody listens on tells of one that was killed. */
export function notRunning(name?: string, role?: Role): XlatError {
  const wasKilled = endpointsHere().some((endpoint) => name === undefined || endpoint.name === name);
  const what = name === undefined ? `no ${role ?? 'daemon'} is running` : `no daemon called ${name} is running`;
  const message = wasKilled ? `${what}; one was, and ended without cleaning up` : what;
  const advice = wasKilled ? CLEAN_UP : START[role ?? ''];
  return new XlatError('DAEMON_NOT_RUNNING', OPERATION, message, { advice });
}

/**
 * Connects to every daemon that runs, or to the one of that name.
 * @throws XlatError when there are some and none can be talked to; no daemon is an empty list
 */
export async function connectToAll(access: Access, name?: string): Promise<readonly ControlConnection[]> {
  const endpoints = endpointsHere().filter((endpoint) => name === undefined || endpoint.name === name);
  const tried = await Promise.allSettled(endpoints.map((endpoint) => connectAs(endpoint, access)));
  const connections = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (connections.length > 0) return connections;
  for (const one of tried) if (one.status === 'rejected' && !isGone(one.reason)) throw one.reason;
  return [];
}

/** Which daemon is meant. */
interface Wanted {
  /** Its name; undefined: the only one there is. */
  readonly name?: string | undefined;
  /** What it must be; left out: anything. */
  readonly role?: Role;
}

/**
 * Connects to the one daemon that is meant for as long as `use` takes; hangs up afterwards.
 * @throws XlatError DAEMON_NOT_RUNNING; DAEMON_AMBIGUOUS when there are several; as {@link connectTo} and `use`
 */
export async function withDaemon<T>(
  access: Access,
  wanted: Wanted,
  use: (connection: ControlConnection) => Promise<T>,
): Promise<T> {
  const connections = await connectToAll(access, wanted.name);
  try {
    return await use(theOne(connections, wanted));
  } finally {
    for (const connection of connections) connection.close();
  }
}

function theOne(all: readonly ControlConnection[], { name, role }: Wanted): ControlConnection {
  const meant = all.filter(({ hello }) => role === undefined || hello.role === role);
  const [first, ...others] = meant;
  if (first === undefined && role !== undefined && all[0] !== undefined) throw otherRole(all, { name, role });
  if (first === undefined) throw notRunning(name, role);
  if (others.length === 0) return first;
  throw ambiguous(meant, role);
}

/** Several run where one is meant. */
export function ambiguous(meant: readonly ControlConnection[], role?: Role): XlatError {
  const advice = `Choose one with --name: ${namesOf(meant)}.`;
  const message = `${meant.length} ${role ?? 'daemon'}s are running`;
  return new XlatError('DAEMON_AMBIGUOUS', OPERATION, message, { advice });
}

function otherRole(others: readonly ControlConnection[], { name, role }: Required<Wanted>): XlatError {
  const named = others.find(({ hello }) => hello.name === name);
  if (named !== undefined) return new XlatError('USAGE', OPERATION, `${name} is a ${named.hello.role}, not a ${role}`);
  const message = `no ${role} is running here, only ${namesOf(others)}`;
  return new XlatError('DAEMON_NOT_RUNNING', OPERATION, message, { advice: START[role] });
}

const namesOf = (connections: readonly ControlConnection[]): string =>
  connections.map(({ hello }) => hello.name).join(', ');

function endpointsHere(): readonly Endpoint[] {
  try {
    return findEndpoints(controlDirectories(surroundings()));
  } catch (cause) {
    if (cause instanceof XlatError) throw cause;
    const { code, message, path = 'the directory of their sockets' } = cause as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM')
      throw new XlatError('CONTROL_FAILED', OPERATION, `cannot look for daemons: ${message}`, { cause });
    const advice = 'Use sudo.';
    throw new XlatError('NOT_PERMITTED', OPERATION, `${path} may not be read by this user`, { advice, cause });
  }
}

/** Readers who may use the administrators' socket do, for nobody else can fill it. */
async function connectAs(endpoint: Endpoint, access: Access): Promise<ControlConnection> {
  if (access === 'admin') return connectTo(endpoint, 'admin', PROGRAM);
  try {
    return await connectTo(endpoint, 'admin', PROGRAM);
  } catch (error) {
    if (error instanceof XlatError && error.code === 'PROTOCOL_MISMATCH') throw error;
    return connectTo(endpoint, 'read', PROGRAM);
  }
}

const isGone = (error: unknown): boolean => error instanceof XlatError && error.code === 'DAEMON_NOT_RUNNING';
