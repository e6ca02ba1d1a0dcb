// What `xlat464 status` shows: the whole screen as text, in 80 columns, in fewer, with nothing in it, and in colour.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { bytes, count, duration, fit, percent, rate, wrap } from '../../src/cli/screens/format.ts';
import { eventText, type ScreenOptions, statusScreen } from '../../src/cli/screens/status.ts';
import type { Snapshot } from '../../src/contract/methods.ts';
import type { StatusCounters } from '../../src/contract/status.ts';
import { SAMPLE } from '../support/control.ts';

process.env.TZ = 'UTC'; // and another one in a test below
const NOW = SAMPLE.daemon.startedMs + 8_000_000;
const PLAIN: ScreenOptions = { columns: 80, rows: null, colour: false, nowMs: NOW };

const event = (number: number, level: string, code: string, text: string) => ({
  number,
  timeMs: SAMPLE.daemon.startedMs + number * 1000,
  level,
  code,
  fields: {},
  text,
});

const SNAPSHOT: Snapshot = {
  status: SAMPLE,
  events: [
    event(1, 'info', 'uplink-chosen', 'wlan0, from 2001:db8:1::10, MTU 1500'),
    event(2, 'warn', 'address-duplicate', '2001:db8:1:0:a1b2:c3d4:e5f6:1233 is taken, so that another one was made up'),
    event(3, 'info', 'client-ready', '192.0.0.1 on clat0 ⇄ 2001:db8:1:0:a1b2:c3d4:e5f6:1234'),
  ],
};

const SCREEN = `
xlat464 client-clat0 · version 0.1.0 · process 4711 · up 2 h 13 min

State    running for 2 h 13 min (client-ready)
         translation is on
PREF64   64:ff9b::/96 from the configuration
IPv4     192.0.0.1 on clat0, MTU 1480
IPv6     2001:db8:1:0:a1b2:c3d4:e5f6:1234, MTU 1500
Uplink   wlan0 by redirect, MTU 1500, from 2001:db8:1::10
Offload  checksums, TCP; 1 queue
Merging  on, 45.7 k packets into 1234
Note     no UDP segmentation offload: this kernel is older than 6.2

Traffic           bit/s  packets/s        bytes      packets           dropped
IPv4 → IPv6     800.0 k      1.2 k     94.2 MiB        1.2 M       67 (<0.1 %)
IPv6 → IPv4     144.0 M     12.3 k      9.2 GiB        7.7 M       21 (<0.1 %)
3 translated packets were not taken by the virtual interface

Dropped, and why
       80  hop-limit (RFC 7915 §4.1, §5.1)
           TTL or hop limit used up
        8  udp-zero-checksum (RFC 7915 §4.5)
           UDP without a checksum, and it could or should not be computed, which
           is told here at such length that it needs a second line

Recent events
22:13:21 wlan0, from 2001:db8:1::10, MTU 1500 (uplink-chosen)
22:13:22 2001:db8:1:0:a1b2:c3d4:e5f6:1233 is taken, so that… (address-duplicate)
22:13:23 192.0.0.1 on clat0 ⇄ 2001:db8:1:0:a1b2:c3d4:e5f6:1234 (client-ready)`;

describe('the status screen', () => {
  it('D-03 shows at 80 columns how long a prefix is valid, and all of a failed check below it', () => {
    const prefix = { prefix: '2001:db8:6464:6464:1:2::/96', source: 'router-advertisement', validUntilMs: 1_799_000 };
    const options = { columns: 80, rows: null, colour: false, nowMs: 0 };
    const lines = statusScreen(
      { status: { ...SAMPLE, prefix: { ...prefix, isReachable: false } }, events: [] },
      options,
    );
    const at = lines.findIndex((each) => each.startsWith('PREF64'));
    const row = 'PREF64   2001:db8:6464:6464:1:2::/96 by router advertisement, 29 min 59 s left;';
    assert.deepEqual(lines.slice(at, at + 2), [row, '         the connectivity check failed']);
  });

  it('lets no text of a daemon steer the terminal', () => {
    const options = { columns: 80, rows: null, colour: false, nowMs: 0 };
    const state = { ...SAMPLE.state, text: 'a\u001b[2Jb\u202ec\u009bd' };
    const lines = statusScreen({ status: { ...SAMPLE, state }, events: [] }, options);
    assert.ok(lines.includes('         a�[2Jb�c�d'));
  });

  it('D-08 says what came of the connectivity check, where one was made', () => {
    const line = (isReachable?: boolean): string | undefined => {
      const prefix = { prefix: '64:ff9b::/96', source: 'dns', validUntilMs: null };
      const checked = isReachable === undefined ? prefix : { ...prefix, isReachable };
      const options = { columns: 80, rows: null, colour: false, nowMs: SAMPLE.daemon.startedMs };
      const lines = statusScreen({ status: { ...SAMPLE, prefix: checked }, events: [] }, options);
      return lines.find((each) => each.startsWith('PREF64'))?.slice(9);
    };
    assert.equal(line(), '64:ff9b::/96 by DNS');
    assert.equal(line(true), '64:ff9b::/96 by DNS, reachable');
    assert.equal(line(false), '64:ff9b::/96 by DNS; the connectivity check failed');
  });

  it('tells everything in 80 columns', () =>
    assert.deepEqual(statusScreen(SNAPSHOT, PLAIN), SCREEN.split('\n').slice(1)));

  it('D-15 says under the state what is not as it should be, and what to do about it', () => {
    const problems = [
      {
        code: 'address-contested',
        text: 'another node on wlan0 claims 2001:db8:1:0:a1b2:c3d4:e5f6:1234, in use',
        advice: 'see',
      },
      { code: 'other', text: 'short', advice: null },
    ];
    const lines = statusScreen({ status: { ...SAMPLE, state: { ...SAMPLE.state, problems } }, events: [] }, PLAIN);
    assert.deepEqual(lines.slice(4, 8), [
      'Problem  another node on wlan0 claims 2001:db8:1:0:a1b2:c3d4:e5f6:1234, in use',
      '         (address-contested)',
      '         see',
      'Problem  short (other)',
    ]);
  });

  it('D-10, D-15 says when the next attempt comes', () => {
    const state = {
      name: 'waiting',
      reason: 'client-retrying',
      text: 'taken',
      sinceMs: NOW - 5000,
      retryMs: NOW + 7000,
    };
    const lines = statusScreen({ status: { ...SAMPLE, state }, events: [] }, PLAIN);
    assert.equal(lines[3], '         taken; the next attempt comes in 7 s');
  });

  it('never is wider than the terminal', () => {
    for (const columns of [1, 20, 79, 80, 200]) {
      for (const line of statusScreen(SNAPSHOT, { ...PLAIN, columns, colour: true })) {
        assert.ok(stripVTControlCharacters(line).length <= columns, line);
      }
    }
  });

  it('is the same in colour, apart from the colour', () => {
    const lines = statusScreen(SNAPSHOT, { ...PLAIN, colour: true });
    assert.deepEqual(lines.map(stripVTControlCharacters), SCREEN.split('\n').slice(1));
    assert.ok(lines.join().includes('\u001b[32mrunning\u001b[0m'));
    assert.ok(lines.join().includes('\u001b[33mhop-limit\u001b[0m'));
    assert.ok(lines.join().includes('is taken, so that…\u001b[0m'));
  });

  it('leaves out events first where there are few lines, but not all', () => {
    const events = Array.from({ length: 20 }, (_, i) => event(i + 1, 'info', 'x', `event ${i + 1}`));
    const shown = (rows: number) =>
      statusScreen({ ...SNAPSHOT, events }, { ...PLAIN, rows }).filter((line) => line.includes('event ')).length;
    assert.deepEqual([shown(10), shown(29), shown(100)], [3, 4, 8]);
  });

  it('says why the virtual interface did not take packets, where the daemon tells', () => {
    const writesRefusedBy = { linkDown: 2, invalid: 0, noMemory: 1, other: 0 };
    const status = { ...SAMPLE, counters: { ...(SAMPLE.counters as StatusCounters), writesRefusedBy } };
    const lines = statusScreen({ status, events: [] }, PLAIN);
    assert.equal(lines[lines.findIndex((line) => line.includes('not taken')) + 1], '  interface down 2, no memory 1');
  });

  it('of a client that waits says what for, and shows no numbers', () => {
    const state = {
      name: 'waiting',
      reason: 'uplink-waiting',
      text: 'no interface leads to 64:ff9b::',
      sinceMs: NOW - 5000,
    };
    const nothing = { device: null, uplink: null, counters: null, rates: null, addresses: { ipv4: null, ipv6: null } };
    const status = { ...SAMPLE, ...nothing, state, prefix: null };
    assert.deepEqual(statusScreen({ status, events: [] }, PLAIN), [
      'xlat464 client-clat0 · version 0.1.0 · process 4711 · up 2 h 13 min',
      '',
      'State    waiting for 5 s (uplink-waiting)',
      '         no interface leads to 64:ff9b::',
      'PREF64   none',
    ]);
  });

  it('D-15 of a client that is down or waits shows no addresses and offloads of an interface without any use', () => {
    const addresses = { ipv4: null, ipv6: null };
    const state = { name: 'waiting', reason: 'native-ipv4', text: 'native', sinceMs: NOW };
    const client = { ...SAMPLE, uplink: null, addresses, state, prefix: null };
    const labels = (status: typeof SAMPLE): string[] =>
      statusScreen({ status, events: [] }, PLAIN)
        .map((line) => line.slice(0, 8).trim())
        .filter((label) => ['IPv4', 'IPv6', 'Offload', 'Merging'].includes(label));
    assert.deepEqual(labels(client), []);
    assert.deepEqual(labels({ ...client, daemon: { ...client.daemon, role: 'translator' } }).length, 4);
  });

  it('shows words that it does not know as they are', () => {
    const prefix = { prefix: '64:ff9b::/96', source: 'telepathy', validUntilMs: NOW + 90_000 };
    const status = { ...SAMPLE, state: { ...SAMPLE.state, name: 'dreaming' }, prefix };
    const lines = statusScreen({ status, events: [] }, PLAIN);
    assert.ok(lines[2]?.startsWith('State    dreaming for'));
    assert.ok(lines.includes('PREF64   64:ff9b::/96 from telepathy, 1 min 30 s left'));
  });
});

describe('an event as a line', () => {
  it('has date, time, text and code', () =>
    assert.equal(
      eventText(event(1, 'info', 'ready', 'ready in 90 ms'), true),
      '2023-11-14 22:13:21 ready in 90 ms (ready)',
    ));

  it('has the date of the place as it has its time', (t) => {
    process.env.TZ = 'Asia/Tokyo';
    t.after(() => (process.env.TZ = 'UTC'));
    assert.match(eventText(event(1, 'info', 'ready', 'ready'), false), /^2023-11-15 07:13:21 /);
  });
});

describe('numbers for people', () => {
  it('are exact while they are small and scaled from there', () => {
    assert.deepEqual([0, 9999, 10_000, 999_960, 1e15].map(count), ['0', '9999', '10.0 k', '1.0 M', '1.0 P']);
    assert.deepEqual([0, 1023, 1024, 1.5 * 2 ** 30].map(bytes), ['0 B', '1023 B', '1.0 KiB', '1.5 GiB']);
    assert.deepEqual([0, 0.25, 3, 1500].map(rate), ['0', '0.3', '3', '1.5 k']);
  });

  it('of a share are never zero where there is something', () => {
    assert.deepEqual(
      [percent(0, 5), percent(1, 1e6), percent(1, 3), percent(1, 0)],
      ['0 %', '<0.1 %', '33.3 %', '0 %'],
    );
  });

  it('of a time are its two largest units', () => {
    const all = [-5, 999, 61_000, 3_600_000, 8_000_000, 90_000_000].map(duration);
    assert.deepEqual(all, ['0 s', '0 s', '1 min 1 s', '1 h', '2 h 13 min', '1 d 1 h']);
  });
});

describe('text', () => {
  it('is broken at blanks and cut where it must be', () => {
    assert.deepEqual(wrap('aa bb cccccc d', 5), ['aa bb', 'cccc…', 'd']);
    assert.deepEqual([fit('abc', 3), fit('abcd', 3), fit('abc', 0)], ['abc', 'ab…', '…']);
  });
});
