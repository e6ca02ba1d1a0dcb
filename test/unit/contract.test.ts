// The contract: shapes that read and refuse, the tables, the version handshake, the rates, and that the manual names all.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { EVENTS } from '../../src/contract/events.ts';
import { METHODS, PROTOCOL, protocolMismatch } from '../../src/contract/methods.ts';
import { dropsOf, ratesBetween } from '../../src/contract/rates.ts';
import {
  integer,
  list,
  nullable,
  object,
  oneOf,
  parameters,
  ShapeError,
  text,
  word,
} from '../../src/contract/schema.ts';
import { STATUS, STATUS_SECTIONS, type StatusCounters } from '../../src/contract/status.ts';
import { SAMPLE } from '../support/control.ts';

const refused = (read: () => unknown, said: RegExp): void =>
  assert.throws(read, (error: Error) => error instanceof ShapeError && said.test(error.message));

describe('a shape', () => {
  const person = object({ name: text(5), ages: list(integer(0, 150), 2) }, { nick: nullable(text()) });

  it('reads what fits and gives it back', () => {
    const value = { name: 'Ada', ages: [36], nick: null };
    assert.deepEqual(person.read(value, ''), value);
  });

  it('leaves out keys that it does not know, so that a later version may add some', () => {
    assert.deepEqual(person.read({ name: 'Ada', ages: [], later: 1 }, ''), { name: 'Ada', ages: [] });
  });

  it('names the place of what does not fit', () => {
    refused(() => person.read({ name: 'Ada', ages: [36, -1] }, ''), /^ages\[1\] must be a whole number from 0 to 150$/);
    refused(() => person.read({ name: 'Ada' }, ''), /^ages must be a list$/);
    refused(() => person.read({ name: 'Augusta', ages: [] }, ''), /^name must be text of at most 5 characters$/);
    refused(() => person.read({ name: 'Ada', ages: [1, 2, 3] }, ''), /^ages must be a list of at most 2 values$/);
    refused(() => person.read([], ''), /^the value must be an object$/);
  });

  it('refuses values that only look like numbers', () => {
    for (const value of ['1', 1.5, Number.NaN, 2 ** 53, null]) refused(() => integer().read(value, 'n'), /^n must be/);
  });

  it('takes any word where a list may grow, and none where it is asked for', () => {
    assert.equal(word('up', 'down').read('sideways', ''), 'sideways');
    refused(() => oneOf(4, 6).read(5, 'family'), /^family must be one of 4, 6$/);
  });

  it('of parameters refuses what it does not know, because to ignore it would be to do something else', () => {
    refused(() => parameters({}, { a: text() }).read({ b: 1 }, ''), /^b must be left out/);
  });

  it('is not fooled by keys of the prototype', () => {
    refused(() => object({ constructor: text() }).read({}, ''), /^constructor must be text$/);
    assert.deepEqual(person.read(JSON.parse('{"name":"Ada","ages":[],"__proto__":{"nick":"x"}}'), ''), {
      name: 'Ada',
      ages: [],
    });
  });
});

describe('the status', () => {
  it('is what its shape says, after a way through JSON', () => {
    assert.deepEqual(STATUS.read(JSON.parse(JSON.stringify(SAMPLE)), ''), SAMPLE);
  });
});

describe('the protocol version', () => {
  it('of another minor number is no obstacle', () => {
    assert.equal(protocolMismatch({ protocol: { major: 1 }, version: '0.1.0' }, PROTOCOL), null);
  });

  it('of another major number is told with what to do, by whichever end is older', () => {
    const tell = (daemon: number, program: number) =>
      protocolMismatch({ protocol: { major: daemon }, version: '0.9.0' }, { major: program });
    assert.match(tell(1, 2) ?? '', /the daemon \(0\.9\.0\) speaks control protocol 1, this program 2; .*restart it$/);
    assert.match(tell(2, 1) ?? '', /this program is the older one: update it$/);
  });
});

describe('rates', () => {
  const counters = SAMPLE.counters as StatusCounters;
  const later: StatusCounters = {
    ...counters,
    packetsIn: { ipv4: counters.packetsIn.ipv4 + 500, ipv6: counters.packetsIn.ipv6 },
    verdicts: counters.verdicts.map((v) => (v.name === 'hop-limit' ? { ...v, ipv4: v.ipv4 + 5 } : v)),
  };

  it('are differences by time', () => {
    const rates = ratesBetween({ counters, atMs: 1000 }, { counters: later, atMs: 1250 });
    assert.deepEqual(rates?.packetsIn, { ipv4: 2000, ipv6: 0 });
    assert.deepEqual(rates?.drops, { ipv4: 20, ipv6: 0 });
  });

  it('are none without time between, or when the counters began anew', () => {
    assert.equal(ratesBetween({ counters, atMs: 1 }, { counters: later, atMs: 1 }), null);
    assert.equal(ratesBetween({ counters: later, atMs: 1 }, { counters, atMs: 1001 }), null);
  });

  it('count as dropped what is marked so', () => assert.deepEqual(dropsOf(counters.verdicts), { ipv4: 67, ipv6: 21 }));
});

describe('docs/control-api.md', () => {
  const manual = readFileSync(join(import.meta.dirname, '../../../docs/control-api.md'), 'utf8');
  const names = [...Object.keys(METHODS), ...Object.keys(EVENTS), ...Object.keys(STATUS_SECTIONS)];
  for (const name of names) it(`names ${name}`, () => assert.ok(manual.includes(`\`${name}\``), name));
});
