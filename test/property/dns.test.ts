// DNS messages and the cache with random input: whatever comes in, nothing throws, and what is read is written back the same.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import dnsPacket from 'dns-packet';
import { AnswerCache } from '../../src/core/dns64/cache.ts';
import { emitMessage, lowerQuestion } from '../../src/core/dns64/emit.ts';
import { type DnsMessage, type DnsRecord, parseMessage } from '../../src/core/dns64/message.ts';
import { lowerName, nameFromText } from '../../src/core/dns64/name.ts';
import { TYPE } from '../../src/core/dns64/numbers.ts';
import {
  alignedBytes,
  PACKED_HEADER,
  packAnswer,
  unpackAnswer,
  writeAnswer,
} from '../../src/core/dns64/packed-answer.ts';
import { QUERY, QueryView } from '../../src/core/dns64/query.ts';
import { Random } from '../fuzz/random.ts';
import { ReferenceCache } from '../reference/dns-cache.ts';

const LABELS = ['a', 'www', 'Example', 'example', 'net', 'x'.repeat(63), '\\000\\192'];

const randomName = (rng: Random): Uint8Array => {
  const text = Array.from({ length: rng.below(4) }, () => rng.pick(LABELS)).join('.');
  return nameFromText(text) as Uint8Array;
};

function randomData(rng: Random, type: number): Uint8Array {
  const name = randomName(rng);
  switch (type) {
    case TYPE.A:
      return rng.bytes(4);
    case TYPE.AAAA:
      return rng.bytes(16);
    case TYPE.CNAME:
    case TYPE.DNAME:
      return name;
    case TYPE.SOA:
      return Uint8Array.of(...name, ...randomName(rng), ...rng.bytes(20));
    case 15: // MX
      return Uint8Array.of(...rng.bytes(2), ...name);
    case 33: // SRV
      return Uint8Array.of(...rng.bytes(6), ...name);
    default:
      return rng.bytes(rng.below(40));
  }
}

function randomRecord(rng: Random): DnsRecord {
  const type = rng.pick([TYPE.A, TYPE.AAAA, TYPE.CNAME, TYPE.DNAME, TYPE.SOA, 15, 33, 65280]);
  return { name: randomName(rng), type, class: 1, ttl: rng.below(100_000), data: randomData(rng, type) };
}

function randomMessage(rng: Random): DnsMessage {
  const records = (): DnsRecord[] => Array.from({ length: rng.below(5) }, () => randomRecord(rng));
  const question = { name: randomName(rng), type: rng.pick([1, 28, 65280]), class: 1 };
  const answers = records().map((record) => (rng.oneIn(2) ? { ...record, name: question.name } : record));
  return {
    id: rng.below(65536),
    flags: 0x8180,
    question,
    answers,
    authority: records(),
    additional: records(),
    edns: null,
  };
}

/** What a message becomes when names equal to the question take on its spelling. */
const wire = (message: DnsMessage): Uint8Array => emitMessage(message)?.bytes ?? new Uint8Array(0);

describe('DNS with random input', () => {
  it('S-01 any message is written so that reading and writing it again changes nothing, and dns-packet reads it', () => {
    const rng = new Random(6147);
    for (let i = 0; i < 2000; i++) {
      const message = randomMessage(rng);
      const bytes = wire(message);
      const again = parseMessage(bytes);
      assert.ok(again !== null, `round ${i}`);
      assert.deepEqual(
        again.answers.map((r) => [r.type, r.ttl, lowerName(r.name)]),
        message.answers.map((r) => [r.type, r.ttl, lowerName(r.name)]),
      );
      assert.deepEqual(wire(again), bytes);
      assert.equal(dnsPacket.decode(Buffer.from(bytes)).answers?.length, message.answers.length);
    }
  });

  it('S-10 random and damaged bytes never throw, and what is read can be written', () => {
    const rng = new Random(1035);
    const view = new QueryView();
    for (let i = 0; i < 20_000; i++) {
      const bytes = rng.oneIn(4) ? rng.bytes(rng.below(80)) : wire(randomMessage(rng));
      for (let damage = rng.below(4); damage > 0; damage--) bytes[rng.below(bytes.length)] = rng.next();
      const cut = rng.oneIn(4) ? bytes.subarray(0, rng.below(bytes.length + 1)) : bytes;
      const message = parseMessage(cut);
      if (message !== null) assert.ok(wire(message).length > 0);
      const verdict = view.read(cut, 0, cut.length);
      assert.ok(verdict !== QUERY.GOOD || view.nameEnd + 4 <= cut.length);
    }
  });

  it('S-10 a packed answer gives the message again, and an answer to any spelling of its question', () => {
    const rng = new Random(2308);
    const view = new QueryView();
    for (let i = 0; i < 2000; i++) {
      const message = randomMessage(rng);
      const packed = packAnswer(message, {
        variant: 0,
        isDerived: false,
        extendedError: -1,
        nowS: 10,
        lifetimeS: 50,
        staleS: 0,
      });
      assert.ok(packed !== null);
      const later = unpackAnswer(packed, 0, 17);
      assert.deepEqual(
        later.answers.map((r) => r.ttl),
        message.answers.map((r) => Math.max(0, r.ttl - 7)),
      );
      const question = {
        ...lowerQuestion(message).question,
        name: message.question?.name ?? new Uint8Array(0),
      } as DnsMessage['question'];
      const query = wire({ id: 77, flags: 0x0100, question, answers: [], authority: [], additional: [], edns: null });
      assert.equal(view.read(query, 0, query.length), QUERY.GOOD);
      const out = alignedBytes(65_536);
      const length = writeAnswer(packed, 0, 17, view, query, 0, out, 4, 65_535);
      const answer = parseMessage(out.bytes.subarray(4, 4 + length));
      assert.deepEqual([answer?.id, answer?.question], [77, message.question]);
      assert.equal(answer?.additional.length, message.additional.length);
    }
  });

  it('S-10 the cache finds nothing but what was put last, stays within its bounds, and keeps what is asked for', () => {
    const rng = new Random(8767);
    const cache = new AnswerCache(65_536, 12345);
    const twin = new ReferenceCache();
    let found = 0;
    const favourite = nameFromText('favourite.example') as Uint8Array;
    for (let i = 0; i < 30_000; i++) {
      const name = rng.oneIn(10) ? favourite : (nameFromText(`n${rng.below(2000)}.example`) as Uint8Array);
      const variant = name === favourite ? 0 : rng.below(8);
      const at = cache.find(name, 0, name.length, 28, variant);
      const key = `${variant}/${name.join()}`;
      if (at >= 0) {
        found += 1;
        const packed = twin.find(key);
        assert.ok(packed !== undefined);
        const start = at + PACKED_HEADER;
        assert.deepEqual(cache.bytes.slice(start, at + packed.length), packed.slice(PACKED_HEADER), `round ${i}`);
        continue;
      }
      assert.ok(
        name !== favourite || i < 100 || twin.find(key) === undefined,
        `round ${i}: what is asked for most went`,
      );
      const data = rng.bytes(rng.below(300));
      const record = { name, type: 65280, class: 1, ttl: 60, data };
      const message = {
        id: 0,
        flags: 0x8180,
        question: { name, type: 28, class: 1 },
        answers: [record],
        authority: [],
        additional: [],
        edns: null,
      };
      const isDerived = rng.oneIn(3);
      const packed = packAnswer(message, { variant, isDerived, extendedError: -1, nowS: 1, lifetimeS: 60, staleS: 0 });
      assert.ok(packed !== null && cache.put(packed));
      twin.put(key, packed.bytes);
      if (rng.oneIn(3000)) {
        cache.forget(false);
        twin.forget((bytes) => ((bytes[16] ?? 0) & 8) !== 0);
      }
      const report = cache.report();
      assert.ok(report.bytes <= report.maxBytes && report.maxBytes <= 65_536 && report.entries > 0);
    }
    assert.ok(found > 3000 && cache.report().evicted > 1000);
    cache.forget(true);
    assert.deepEqual([cache.report().entries, cache.report().bytes], [0, 0]);
  });
});
