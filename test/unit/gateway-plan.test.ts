// What a gateway does on a machine: every `auto` filled in, and what a machine has not.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatIpv4, formatPrefix4, formatPrefix6, parseIpv6 } from '../../src/config/addresses.ts';
import type { GatewayConfig } from '../../src/config/gateway.ts';
import { parseConfig } from '../../src/config/load.ts';
import { XlatError } from '../../src/contract/errors.ts';
import type { AdvertiseLink } from '../../src/core/advertise/content.ts';
import type { MachineFacts } from '../../src/core/host/machine.ts';
import { type GatewayPlan, planGateway, type Surroundings } from '../../src/daemon/gateway-plan.ts';
import { gatewayTroubles } from '../../src/daemon/gateway-status.ts';
import { GATEWAY_SAMPLE } from '../support/gateway.ts';

const bytes = (text: string): Uint8Array => {
  const parsed = parseIpv6(text);
  assert.ok(parsed.ok);
  return parsed.value;
};

const FOR_EVER = { validUntilMs: Number.POSITIVE_INFINITY, preferredUntilMs: Number.POSITIVE_INFINITY };

const LAN: AdvertiseLink = {
  name: 'eth1',
  index: 3,
  linkAddress: null,
  linkLocal: bytes('fe80::1'),
  mtuBytes: 1500,
  addresses: [{ address: bytes('2001:db8:1::1'), prefix: { address: bytes('2001:db8:1::'), length: 64 }, ...FOR_EVER }],
};

const link = (name: string, ...addresses: string[]): MachineFacts['links'][number] => ({
  name,
  kind: '',
  isUp: true,
  isLoopback: name === 'lo',
  master: null,
  addresses,
});

const MACHINE: MachineFacts = {
  links: [link('lo', '127.0.0.1/8'), link('eth0', '192.168.7.2/24'), link('eth1', '2001:db8:1::1/64', '10.1.0.1/24')],
  defaultRoutes: [
    { family: 6, device: 'eth2' },
    { family: 4, device: 'eth0' },
  ],
  resolvers: ['192.0.2.53', '2001:db8:1::1'],
};

function plan(
  lines: readonly string[] = [],
  machine: Partial<MachineFacts> = {},
  lan: AdvertiseLink | null = LAN,
): GatewayPlan {
  const config = parseConfig(['role: gateway', 'lan: [eth1]', ...lines].join('\n'), 'a.yaml') as GatewayConfig;
  const around: Surroundings = { machine: { ...MACHINE, ...machine }, lan: new Map([['eth1', lan]]) };
  return planGateway(config, around);
}

const refused = (make: () => unknown, said: RegExp): void =>
  assert.throws(
    make,
    (error: unknown) => error instanceof XlatError && error.code === 'HOST_UNFIT' && said.test(error.message),
  );

describe('the plan of two lines', () => {
  it('goes out by the default routes, IPv4 first', () => assert.deepEqual(plan().wan, ['eth0', 'eth2']));

  it('N-03 has a masqueraded pool', () => assert.deepEqual(plan().nat64?.wish, { kind: 'masquerade', range: null }));

  it('S-09 listens on the LAN, its link-local address among it, and asks the machine’s resolvers but itself', () => {
    const { dns64 } = plan();
    assert.deepEqual(
      dns64?.listen.map(({ address, port }) => `${address} ${port}`),
      ['2001:db8:1::1 53', 'fe80::1%eth1 53', '10.1.0.1 53'],
    );
    assert.deepEqual(dns64?.forwarders, [{ address: '192.0.2.53', port: 53, tlsName: null }]);
  });

  it('S-09 serves the networks of the LAN alone', () => {
    const clients = plan(['advertise: {prefixes: [{prefix: "2001:db8:9::/64"}]}']).dns64?.clients ?? [];
    const text = clients.map((one) =>
      typeof one.address === 'number'
        ? formatPrefix4({ ...one, address: one.address })
        : formatPrefix6({ ...one, address: one.address }),
    );
    assert.deepEqual(text, ['2001:db8:1::/64', '2001:db8:9::/64', 'fe80::/10', '10.1.0.0/24']);
  });

  it('A-03 warns that its private IPv4 side is out of reach', () => {
    assert.match(plan().warnings.join(), /private \(192\.168\.7\.2\).*allow-non-global/);
    assert.deepEqual(plan(['nat64: {allow-non-global: true}']).warnings, []);
  });
});

describe('a plan', () => {
  it('N-03 shares a pool address that is the machine’s own, and takes others for routed ones', () => {
    const own = plan(['nat64: {pool: [192.168.7.2]}']).nat64?.wish;
    assert.equal(own?.kind, 'shared');
    assert.ok(own.kind === 'shared');
    assert.deepEqual(
      own.ranges.map(({ protocol, firstPort, lastPort }) => [protocol, firstPort, lastPort]),
      [
        ['tcp', 61_001, 65_535],
        ['udp', 61_001, 65_535],
        ['icmp', 61_001, 65_535],
      ],
    );
    const routed = plan(['nat64: {pool: [198.51.100.0/30 tcp]}']).nat64?.wish;
    assert.deepEqual(routed, {
      kind: 'routed',
      ranges: [{ protocol: 'tcp', address: 0xc6336400, addresses: 4, firstPort: 1024, lastPort: 65_535 }],
    });
  });

  it('N-03 finds the shared address by itself, or says that there is none', () => {
    const wish = plan(['nat64: {pool: shared}']).nat64?.wish;
    assert.ok(wish?.kind === 'shared');
    assert.equal(formatIpv4(wish.ranges[0]?.address ?? 0), '192.168.7.2');
    refused(
      () => plan(['wan: [eth2]', 'nat64: {pool: shared}'], { links: [...MACHINE.links, link('eth2')] }),
      /eth2 has no IPv4 address/,
    );
    refused(() => plan(['nat64: {pool: shared}'], { defaultRoutes: [] }), /no default route leads out/);
  });

  it('O-02, O-03 sends NAT out by the first way, and NAT44 of each IPv4 network of the LAN by each', () => {
    const made = plan(['nat66: [{source: "2001:db8::/32"}, {source: "fd00::/8", out: eth5}]', 'nat44: true']);
    assert.deepEqual(
      made.nat66.map(({ out }) => out),
      ['eth0', 'eth5'],
    );
    assert.deepEqual(
      made.nat44.map(({ source, out }) => `${formatPrefix4(source)} ${out}`),
      ['10.1.0.0/24 eth0', '10.1.0.0/24 eth2'],
    );
  });

  it('waits for what is not there yet, and says so', () => {
    const made = plan(['nat44: true'], { defaultRoutes: [], links: [link('eth1')], resolvers: [] }, null);
    assert.equal(made.dns64, null);
    assert.deepEqual(made.nat44, []);
    assert.match(made.warnings.join('\n'), /no default route.*\n.*nat44 wait.*\nthe DNS64 waits/);
  });

  it('R-02 with a LAN interface that is down says so in the state, with what does not work', () => {
    const { waits } = plan(['nat64: {allow-non-global: true}'], {}, null);
    assert.deepEqual(waits, ['eth1 is down, or has no link-local address; its hosts are not served']);
    const { dns64, advertise } = GATEWAY_SAMPLE;
    assert.ok(dns64 !== null);
    const forwarders = dns64.forwarders.map((one) => ({ ...one, isUp: false }));
    const yielding = advertise.filter(({ state }) => state === 'yielding');
    assert.deepEqual(
      gatewayTroubles({ waits }, { ...dns64, forwarders }, yielding).map((text) => text.replace(/: .*/, '')),
      [...waits, 'no resolver that the DNS64 asks answers', 'no router advertisements on eth2'],
    );
    assert.deepEqual(gatewayTroubles(plan(), dns64, []), [], 'one resolver that answers is enough');
  });

  it('is refused where an interface is missing, or no resolver is known', () => {
    refused(() => plan([], { links: [link('lo'), link('eth0')] }), /^there is no interface eth1 on this router$/);
    refused(() => plan(['wan: [eth7, eth8]']), /^there are no interfaces eth7, eth8 on this router$/);
    refused(() => plan([], { resolvers: ['2001:db8:1::1'] }), /knows no resolver that the DNS64 could ask/);
  });
});
