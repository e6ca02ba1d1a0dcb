// A TUN interface and its queues, as their owner holds them: created, or attached to when it exists. Owns the descriptors;
// workers use their numbers (tun-queue.ts). Read: Documentation/networking/tuntap.rst, drivers/net/tun.c (tun_set_iff).
//
//     owner's thread: openTun() ── TunDevice ── queues[i] = { fd, wakeFd, capabilities } ──► worker i: tunQueue(numbers)
//                     wake(i) ─────────────────────────────────────────────────────────► its readBatch returns 0
//                     close(), when the workers have ended

import { OFFLOAD_HEADER } from '../../core/wire/offload.ts';
import type { TunCapabilities } from '../../dataplane/tun-queue.ts';
import { type Handle, type LinuxShim, loadLinuxShim } from '../native.ts';
import { IFF_MULTI_QUEUE, IFF_NO_PI, IFF_PERSIST, IFF_TUN, IFF_TUN_EXCL, IFF_VNET_HDR } from './tun-constants.ts';
import { checkName, checkQueues, explain, nameTaken, notTun } from './tun-errors.ts';
import { NO_OFFLOAD, negotiateOffload, whyNoVnetHeader } from './tun-offload.ts';
import type { TunQueueNumbers } from './tun-queue.ts';

/** How a TUN interface is to be opened. */
export interface TunOptions {
  /** 1 to 15 ASCII characters; no '%' templates. */
  readonly name: string;
  /** MTU in bytes; left as it is when not given. */
  readonly mtu?: number;
  /** Wanted queues, 1–256. An existing interface with a single queue gives one. */
  readonly queues: number;
  /** `auto`: all that the kernel can do; `off`: plain packets without an offload header. */
  readonly offload: 'auto' | 'off';
  /** true: the interface stays after the last queue is closed. Default: as it is for an existing one, else false. */
  readonly persist?: boolean;
  /** true: an interface of that name may exist already and is used. Default false: then it is TUN_BUSY. */
  readonly attach?: boolean;
}

/** An open TUN interface. */
export interface TunDevice {
  readonly name: string;
  readonly ifIndex: number;
  /** false: the interface was there before. */
  readonly wasCreated: boolean;
  /** Whether the interface stays when this device is closed. */
  readonly isPersistent: boolean;
  readonly capabilities: TunCapabilities;
  /** One sentence for each thing that was wanted and is not had. */
  readonly notes: readonly string[];
  /** One entry per queue, to be handed to the workers. The numbers are valid until `close()`. */
  readonly queues: readonly TunQueueNumbers[];
  /** Wakes the worker of one queue, or of all: its `readBatch` returns 0. */
  wake(queue?: number): void;
  /** Closes all queues, after the workers have ended. A second call does nothing. */
  close(): void;
}

/** A device on its way: whatever has been opened is in `handles`, to be closed if something fails. */
interface Opening {
  readonly shim: LinuxShim;
  readonly options: TunOptions;
  readonly notes: string[];
  readonly handles: Handle[];
}

/**
 * Opens a TUN interface with its queues; the interface is left down and without addresses.
 * @throws XlatError CONFIG_INVALID (name, queues, MTU), TUN_BUSY, TUN_UNAVAILABLE, NOT_PERMITTED, ADDON_MISSING; nothing stays open then
 */
export function openTun(options: TunOptions, shim: LinuxShim = loadLinuxShim()): TunDevice {
  checkName(options.name);
  checkQueues(options.queues);
  const opening: Opening = { shim, options, notes: [], handles: [] };
  try {
    return open(opening);
  } catch (error) {
    for (const handle of opening.handles) handle.close();
    throw explain(error, options.name);
  }
}

function open(opening: Opening): TunDevice {
  const { shim, options, notes } = opening;
  const existed = shim.ifNameToIndex(options.name) !== 0;
  if (existed && options.attach !== true) throw nameTaken(options.name);
  const flags = baseFlags(opening);
  const first = existed ? attachFirst(opening, flags) : createFirst(opening, flags);
  const capabilities = setOffload(opening, first.fd, flags);
  if (options.mtu !== undefined) shim.linkSetMtu(options.name, options.mtu);
  const actual = shim.tunGetFlags(first.fd);
  const fds = [first.fd, ...openFurther(opening, flags, (actual & IFF_MULTI_QUEUE) !== 0)];
  if (options.persist !== undefined) shim.tunSetPersist(first.fd, options.persist);
  return device(opening, fds, {
    name: options.name,
    ifIndex: shim.ifNameToIndex(options.name),
    wasCreated: !existed,
    isPersistent: options.persist ?? (actual & IFF_PERSIST) !== 0,
    capabilities,
    notes,
  });
}

/** Flags of every queue, without IFF_MULTI_QUEUE. */
function baseFlags({ shim, options, notes }: Opening): number {
  if (options.offload === 'off') return IFF_TUN | IFF_NO_PI;
  const reason = whyNoVnetHeader(shim.tunFeatures(), IFF_VNET_HDR);
  if (reason === null) return IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
  notes.push(reason);
  return IFF_TUN | IFF_NO_PI;
}

/** Opens one queue and keeps its handle. */
function openQueue({ shim, options, handles }: Opening, flags: number): Handle {
  const { handle } = shim.tunOpen(options.name, flags);
  handles.push(handle);
  return handle;
}

/** Creates the interface. IFF_TUN_EXCL: nobody else can have made it in between. */
function createFirst(opening: Opening, flags: number): Handle {
  const { options } = opening;
  const multi = options.queues > 1 ? IFF_MULTI_QUEUE : 0;
  const exclusive = options.attach === true ? 0 : IFF_TUN_EXCL;
  try {
    return openQueue(opening, flags | multi | exclusive);
  } catch (error) {
    if (exclusive !== 0 && codeOf(error) === 'EBUSY') throw nameTaken(options.name, error);
    throw error;
  }
}

/**
 * Attaches to an existing interface. It keeps the kind that it was made with, one queue or many, and answers EINVAL to the
 * other kind; EINVAL to both means that it is no TUN.
 */
function attachFirst(opening: Opening, flags: number): Handle {
  const wanted = opening.options.queues > 1 ? IFF_MULTI_QUEUE : 0;
  try {
    return openQueue(opening, flags | wanted);
  } catch (error) {
    if (codeOf(error) !== 'EINVAL') throw error;
  }
  try {
    return openQueue(opening, flags | (wanted ^ IFF_MULTI_QUEUE));
  } catch (error) {
    throw codeOf(error) === 'EINVAL' ? notTun(opening.options.name, error) : error;
  }
}

/** The queues after the first. @returns their descriptors */
function openFurther(opening: Opening, flags: number, isMultiQueue: boolean): number[] {
  const further = opening.options.queues - 1;
  if (further > 0 && !isMultiQueue) {
    opening.notes.push(`one queue instead of ${further + 1}: the existing interface was made with a single queue`);
    return [];
  }
  return Array.from({ length: further }, () => openQueue(opening, flags | IFF_MULTI_QUEUE).fd);
}

function setOffload({ shim, notes }: Opening, fd: number, flags: number): TunCapabilities {
  if ((flags & IFF_VNET_HDR) === 0) return NO_OFFLOAD;
  // The size belongs to the interface: whoever had a persistent one before may have chosen another.
  shim.tunSetVnetHeaderSize(fd, OFFLOAD_HEADER);
  const offload = negotiateOffload(shim, fd);
  notes.push(...offload.notes);
  return offload.capabilities;
}

/** Puts the device together, with an eventfd for each queue. */
function device(
  { shim, handles }: Opening,
  fds: readonly number[],
  facts: Omit<TunDevice, 'queues' | 'wake' | 'close'>,
): TunDevice {
  const events = fds.map(() => {
    const event = shim.eventFd();
    handles.push(event);
    return event;
  });
  const queues = fds.map((fd, i) => ({ fd, wakeFd: (events[i] as Handle).fd, capabilities: facts.capabilities }));
  return {
    ...facts,
    queues,
    wake: (queue) => {
      const chosen = queue === undefined ? events : [events[queue] as Handle];
      for (const event of chosen) if (event.fd >= 0) shim.eventFdSignal(event.fd);
    },
    close: () => {
      for (const handle of handles) handle.close();
    },
  };
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
