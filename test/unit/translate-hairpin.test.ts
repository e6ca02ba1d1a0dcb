// Hairpinning, RFC 7757 §4.2: two hosts with explicit mappings talk to each other by their IPv4-embedded addresses. The packet
// turns round in the translator and comes from the address under which the other host knows the sender.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasRightChecksums } from '../fuzz/invariants.ts';
import { offloadHeader } from '../fuzz/offload.ts';
import { bytes16, read16 } from '../reference/bytes.ts';
import { pseudoHeader6, sumWords } from '../reference/checksum.ts';
import { text6 } from '../support/addresses.ts';
import { Engine, runOnce } from '../support/engine.ts';
import { counting, fragmentHeader, icmp6, ipv6, mutate, raw, tcp, toHex, udp } from '../support/packets.ts';
import { type SettingsText, settingsFrom } from '../vectors/load.ts';

const BASE = {
  prefix: '2001:db8:64::/96',
  mappings: [
    ['192.0.2.1', '2001:db8:a::1'],
    ['192.0.2.2', '2001:db8:b::2'],
  ],
  ownIpv4: '198.51.100.1',
  ownIpv6: '2001:db8:64::c633:6401',
  icmpPoolIpv4: ['192.0.0.8'],
} as const;
const settings = (change: SettingsText = {}) => settingsFrom({ ...BASE, ...change });
/** A and B as themselves, and as the other one knows them. */
const [A, B, A_SEEN, B_SEEN] = ['2001:db8:a::1', '2001:db8:b::2', '2001:db8:64::c000:201', '2001:db8:64::c000:202'];
const ends = (packet: Uint8Array) => [text6(packet.slice(8, 24)), text6(packet.slice(24, 40))];
const one = (result: { out: Uint8Array[] }): Uint8Array => {
  assert.equal(result.out.length, 1);
  return result.out[0] as Uint8Array;
};

describe('hairpinning', () => {
  for (const [name, payload] of [
    ['UDP', udp({ data: counting(30) })],
    ['TCP', tcp({ data: counting(31) })],
    ['an echo', icmp6({ type: 128, data: counting(32) })],
  ] as const) {
    test(`A-05 ${name} between two mapped hosts turns round, one hop further, its checksum right`, () => {
      const packet = ipv6({ src: A, dst: B_SEEN, hopLimit: 64, payload });
      const out = one(runOnce(settings(), packet));
      assert.deepEqual([...ends(out), out[7]], [A_SEEN, B, 63]);
      assert.equal(hasRightChecksums(out), true);
      assert.equal(out.length, packet.length);
    });
  }

  const answer = (src: string, innerDst = B) =>
    ipv6({
      src,
      dst: A_SEEN,
      payload: icmp6({ type: 1, code: 4, data: ipv6({ src: A_SEEN, dst: innerDst, payload: udp() }) }),
    });

  test('A-05, T-5.2-11 an error of the other host comes from the address that the sender knows, and so does what it quotes', () => {
    const out = one(runOnce(settings(), answer(B)));
    assert.deepEqual(ends(out), [B_SEEN, A]);
    assert.deepEqual(ends(out.slice(48)), [A, B_SEEN]);
    assert.deepEqual([...out.slice(40, 42)], [1, 4]);
    assert.equal(hasRightChecksums(out), true);
  });

  test('A-05, T-5.2-10 an error of a router on the way comes from its own mapping, or from the pool', () => {
    const mapped = settings({ mappings: [...BASE.mappings, ['192.0.2.9', '2001:db8:c::9']] });
    assert.deepEqual(ends(one(runOnce(mapped, answer('2001:db8:c::9')))), ['2001:db8:c::9', A]);
    assert.deepEqual(ends(one(runOnce(settings(), answer('2001:db8:d::d')))), ['2001:db8:64::c000:8', A]);
  });

  test('A-05 an error about a packet that did not turn round does not either', () => {
    const data = ipv6({ src: '2001:db8:64::c633:6409', dst: B, payload: udp() });
    const out = one(runOnce(settings(), ipv6({ src: B, dst: A_SEEN, payload: icmp6({ type: 1, code: 4, data }) })));
    assert.equal((out[0] as number) >> 4, 4);
  });

  test('A-05, T-5.1-03 fragments turn round', () => {
    const packet = ipv6({
      src: A,
      dst: B_SEEN,
      extensions: [fragmentHeader(64, true)],
      payload: raw(17, counting(64)),
    });
    const out = one(runOnce(settings(), packet));
    assert.deepEqual(ends(out), [A_SEEN, B]);
    assert.equal(toHex(out.slice(40)), `1100004100004321${toHex(counting(64))}`);
  });

  test('A-05 what is too large for the IPv6 link is answered in IPv6, with its MTU, and nothing leaves in IPv4', () => {
    for (const [length, extensions] of [
      [1453, []],
      [65_500, []],
      [65_512, [fragmentHeader(0, false)]],
    ] as const) {
      const packet = ipv6({ src: A, dst: B_SEEN, extensions, payload: raw(253, new Uint8Array(length + 8)) });
      const result = runOnce(settings(), packet);
      assert.equal(result.verdict, 'too-big');
      assert.equal(toHex((result.reply as Uint8Array).slice(40, 42)), '0200');
      assert.equal(read16(result.reply as Uint8Array, 46), 1500);
    }
  });

  test('A-05, A-03 a private sender behind the well-known prefix is told in IPv6', () => {
    const wellKnown = settings({
      prefix: '64:ff9b::/96',
      mappings: [
        ['10.0.0.1', A],
        ['8.8.8.8', B],
      ],
    });
    const result = runOnce(wellKnown, ipv6({ src: A, dst: '64:ff9b::808:808', payload: udp() }));
    assert.equal(result.verdict, 'non-global');
    assert.equal(toHex((result.reply as Uint8Array).slice(40, 42)), '0105');
  });

  test('A-05 the translator’s own IPv4 address does not answer what turns round, and nothing is answered in IPv4', () => {
    const inside = settings({ ownIpv4: '192.0.2.2' });
    const out = one(runOnce(inside, ipv6({ src: A, dst: B_SEEN, payload: icmp6({ type: 128 }) })));
    assert.deepEqual(ends(out), [A_SEEN, B]);
  });

  test('A-05, T-4.5-02 UDP without a checksum gets one on the way round', () => {
    const out = one(
      runOnce(settings(), ipv6({ src: A, dst: B_SEEN, payload: udp({ checksum: 0, data: counting(5) }) })),
    );
    assert.notEqual(read16(out, 46), 0);
    assert.equal(hasRightChecksums(out), true);
  });

  test('A-05, T-O-01 a super-packet turns round as one, and one whose segments do not fit is answered', () => {
    const packet = ipv6({ src: A, dst: B_SEEN, payload: tcp({ data: counting(4000) }) });
    const pseudo = sumWords(pseudoHeader6(packet.slice(8, 24), packet.slice(24, 40), 6, packet.length - 40));
    const partial = mutate(packet, 56, ...bytes16(pseudo));
    const header = (gsoSize: number) =>
      offloadHeader({ flags: 1, type: 4, hdrLen: 60, gsoSize, start: 40, offset: 16 });
    const result = new Engine(settings()).run(partial, header(1440));
    assert.deepEqual(ends(one(result)), [A_SEEN, B]);
    assert.deepEqual(result.offload[0], header(1440));
    const refused = new Engine(settings()).run(partial, header(1441));
    assert.deepEqual([refused.verdict, toHex((refused.reply as Uint8Array).slice(40, 42))], ['too-big', '0200']);
  });

  test('A-05 the next packet is none the wiser', () => {
    const engine = new Engine(settings());
    const plain = ipv6({ src: A, dst: '2001:db8:64::c633:6407', payload: udp() });
    const before = toHex(one(engine.run(plain)).slice(12));
    engine.run(ipv6({ src: A, dst: B_SEEN, payload: udp() }));
    engine.run(answer(B));
    engine.run(ipv6({ src: A, dst: B_SEEN, payload: udp({ checksum: 0, length: 3 }) }));
    assert.equal(toHex(one(engine.run(plain)).slice(12)), before);
  });
});
