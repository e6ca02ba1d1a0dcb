// What carries the translated traffic: the data plane with its virtual interface, and the host's configuration around it. Does what
// it is told, one thing at a time; when and why is the lifecycle's business. Read next: settings.ts, platform/platform.ts.

import { formatIpv4, formatIpv6 } from '../config/addresses.ts';
import type { ClientConfig } from '../config/client.ts';
import { XlatError } from '../contract/errors.ts';
import type { HostConfig, HostFacts, LinkRef, UplinkAttachment } from '../core/host/host-config.ts';
import type { Attachment, UplinkKind } from '../core/lifecycle/state.ts';
import type { TranslatorSettings } from '../core/translate/settings.ts';
import type { HostControl } from '../platform/platform.ts';
import { chooseIpv4 } from './choose.ts';
import type { RunningDataPlane } from './data-plane.ts';
import type { ClientEnvironment } from './running-client.ts';
import { clatSettings } from './settings.ts';

/** The IPv4 side: what programs on this host see. */
export interface Ipv4Side {
  readonly tun: LinkRef;
  readonly ipv4: number;
  readonly ipv4MtuBytes: number;
}

/** Whether two settings translate alike. */
const isSame = (a: TranslatorSettings | null, b: TranslatorSettings): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

/** What a step fails with: nothing, or one failure. */
async function failuresOf(step: () => Promise<void>): Promise<unknown[]> {
  try {
    await step();
    return [];
  } catch (cause) {
    return [cause];
  }
}

/** The data plane and the host around it. Its calls must not overlap. */
export class Carrier {
  readonly #config: ClientConfig;
  readonly #env: ClientEnvironment;
  readonly #host: HostControl;
  readonly #failed: (failure: unknown) => void;
  #dataPlane: RunningDataPlane | null = null;
  #settings: TranslatorSettings | null = null;
  #tun: LinkRef | null = null;
  #ipv4: number | null = null;
  /** How packets get to the uplink now; null: they do not. */
  #kind: UplinkKind | null = null;

  /** @param failed called when the data path ends by itself */
  constructor(config: ClientConfig, env: ClientEnvironment, host: HostControl, failed: (failure: unknown) => void) {
    this.#config = config;
    this.#env = env;
    this.#host = host;
    this.#failed = failed;
  }

  /** The IPv4 side, or null before there is one. */
  get ipv4Side(): Ipv4Side | null {
    if (this.#tun === null || this.#ipv4 === null || this.#settings === null) return null;
    return { tun: this.#tun, ipv4: this.#ipv4, ipv4MtuBytes: this.#settings.ipv4Mtu };
  }

  /** The IPv4 address of this host; it stays until everything is torn down. @throws XlatError HOST_CHANGE_FAILED */
  ipv4(facts: HostFacts): number {
    if (this.#ipv4 === null) {
      this.#ipv4 = chooseIpv4(this.#config, facts);
      const address = formatIpv4(this.#ipv4);
      this.#env.log.info('ipv4-chosen', { address }, address);
    }
    return this.#ipv4;
  }

  /** Translates by this way; the same again only repairs what others may have changed. @throws XlatError */
  async attach({ way, clat, kind }: Attachment): Promise<void> {
    if (this.#ipv4 === null) throw new Error('no IPv4 address was chosen');
    const { mtuBytes } = way.uplink;
    const settings = clatSettings(this.#config, way.candidate.prefix, this.#ipv4, clat, mtuBytes);
    const isOther = !isSame(this.#settings, settings);
    if (isOther) await this.#translate(settings);
    await this.#host.apply(this.#hostConfig(settings.ipv4Mtu, this.#uplink({ way, clat, kind })));
    const isNew = isOther || this.#kind !== kind;
    this.#kind = kind;
    if (isNew && kind === 'forwarding') await this.#warnOfFirewalls();
  }

  /** Tells the neighbours whose the address in use is. */
  defend(): void {
    this.#host.defend();
  }

  /** Takes the translated path out of use. The interface and its address stay, so that connections survive. */
  async detach(): Promise<void> {
    if (this.#settings === null) return; // nothing came of the start
    this.#kind = null;
    await this.#host.apply(this.#hostConfig(this.#settings.ipv4Mtu, null));
  }

  /**
   * Undoes everything: the host first, while the interface is there, then the data plane. What of the host could not be undone is tried
   * once more after that, for most of it goes with the interface. @throws the first failure that is left, at the end
   */
  async tearDown(): Promise<void> {
    const dataPlane = this.#dataPlane;
    this.#dataPlane = null;
    const undo = (): Promise<void> => this.#host.apply(null);
    const undone = await failuresOf(undo);
    const ended = await failuresOf(async () => dataPlane?.close());
    const left = undone.length === 0 ? [] : await failuresOf(undo);
    const failures = [...left, ...ended];
    this.#settings = null;
    this.#tun = null;
    this.#ipv4 = null;
    this.#kind = null;
    if (failures.length > 0) throw failures[0];
  }

  /** Starts the data plane, or gives the running one new settings. */
  async #translate(settings: TranslatorSettings): Promise<void> {
    if (this.#dataPlane === null) await this.#start(settings);
    else await this.#dataPlane.update(settings);
    this.#settings = settings;
  }

  async #start(settings: TranslatorSettings): Promise<void> {
    const { tunName, offload, coalesce } = this.#config;
    const request = { tunName, ipv4MtuBytes: settings.ipv4Mtu, settings, offload, coalesce };
    const dataPlane = await this.#env.startDataPlane(request);
    this.#dataPlane = dataPlane;
    dataPlane.ended.catch((failure) => {
      if (this.#dataPlane === dataPlane) this.#failed(failure);
    });
    this.#tun = await this.#env.platform.findLink(dataPlane.tunName);
    if (this.#tun === null) {
      throw new XlatError('DATA_PATH_FAILED', 'start the data path', `the interface ${dataPlane.tunName} is gone`);
    }
  }

  #hostConfig(ipv4MtuBytes: number, uplink: UplinkAttachment | null): HostConfig {
    const { metric, allowInbound } = this.#config;
    if (this.#tun === null || this.#ipv4 === null) throw new Error('no interface to configure');
    return { tun: this.#tun, ipv4: formatIpv4(this.#ipv4), ipv4MtuBytes, metric, allowInbound, uplink };
  }

  #uplink({ way: { uplink, candidate, isTied }, clat: bytes, kind }: Attachment): UplinkAttachment {
    const { link, linkAddress, mtuBytes } = uplink;
    const clat = formatIpv6(bytes);
    const router = isTied ? uplink.router : null;
    if (kind === 'redirect') return { kind, link, clat, prefix: candidate.prefix, linkAddress, router };
    const scope = this.#env.forwarding ?? 'auto';
    return { kind, link, clat, mtuBytes, linkAddress, scope };
  }

  async #warnOfFirewalls(): Promise<void> {
    for (const drop of await this.#host.forwardDrops(this.#tun?.name ?? this.#config.tunName)) {
      const text = `the chain "${drop.chain}" drops forwarded packets; let ours through with: ${drop.advice}`;
      this.#env.log.warn('forward-policy', { chain: drop.chain, advice: drop.advice }, text);
    }
  }
}
