// `xlat464 config init gateway`: which interfaces of a machine are the LAN and which lead outside, and what is doubtful about it.
// The file itself is written by init-gateway-text.ts.

import { XlatError } from '../contract/errors.ts';
import type { MachineFacts, MachineLink } from '../core/host/machine.ts';
import { nearest } from './nearest.ts';
import { interfaceName } from './scalars.ts';

/** Interfaces that the operator names; empty: the machine decides. */
export interface LinkChoices {
  readonly lan: readonly string[];
  readonly wan: readonly string[];
}

/** Interfaces as chosen. */
interface ChosenLinks {
  /** Not empty. */
  readonly lan: readonly MachineLink[];
  /** Empty: left to the default routes. */
  readonly wan: readonly MachineLink[];
  /** What is doubtful, one sentence each. */
  readonly doubts: readonly string[];
}

/** Kinds of interfaces that hosts can be behind; the empty one is hardware. */
const LAN_KINDS = new Set(['', 'bridge', 'vlan', 'veth', 'bond', 'team', 'macvlan', 'ipvlan']);
/** Bridges of container and virtual machine managers: their hosts are served only if the operator says so. */
const FOREIGN_BRIDGE = /^(docker\d|br-[\da-f]{12}$|virbr\d|lxcbr\d|lxdbr\d|cni\d|podman\d)/;
/** Stands in for a LAN interface on a machine that has none. */
const PLACEHOLDER = 'eth1';

/**
 * Chooses the interfaces.
 * @throws XlatError USAGE when the operator names one that there is not
 */
export function chooseLinks(facts: MachineFacts, choices: LinkChoices): ChosenLinks {
  const doubts: string[] = [];
  const wan = choices.wan.length > 0 ? named(choices.wan, facts) : waysOut(facts, doubts);
  const lan = choices.lan.length > 0 ? named(choices.lan, facts) : networks(facts, wan, doubts);
  const both = lan.find(({ name }) => wan.some((link) => link.name === name));
  if (both !== undefined) {
    throw usage(`${both.name} is both LAN and WAN`, 'Name two interfaces; with VLANs they may be on one cable.');
  }
  return { lan, wan, doubts };
}

const usage = (message: string, advice: string): XlatError =>
  new XlatError('USAGE', 'choose the interfaces', message, { advice });

function named(names: readonly string[], { links }: MachineFacts): MachineLink[] {
  const known = links.map(({ name }) => name);
  return names.map((name) => {
    const link = links.find((candidate) => candidate.name === name);
    if (link !== undefined) return link;
    const guess = nearest(name, known);
    const advice = guess === null ? `There are: ${known.join(', ')}.` : `Did you mean ${guess}?`;
    throw usage(`this machine has no interface ${name}`, advice);
  });
}

function waysOut({ links, defaultRoutes }: MachineFacts, doubts: string[]): MachineLink[] {
  const devices = new Set(defaultRoutes.map(({ device }) => device));
  const ways = links.filter((link) => devices.has(link.name) && isWritable(link));
  if (ways.length === 0) {
    doubts.push('there is no default route, so wan is left to the one that there will be');
  } else if (!defaultRoutes.some(({ family }) => family === 4)) {
    doubts.push('there is no IPv4 default route: NAT64 leads nowhere without one');
  } else if (!defaultRoutes.some(({ family }) => family === 6)) {
    doubts.push('there is no IPv6 default route: hosts reach IPv4 addresses only');
  }
  if (ways.length > 1) doubts.push(`default routes lead through ${namesOf(ways)}: all of them are taken for wan`);
  return ways;
}

const namesOf = (links: readonly MachineLink[]): string => links.map(({ name }) => name).join(', ');

const hasIpv6 = ({ addresses }: MachineLink): boolean => addresses.some((address) => address.includes(':'));

/** The kernel takes names that no configuration takes. */
const isWritable = ({ name }: MachineLink): boolean => interfaceName.kind === 'text' && interfaceName.parse(name).ok;

function networks({ links }: MachineFacts, wan: readonly MachineLink[], doubts: string[]): MachineLink[] {
  const fit = links.filter(
    (link) =>
      !link.isLoopback &&
      isWritable(link) &&
      link.master === null &&
      LAN_KINDS.has(link.kind) &&
      !FOREIGN_BRIDGE.test(link.name) &&
      !wan.includes(link),
  );
  if (fit.length <= 1) return fit.length === 1 ? fit : placeholder(wan, doubts);
  const withIpv6 = fit.filter(hasIpv6);
  const chosen = withIpv6.length > 0 ? withIpv6 : fit.slice(0, 1);
  const others = fit.filter((link) => !chosen.includes(link));
  if (others.length > 0) doubts.push(`lan could also be ${namesOf(others)}: write there all that have hosts`);
  else doubts.push(`lan is ${namesOf(chosen)}: remove those whose hosts are not to be served`);
  return chosen;
}

function placeholder(wan: readonly MachineLink[], doubts: string[]): MachineLink[] {
  const seen = wan.length === 0 ? 'no interface' : `no interface but ${namesOf(wan)}`;
  doubts.push(`there is ${seen}, so lan is ${PLACEHOLDER}: write the one that your hosts are behind`);
  return [{ name: PLACEHOLDER, kind: '', isUp: false, isLoopback: false, master: null, addresses: [] }];
}
