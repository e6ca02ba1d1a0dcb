// Packets through stateful NAT64 over generated traffic: what goes out comes back to where it came from, the short way is the long way,
// and nothing is left when time has passed. `npm run fuzz -- --mode nat64` goes on where this stops.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasRightChecksums } from '../fuzz/invariants.ts';
import { nat64Complaint, type VerdictCounts } from '../fuzz/nat64.ts';
import { Random } from '../fuzz/random.ts';
import { embed } from '../reference/addresses.ts';
import { bytes16 } from '../reference/bytes.ts';
import { ip4, prefix6, text4, text6 } from '../support/addresses.ts';
import { nat64Engine, only, POOL, seen } from '../support/nat64.ts';
import { icmp4, icmp6, ipv4, ipv6, type Layer, tcp, udp } from '../support/packets.ts';

const SEED = 6146;
const RUNS = 200;
const ROUND_TRIPS = 3000;

const PREFIXES = [
  ...['2001:db8::/32', '2001:db8:100::/40', '2001:db8:122::/48', '2001:db8:122:300::/56', '2001:db8:122:344::/64'],
  ...['2001:db8:64::/96', '64:ff9b:1::/96'],
].map(prefix6);

/** A packet's payload, and the answer's for the port that it was given outside. */
interface Exchange {
  readonly asks: Layer;
  readonly answers: (port: number) => Layer;
}

function randomExchange(rng: Random, near: number, far: number): Exchange {
  const [data, back] = [rng.bytes(rng.below(1300)), rng.bytes(rng.below(1300))];
  switch (rng.below(3)) {
    case 0:
      return {
        asks: udp({ srcPort: near, dstPort: far, data }),
        answers: (port) => udp({ srcPort: far, dstPort: port, data: back }),
      };
    case 1:
      return {
        asks: tcp({ srcPort: near, dstPort: far, flags: 2, data }),
        answers: (port) => tcp({ srcPort: far, dstPort: port, flags: 0x12, data: back }),
      };
    default:
      return {
        asks: icmp6({ type: 128, rest: [...bytes16(near), 0, 1], data }),
        answers: (port) => icmp4({ type: 0, rest: [...bytes16(port), 0, 1], data: back }),
      };
  }
}

test(`N-01, N-13 ${ROUND_TRIPS} packets and their answers: the tuple comes back as it was, the checksums are right`, () => {
  const worlds = PREFIXES.flatMap((prefix) =>
    [true, false].map((isFast) => ({ prefix, engine: nat64Engine({}, { prefix, allowNonGlobal: true }, { isFast }) })),
  );
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const rng = new Random(SEED + i);
    const { prefix, engine } = rng.pick(worlds);
    const [near, far] = [rng.below(65_536), rng.below(65_536)];
    const host = rng.bytes(16);
    host.set([0x20, 0x02], 0);
    const remote = (ip4('11.0.0.0') + rng.below(0x4000_0000)) >>> 0;
    const { asks, answers } = randomExchange(rng, near, far);
    const remote6 = text6(embed(prefix, remote));
    const packet = ipv6({ src: text6(host), dst: remote6, payload: asks });
    const out = only(engine.run(packet));
    assert.deepEqual([seen(out).src, seen(out).dst], [POOL, text4(remote)], `seed ${SEED + i}`);
    assert.equal(hasRightChecksums(out), true, `seed ${SEED + i}`);
    const port = seen(out).protocol === 1 ? seen(out).identifier : seen(out).srcPort;
    const back = only(engine.run(ipv4({ src: text4(remote), dst: POOL, payload: answers(port) })));
    const inside = seen(back).protocol === 58 ? seen(back).identifier : seen(back).dstPort;
    assert.deepEqual([seen(back).src, seen(back).dst, inside], [remote6, text6(host), near], `seed ${SEED + i}`);
    assert.equal(hasRightChecksums(back), true, `seed ${SEED + i}`);
  }
});

test('N-06, N-07, N-08, N-13 random traffic: no throw, no byte outside, both ways agree, and the tables end empty', () => {
  const counts: VerdictCounts = new Map();
  for (let seed = SEED; seed < SEED + RUNS; seed++) {
    const complaint = nat64Complaint(seed, counts);
    if (complaint !== null) assert.fail(`seed ${seed}: ${complaint}`);
  }
  const wanted = [
    ...['translated', 'answered', 'fragmented', 'segmented', 'hop-limit', 'too-big', 'udp-zero-checksum', 'icmp-inner'],
    ...['protocol', 'no-binding', 'no-session', 'filtered', 'ports-exhausted', 'session-limit', 'syn-held'],
    ...['not-a-client', 'own-source', 'martian-source', 'fragment-wait', 'fragment-overlap', 'fragment-memory'],
    'icmp-nested',
  ];
  assert.deepEqual(
    wanted.filter((verdict) => !counts.has(verdict)),
    [],
    'verdicts that did not come',
  );
});
