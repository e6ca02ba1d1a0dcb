// Linux as the gateway sees it. Read first: ../gateway-platform.ts.

import { networkInterfaces } from 'node:os';
import type { Log } from '../../contract/reasons.ts';
import { findForeignNat } from '../../core/gateway-host/foreign-nat.ts';
import { parsePrefix4 } from '../../core/gateway-host/text.ts';
import { GATEWAY_TABLE, GATEWAY_TABLE_KEY } from '../../core/host/host-config.ts';
import type { Prefix4 } from '../../core/translate/settings.ts';
import type { GatewayHostControl, GatewayPlatform, RuleCount } from '../gateway-platform.ts';
import type { LinuxShim } from '../native.ts';
import { loadLinuxShim } from '../native.ts';
import { icmpPrograms, readLink, sentAdvertisements } from './advertise.ts';
import { CommandError, runJson } from './commands.ts';
import { type Fields, firewallTables, number, objects, text } from './facts.ts';
import { type CrashPoint, openLinuxHost } from './host.ts';
import { watchNetwork } from './network-watch.ts';
import { OwnedFirewall } from './owned-firewall.ts';
import { startDnsmasq } from './program.ts';
import { ProxiedAddress } from './proxied-address.ts';
import { Redirect } from './redirect/redirect.ts';
import { openAdvertiser } from './router-socket.ts';
import { usedPorts } from './used-ports.ts';

/** {@link GatewayPlatform.ipv4Of} of Linux. */
function ipv4Of(name: string): Prefix4 | null {
  const own = networkInterfaces()[name]?.find((a) => a.family === 'IPv4');
  return own === undefined || own.cidr === null ? null : parsePrefix4(own.cidr);
}

/** The counter of a rule, and what it counts; rules without either count nothing. */
function ruleCount(rule: Fields): RuleCount[] {
  const [counter] = objects(rule.expr).flatMap((e) => objects([e.counter]));
  const comment = text(rule.comment);
  if (counter === undefined || comment === '') return [];
  return [{ rule: comment, packets: number(counter.packets), bytes: number(counter.bytes) }];
}

/** Rules that are about the same thing, in TCP and in UDP say, are shown as one. */
function sumUp(counts: readonly RuleCount[]): RuleCount[] {
  const sums = new Map<string, RuleCount>();
  for (const { rule, packets, bytes } of counts) {
    const sum = sums.get(rule) ?? { packets: 0, bytes: 0 };
    sums.set(rule, { rule, packets: sum.packets + packets, bytes: sum.bytes + bytes });
  }
  return [...sums.values()];
}

/** {@link GatewayHostControl.counts} of Linux. */
async function ruleCounts(): Promise<readonly RuleCount[]> {
  try {
    const answer = (await runJson('nft', ['-j', 'list', 'table', 'inet', GATEWAY_TABLE])) as Fields;
    return sumUp(objects(answer.nftables).flatMap((o) => objects([o.rule]).flatMap(ruleCount)));
  } catch (cause) {
    if (cause instanceof CommandError && /No such file or directory/.test(cause.stderr)) return [];
    throw cause;
  }
}

async function openGatewayHost(
  shim: LinuxShim,
  stateDir: string,
  log: Log,
  crashPoint?: CrashPoint,
): Promise<GatewayHostControl> {
  // What a client holds beside its journal; a gateway has none of it.
  const held = {
    redirect: new Redirect(shim, () => undefined),
    firewall: new OwnedFirewall(shim),
    proxied: new ProxiedAddress(shim),
  };
  const host = await openLinuxHost(stateDir, log, held, crashPoint);
  return {
    facts: () => host.facts(),
    foreignNat: async () => findForeignNat(await runJson('nft', ['-j', 'list', 'ruleset'])),
    usedPorts,
    apply: (config, known) => host.applyGateway(config, known),
    counts: ruleCounts,
    isIntact: async () => (await firewallTables()).has(GATEWAY_TABLE_KEY),
    close: () => host.close(),
  };
}

/**
 * Makes the platform.
 * @param crashPoint for tests: called at each point of a change where a crash must not lose anything
 * @throws XlatError ADDON_MISSING
 */
export function linuxGatewayPlatform(crashPoint?: CrashPoint): GatewayPlatform {
  const shim = loadLinuxShim();
  return {
    readLink,
    icmpPrograms,
    sentAdvertisements,
    openAdvertiser: (link, events) => openAdvertiser(shim, link, events),
    watchNetwork: (changed) => watchNetwork(shim, () => changed()),
    openGatewayHost: (stateDir, log) => openGatewayHost(shim, stateDir, log, crashPoint),
    startDnsmasq,
    ipv4Of,
    findLink: async (name) => {
      const index = shim.ifNameToIndex(name);
      return index === 0 ? null : { name, index };
    },
  };
}
