// What a client says of its prefix in the snapshot, whatever its data path was set to before.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClientState } from '../../src/client/running-client.ts';
import { STATUS, type StatusState } from '../../src/contract/status.ts';
import { clientFacts } from '../../src/daemon/client-status.ts';
import { StatusBoard } from '../../src/daemon/status-board.ts';
import { systemClock } from '../../src/discovery/clock.ts';
import { TRANSLATOR } from '../support/nat64.ts';

const IDENTITY = { role: 'client', name: 'client-clat0', version: '0', pid: 1, startedMs: 0 };
const RUNNING: ClientState = {
  state: 'running',
  problems: [],
  uplink: 'wlan0',
  source: '2001:db8:1::10',
  uplinkKind: 'redirect',
  clat: '2001:db8:1::1234',
  ipv4: '192.0.0.1',
  tun: 'clat0',
  ipv4MtuBytes: 1480,
  prefix: {
    prefix: '2001:db8:64::/96',
    source: 'ra',
    origin: 'fe80::1',
    validUntilMs: Number.POSITIVE_INFINITY,
    isReachable: null,
  },
};
const NO_OFFERS = { candidates: [], chosen: new Set<never>(), refused: [] };
const AFTERWARDS: readonly ClientState[] = [
  { state: 'waiting', reason: 'prefix-lost', why: 'expired', problems: [], retryAtMs: null },
  { state: 'stopping' },
  { state: 'stopped', reason: 'client-stopped', why: '', problems: [] },
];

describe("a client's status", () => {
  it('D-15 names the source of the prefix in use, and no prefix once it runs no longer', () => {
    let state: ClientState = RUNNING;
    const board = new StatusBoard(IDENTITY, () =>
      clientFacts({ state, offers: NO_OFFERS }, { settings: TRANSLATOR, dataPath: null }),
    );
    const { prefix } = board.status();
    assert.deepEqual(prefix, { prefix: '2001:db8:64::/96', source: 'router-advertisement', validUntilMs: null });
    for (state of AFTERWARDS) assert.equal(board.status().prefix, null, state.state);
  });

  it('D-15 has its problems with what to do about them, and when the next attempt comes', () => {
    const problem = {
      code: 'address-contested',
      text: 'another node claims it',
      advice: 'look at the switch',
    } as const;
    let state: ClientState = { ...RUNNING, problems: [problem] };
    const board = new StatusBoard(IDENTITY, () =>
      clientFacts({ state, offers: NO_OFFERS }, { settings: TRANSLATOR, dataPath: null }),
    );
    const now = (): StatusState => STATUS.read({ ...board.status(), rates: null }, '').state;
    assert.deepEqual(now().problems, [problem]);
    state = RUNNING;
    assert.ok(!('problems' in now()), 'gone as soon as the client has none');
    const retryAtMs = systemClock.now() + 30_000;
    state = { state: 'waiting', reason: 'client-retrying', why: 'taken', problems: [problem], retryAtMs };
    const { retryMs = 0, problems } = now();
    assert.ok(Math.abs(retryMs - Date.now() - 30_000) <= 2000 && retryMs % 1000 === 0, `${retryMs}`);
    assert.deepEqual(problems, [problem]);
  });
});
