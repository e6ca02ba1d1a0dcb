// DHCPv4 on the LAN (rule O-01): dnsmasq as the engine, told what core/gateway-host/dhcp4.ts plans, started again when it ends by
// itself or the interface gets another address. It ends with this process, whatever happens to it.
//
//     start ──► starting ──"started"──► running ──ends──► waiting (1 s, doubled up to 1 min) ──► starting
//                  └── ends at the first time: start fails, with its own words

import { readFileSync } from 'node:fs';
import { XlatError } from '../contract/errors.ts';
import type { Log } from '../contract/reasons.ts';
import { text4 } from '../core/address/text.ts';
import type { Dhcp4Plan, Dhcp4Settings } from '../core/gateway-host/dhcp4.ts';
import { planDhcp4 } from '../core/gateway-host/dhcp4.ts';
import type { Clock } from '../discovery/clock.ts';
import type { GatewayPlatform } from '../platform/gateway-platform.ts';
import type { Closable } from '../platform/platform.ts';
import { type Dhcp4Run, leaseFile, runDnsmasq } from './dhcp4-run.ts';
import type { GatewayService } from './service.ts';

/** What DHCPv4 works with. */
export interface Dhcp4Context {
  readonly platform: Pick<GatewayPlatform, 'startDnsmasq' | 'ipv4Of' | 'watchNetwork'>;
  /** Where the leases are kept. */
  readonly stateDir: string;
  readonly log: Log;
  readonly clock: Clock;
}

/** DHCPv4, for status. */
export interface Dhcp4Report {
  readonly link: string;
  readonly range: string;
  readonly state: 'running' | 'waiting' | 'stopped';
  /** Addresses that are lent now, as the lease file has them. */
  readonly leases: number;
  /** How often it ended by itself. */
  readonly failures: number;
  /** Its last words before it ended by itself, or null. */
  readonly trouble: string | null;
}

/** Running DHCPv4. */
export type RunningDhcp4 = GatewayService<Dhcp4Settings, Dhcp4Report>;

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** The network is looked at so long after a change of it, once for all changes until then. */
const LOOK_DELAY_MS = 1_000;

class Dhcp4 implements RunningDhcp4 {
  readonly #context: Dhcp4Context;
  #settings: Dhcp4Settings;
  #plan: Dhcp4Plan;
  #run: Dhcp4Run | null = null;
  #startedMs = 0;
  #watch: Closable | null = null;
  #lookTimer: Closable | null = null;
  #retryTimer: Closable | null = null;
  #waitMs = FIRST_WAIT_MS;
  #failures = 0;
  #trouble: string | null = null;
  /** Starts and stops go one after another. */
  #last: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(settings: Dhcp4Settings, context: Dhcp4Context) {
    this.#context = context;
    this.#settings = settings;
    this.#plan = planFor(settings, context);
  }

  /** Starts for the first time. @throws as {@link startDhcp4} */
  async start(): Promise<void> {
    await this.#begin(this.#plan);
    const { platform, clock } = this.#context;
    this.#watch = platform.watchNetwork(() => {
      this.#lookTimer ??= clock.after(LOOK_DELAY_MS, () => void this.#inTurn(() => this.#look()));
    });
  }

  reconfigure(settings: Dhcp4Settings): Promise<void> {
    return this.#inTurn(async () => {
      const plan = planFor(settings, this.#context);
      await this.#halt();
      try {
        await this.#begin(plan);
        this.#settings = settings;
      } catch (cause) {
        await this.#retry(); // the old one
        throw cause;
      }
    });
  }

  report(): Dhcp4Report {
    const { link, first, last } = this.#plan;
    return {
      link,
      range: `${text4(first)}-${text4(last)}`,
      state: this.#isClosed ? 'stopped' : this.#run === null ? 'waiting' : 'running',
      leases: countLeases(leaseFile(this.#context.stateDir)),
      failures: this.#failures,
      trouble: this.#trouble,
    };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watch?.close();
    this.#lookTimer?.close();
    await this.#inTurn(() => this.#halt());
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(change);
    this.#last = turn.catch(() => undefined); // whoever asked for it gets the failure
    return turn;
  }

  async #begin(plan: Dhcp4Plan): Promise<void> {
    const run = await runDnsmasq(plan, this.#context);
    this.#run = run;
    this.#plan = plan;
    const { link, range } = this.report();
    this.#context.log.debug('dhcp-planned', { link, range }, `lends ${range} on ${link}`);
    this.#startedMs = this.#context.clock.now();
    this.#trouble = null;
    void run.ended.then((how) => this.#ended(run, how));
  }

  async #halt(): Promise<void> {
    this.#retryTimer?.close();
    this.#retryTimer = null;
    const run = this.#run;
    this.#run = null;
    await run?.stop();
  }

  /** A run is over; of one that was stopped nobody waits for anything. */
  #ended(run: Dhcp4Run, how: string): void {
    if (run !== this.#run) return;
    this.#run = null;
    const hasLasted = this.#context.clock.now() - this.#startedMs > LONGEST_WAIT_MS;
    if (hasLasted) this.#waitMs = FIRST_WAIT_MS;
    this.#retryLater(`dnsmasq ended (${how})`);
  }

  #retryLater(trouble: string): void {
    const waitMs = this.#waitMs;
    this.#failures += 1;
    this.#trouble = trouble;
    this.#waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    const { log, clock } = this.#context;
    log.error('dhcp-trouble', { link: this.#settings.link, waitMs }, `${trouble}; starting it again`);
    this.#retryTimer = clock.after(waitMs, () => void this.#inTurn(() => this.#retry()));
  }

  /** Starts with the settings that hold. Never rejects. */
  async #retry(): Promise<void> {
    if (this.#isClosed || this.#run !== null) return;
    try {
      await this.#begin(planFor(this.#settings, this.#context));
    } catch (cause) {
      this.#retryLater((cause as Error).message);
    }
  }

  /** Goes over to the interface's new address, if it has one. Never rejects. */
  async #look(): Promise<void> {
    this.#lookTimer = null;
    const own = this.#context.platform.ipv4Of(this.#settings.link);
    const isSame = own === null || (own.address === this.#plan.own && own.length === this.#plan.length);
    if (isSame || this.#isClosed) return;
    await this.#halt();
    await this.#retry();
  }
}

/** @throws XlatError CONFIG_INVALID */
function planFor(settings: Dhcp4Settings, { platform }: Dhcp4Context): Dhcp4Plan {
  const plan = planDhcp4(settings, platform.ipv4Of(settings.link));
  if (!('refused' in plan)) return plan;
  throw new XlatError('CONFIG_INVALID', 'start the DHCPv4 server', plan.refused, { advice: plan.advice });
}

/** Lines of dnsmasq's lease file, which drops those that are over. A file that is not there has none. Never throws. */
function countLeases(file: string): number {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => /^\d+ /.test(line)).length;
  } catch {
    return 0; // a count for status is no reason to fail
  }
}

/**
 * Starts DHCPv4 on an interface.
 * @throws XlatError CONFIG_INVALID when the interface has no network to lend from, TOOL_MISSING without dnsmasq,
 *   HOST_CHANGE_FAILED with its own words when it does not start
 */
export async function startDhcp4(settings: Dhcp4Settings, context: Dhcp4Context): Promise<RunningDhcp4> {
  const dhcp4 = new Dhcp4(settings, context);
  try {
    await dhcp4.start();
    return dhcp4;
  } catch (cause) {
    await dhcp4.close();
    throw cause;
  }
}
