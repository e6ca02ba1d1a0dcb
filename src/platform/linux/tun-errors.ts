// What a failed TUN call means to a person: one code, one sentence, one piece of advice each.

import { XlatError } from '../../contract/errors.ts';
import { MAX_NAME } from './tun-constants.ts';

const OPERATION = 'open the TUN interface';

/** Characters of an interface name that neither the kernel (dev_valid_name) nor any tool trips over. '%' is its template. */
const NAME = /^[!-~]+$/;
const FORBIDDEN = /[/%:]/;

/** Checks an interface name. @throws XlatError CONFIG_INVALID */
export function checkName(name: string): void {
  const fits = name.length <= MAX_NAME && NAME.test(name) && !FORBIDDEN.test(name) && name !== '.' && name !== '..';
  if (fits) return;
  throw new XlatError('CONFIG_INVALID', OPERATION, `"${name}" cannot be the name of an interface`, {
    advice: `Choose 1 to ${MAX_NAME} ASCII characters without spaces, "/", ":" and "%".`,
  });
}

/** Checks the number of queues. @throws XlatError CONFIG_INVALID */
export function checkQueues(queues: number): void {
  if (Number.isInteger(queues) && queues >= 1 && queues <= 256) return;
  throw new XlatError('CONFIG_INVALID', OPERATION, `${queues} is not a number of queues`, {
    advice: 'Choose 1 to 256.',
  });
}

/** An interface of that name is there, and we may not use it. */
export function nameTaken(name: string, cause?: unknown): XlatError {
  return new XlatError('TUN_BUSY', OPERATION, `an interface named ${name} exists already`, {
    advice: 'Stop the program that it belongs to, choose another name, or allow attaching to an existing interface.',
    cause,
  });
}

/** The interface is there but has the wrong kind (an Ethernet device, a TAP, …). */
export function notTun(name: string, cause: unknown): XlatError {
  return new XlatError('TUN_BUSY', OPERATION, `the interface ${name} exists and is not a TUN interface`, {
    advice: 'Choose another name.',
    cause,
  });
}

/** Makes an XlatError of what the shim threw; one that is already one stays as it is. */
export function explain(error: unknown, name: string): unknown {
  if (error instanceof XlatError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  if (code === 'EPERM' || code === 'EACCES') return notPermitted(error);
  if (syscall === 'open') return unavailable(code, error);
  if (code === 'EBUSY') return inUse(name, error);
  if (syscall === 'ioctl(SIOCSIFMTU)') return mtuRefused(name, error);
  return new XlatError('TUN_UNAVAILABLE', OPERATION, `${name} could not be opened (${syscall}: ${code})`, {
    advice: 'Check `ip -d link show` and the kernel log.',
    cause: error,
  });
}

const notPermitted = (cause: unknown): XlatError =>
  new XlatError('NOT_PERMITTED', OPERATION, 'this user may not open a TUN interface', {
    advice: 'Run as root or with the capability CAP_NET_ADMIN.',
    cause,
  });

const unavailable = (code: string, cause: unknown): XlatError =>
  new XlatError('TUN_UNAVAILABLE', OPERATION, `this system offers no /dev/net/tun (${code})`, {
    advice: 'Load the kernel module with `modprobe tun`; in a container, pass it the device /dev/net/tun.',
    cause,
  });

const inUse = (name: string, cause: unknown): XlatError =>
  new XlatError('TUN_BUSY', OPERATION, `the TUN interface ${name} is in use by another program`, {
    advice: 'Stop that program or choose another name.',
    cause,
  });

const mtuRefused = (name: string, cause: unknown): XlatError =>
  new XlatError('CONFIG_INVALID', OPERATION, `the kernel refuses this MTU for ${name}`, {
    advice: 'Choose 1280 to 65535 bytes.',
    cause,
  });
