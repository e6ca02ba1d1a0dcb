// Router advertisements on the LAN interfaces (rules ): one AdvertisedLink each, and a look at the interfaces when the
// host's network changed. Read next: advertised-link.ts.

import type { AdvertiseSettings } from '../core/advertise/settings.ts';
import type { Closable } from '../platform/platform.ts';
import { type AdvertiseContext, AdvertisedLink, type AdvertiseReport } from './advertised-link.ts';
import type { GatewayService } from './service.ts';

export type { AdvertiseContext, AdvertiseReport } from './advertised-link.ts';

/** Least time between two looks at the interfaces: a router's routes may change all the time. */
const LOOK_INTERVAL_MS = 1_000;

/** The running advertisements. */
class Advertising implements GatewayService<readonly AdvertiseSettings[], readonly AdvertiseReport[]> {
  readonly #context: AdvertiseContext;
  readonly #links = new Map<string, AdvertisedLink>();
  #watch: Closable | null = null;
  #timer: Closable | null = null;
  #looking: Promise<void> | null = null;
  #isStale = false;
  #isClosed = false;

  constructor(context: AdvertiseContext) {
    this.#context = context;
  }

  async start(settings: readonly AdvertiseSettings[]): Promise<void> {
    this.#watch = this.#context.platform.watchNetwork(() => this.#changed());
    await this.reconfigure(settings);
  }

  async reconfigure(settings: readonly AdvertiseSettings[]): Promise<void> {
    const wanted = new Map(settings.map((s) => [s.link, s]));
    for (const [name, link] of this.#links) {
      if (wanted.has(name)) continue;
      link.stop();
      this.#links.delete(name);
    }
    for (const [name, s] of wanted) {
      const running = this.#links.get(name);
      if (running === undefined) this.#links.set(name, new AdvertisedLink(s, this.#context));
      else running.configure(s);
    }
    await this.#look();
  }

  report(): readonly AdvertiseReport[] {
    return [...this.#links.values()].map((link) => link.report());
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watch?.close();
    this.#timer?.close();
    for (const link of this.#links.values()) link.stop();
    await this.#looking;
  }

  #changed(): void {
    this.#isStale = true;
    if (this.#timer !== null || this.#looking !== null) return;
    void this.#look();
  }

  /** Looks at every interface, and again after a while if something changed meanwhile. Never rejects. */
  async #look(): Promise<void> {
    await this.#looking;
    this.#isStale = false;
    this.#looking = this.#lookOnce();
    await this.#looking;
    this.#looking = null;
    if (this.#isClosed) return;
    this.#timer?.close();
    this.#timer = this.#context.clock.after(LOOK_INTERVAL_MS, () => {
      this.#timer = null;
      if (this.#isStale) void this.#look();
    });
  }

  async #lookOnce(): Promise<void> {
    const { platform, clock, log } = this.#context;
    await Promise.all(
      [...this.#links].map(async ([name, link]) => {
        try {
          const seen = await platform.readLink(name, clock.now());
          if (!this.#isClosed && this.#links.get(name) === link) link.see(seen);
        } catch (cause) {
          log.error('advertise-trouble', { link: name }, `${name}: ${(cause as Error).message}`);
        }
      }),
    );
  }
}

/** Running router advertisements. */
export type RunningAdvertising = GatewayService<readonly AdvertiseSettings[], readonly AdvertiseReport[]>;

/**
 * Starts to advertise. Interfaces that are missing or down are waited for.
 * @param settings one for each interface
 * @throws XlatError NOT_PERMITTED, TOOL_MISSING; the system's error when the network cannot be watched
 */
export async function startAdvertising(
  settings: readonly AdvertiseSettings[],
  context: AdvertiseContext,
): Promise<RunningAdvertising> {
  const advertising = new Advertising(context);
  try {
    await advertising.start(settings);
    return advertising;
  } catch (cause) {
    await advertising.close();
    throw cause;
  }
}
