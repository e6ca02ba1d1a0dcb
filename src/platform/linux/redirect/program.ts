// Loads programs into the kernel and attaches them to interfaces. Both live as long as their handles, so nothing is left when
// the process ends, however it ends. Read first: core/bpf/programs.ts, bpf(2).

import { endianness } from 'node:os';
import { XlatError } from '../../../contract/errors.ts';
import { ATTACH_TCX_INGRESS, PROGRAM } from '../../../core/bpf/kernel.ts';
import type { LinkRef } from '../../../core/host/host-config.ts';
import type { Handle, LinuxShim } from '../../native.ts';

const OPERATION = 'redirect packets by BPF';
/** No helper that we use asks for the GPL. */
const LICENCE = 'MIT';
const LOG_BYTES = 64 * 1024;
const NO_LOG = new Uint8Array(0);

/** Which program to load. */
export interface Program {
  /** Shown by `bpftool prog`; up to 15 letters, digits and "_". */
  readonly name: string;
  readonly code: Uint8Array;
}

/** The refusal of this way to reach the network, by kernel or privileges; the other way may work. */
function unavailable(what: string, cause: unknown): XlatError {
  const { code } = cause as NodeJS.ErrnoException;
  const advice =
    code === 'EPERM'
      ? 'it needs CAP_BPF and CAP_NET_ADMIN outside of any user namespace; or set uplink-mode to forwarding'
      : 'it needs Linux 6.6 or later with CONFIG_BPF_SYSCALL; or set uplink-mode to forwarding';
  const message = `${what}: ${(cause as Error).message}`;
  return new XlatError('REDIRECT_UNAVAILABLE', OPERATION, message, { advice, cause });
}

/** The last words of the verifier, which say what it did not like. Loads once more, because it talks only when asked. */
function verifierWords(shim: LinuxShim, type: number, attachType: number, { name, code }: Program): string {
  const log = new Uint8Array(LOG_BYTES);
  try {
    shim.bpfProgramLoad(type, attachType, name, LICENCE, code, log).close();
  } catch {
    // The same refusal as the first time, which the caller reports.
  }
  const text = Buffer.from(log.subarray(0, Math.max(0, log.indexOf(0)))).toString();
  return text.trim().split('\n').slice(-2).join(' / ');
}

function loadProgram(shim: LinuxShim, type: number, attachType: number, program: Program): Handle {
  try {
    return shim.bpfProgramLoad(type, attachType, program.name, LICENCE, program.code, NO_LOG);
  } catch (cause) {
    const words = verifierWords(shim, type, attachType, program);
    throw unavailable(`the kernel refuses the program ${program.name}${words === '' ? '' : ` (${words})`}`, cause);
  }
}

/** core/bpf writes little-endian code only. */
function requireLittleEndian(): void {
  if (endianness() === 'LE') return;
  throw unavailable('the programs are for little-endian machines', new Error('this one is big-endian'));
}

/**
 * Attaches a program to an interface's ingress (tcx), behind those that are there.
 * @returns the link; closing it detaches the program
 * @throws XlatError REDIRECT_UNAVAILABLE; HOST_CHANGE_FAILED when the interface is gone
 */
export function attachToIngress(shim: LinuxShim, link: LinkRef, program: Program): Handle {
  requireLittleEndian();
  const loaded = loadProgram(shim, PROGRAM.schedCls, ATTACH_TCX_INGRESS, program);
  try {
    return shim.bpfLinkCreate(loaded.fd, link.index, ATTACH_TCX_INGRESS, 0, -1);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENODEV') throw unavailable(`${link.name} takes no program`, cause);
    throw new XlatError('HOST_CHANGE_FAILED', OPERATION, `the interface is gone: ${link.name}`, { cause });
  } finally {
    loaded.close(); // the link holds it from here on
  }
}

/** Lets only what `program` passes through to a socket. @throws XlatError REDIRECT_UNAVAILABLE */
export function attachToSocket(shim: LinuxShim, fd: number, program: Program): void {
  requireLittleEndian();
  const loaded = loadProgram(shim, PROGRAM.socketFilter, 0, program);
  try {
    shim.socketAttachBpf(fd, loaded.fd);
  } finally {
    loaded.close(); // the socket holds it from here on
  }
}
