// Whose packets these are: an address that the translator shares with a binding, and errors of routers that are no clients. Rules
// N-09, N-10 and O-04.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { prefix6 } from '../support/addresses.ts';
import { HOST_A, nat64Engine, only, SERVER, SERVER6, seen } from '../support/nat64.ts';
import { staticBinding } from '../support/nat64-driver.ts';
import { counting, hex, icmp4, icmp6, ipv4, ipv6, udp } from '../support/packets.ts';

const OWN = '192.0.2.9';

describe('an address of the translator that is a binding’s as well', () => {
  const packets = () => {
    const payload = udp({ srcPort: 9, dstPort: 53, data: counting(16) });
    const whole = { src: SERVER, dst: OWN, payload };
    const first = { ...whole, payload: udp({ srcPort: 9, dstPort: 53, data: counting(32) }) };
    return [ipv4(whole), ipv4({ ...whole, options: hex`01 01 01 00` }), ipv4({ ...first, df: false, mf: true })];
  };
  const ping = ipv4({ src: SERVER, dst: OWN, payload: icmp4({ type: 8, rest: [0, 1, 0, 1] }) });

  test('N-09 a binding made while running gets all that is for its port, and ends again', () => {
    const engine = nat64Engine();
    const { state } = engine.translator.nat64 ?? assert.fail();
    const binding = staticBinding('udp', `[${HOST_A}]:53`, `${OWN}:53`);
    const verdicts = (nowMs: number) => packets().map((packet) => engine.run(packet, undefined, nowMs).verdict);
    assert.deepEqual(verdicts(0), ['to-translator', 'to-translator', 'to-translator']);
    assert.equal(state.addStatic(binding, 0), 'added');
    assert.deepEqual(verdicts(1), ['translated', 'translated', 'translated']);
    assert.equal(engine.run(ping).verdict, 'answered');
    assert.equal(state.removeStatic(binding, 2), true);
    assert.deepEqual(verdicts(3000), ['to-translator', 'to-translator', 'to-translator']);
    assert.equal(engine.run(ping).verdict, 'answered');
  });
});

describe('an ICMPv6 error from a router that is no client', () => {
  const ROUTER = '2001:db8:ffff::1';
  const clients = [prefix6('2001:db8:a::/48')];
  const open = () => {
    const engine = nat64Engine({ clients });
    const { srcPort } = seen(only(engine.run(ipv6({ src: HOST_A, dst: SERVER6, payload: udp({ srcPort: 4000 }) }))));
    return { engine, srcPort };
  };
  const tooBig = (hostPort: number, host = HOST_A) =>
    ipv6({
      src: ROUTER,
      dst: SERVER6,
      payload: icmp6({
        type: 2,
        rest: [0, 0, 5, 0x14],
        data: ipv6({ src: SERVER6, dst: host, payload: udp({ srcPort: 53, dstPort: hostPort }) }),
      }),
    });

  test('N-10, T-5.2-10 goes on when the packet inside went to a client that has a session', () => {
    const { engine, srcPort } = open();
    const error = only(engine.run(tooBig(4000)));
    assert.deepEqual([seen(error).src, seen(error).dst], [OWN, SERVER]);
    assert.equal(seen(ipv4Inside(error)).dstPort, srcPort);
  });

  test('N-10, O-04 does not without one, opens none, and the router may send nothing else', () => {
    const { engine } = open();
    assert.equal(engine.run(tooBig(4001)).verdict, 'no-binding');
    assert.equal(engine.run(tooBig(4000, '2001:db8:b::b')).verdict, 'no-binding');
    assert.equal(engine.run(ipv6({ src: ROUTER, dst: SERVER6, payload: udp() })).verdict, 'not-a-client');
    const { sessions, hosts } = engine.translator.nat64?.state.counters() ?? assert.fail();
    assert.deepEqual([sessions, hosts], [1, 1]);
  });
});

/** The packet inside an ICMPv4 error. */
const ipv4Inside = (error: Uint8Array): Uint8Array => error.slice(28);
