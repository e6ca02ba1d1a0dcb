// The reference translator on bytes that no vector holds: damaged, cut and random packets, and properties of all of them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { read16 } from '../reference/bytes.ts';
import { isChecksumRight, pseudoHeader4, pseudoHeader6 } from '../reference/checksum.ts';
import { type ReferenceResult, referenceTranslate } from '../reference/translate.ts';
import { ip4, ip6 } from '../support/addresses.ts';
import { counting, hex, icmp4, ipv4, ipv6, mutate, tcp, toHex, udp, udpLite } from '../support/packets.ts';
import { loadVectors, settingsFrom, VECTOR_IDENTIFICATION } from '../vectors/load.ts';

const env = { nextIdentification: () => VECTOR_IDENTIFICATION };
const settings = settingsFrom({
  prefix: '2001:db8:64::/96',
  mappings: [['192.0.2.33/32', '2001:db8:1::33/128']],
  ownIpv4: '192.0.2.1',
  ownIpv6: '2001:db8:64::c000:201',
  icmpPoolIpv4: ['192.0.0.8/32'],
  icmpPoolIpv6: '2001:db8:64::c000:8/128',
});
const vectors = loadVectors();
const translate = (packet: Uint8Array): ReferenceResult => referenceTranslate(packet, settings, env);

/** What holds for everything that the translator sends. */
function assertSound(packet: Uint8Array): void {
  if (packet[0] >> 4 === 6) {
    assert.equal(packet.length, 40 + read16(packet, 4), toHex(packet));
    return;
  }
  assert.equal(packet[0], 0x45);
  assert.equal(packet.length, read16(packet, 2), toHex(packet));
  assert.ok(isChecksumRight(packet.slice(0, 20)), toHex(packet));
}

function assertSoundResult(result: ReferenceResult): void {
  for (const packet of result.out) assertSound(packet);
  if (result.reply !== null) assertSound(result.reply);
  const goesOn = ['translated', 'fragmented'].includes(result.verdict);
  assert.equal(result.out.length > 0, goesOn, result.verdict);
}

describe('the reference translator on any bytes', () => {
  test('takes every vector cut at every length', () => {
    for (const vector of vectors.filter((v) => v.in.length < 200)) {
      for (let length = 0; length < vector.in.length; length++) {
        assertSoundResult(referenceTranslate(vector.in.slice(0, length), vector.settings, env));
      }
    }
  });

  test('takes every vector with any bytes changed', () => {
    const change = fc.tuple(fc.nat(119), fc.nat(255));
    fc.assert(
      fc.property(fc.constantFrom(...vectors), fc.array(change, { minLength: 1, maxLength: 4 }), (vector, changes) => {
        const inside = changes.filter(([at]) => at < vector.in.length);
        const damaged = inside.reduce((packet, [at, value]) => mutate(packet, at, value), vector.in);
        const tolerate = { headerChecksum: true, icmpChecksum: true, martians: false, sourceRoute: false };
        assertSoundResult(referenceTranslate(damaged, { ...vector.settings, tolerate }, env));
      }),
      { numRuns: 5000 },
    );
  });

  test('takes random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom(0x45, 0x46, 0x60), (bytes, first) => {
        assertSoundResult(translate(bytes));
        if (bytes.length > 0) assertSoundResult(translate(mutate(bytes, 0, first)));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('the reference translator keeps checksum errors', () => {
  const sum6 = (packet: Uint8Array) =>
    isChecksumRight(
      pseudoHeader6(packet.slice(8, 24), packet.slice(24, 40), packet[6], packet.length - 40),
      packet.slice(40),
    );

  for (const layer of [tcp, udp, udpLite]) {
    test(`T-4.5-04 a wrong ${layer.name} checksum comes back as it was (reference)`, () => {
      for (const checksum of [1, 0x7fff, 0xfffe]) {
        const before = ipv4({ payload: layer({ checksum, data: hex`01 02 03` }) });
        const [there] = translate(before).out;
        assert.ok(there !== undefined && !sum6(there));
        const reversed = ipv6({
          src: '2001:db8:64::c633:6407',
          dst: '2001:db8:1::33',
          payload: there.slice(40),
          nextHeader: there[6],
        });
        const swapped = ipv6({ payload: there.slice(40), nextHeader: there[6], src: '2001:db8:1::33' });
        for (const packet of [reversed, swapped]) {
          const [back] = translate(packet).out;
          assert.equal(toHex(back?.slice(20) ?? new Uint8Array()), toHex(before.slice(20)));
        }
      }
    });
  }

  test('T-4.2-14 a wrong ICMP checksum stays wrong by the same difference where it is tolerated (reference)', () => {
    const tolerate = { headerChecksum: false, icmpChecksum: true, martians: false, sourceRoute: false };
    const packet = ipv4({ payload: icmp4({ type: 8, rest: [0, 7, 0, 1], data: counting(9) }) });
    const damaged = mutate(packet, 25, packet[25] ^ 1);
    const [right] = translate(packet).out;
    const [wrong] = referenceTranslate(damaged, { ...settings, tolerate }, env).out;
    assert.ok(right !== undefined && wrong !== undefined && sum6(right) && !sum6(wrong));
    assert.equal(toHex(wrong.slice(44)), toHex(mutate(right, 44, right[44], right[45] ^ 1).slice(44)));
  });
});

describe('the packet builders', () => {
  test('give right checksums over the pseudo-header of either family', () => {
    const [client, server] = [ip4('192.0.2.33'), ip4('198.51.100.7')];
    for (const layer of [tcp({ data: counting(33) }), udp({ data: counting(7) }), udpLite({ data: counting(8) })]) {
      const four = ipv4({ payload: layer });
      const upper4 = four.slice(20);
      assert.ok(isChecksumRight(pseudoHeader4(client, server, layer.protocol, upper4.length), upper4));
      const six = ipv6({ payload: layer, src: '2001:db8::5', dst: '2001:db8::6' });
      const upper6 = six.slice(40);
      const pseudo = pseudoHeader6(ip6('2001:db8::5'), ip6('2001:db8::6'), layer.protocol, upper6.length);
      assert.ok(isChecksumRight(pseudo, upper6));
    }
  });

  test('read hex dumps with comments and refuse anything else', () => {
    assert.deepEqual(
      hex`45 00 # version
          0014  // length`,
      Uint8Array.of(0x45, 0, 0, 0x14),
    );
    assert.throws(() => hex`4`, /not a hex dump/);
    assert.throws(() => hex`zz`, /not a hex dump/);
  });
});
