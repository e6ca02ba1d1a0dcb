// The screen that `--watch` draws: each second, in as many rows as there are; and what has aged on the one of `discover` meanwhile.

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { it, type TestContext } from 'node:test';
import type { WriteStream } from 'node:tty';
import { agedReport } from '../../src/cli/screens/discovery.ts';
import { type LiveScreen, type ScreenSize, showLive } from '../../src/cli/screens/live-screen.ts';
import type { DiscoveryReport } from '../../src/contract/discovery.ts';

/** A terminal that remembers what was written last. */
class Terminal extends EventEmitter {
  columns = 80;
  rows = 24;
  last = '';

  write(text: string): boolean {
    this.last = text;
    return true;
  }

  /** The lines of the last drawing. */
  get lines(): string[] {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences that a drawing has around its lines.
    return this.last.replaceAll(/\u001b\[[HJK]/g, '').split('\r\n');
  }
}

function show(t: TestContext, terminal: Terminal, render: (size: ScreenSize) => readonly string[]): LiveScreen {
  const screen = showLive(terminal as unknown as WriteStream, render, false);
  t.after(screen.close);
  return screen;
}

it('a live screen is drawn anew each second, until it is closed', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const terminal = new Terminal();
  let drawn = 0;
  const screen = show(t, terminal, () => [`drawing ${++drawn}`]);
  assert.deepEqual(terminal.lines, ['drawing 1']);
  t.mock.timers.tick(3000);
  assert.deepEqual(terminal.lines, ['drawing 4']);
  screen.close();
  t.mock.timers.tick(3000);
  assert.equal(drawn, 4);
});

it('a live screen says how many lines there are more where they do not fit', (t) => {
  const terminal = new Terminal();
  const lines = Array.from({ length: 26 }, (_, i) => `line ${i + 1}`);
  show(t, terminal, () => [...lines, '']);
  assert.deepEqual([terminal.lines.length, terminal.lines.at(-1)], [24, 'and 3 more lines']);
  assert.equal(terminal.lines.at(-2), 'line 23');
  terminal.rows = 25;
  terminal.emit('resize');
  assert.deepEqual([terminal.lines.length, terminal.lines.at(-1)], [25, 'and 2 more lines']);
  terminal.rows = 26;
  terminal.emit('resize');
  assert.deepEqual(terminal.lines, lines, 'an empty line at the end is none');
});

it('D-03 lifetimes and ages go on between two reports, and no lifetime below zero', () => {
  const report = {
    configured: null,
    interfaces: [
      {
        name: 'eth0',
        routers: [{ heardSecondsAgo: 3, pref64: [{ prefix: '64:ff9b::/96', secondsLeft: 600 }] }],
        resolvers: [{ secondsLeft: 20 }, { secondsLeft: null }],
        chosen: { secondsLeft: 600 },
      },
      { name: 'eth1', routers: [], resolvers: [], chosen: null },
    ],
  } as unknown as DiscoveryReport;
  const [first, second] = agedReport(report, 30_900).interfaces;
  assert.deepEqual(
    [first?.routers[0]?.heardSecondsAgo, first?.routers[0]?.pref64[0]?.secondsLeft, first?.chosen?.secondsLeft],
    [33, 570, 570],
  );
  assert.deepEqual(
    first?.resolvers.map((r) => r.secondsLeft),
    [0, null],
  );
  assert.deepEqual(second, report.interfaces[1]);
});
