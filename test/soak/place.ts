// A place where the laptop can be: a router with a link of its own to the laptop, a NAT64 (tayga), a DNS64 (unbound), what it
// advertises, and perhaps native IPv4. Owns everything on the router's side; what the laptop does stands in laptop.ts.

import { mkdirSync, writeFileSync } from 'node:fs';
import { type Netns, type NetnsSet, type Running, waitFor } from '../support/netns.ts';
import { type RaOrder, sendRa, startRouter } from '../support/ra-sender.ts';
import { startUnbound } from '../support/unbound.ts';

/** Who names the NAT64's prefix. */
export type Naming = 'ra' | 'dns' | 'nobody';

/** The server on the far side, and where the DNS64 servers get their names from. */
export const SERVER = '203.0.113.10';
export const NAMES = '203.0.113.53';

const LAN = 'lan0';
const RA_SECONDS = 10;
/** Networks that a router takes in turn when it renumbers. */
const NETWORKS = 4;

const hex32 = (n: number): string => n.toString(16).padStart(8, '0');
const hex16 = (n: number): string => n.toString(16).padStart(4, '0');

/** A router and its network. */
export class Place {
  readonly name: string;
  /** The laptop's end of the link. */
  readonly device: string;
  readonly router: Netns;
  readonly #set: NetnsSet;
  readonly #number: number;
  #advertiser: Running | null = null;
  naming: Naming = 'ra';
  hasNativeIpv4 = false;
  /** Which of its networks is the present one. */
  #network = 0;
  #mtuBytes = 1500;

  private constructor(set: NetnsSet, name: string, number: number, router: Netns) {
    this.#set = set;
    this.name = name;
    this.#number = number;
    this.router = router;
    this.device = `up${number}`;
  }

  /** Builds one; `number` (0, 1, …) makes its addresses. It is connected to both ends and everything but the advertiser runs. */
  static async build(set: NetnsSet, name: string, number: number, laptop: Netns, server: Netns): Promise<Place> {
    const place = new Place(set, name, number, await set.add(name));
    await place.#connect(laptop, server);
    await Promise.all([place.#startNat64(), place.#startDns64()]);
    return place;
  }

  get pref64(): string {
    return `2001:db8:64${this.#number}::/96`;
  }

  /** The laptop's IPv4 address here, with its length, and the router's. */
  get nativeIpv4(): { readonly laptop: string; readonly router: string } {
    return { laptop: `10.0.${this.#number}.50/24`, router: `10.0.${this.#number}.1` };
  }

  /** The group of the present network: 2001:db8:GROUP::/64. */
  #group(network = this.#network): number {
    return 0x100 * (this.#number + 1) + network;
  }

  #address(network = this.#network): string {
    return `2001:db8:${this.#group(network).toString(16)}::1`;
  }

  async #connect(laptop: Netns, server: Netns): Promise<void> {
    const { router } = this;
    const n = this.#number;
    await router.sysctl('net/ipv6/conf/all/forwarding', '1');
    await router.sysctl('net/ipv4/ip_forward', '1');
    await this.#set.connect(laptop, this.device, router, LAN);
    await this.#set.connect(router, 'wan0', server, `down${n}`);
    await laptop.ip(`link set ${this.device} down`);
    const networks = Array.from({ length: NETWORKS }, (_, i) => `addr add ${this.#address(i)}/64 dev ${LAN} nodad`);
    await router.ip(
      `addr add ${this.nativeIpv4.router}/24 dev ${LAN}`,
      ...networks,
      `addr add 198.51.100.${4 * n + 1}/30 dev wan0`,
      `route add default via 198.51.100.${4 * n + 2}`,
    );
    await server.ip(
      `addr add 198.51.100.${4 * n + 2}/30 dev down${n}`,
      `route add 10.0.${n}.0/24 via 198.51.100.${4 * n + 1}`,
      `route add 192.168.${200 + n}.0/24 via 198.51.100.${4 * n + 1}`,
    );
  }

  async #startNat64(): Promise<void> {
    const { router } = this;
    const n = this.#number;
    const directory = `${this.#set.directory}/tayga-${this.name}`;
    mkdirSync(directory);
    const config = `tun-device nat64\nipv4-addr 192.168.${200 + n}.1\nipv6-addr 2001:db8:64${n}:1::1
prefix ${this.pref64}\ndynamic-pool 192.168.${200 + n}.0/24\ndata-dir ${directory}\n`;
    writeFileSync(`${directory}/tayga.conf`, config);
    const tayga = await router.start(['tayga', '-d', '-c', `${directory}/tayga.conf`]);
    await waitFor(`the NAT64 of ${this.name}`, async () => {
      if (tayga.hasEnded()) throw new Error(tayga.output());
      return (await router.runAny(['ip', 'link', 'show', 'nat64'])).code === 0;
    });
    await router.ip(
      'link set nat64 up',
      `route add 192.168.${200 + n}.0/24 dev nat64`,
      `route add ${this.pref64} dev nat64`,
    );
  }

  async #startDns64(): Promise<void> {
    const { directory } = this.#set;
    const interfaces = Array.from({ length: NETWORKS }, (_, i) => `  interface: ${this.#address(i)}\n`).join('');
    const dns64 = `  module-config: "dns64 iterator"\n  dns64-prefix: ${this.pref64}\n`;
    const forward = `forward-zone:\n  name: "."\n  forward-addr: ${NAMES}\n`;
    await startResolver(this.router, directory, interfaces + dns64 + forward);
  }

  /** What the router says now. */
  #order(): RaOrder {
    const isNamed = this.naming === 'dns';
    const networks = Array.from({ length: NETWORKS }, (_, i) => pio(this.#group(i), i === this.#network ? 1200 : 0));
    return {
      device: LAN,
      lifetimeSeconds: 1800,
      pref64: [{ prefix: this.pref64, lifetimeSeconds: this.naming === 'ra' ? 600 : 0 }],
      rawOptions: [`0501 0000 ${hex32(this.#mtuBytes)}`, ...networks, rdnss(this.#group(), isNamed ? 600 : 0)],
    };
  }

  /** Says it at once, then every ten seconds and to whoever asks. */
  async advertise(): Promise<void> {
    await this.hush();
    this.#advertiser = await startRouter(this.router, { ...this.#order(), everySeconds: RA_SECONDS });
  }

  /** Says nothing any more. */
  async hush(): Promise<void> {
    await this.#advertiser?.stop('SIGKILL');
    this.#advertiser = null;
  }

  /** Takes another network; the old one is deprecated. */
  async renumber(): Promise<void> {
    this.#network = (this.#network + 1) % NETWORKS;
    await this.advertise();
  }

  /** Announces another MTU. */
  async changeMtu(mtuBytes: number): Promise<void> {
    this.#mtuBytes = mtuBytes;
    await this.advertise();
  }

  /** The router is off, and on again: its link loses the carrier, and its NAT64 knows nobody any more. */
  async reboot(): Promise<void> {
    await this.hush();
    await this.router.ip(`link set ${LAN} down`);
    await this.router.ip(`link set ${LAN} up`);
    // IPv6 addresses go with the link.
    for (let i = 0; i < NETWORKS; i++) await this.router.ip(`addr replace ${this.#address(i)}/64 dev ${LAN} nodad`);
    await waitFor(`the link-local address of ${this.name}`, async () =>
      /inet6 fe80/.test(await this.router.run(['ip', '-6', 'address', 'show', 'dev', LAN, '-tentative'])),
    );
    await this.advertise();
  }

  /** Someone on the link sends advertisements in the name of thousands of routers. */
  async flood(count: number): Promise<void> {
    await sendRa(this.router, { device: LAN, lifetimeSeconds: 0, count, floods: true, rawOptions: [] });
  }

  /** Another node of the link claims an address, as one does that comes up with it (RFC 4861 §7.2.6). */
  async claim(address: string): Promise<void> {
    const code = `from scapy.all import *
na = IPv6(src='${address}', dst='ff02::1', hlim=255)/ICMPv6ND_NA(tgt='${address}', R=0, S=0, O=1)
sendp(Ether(dst='33:33:00:00:00:01')/na/ICMPv6NDOptDstLLAddr(lladdr=get_if_hwaddr('${LAN}')), iface='${LAN}', verbose=0)`;
    await this.router.run(['/usr/bin/python3', '-c', code]);
  }
}

/** A Prefix Information option (RFC 4861 §4.6.2) for 2001:db8:GROUP::/64, on-link and autonomous. */
const pio = (group: number, preferredSeconds: number): string =>
  `0304 40c0 ${hex32(1800)} ${hex32(preferredSeconds)} 00000000 20010db8 ${hex16(group)} ${'0000'.repeat(5)}`;

/** An RDNSS option (RFC 8106 §5.1) for 2001:db8:GROUP::1. */
const rdnss = (group: number, lifetimeSeconds: number): string =>
  `1903 0000 ${hex32(lifetimeSeconds)} 20010db8 ${hex16(group)} ${'0000'.repeat(4)} 0001`;

/** Starts unbound and waits until it listens. @param lines as for startUnbound */
export async function startResolver(ns: Netns, directory: string, lines: string): Promise<void> {
  const unbound = await startUnbound(ns, directory, `${ns.name}-unbound`, lines);
  await waitFor('unbound', async () => {
    if (unbound.hasEnded()) throw new Error(unbound.output());
    return (await ns.run(['ss', '-Hlun', 'sport', '=', ':53'])).trim() !== '';
  });
}
