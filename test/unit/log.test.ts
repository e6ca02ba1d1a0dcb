// The log of a daemon: which lines are written at a level and for --verbose, what is in them, and that a flood is none.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LOG_PARTS, type LogLevel, type LogPart, partOf, partsOfRole } from '../../src/contract/log-parts.ts';
import { REASONS, STEPS } from '../../src/contract/reasons.ts';
import { EventLog } from '../../src/control/event-log.ts';
import { DETAILS_PER_SECOND } from '../../src/daemon/line-limit.ts';
import { type DaemonLog, openLog } from '../../src/daemon/log.ts';
import { recordingLog } from '../../src/daemon/recording-log.ts';

interface Written {
  readonly level: string;
  readonly part: string;
  readonly code: string;
  readonly text: string;
  readonly time: string;
}

/** What of `use` is written. */
async function written(
  options: { readonly level?: LogLevel; readonly verbose?: readonly LogPart[]; readonly nowMs?: () => number },
  use: (log: DaemonLog) => void,
): Promise<Written[]> {
  const lines: string[] = [];
  const { level = 'info', verbose = [], nowMs } = options;
  const log = openLog({ level, verbose, json: true, colour: false }, (text) => void lines.push(text), nowMs);
  use(log);
  await log.flush();
  return lines.map((line) => JSON.parse(line) as Written);
}

/** A line of each level in two parts. */
function sayAll(log: DaemonLog): void {
  log.debug('router-heard', {}, 'discovery');
  log.debug('command-ran', {}, 'host');
  log.info('prefix-reachable', {}, 'discovery');
  log.info('host-changed', {}, 'host');
  log.warn('router-flood', {}, 'discovery');
  log.error('host-trouble', {}, 'host');
}

const codes = (lines: readonly Written[]): string[] => lines.map(({ code }) => code);

describe('a log', () => {
  it('writes what is at its level or above, each line with its part', async () => {
    const all = await written({ level: 'warn' }, sayAll);
    assert.deepEqual(
      all.map(({ level, part, code }) => [level, part, code]),
      [
        ['warn', 'discovery', 'router-flood'],
        ['error', 'host', 'host-trouble'],
      ],
    );
  });

  it('writes every line of the parts that it shall be verbose about, and of the others what its level lets through', async () => {
    const some = await written({ level: 'error', verbose: ['discovery'] }, sayAll);
    assert.deepEqual(codes(some), ['router-heard', 'prefix-reachable', 'router-flood', 'host-trouble']);
    const all = await written({ level: 'info', verbose: partsOfRole('client') }, sayAll);
    assert.equal(all.length, 6);
  });

  it('gives a line the time of its event, also when it has waited for its writer', async () => {
    const [line] = await written({ nowMs: () => 1_700_000_000_000 }, (log) => log.info('client-starting', {}, 'x'));
    assert.equal(line?.time, '2023-11-14T22:13:20.000Z');
  });

  it('leaves out what a part details faster than anybody reads, says how much, and never leaves out a decision', async () => {
    let nowMs = 1000;
    const lines = await written({ level: 'debug', nowMs: () => nowMs }, (log) => {
      for (let i = 0; i < 5 * DETAILS_PER_SECOND; i++) log.debug('router-heard', {}, 'a flood');
      log.debug('command-ran', {}, 'of another part');
      for (let i = 0; i < DETAILS_PER_SECOND + 1; i++) log.info('prefix-reachable', {}, 'a decision');
      nowMs += 1000;
      log.debug('router-heard', {}, 'later');
    });
    const count = (code: string): number => codes(lines).filter((each) => each === code).length;
    assert.equal(count('router-heard'), DETAILS_PER_SECOND + 1);
    assert.equal(count('command-ran'), 1);
    assert.equal(count('prefix-reachable'), DETAILS_PER_SECOND + 1);
    const left = lines.filter(({ code }) => code === 'lines-left-out');
    assert.deepEqual(
      left.map(({ part, text }) => [part, text]),
      [['discovery', '400 details of discovery came too fast']],
    );
  });

  it('keeps what would steer a terminal out of its lines, and the value of its JSON as it was', async () => {
    const hostile = 'eth0\u001b[2J\u009b31m\u202e\nx';
    const plain: string[] = [];
    const log = openLog({ level: 'info', verbose: [], json: false, colour: false }, (text) => void plain.push(text));
    log.info('router-flood', { name: hostile, other: 'a\u009bb' }, hostile);
    await log.flush();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there.
    assert.doesNotMatch(plain.join(''), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]|\n./);
    const raw: string[] = [];
    const json = openLog({ level: 'info', verbose: [], json: true, colour: false }, (text) => void raw.push(text));
    json.info('router-flood', { name: hostile }, hostile);
    await json.flush();
    assert.match(raw.join(''), /^[ -~]*\n$/);
    assert.equal((JSON.parse(raw.join('')) as Written).text, hostile);
  });

  it('makes events of decisions, not of details', async () => {
    const events = new EventLog();
    await written({ level: 'debug' }, (log) => sayAll(recordingLog(log, events)));
    assert.deepEqual(
      events.after(0).map(({ code }) => code),
      ['prefix-reachable', 'host-changed', 'router-flood', 'host-trouble'],
    );
  });
});

describe('the parts of a log', () => {
  it('have every reason and every step', () => {
    for (const code of [...Object.keys(REASONS), ...Object.keys(STEPS)] as (keyof typeof REASONS)[]) {
      assert.ok(Object.hasOwn(LOG_PARTS, partOf(code)), code);
    }
  });

  it('stand in docs/log.md', () => {
    const page = readFileSync(fileURLToPath(new URL('../../../docs/log.md', import.meta.url)), 'utf8');
    for (const [part, { about, roles }] of Object.entries(LOG_PARTS)) {
      const whose = roles.length === 3 ? 'all' : roles.join(', ');
      assert.ok(page.includes(`| \`${part}\` | ${about} | ${whose} |\n`), part);
    }
    assert.ok(page.includes(`at most ${DETAILS_PER_SECOND} details a second`));
  });

  it('are those of the role', () => {
    assert.deepEqual(partsOfRole('client'), ['discovery', 'lifecycle', 'host', 'datapath', 'control']);
    assert.deepEqual(partsOfRole('translate'), ['lifecycle', 'host', 'datapath', 'control']);
    assert.ok(partsOfRole('gateway').includes('dhcp') && !partsOfRole('gateway').includes('discovery'));
  });
});

describe('a log for a person', () => {
  it('has the date and time of the place', async (t) => {
    const zone = process.env.TZ;
    process.env.TZ = 'Asia/Tokyo';
    const journal = process.env.JOURNAL_STREAM;
    delete process.env.JOURNAL_STREAM;
    t.after(() => {
      process.env.TZ = zone ?? 'UTC';
      if (journal !== undefined) process.env.JOURNAL_STREAM = journal;
    });
    const lines: string[] = [];
    const options = { level: 'info', verbose: [], json: false, colour: false } as const;
    const log = openLog(
      options,
      (text) => void lines.push(text),
      () => 1_700_000_000_000,
    );
    log.info('client-starting', {}, 'starting');
    await log.flush();
    assert.deepEqual(lines, ['2023-11-15 07:13:20 info  starting code=client-starting\n']);
  });
});
