// `config init gateway`: which interfaces are chosen, what is said where that is doubtful, and a file that loads.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { gatewayFile } from '../../src/config/init-gateway-text.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { MachineFacts, MachineLink } from '../../src/core/host/machine.ts';

const link = (name: string, addresses: readonly string[] = [], more: Partial<MachineLink> = {}): MachineLink => ({
  name,
  kind: '',
  isUp: true,
  isLoopback: false,
  master: null,
  addresses,
  ...more,
});

const LO = link('lo', ['127.0.0.1/8', '::1/128'], { isLoopback: true });
const ETH0 = link('eth0', ['9.9.9.10/24', '2001:db8:1::10/64']);
const ETH1 = link('eth1', ['2001:db8:2000::1/64']);

const machine = (more: Partial<MachineFacts> = {}): MachineFacts => ({
  links: [LO, ETH0, ETH1],
  defaultRoutes: [
    { family: 6, device: 'eth0' },
    { family: 4, device: 'eth0' },
  ],
  resolvers: ['2001:db8:53::53'],
  ...more,
});

const NOTHING = { lan: [], wan: [] };

/** What a machine leads to: the keys, and the doubts as one text. */
function init(facts: MachineFacts, choices = NOTHING as { lan: string[]; wan: string[] }) {
  const { text, doubts } = gatewayFile(facts, choices);
  parseConfig(text, 'gateway.yaml');
  return { values: parse(text), text, doubts: doubts.join('\n') };
}

describe('config init gateway', () => {
  it('takes the default routes for the outside and the other interface for the LAN, without a doubt', () => {
    const { values, doubts } = init(machine());
    assert.deepEqual([values.lan, values.wan, doubts], [['eth1'], ['eth0'], '']);
  });

  it('leaves out what no hosts are behind: tunnels, parts of bridges, bridges of containers', () => {
    const links = [
      ...[LO, ETH0, link('br0', ['2001:db8:2000::1/64'], { kind: 'bridge' })],
      ...[link('eth1', [], { master: 'br0' }), link('wg0', ['fd00::1/64'], { kind: 'wireguard' })],
      ...[link('docker0', ['172.17.0.1/16'], { kind: 'bridge' }), link('ifb0', [], { kind: 'ifb' })],
    ];
    assert.deepEqual(init(machine({ links })).values.lan, ['br0']);
  });

  const doubtful: readonly (readonly [what: string, facts: Partial<MachineFacts>, lan: string[], said: RegExp])[] = [
    ['one interface', { links: [LO, ETH0] }, ['eth1'], /^there is no interface but eth0, so lan is eth1: write/],
    ['no interface', { links: [LO], defaultRoutes: [] }, ['eth1'], /^there is no interface, so lan is eth1/m],
    ['no default route', { defaultRoutes: [] }, ['eth0', 'eth1'], /^there is no default route, so wan is left to/],
    [
      'no IPv4 default route',
      { defaultRoutes: [{ family: 6, device: 'eth0' }] },
      ['eth1'],
      /^there is no IPv4 default route/,
    ],
    [
      'no IPv6 default route',
      { defaultRoutes: [{ family: 4, device: 'eth0' }] },
      ['eth1'],
      /^there is no IPv6 default route/,
    ],
    [
      'two LANs',
      { links: [LO, ETH0, ETH1, link('eth2', ['2001:db8:2001::1/64'])] },
      ['eth1', 'eth2'],
      /^lan is eth1, eth2: remove those/,
    ],
    [
      'a LAN and an interface without IPv6',
      { links: [LO, ETH0, link('eth2'), ETH1] },
      ['eth1'],
      /^lan could also be eth2/,
    ],
    ['a LAN without IPv6', { links: [LO, ETH0, link('eth1', ['10.0.0.1/24'])] }, ['eth1'], /^eth1 has no IPv6 address/],
    [
      'a LAN with a long prefix',
      { links: [LO, ETH0, link('eth1', ['2001:db8::1/112'])] },
      ['eth1'],
      /^eth1 has no IPv6 prefix of 64 bits/,
    ],
    ['no resolver', { resolvers: [] }, ['eth1'], /^this machine has no resolver that DNS64 could ask/],
  ];
  for (const [what, facts, lan, said] of doubtful) {
    it(`says what it is not sure of where there is ${what}, also in the file`, () => {
      const { values, text, doubts } = init(machine(facts));
      assert.deepEqual(values.lan, lan);
      assert.match(doubts, said);
      for (const doubt of doubts.split('\n')) assert.ok(text.includes(`# Look at this: ${doubt}.\n`));
    });
  }

  it('takes both interfaces of two default routes for the outside, and says so', () => {
    const routes: MachineFacts['defaultRoutes'] = [
      { family: 6, device: 'eth0' },
      { family: 4, device: 'ppp0' },
    ];
    const links = [LO, ETH0, ETH1, link('ppp0', ['198.51.100.7/32'], { kind: 'ppp' })];
    const { values, doubts } = init(machine({ links, defaultRoutes: routes }));
    assert.deepEqual(values.wan, ['eth0', 'ppp0']);
    assert.match(doubts, /default routes lead through eth0, ppp0/);
  });

  it('takes the interfaces that the operator names, and no others', () => {
    const { values } = init(machine(), { lan: ['eth0'], wan: ['eth1'] });
    assert.deepEqual([values.lan, values.wan], [['eth0'], ['eth1']]);
    assert.throws(() => init(machine(), { lan: ['eht1'], wan: [] }), /no interface eht1/);
    assert.throws(() => init(machine(), { lan: ['eth0'], wan: [] }), /eth0 is both LAN and WAN/);
  });

  it('masquerades IPv6 where the LAN has local addresses alone', () => {
    const { values } = init(machine({ links: [LO, ETH0, link('eth1', ['fd00:1::1/64'])] }));
    assert.deepEqual(values.nat66, [{ source: 'fc00::/7', out: 'eth0' }]);
    assert.equal(init(machine()).values.nat66, undefined);
  });

  it('points to the switch for private addresses where the outside is private', () => {
    const links = [LO, link('eth0', ['192.168.0.10/24']), ETH1];
    assert.match(init(machine({ links })).text, /The IPv4 side is private/);
    assert.doesNotMatch(init(machine()).text, /The IPv4 side is private/);
  });

  it('writes examples behind # that load when the mark is taken away', () => {
    const links = [LO, ETH0, link('eth1', ['2001:db8:2000::1/64', '10.0.0.1/24'])];
    const { text } = init(machine({ links }));
    const examples = [...text.matchAll(/^ *# (pool|allow-non-global|forwarders|nat66|dhcp4|nat44): .*$/gm)];
    assert.equal(examples.length, 6);
    for (const [line = '', key = ''] of examples) {
      const others = text.replace(new RegExp(`^ *${key}: .*\n`, 'm'), '');
      const config = parseConfig(others.replace(line, line.replace('# ', '')), 'gateway.yaml');
      assert.equal(config.role, 'gateway', line);
    }
  });

  it('loads with interface names that YAML takes for something else, and leaves out those that no file can name', () => {
    for (const name of ['on', '1e3', 'null', '0x10', 'a.b-c_d']) {
      assert.deepEqual(init(machine({ links: [LO, ETH0, link(name, ['2001:db8::1/64'])] })).values.lan, [name]);
    }
    assert.deepEqual(init(machine({ links: [LO, ETH0, link('a:b'), ETH1] })).values.lan, ['eth1']);
  });
});
