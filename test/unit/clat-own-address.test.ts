// A CLAT and its one IPv6 address, which is its host's as well: what is too big for the IPv4 side, or has no hops left, is answered
// from it; everything else that comes for it is translated.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clatSettings } from '../../src/client/settings.ts';
import { clientConfigFromOptions } from '../../src/config/client.ts';
import type { HostConfig, HostFacts } from '../../src/core/host/host-config.ts';
import { wantedChanges } from '../../src/core/host/wanted.ts';
import { referenceTranslate } from '../reference/translate.ts';
import { ip4, ip6, prefix6 } from '../support/addresses.ts';
import { runOnce } from '../support/engine.ts';
import { counting, icmp4, icmp6, ipv4, ipv6, tcp, toHex, udp } from '../support/packets.ts';
import { settingsFrom } from '../vectors/load.ts';

const CLAT = '2001:db8:1::c1a7';
const SERVER = '2001:db8:64::c633:6407';

const settingsOf = (options: Record<string, string | number>) => {
  const config = clientConfigFromOptions({ prefix: '2001:db8:64::/96', ...options });
  return clatSettings(config, prefix6('2001:db8:64::/96'), ip4('192.0.0.1'), ip6(CLAT), 1500);
};

/** From, to, type, code and second word of an ICMPv6 message. */
const told = (reply: Uint8Array | null): string[] =>
  reply === null
    ? []
    : [reply.slice(8, 24), reply.slice(24, 40), reply.slice(40, 42), reply.slice(44, 48)].map((part) => toHex(part));

const toHost = (fields: object) => ipv6({ src: SERVER, dst: CLAT, ...fields });

describe('the address of a CLAT', () => {
  const errorTo = (rest: readonly string[]) => [toHex(ip6(CLAT)), toHex(ip6(SERVER)), ...rest];

  test('T-5.1-05 what is too big for the IPv4 side of a CLAT is answered with 2/0 from its address', () => {
    const big = toHost({ payload: tcp({ data: counting(1400) }) });
    assert.deepEqual(told(runOnce(settingsOf({ mtu: 1300 }), big).reply), errorTo(['0200', '00000528']));
    assert.equal(runOnce(settingsOf({}), big).verdict, 'translated');
  });

  test('T-5.1-01 a hop limit that runs out at a CLAT is answered with 3/0 from its address', () => {
    const result = runOnce(settingsOf({}), toHost({ hopLimit: 1, payload: udp() }));
    assert.deepEqual(told(result.reply), errorTo(['0300', '00000000']));
  });

  test('A-06 echo requests and datagrams to the address of a CLAT go on to its host', () => {
    for (const payload of [icmp6({ type: 128 }), udp(), tcp()]) {
      const { verdict, out, reply } = runOnce(settingsOf({}), toHost({ payload }));
      assert.deepEqual([verdict, reply], ['translated', null]);
      assert.equal(toHex((out[0] as Uint8Array).slice(16, 20)), 'c0000001');
    }
  });

  test('A-06 an ICMPv4 error of a router without an IPv6 form does not get the address of the host', () => {
    const shared = settingsFrom({
      mappings: [
        ['192.0.0.1', CLAT],
        ['198.51.100.7', SERVER],
      ],
      ownIpv6: CLAT,
      ownIpv6IsShared: true,
    });
    const inner = ipv4({ src: '198.51.100.7', dst: '192.0.0.1', payload: udp() });
    const error = ipv4({ src: '203.0.113.1', dst: '198.51.100.7', payload: icmp4({ type: 11, data: inner }) });
    assert.equal(runOnce(shared, error).verdict, 'no-mapping-source');
    assert.equal(runOnce({ ...shared, ownIpv6IsShared: false }, error).verdict, 'translated');
  });

  test('A-06 the plain twin agrees', () => {
    const env = { nextIdentification: () => 0 };
    const packets = [
      toHost({ payload: tcp({ data: counting(1400) }) }),
      toHost({ hopLimit: 1, payload: udp() }),
      toHost({ payload: icmp6({ type: 128 }) }),
    ];
    for (const packet of packets) {
      const { verdict, out, reply } = runOnce(settingsOf({ mtu: 1300 }), packet);
      assert.deepEqual(referenceTranslate(packet, settingsOf({ mtu: 1300 }), env), { verdict, out, reply });
    }
  });
});

describe('the route of a CLAT address', () => {
  const facts: HostFacts = {
    ...{ links: [], routes: [], proxies: [], sysctls: new Map<string, string>(), firewallTables: new Set<string>() },
  };
  const routeMtu = (ipv4MtuBytes: number, uplinkMtuBytes: number) => {
    const link = { name: 'eth0', index: 2 };
    const config: HostConfig = {
      tun: { name: 'clat0', index: 9 },
      ipv4: '192.0.0.1',
      ipv4MtuBytes,
      metric: 2048,
      allowInbound: false,
      uplink: { kind: 'forwarding', link, clat: CLAT, mtuBytes: uplinkMtuBytes, linkAddress: null, scope: 'host' },
    };
    const route = wantedChanges(config, facts).find((change) => change.kind === 'route' && change.family === 6);
    return route?.kind === 'route' ? route.mtuBytes : null;
  };

  test('T-5.1-05 the route has the MTU of the TUN and the header difference, at most that of the uplink, at least 1280', () => {
    assert.equal(routeMtu(1480, 1500), 1500);
    assert.equal(routeMtu(1300, 1500), 1320);
    assert.equal(routeMtu(1500, 1500), 1500);
    assert.equal(routeMtu(576, 1500), 1280);
  });
});
