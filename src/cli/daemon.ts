// Finds the daemons of this host and connects to them.

import { XlatError } from '../contract/errors.ts';
import type { Access } from '../contract/methods.ts';
import { type ControlConnection, connectTo } from '../control/client.ts';
import { controlDirectories, type Endpoint, findEndpoints, surroundings } from '../control/endpoint.ts';

const PROGRAM = 'xlat464 command line';
const OPERATION = 'find the daemon';

const START = 'Start one with "sudo xlat464 client" or "sudo xlat464 translate -c FILE".';
const CLEAN_UP = 'Run "sudo xlat464 cleanup" to undo what it left, or start it again, which does the same first.';

/** No daemon, or none of that name; a socket that nobody listens on tells of one that was killed. */
export function notRunning(name?: string): XlatError {
  const wasKilled = endpointsHere().some((endpoint) => name === undefined || endpoint.name === name);
  const what = name === undefined ? 'no daemon is running' : `no daemon called ${name} is running`;
  const message = wasKilled ? `${what}; one was, and ended without cleaning up` : what;
  const advice = wasKilled ? CLEAN_UP : START;
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

/**
 * Connects to the one daemon that runs, or to the one of that name.
 * @param role of those without a name only one in this role
 * @throws XlatError DAEMON_NOT_RUNNING; DAEMON_AMBIGUOUS when there are several; as {@link connectTo}
 */
export async function connectToOne(access: Access, name?: string, role?: string): Promise<ControlConnection> {
  const all = await connectToAll(access, name);
  const isMeant = ({ hello }: ControlConnection): boolean =>
    name !== undefined || role === undefined || hello.role === role;
  for (const other of all) if (!isMeant(other)) other.close();
  const [first, ...others] = all.filter(isMeant);
  if (first === undefined && all.length > 0) throw noneOfRole(all, role);
  if (first === undefined) throw notRunning(name);
  if (others.length === 0) return first;
  const names = [first, ...others].map(({ hello }) => hello.name);
  for (const connection of [first, ...others]) connection.close();
  const advice = `Choose one with --name: ${names.join(', ')}.`;
  throw new XlatError('DAEMON_AMBIGUOUS', OPERATION, `${names.length} daemons are running`, { advice });
}

/** {@link connectToOne} for as long as `use` takes; hangs up afterwards. @throws as both */
export async function withDaemon<T>(
  access: Access,
  { name, role }: { readonly name?: string | undefined; readonly role?: string },
  use: (connection: ControlConnection) => Promise<T>,
): Promise<T> {
  const connection = await connectToOne(access, name, role);
  try {
    return await use(connection);
  } finally {
    connection.close();
  }
}

function noneOfRole(others: readonly ControlConnection[], role?: string): XlatError {
  const names = others.map(({ hello }) => hello.name).join(', ');
  return new XlatError('DAEMON_NOT_RUNNING', OPERATION, `no ${role} is running here, only ${names}`);
}

function endpointsHere(): readonly Endpoint[] {
  try {
    return findEndpoints(controlDirectories(surroundings()));
  } catch (cause) {
    if (cause instanceof XlatError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    const isRefused = code === 'EACCES' || code === 'EPERM';
    throw new XlatError(
      isRefused ? 'NOT_PERMITTED' : 'CONTROL_FAILED',
      OPERATION,
      `cannot look for daemons: ${message}`,
      {
        ...(isRefused ? { advice: 'Use sudo.' } : {}),
        cause,
      },
    );
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
