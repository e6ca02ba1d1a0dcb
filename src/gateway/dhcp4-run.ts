// One run of dnsmasq, from its start until it ends, by itself or stopped.

import { join } from 'node:path';
import { XlatError } from '../contract/errors.ts';
import type { Dhcp4Plan } from '../core/gateway-host/dhcp4.ts';
import { dnsmasqOptions } from '../core/gateway-host/dhcp4.ts';
import type { Dhcp4Context } from './dhcp4.ts';

/** A dnsmasq that serves. */
export interface Dhcp4Run {
  /** How it ended, and its last words: "code 2: …". Never rejects. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

const START_TIME_MS = 10_000;
const LEASES = 'dhcp4.leases';

/** Where the leases of a state directory are. */
export const leaseFile = (stateDir: string): string => join(stateDir, LEASES);

/**
 * Starts it and waits until it serves.
 * @throws XlatError HOST_CHANGE_FAILED with its words, TOOL_MISSING; nothing runs then
 */
export async function runDnsmasq(plan: Dhcp4Plan, context: Dhcp4Context): Promise<Dhcp4Run> {
  const { platform, stateDir, log, clock } = context;
  let lastWords = '';
  const started = signal<null>();
  const ended = signal<string>();
  const program = await platform.startDnsmasq(dnsmasqOptions(plan), leaseFile(stateDir), {
    said: (line) => {
      const words = line.replace(/^dnsmasq(-dhcp)?\[\d+\]: /, '').trim();
      if (words === '') return;
      lastWords = words;
      log.info('dhcp-said', { link: plan.link }, words);
      if (/^started, version\b/.test(words)) started.give(null);
    },
    ended: (how) => ended.give(`${how}: ${lastWords}`),
  });
  const late = signal<string>();
  const timer = clock.after(START_TIME_MS, () => late.give('no start within 10 s'));
  const failure = await Promise.race([started.promise, ended.promise, late.promise]);
  timer.close();
  if (failure === null) return { ended: ended.promise, stop: () => program.stop() };
  await program.stop();
  throw new XlatError('HOST_CHANGE_FAILED', 'start the DHCPv4 server', `dnsmasq ended (${failure})`, {
    advice: 'If another DHCP server runs here, leave dhcp4 out and give that one option 108.',
  });
}

/** A promise and what resolves it; only the first time counts. */
function signal<T>(): { readonly promise: Promise<T>; readonly give: (value: T) => void } {
  let give: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => {
    give = resolve;
  });
  return { promise, give };
}
