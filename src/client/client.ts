// The client: finds the uplink, chooses addresses, starts the data plane, configures the host, follows the network, and puts
// everything back. One piece of work at a time; every change of the network leads to the same question again:
//
//        start                    stop, failure
//          │                            │
//          ▼        way found           ▼
//     ┌─────────┐ ───────────────▶ ┌─────────┐      ┌─────────┐
//     │ waiting │                  │ running │ ───▶ │ stopped │
//     └─────────┘ ◀─────────────── └─────────┘      └─────────┘
//                   way lost, or     ▲     │
//                   native IPv4      └─────┘ other uplink, prefix or MTU: new address, IPv4 side unchanged
//
// Read next: choose.ts, settings.ts, platform/platform.ts.

import { formatIpv4, formatIpv6 } from '../config/addresses.ts';
import type { ClientConfig } from '../config/client.ts';
import { XlatError } from '../contract/errors.ts';
import type { Log, Reason } from '../contract/reasons.ts';
import type { HostConfig, HostFacts, LinkRef, UplinkAttachment } from '../core/host/host-config.ts';
import type { TranslatorSettings } from '../core/translate/settings.ts';
import type { Closable, HostControl, Uplink } from '../platform/platform.ts';
import { readSecret } from '../platform/state-dir.ts';
import { chooseAddress, chooseIpv4 } from './choose.ts';
import type { RunningDataPlane } from './data-plane.ts';
import { Lasting, nativeIpv4Route } from './native-ipv4.ts';
import type { ClientEnvironment, ClientState, RunningClient } from './running-client.ts';
import { addressInside, clatSettings, ipv4MtuOf } from './settings.ts';

/** RetransTimer, RFC 4861 §10. */
const RETRANS_MS = 1000;
/** Rule D-09: a native route that lasts this long counts. */
const NATIVE_LASTS_MS = 2000;
/** Changes come in bursts; one look after the burst is enough. */
const SETTLE_MS = 200;

/** The client's present way to the network. */
interface Attachment {
  readonly uplink: Uplink;
  readonly clat: Uint8Array;
}

/** Starts a client. Everything that fails, fails in the promises of what it returns. */
export function startClient(config: ClientConfig, environment: ClientEnvironment): RunningClient {
  const client = new Client(config, environment);
  // Both may have nobody listening: a caller awaits one of them, and the log has the failure anyway.
  client.ready.catch(() => undefined);
  client.ended.catch(() => undefined);
  return client;
}

/** Whether an address in one network serves in the other as well. */
const isSameNetwork = (a: Uplink, b: Uplink): boolean =>
  a.link.index === b.link.index &&
  a.prefix.length === b.prefix.length &&
  Buffer.compare(a.prefix.address, b.prefix.address) === 0;

class Client implements RunningClient {
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  readonly #config: ClientConfig;
  readonly #env: ClientEnvironment;
  readonly #log: Log;
  readonly #native: Lasting;
  #state: ClientState = { state: 'starting' };
  #host: HostControl | null = null;
  #watch: Closable | null = null;
  #settling: NodeJS.Timeout | null = null;
  #dataPlane: RunningDataPlane | null = null;
  #tun: LinkRef | null = null;
  #ipv4: number | null = null;
  #attachment: Attachment | null = null;
  #uplinkKind: UplinkAttachment['kind'];
  /** Another node claims our address. */
  #isContested = false;
  /** The one piece of work at a time: start, then looks, then the end. */
  #work: Promise<void>;
  #isEnding = false;
  #end!: (failure: unknown) => void;

  constructor(config: ClientConfig, env: ClientEnvironment) {
    this.#config = config;
    this.#env = env;
    this.#log = env.log;
    this.#uplinkKind = config.uplinkMode === 'forwarding' ? 'forwarding' : 'redirect';
    this.#native = new Lasting(env.nativeLastsMs ?? NATIVE_LASTS_MS, () => this.#lookAgain());
    this.ended = new Promise<unknown>((resolve) => {
      this.#end = resolve;
    }).then((failure) => this.#tearDown(failure));
    this.ready = this.#start();
    this.#work = this.ready.catch(() => undefined);
  }

  get state(): ClientState {
    return this.#state;
  }

  stop(): Promise<void> {
    if (!this.#isEnding) this.#log.info('client-stopping', {}, 'stopping');
    this.#finish(null);
    return this.ended;
  }

  /** Begins the end, once. @param failure why, or null for a stop that was asked for */
  #finish(failure: unknown): void {
    this.#isEnding = true;
    this.#watch?.close();
    this.#native.clear();
    if (this.#settling !== null) clearTimeout(this.#settling);
    this.#end(failure);
  }

  async #start(): Promise<void> {
    const { platform, stateDir } = this.#env;
    this.#log.info('client-starting', { prefixLength: this.#config.prefix.length }, 'starting');
    try {
      this.#host = await platform.openHost(stateDir, this.#log, (clat) => this.#addressLost(clat));
      if (this.#isEnding) return;
      // Watched before the first look, so that no change falls between the two.
      this.#watch = platform.watchNetwork((hasLost) => this.#networkChanged(hasLost));
      await this.#look();
    } catch (failure) {
      if (this.#isEnding) throw failure; // stopped meanwhile; the end waits for this start
      this.#work = Promise.resolve(); // this start is over; the end must not wait for it
      this.#finish(failure);
      await this.ended;
    }
  }

  #networkChanged(hasLost: boolean): void {
    if (hasLost) this.#log.warn('events-lost', {}, 'change notifications were lost');
    if (this.#isEnding || this.#settling !== null) return;
    this.#settling = setTimeout(() => {
      this.#settling = null;
      this.#lookAgain();
    }, SETTLE_MS);
  }

  #addressLost(clat: string): void {
    if (this.#isEnding || this.#isContested) return;
    this.#log.warn('address-conflict', { address: clat }, `another node claims ${clat}`);
    this.#isContested = true;
    this.#lookAgain();
  }

  #lookAgain(): void {
    this.#work = this.#work.then(() => (this.#isEnding ? undefined : this.#look())).catch((e) => this.#finish(e));
  }

  /** Looks at the network and does what it takes. The one place where the client decides. */
  async #look(): Promise<void> {
    const host = this.#openHost();
    const facts = await host.facts();
    const native = this.#nativeDevice(facts);
    if (native !== null) return this.#detach('native-ipv4', `native IPv4 present on ${native}`);
    const { platform } = this.#env;
    const answer = await platform.findUplink(addressInside(this.#config.prefix), this.#config.uplink);
    if (answer.uplink === null) return this.#noUplink(answer.why);
    try {
      await this.#attach(answer.uplink, facts);
    } catch (failure) {
      // An uplink that went away half-way is no failure of ours; its going brings the next look.
      const now = await platform.findUplink(addressInside(this.#config.prefix), this.#config.uplink);
      if (now.uplink !== null && isSameNetwork(now.uplink, answer.uplink)) throw failure;
      await this.#detach('uplink-lost', `${answer.uplink.link.name} went away: ${(failure as Error).message}`);
    }
  }

  /** The device of the native IPv4 that this client waits for the end of; null: none, or not yet, or it is not to wait. */
  #nativeDevice(facts: HostFacts): string | null {
    const route = nativeIpv4Route(facts, this.#tun?.name ?? this.#config.tunName);
    const hasLasted = this.#native.observe(route !== undefined && !this.#config.force);
    if (route === undefined) return null;
    if (this.#config.force) {
      if (this.#state.state === 'starting')
        this.#log.warn('native-ipv4', { device: route.device }, 'running beside it');
      return null;
    }
    return hasLasted || this.#attachment === null ? route.device : null;
  }

  async #noUplink(why: string): Promise<void> {
    if (this.#state.state === 'starting' && this.#env.waitsForUplink !== true) {
      throw new XlatError('NO_UPLINK', 'find the way to the NAT64', why, {
        advice: 'connect to a network with IPv6, or name the interface with --uplink',
      });
    }
    await this.#detach(this.#attachment === null ? 'uplink-waiting' : 'uplink-lost', why);
  }

  /** Takes the translated path out of use. The interface and its address stay, so that connections survive. */
  async #detach(reason: Reason, why: string): Promise<void> {
    if (this.#state.state === 'waiting' && this.#state.reason === reason && this.#state.why === why) return;
    this.#log.warn(reason, {}, why);
    this.#state = { state: 'waiting', reason, why };
    const { mtuBytes } = this.#attachment?.uplink ?? {};
    this.#attachment = null;
    if (mtuBytes !== undefined) await this.#openHost().apply(this.#hostConfig(mtuBytes));
  }

  /** Makes the uplink the client's way; the same again only repairs what others may have changed on the host. */
  async #attach(uplink: Uplink, facts: HostFacts): Promise<void> {
    const before = this.#attachment;
    const isSame = before !== null && !this.#isContested && isSameNetwork(before.uplink, uplink);
    if (isSame && before.uplink.mtuBytes === uplink.mtuBytes) {
      this.#attachment = { uplink, clat: before.clat };
      return this.#applyWith(uplink);
    }
    this.#logUplink(uplink, before !== null);
    this.#ipv4 ??= this.#chooseIpv4(facts);
    const clat = isSame ? before.clat : await this.#chooseAddress(uplink, facts, this.#ipv4);
    this.#isContested = false;
    if (this.#isEnding) return;
    await this.#translate(clatSettings(this.#config, this.#ipv4, clat, uplink.mtuBytes));
    this.#attachment = { uplink, clat };
    await this.#applyWith(uplink);
    if (this.#uplinkKind === 'forwarding') await this.#warnOfFirewalls();
    this.#running(uplink, clat, this.#ipv4);
  }

  /** Configures the host; where packets cannot be redirected and that is left to us, they are forwarded from now on. */
  async #applyWith(uplink: Uplink): Promise<void> {
    const apply = (): Promise<void> => this.#openHost().apply(this.#hostConfig(uplink.mtuBytes));
    try {
      await apply();
    } catch (failure) {
      const isRefused = failure instanceof XlatError && failure.code === 'REDIRECT_UNAVAILABLE';
      if (!isRefused || this.#config.uplinkMode !== 'auto') throw failure;
      this.#log.warn('redirect-unavailable', { uplink: uplink.link.name }, failure.message);
      this.#uplinkKind = 'forwarding';
      await apply();
    }
  }

  #logUplink(uplink: Uplink, isChange: boolean): void {
    const { name } = uplink.link;
    const fields = { uplink: name, source: uplink.source, mtu: uplink.mtuBytes };
    const text = `${name}, from ${uplink.source}, MTU ${uplink.mtuBytes}`;
    this.#log.info(isChange ? 'uplink-changed' : 'uplink-chosen', fields, text);
  }

  #chooseIpv4(facts: HostFacts): number {
    const ipv4 = chooseIpv4(this.#config, facts);
    this.#log.info('ipv4-chosen', { address: formatIpv4(ipv4) }, formatIpv4(ipv4));
    return ipv4;
  }

  #chooseAddress(uplink: Uplink, facts: HostFacts, ipv4: number): Promise<Uint8Array> {
    const { platform, secretDir, retransMs = RETRANS_MS } = this.#env;
    const secret = readSecret(secretDir);
    return chooseAddress({ config: this.#config, uplink, ipv4, secret, facts, retransMs, platform, log: this.#log });
  }

  /** Starts the data plane, or gives the running one new settings. */
  async #translate(settings: TranslatorSettings): Promise<void> {
    if (this.#dataPlane !== null) return this.#dataPlane.update(settings);
    const { tunName, offload, coalesce } = this.#config;
    const request = { tunName, ipv4MtuBytes: settings.ipv4Mtu, settings, offload, coalesce };
    const dataPlane = await this.#env.startDataPlane(request);
    this.#dataPlane = dataPlane;
    dataPlane.ended.catch((failure) => this.#dataPathFailed(failure));
    this.#tun = await this.#env.platform.findLink(dataPlane.tunName);
    if (this.#tun === null) {
      throw new XlatError('DATA_PATH_FAILED', 'start the data path', `the interface ${dataPlane.tunName} is gone`);
    }
  }

  #dataPathFailed(failure: unknown): void {
    if (this.#isEnding) return;
    this.#log.error('data-path-failed', {}, (failure as Error).message);
    this.#finish(failure);
  }

  #hostConfig(uplinkMtuBytes: number): HostConfig {
    const { metric, allowInbound } = this.#config;
    if (this.#tun === null || this.#ipv4 === null) throw new Error('no interface to configure');
    return {
      tun: this.#tun,
      ipv4: formatIpv4(this.#ipv4),
      ipv4MtuBytes: ipv4MtuOf(this.#config, uplinkMtuBytes),
      metric,
      allowInbound,
      uplink: this.#attachment === null ? null : this.#uplinkAttachment(this.#attachment),
    };
  }

  #uplinkAttachment({ uplink, clat }: Attachment): UplinkAttachment {
    const { link, linkAddress } = uplink;
    const { prefix } = this.#config;
    if (this.#uplinkKind === 'redirect') return { kind: 'redirect', link, clat: formatIpv6(clat), prefix, linkAddress };
    return {
      kind: 'forwarding',
      link,
      clat: formatIpv6(clat),
      mtuBytes: uplink.mtuBytes,
      hasNeighbours: linkAddress !== null,
      scope: this.#env.forwarding ?? 'auto',
    };
  }

  async #warnOfFirewalls(): Promise<void> {
    const device = this.#tun?.name ?? this.#config.tunName;
    for (const drop of await this.#openHost().forwardDrops(device)) {
      const text = `the chain "${drop.chain}" drops forwarded packets; let ours through with: ${drop.advice}`;
      this.#log.warn('forward-policy', { chain: drop.chain, advice: drop.advice }, text);
    }
  }

  #running(uplink: Uplink, clatBytes: Uint8Array, ipv4Number: number): void {
    const ipv4 = formatIpv4(ipv4Number);
    const clat = formatIpv6(clatBytes);
    const ipv4MtuBytes = ipv4MtuOf(this.#config, uplink.mtuBytes);
    const tun = this.#tun?.name ?? this.#config.tunName;
    const uplinkKind = this.#uplinkKind;
    this.#state = { state: 'running', uplink: uplink.link.name, uplinkKind, clat, ipv4, tun, ipv4MtuBytes };
    const fields = { uplink: uplink.link.name, uplinkKind, clat, ipv4, tun, mtu: ipv4MtuBytes };
    this.#log.info('client-ready', fields, `${ipv4} on ${tun} ⇄ ${clat} on ${uplink.link.name}`);
  }

  #openHost(): HostControl {
    if (this.#host === null) throw new Error('the host is not open');
    return this.#host;
  }

  /** The end of every client, whatever it came to: the host first, while the interface is there, then the data plane. */
  async #tearDown(failure: unknown): Promise<void> {
    await this.#work;
    this.#watch?.close();
    const failures: unknown[] = failure === null ? [] : [failure];
    const steps = [() => this.#host?.apply(null), () => this.#dataPlane?.close(), () => this.#host?.close()];
    for (const step of steps) {
      try {
        await step();
      } catch (cause) {
        failures.push(cause);
      }
    }
    this.#state = { state: 'stopped' };
    for (const cause of failures) this.#log.error('client-failed', {}, (cause as Error).message);
    if (failures.length > 0) throw failures[0];
    this.#log.info('client-stopped', {}, 'stopped');
  }
}
