// The gateway's configuration: checked keys → what its parts need. Owns what concerns more than one section; the sections'
// own rules stand beside it. Read first: gateway-fields.ts.

import type { AdvertiseSettings } from '../core/advertise/settings.ts';
import type { DnsEndpoint } from '../core/dns64/settings.ts';
import { type Dhcp4Settings, MIN_V6ONLY_WAIT_SECONDS } from '../core/gateway-host/dhcp4.ts';
import type { Prefix6 } from '../core/translate/settings.ts';
import { formatPrefix6, holds6, isMartianIpv6, MARTIANS_IPV6 } from './addresses.ts';
import { checkFields, type Findings } from './check.ts';
import { advertiseSettings, advertiseWarnings, checkAdvertise } from './gateway-advertise.ts';
import { type AuthoritiesReader, checkDns64, type Dns64Config, dns64Config, readTlsCa } from './gateway-dns64.ts';
import { type Dhcp4Values, GATEWAY_FIELDS, type GatewayValues } from './gateway-fields.ts';
import { checkNat64, type Nat64Config, nat64Config, nat64Warnings } from './gateway-nat64.ts';
import { secondsOf } from './scalars.ts';
import type { Tree } from './tree.ts';

/** An outside interface; null: the first one of `wan`. */
type Out = string | null;

/** Everything that `xlat464 gateway` needs to know; null sections are off, null values are the machine's to decide. */
export interface GatewayConfig {
  readonly role: 'gateway';
  readonly lan: readonly string[];
  readonly wan: readonly string[] | null;
  /** The NAT64 prefixes that hosts of the LAN use, whoever translates them. */
  readonly prefixes: readonly Prefix6[];
  readonly nat64: Nat64Config | null;
  readonly dns64: Dns64Config | null;
  /** One for each interface with advertisements. */
  readonly advertise: readonly AdvertiseSettings[];
  readonly dhcp4: Dhcp4Settings | null;
  readonly nat66: readonly { readonly source: Prefix6; readonly out: Out }[];
  readonly npt: readonly { readonly inside: Prefix6; readonly outside: Prefix6; readonly out: Out }[];
  readonly nat44: boolean;
  readonly metrics: DnsEndpoint | null;
  /** What works but will surprise; one sentence each. */
  readonly warnings: readonly string[];
}

/** Checks a tree as `role: gateway`. Adds to `findings`; returns null when there is any. Never throws. */
export function gatewayConfig(
  tree: Tree,
  findings: Findings,
  readAuthorities: AuthoritiesReader,
): GatewayConfig | null {
  const values = checkFields(GATEWAY_FIELDS, tree, '', findings);
  if (values === undefined) return null;
  crossCheck(values, findings);
  const tlsCa = values.dns64 === null ? null : readTlsCa(values.dns64, readAuthorities, findings);
  return findings.issues.length > 0 ? null : configOf(values, tlsCa);
}

function crossCheck(v: GatewayValues, findings: Findings): void {
  checkInterfaces(v, findings);
  if (v.nat64 !== null) checkNat64(v.nat64, findings);
  if (v.dns64 !== null) checkDns64(v.dns64, nat64Side(v), findings);
  if (v.advertise !== null) checkAdvertise(v.advertise, v.lan, findings);
  if (v.dhcp4 !== null) checkDhcp4(v.dhcp4, v.lan, findings);
  checkIpv6Nat(v, findings);
  const isIdle = v.nat64 === null && v.dns64 === null && v.advertise === null && v.dhcp4 === null;
  if (isIdle && v.nat66.length === 0 && v.npt.length === 0 && !v.nat44) {
    findings.addAt('nat64', 'is none, and so is everything else', 'leave something to do');
  }
}

const nat64Side = ({ nat64 }: GatewayValues): Parameters<typeof checkDns64>[1] =>
  nat64 === null ? null : { prefix: nat64.prefix, allowNonGlobal: nat64['allow-non-global'] };

function checkInterfaces({ lan, wan, nat64 }: GatewayValues, findings: Findings): void {
  if (lan.length === 0) findings.addAt('lan', 'is empty', 'name the interface with your hosts');
  if (wan?.length === 0) findings.addAt('wan', 'is empty', 'name an interface, or write auto');
  checkOnce('lan', lan, findings);
  checkOnce('wan', wan ?? [], findings);
  wan?.forEach((name, i) => {
    if (lan.includes(name)) findings.addAt(`wan[${i}]`, 'is one of lan, too', 'keep it on one side');
  });
  if (nat64 === null || ![...lan, ...(wan ?? [])].includes(nat64.tun)) return;
  findings.addAt('nat64.tun', 'is the name of an interface of lan or wan', 'choose a name of its own');
}

function checkOnce(path: string, names: readonly string[], findings: Findings): void {
  names.forEach((name, i) => {
    if (names.indexOf(name) < i) findings.addAt(`${path}[${i}]`, 'stands there twice', 'keep one of them');
  });
}

function checkDhcp4(v: Dhcp4Values, lan: readonly string[], findings: Findings): void {
  if (v.interface !== null && !lan.includes(v.interface)) {
    findings.addAt('dhcp4.interface', 'is not one of lan', `write one of ${lan.join(', ')}`);
  }
  const wait = v['option-108'];
  if (wait !== null && secondsOf(wait) < MIN_V6ONLY_WAIT_SECONDS) {
    findings.addAt('dhcp4.option-108', 'is below 5 min', 'write at least 5min (RFC 8925 §3.4)');
  }
}

function checkIpv6Nat({ lan, nat66, npt }: GatewayValues, findings: Findings): void {
  nat66.forEach(({ source, out }, i) => {
    checkOut(`nat66[${i}]`, lan, out, findings);
    const again = nat66.findIndex((other) => other.out === out && holds6(other.source, source));
    if (again < i) findings.addAt(`nat66[${i}].source`, `lies in nat66[${again}].source`, 'keep one of them');
  });
  npt.forEach(({ inside, outside, out }, i) => {
    checkOut(`npt[${i}]`, lan, out, findings);
    if (inside.length !== outside.length) {
      findings.addAt(`npt[${i}].outside`, `has another length than inside`, `write a /${inside.length} (RFC 6296 §3)`);
    }
    if (isMartianIpv6(inside.address) || isMartianIpv6(outside.address)) {
      findings.addAt(`npt[${i}].inside`, `or outside is one of ${MARTIANS_IPV6}`, 'choose other prefixes');
    }
    const again = npt.findIndex((other) => holds6(other.inside, inside) || holds6(other.outside, outside));
    if (again < i) findings.addAt(`npt[${i}].inside`, `overlaps npt[${again}]`, 'keep one of them');
  });
}

function checkOut(path: string, lan: readonly string[], out: Out, findings: Findings): void {
  if (out !== null && lan.includes(out)) findings.addAt(`${path}.out`, 'is one of lan', 'name one that leads outside');
}

function configOf(v: GatewayValues, tlsCa: string | null): GatewayConfig {
  const nat64 = v.nat64 === null ? null : nat64Config(v.nat64);
  const dns64 = v.dns64 === null ? null : dns64Config(v.dns64, nat64Side(v), tlsCa);
  const prefixes = v.nat64 === null ? (dns64?.prefixes ?? []) : [v.nat64.prefix];
  const parts = { prefixes, hasDns: dns64 !== null };
  const advertise = v.advertise === null ? [] : advertiseSettings(v.advertise, v.lan, parts);
  return {
    role: 'gateway',
    lan: v.lan,
    wan: v.wan,
    prefixes,
    nat64,
    dns64,
    advertise,
    dhcp4: v.dhcp4 === null ? null : dhcp4Settings(v.dhcp4, v.lan, dns64 !== null),
    nat66: v.nat66,
    npt: v.npt,
    nat44: v.nat44,
    metrics: v.metrics?.listen ?? null,
    warnings: [
      ...(nat64 === null ? [] : nat64Warnings(nat64)),
      ...dnsWarnings(v, dns64),
      ...advertiseWarnings(advertise),
    ],
  };
}

const dhcp4Settings = (v: Dhcp4Values, lan: readonly string[], isResolver: boolean): Dhcp4Settings => ({
  link: v.interface ?? (lan[0] as string), // not empty: crossCheck
  range: v.range,
  leaseSeconds: secondsOf(v['lease-time']),
  v6OnlyWaitSeconds: v['option-108'] === null ? null : secondsOf(v['option-108']),
  isResolver,
});

function dnsWarnings({ nat64 }: GatewayValues, dns64: Dns64Config | null): string[] {
  if (nat64 === null || dns64 === null) return [];
  const strange = dns64.prefixes.filter((prefix) => formatPrefix6(prefix) !== formatPrefix6(nat64.prefix));
  return strange.map(
    (prefix) => `dns64.prefixes names ${formatPrefix6(prefix)}, which this gateway's NAT64 does not translate`,
  );
}
