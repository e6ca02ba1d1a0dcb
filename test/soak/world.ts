// The whole world of the soak: a laptop, two places, a server behind both, a VPN that may be on. Owns what is true of it, and from
// that what has to be true of the laptop's IPv4.
//
//             ┌─ up0 ── home   (tayga, unbound, RA) ─┐
//     laptop ─┤                                      ├─ server (203.0.113.10)
//             └─ up1 ── office (tayga, unbound, RA) ─┘

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Netns, type NetnsSet, waitFor } from '../support/netns.ts';
import { IPV4ONLY_RECORDS } from '../support/unbound.ts';
import { Laptop } from './laptop.ts';
import { NAMES, Place, SERVER, startResolver } from './place.ts';

const PEERS = fileURLToPath(new URL('../../src/lab/peers/main.js', import.meta.url));

/** What has to be true now. */
export type Expected = 'native' | 'translated' | 'nothing';

/** Everything that a step can change. */
export class World {
  readonly laptop: Laptop;
  readonly places: readonly Place[];
  /** Where the laptop is, in the order of arrival. */
  readonly joined: Place[] = [];
  hasVpn = false;

  private constructor(laptop: Laptop, places: readonly Place[]) {
    this.laptop = laptop;
    this.places = places;
  }

  /** Builds it; the client does not run yet. @param program see {@link Laptop} */
  static async build(set: NetnsSet, program: string): Promise<World> {
    const laptop = await set.add('laptop');
    const server = await set.add('server');
    await startServer(set, server);
    const places: Place[] = [];
    for (const [n, name] of ['home', 'office'].entries()) places.push(await Place.build(set, name, n, laptop, server));
    return new World(new Laptop(set, laptop, program), places);
  }

  /** What IPv4 has to be like after what was done so far. */
  get expected(): Expected {
    if (this.joined.some((place) => place.hasNativeIpv4)) return 'native';
    if (this.laptop.isOff) return 'nothing';
    return this.joined.some((place) => place.naming !== 'nobody') ? 'translated' : 'nothing';
  }

  async join(place: Place): Promise<void> {
    await place.advertise();
    await this.laptop.ns.ip(`link set ${place.device} up`);
    this.joined.push(place);
    if (place.hasNativeIpv4) await this.setNative(place);
  }

  async leave(place: Place): Promise<void> {
    const { ip, sysctl } = this.laptop.ns;
    await ip(`link set ${place.device} down`, `addr flush dev ${place.device}`);
    await place.hush();
    this.joined.splice(this.joined.indexOf(place), 1);
    // An RA's word about the MTU outlives the link.
    await sysctl(`net/ipv6/conf/${place.device}/mtu`, '1500');
  }

  /** What a DHCP client does on the laptop. */
  async setNative(place: Place): Promise<void> {
    const { laptop, router } = place.nativeIpv4;
    place.hasNativeIpv4 = true;
    await this.laptop.ns.ip(
      `addr replace ${laptop} dev ${place.device}`,
      `route replace default via ${router} dev ${place.device} metric ${100 + this.places.indexOf(place)}`,
    );
  }

  /** The lease ends. */
  async dropNative(place: Place): Promise<void> {
    place.hasNativeIpv4 = false;
    await this.laptop.ns.ip(`addr del ${place.nativeIpv4.laptop} dev ${place.device}`);
  }

  /** A VPN that takes the IPv6 default route, and leads nowhere. */
  async setVpn(isOn: boolean): Promise<void> {
    const { ip } = this.laptop.ns;
    this.hasVpn = isOn;
    if (!isOn) return ip('link del vpn0');
    await ip('tuntap add vpn0 mode tun', 'link set vpn0 up', 'addr add 2001:db8:99::1/64 dev vpn0 nodad');
    await ip('route add ::/0 dev vpn0 metric 1');
  }

  /** Everything that steps did on the laptop is undone: what is left is the client's. */
  async goHome(): Promise<void> {
    if (this.hasVpn) await this.setVpn(false);
    for (const place of this.places) place.hasNativeIpv4 = false;
    for (const place of [...this.joined]) await this.leave(place);
  }
}

async function startServer(set: NetnsSet, server: Netns): Promise<void> {
  if (!existsSync(PEERS)) throw new Error(`${PEERS} is missing; run npx tsc -b`);
  await server.sysctl('net/ipv4/ip_forward', '1');
  await server.ip(`addr add ${SERVER}/32 dev lo`, `addr add ${NAMES}/32 dev lo`, 'addr add 203.0.113.54/32 dev lo');
  const peers = await server.start([process.execPath, PEERS, SERVER, '203.0.113.54']);
  await waitFor('the servers', () => {
    if (peers.hasEnded()) throw new Error(peers.output());
    return peers.output().includes('ready');
  });
  await startResolver(server, set.directory, IPV4ONLY_RECORDS.replace('::1@5300', NAMES));
}
