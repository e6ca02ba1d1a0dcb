// HostConfig → the ordered list of changes that make it true, given what the host was like before we touched it.
// The order matters and is the reason why each line stands where it does; undoing goes backwards through it.

import { IPV6_MIN_MTU } from '../translate/settings.ts';
import { HEADER_DIFFERENCE } from '../wire/ipv6.ts';
import type { Change, RouteChange, SysctlChange } from './change.ts';
import { HOST_FORWARDING } from './change.ts';
import type { ForwardingUplink, HostConfig, HostFacts, LinkRef, RedirectUplink } from './host-config.ts';
import { findLink, ipv6Setting, proxyDelay, reversePathFilter } from './host-config.ts';

/** A wanted setting of an interface; no change at all where the kernel does not have the setting. */
function setting(facts: HostFacts, link: LinkRef, path: string, value: string): SysctlChange[] {
  const was = facts.sysctls.get(path.replace('*', () => link.name));
  return was === undefined ? [] : [{ kind: 'sysctl', path, link, value, was }];
}

/** Whether this kernel can forward between two interfaces without becoming a router altogether (Linux ≥ 6.17). */
const hasForceForwarding = (facts: HostFacts, uplink: ForwardingUplink): boolean =>
  facts.sysctls.has(ipv6Setting(uplink.link.name, 'force_forwarding'));

/** Whether forwarding is switched on for the whole host. */
const isHostWide = (facts: HostFacts, uplink: ForwardingUplink): boolean =>
  uplink.scope === 'host' || (uplink.scope === 'auto' && !hasForceForwarding(facts, uplink));

/**
 * accept_ra 1 → 2, before any interface starts to forward: with 1 a forwarding interface ignores Router Advertisements, and
 * the kernel, at the moment forwarding is switched on anywhere, purges the RA default routes of every interface that is not at 2.
 */
function keepRouterAdvertisements(facts: HostFacts, config: HostConfig, uplink: ForwardingUplink): Change[] {
  const hostWide = isHostWide(facts, uplink);
  const hasRaRoute = (name: string): boolean =>
    facts.routes.some((r) => r.family === 6 && r.destination === 'default' && r.protocol === 'ra' && r.device === name);
  const links = facts.links
    .filter((l) => l.index !== config.tun.index)
    .filter((l) => hostWide || l.index === uplink.link.index || hasRaRoute(l.name));
  return acceptAdvertisements(facts, links, hostWide);
}

/** accept_ra 1 → 2 on these interfaces, and on those to come. */
export function acceptAdvertisements(facts: HostFacts, links: readonly LinkRef[], hostWide: boolean): Change[] {
  const changes = links
    .filter((l) => facts.sysctls.get(ipv6Setting(l.name, 'accept_ra')) === '1')
    .flatMap((l) => setting(facts, { name: l.name, index: l.index }, ipv6Setting('*', 'accept_ra'), '2'));
  const path = ipv6Setting('default', 'accept_ra');
  // Interfaces that appear later inherit forwarding from a forwarding host, and must go on hearing their routers.
  if (hostWide && facts.sysctls.get(path) === '1')
    changes.push({ kind: 'sysctl', path, link: null, value: '2', was: '1' });
  return changes;
}

/** The whole host forwards. The kernel copies the value to every interface, so their own values are kept for the undo. */
export function hostForwarding(facts: HostFacts): Change[] {
  const was = facts.sysctls.get(HOST_FORWARDING) ?? '0';
  const own = ['default', ...facts.links.map((l) => l.name)].map((name) => ipv6Setting(name, 'forwarding'));
  const alsoWas = own.filter((path) => facts.sysctls.get(path) === '1').map((path) => [path, '1'] as const);
  return [{ kind: 'sysctl', path: HOST_FORWARDING, link: null, value: '1', was, alsoWas }];
}

/** Settings of the virtual interface. They come before it goes up, so that it never has an address or hears a router. */
function tunSettings(facts: HostFacts, config: HostConfig): Change[] {
  const { tun } = config;
  const strict = Math.max(
    Number(facts.sysctls.get(reversePathFilter('all')) ?? 0),
    Number(facts.sysctls.get(reversePathFilter(tun.name)) ?? 0),
  );
  return [
    // 1 = none: no link-local address, so no router solicitations and no listener reports into the translator.
    ...setting(facts, tun, ipv6Setting('*', 'addr_gen_mode'), '1'),
    ...setting(facts, tun, ipv6Setting('*', 'accept_ra'), '0'),
    // Forwarding, the kernel takes the translated IPv6 packets from this interface. Redirected ones are gone before it looks, and
    // while there is no uplink there are none.
    ...setting(facts, tun, ipv6Setting('*', 'disable_ipv6'), config.uplink?.kind === 'forwarding' ? '0' : '1'),
    // Strict filtering would drop what comes back while a native default route has precedence; loose still checks.
    ...(strict === 1 ? setting(facts, tun, reversePathFilter('*'), '2') : []),
  ];
}

/** The kernel answers neighbour solicitations for a proxied address only where the interface itself counts as a router. */
function forwardingSettings(facts: HostFacts, config: HostConfig, uplink: ForwardingUplink): Change[] {
  const hostWide = isHostWide(facts, uplink);
  const perLink = (link: LinkRef, name: string): Change[] => setting(facts, link, ipv6Setting('*', name), '1');
  return [
    ...(hostWide ? hostForwarding(facts) : []),
    ...perLink(uplink.link, 'forwarding'),
    ...(hostWide
      ? perLink(config.tun, 'forwarding')
      : [...perLink(uplink.link, 'force_forwarding'), ...perLink(config.tun, 'force_forwarding')]),
    ...(uplink.linkAddress !== null ? perLink(uplink.link, 'proxy_ndp') : []),
    // The default delays the answer, and with it the first packet, by up to 0.8 s.
    ...(uplink.linkAddress !== null ? setting(facts, uplink.link, proxyDelay('*'), '0') : []),
  ];
}

/** A redirect needs no setting; the kernel answers solicitations for anycast addresses, as for proxied ones, only after this delay. */
const redirectSettings = (facts: HostFacts, uplink: RedirectUplink): Change[] =>
  uplink.linkAddress === null ? [] : setting(facts, uplink.link, proxyDelay('*'), '0');

/**
 * Route of the CLAT address to the TUN. Its MTU is 20 more than the TUN's own, which the translator takes off again, and never
 * more than the uplink's: so the kernel itself answers what does not fit. Locked, because only then the kernel prefers it to the
 * interface's when it forwards.
 */
const clatRoute = (config: HostConfig, uplink: ForwardingUplink): RouteChange => ({
  kind: 'route',
  family: 6,
  link: config.tun,
  destination: uplink.clat,
  metric: 1024,
  mtuBytes: Math.min(uplink.mtuBytes, Math.max(IPV6_MIN_MTU, config.ipv4MtuBytes + HEADER_DIFFERENCE)),
  isMtuLocked: true,
  source: null,
});

const ipv4DefaultRoute = (config: HostConfig): RouteChange => ({
  kind: 'route',
  family: 4,
  link: config.tun,
  destination: 'default',
  metric: config.metric,
  mtuBytes: config.ipv4MtuBytes,
  isMtuLocked: false,
  source: config.ipv4,
});

/**
 * The virtual interface's MTU, rule D-12. Below IPv6's least the kernel takes all of IPv6 off an interface, and with it the way of
 * what it forwards: then the routes alone say what fits.
 */
const tunMtu = ({ uplink, ipv4MtuBytes }: HostConfig): number =>
  uplink?.kind === 'redirect' ? ipv4MtuBytes : Math.max(IPV6_MIN_MTU, ipv4MtuBytes);

/** The virtual interface itself: its settings, MTU, firewall, and only then up, with its address. */
function tunChanges(before: HostFacts, config: HostConfig): Change[] {
  const { tun } = config;
  const link = findLink(before, tun);
  const mtuBytes = tunMtu(config);
  return [
    ...tunSettings(before, config),
    { kind: 'mtu', link: tun, value: mtuBytes, was: link?.mtuBytes ?? mtuBytes },
    ...(config.allowInbound ? [] : [{ kind: 'firewall', link: tun } as const]),
    { kind: 'up', link: tun },
    { kind: 'address', link: tun, address: `${config.ipv4}/32` },
  ];
}

/**
 * The changes that a configuration needs, in order.
 * @param before the host as it was without us; values from here go into the changes' `was`
 */
export function wantedChanges(config: HostConfig, before: HostFacts): Change[] {
  const { uplink } = config;
  if (uplink === null) return tunChanges(before, config);
  if (uplink.kind === 'redirect') {
    return [...tunChanges(before, config), ...redirectSettings(before, uplink), ipv4DefaultRoute(config)];
  }
  return [
    ...keepRouterAdvertisements(before, config, uplink),
    ...tunChanges(before, config),
    ...forwardingSettings(before, config, uplink),
    clatRoute(config, uplink),
    ...(uplink.linkAddress !== null ? [{ kind: 'proxy', link: uplink.link, address: uplink.clat } as const] : []),
    // Last: from here on programs use it.
    ipv4DefaultRoute(config),
  ];
}
