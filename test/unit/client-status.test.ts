// What a client says of its prefix in the snapshot, whatever its data path was set to before.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClientState } from '../../src/client/running-client.ts';
import { clientFacts } from '../../src/daemon/client-status.ts';
import { StatusBoard } from '../../src/daemon/status-board.ts';
import { TRANSLATOR } from '../support/nat64.ts';

const IDENTITY = { role: 'client', name: 'client-clat0', version: '0', pid: 1, startedMs: 0 };
const RUNNING: ClientState = {
  state: 'running',
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
const AFTERWARDS: readonly ClientState[] = [
  { state: 'waiting', reason: 'prefix-lost', why: 'expired' },
  { state: 'stopping' },
  { state: 'stopped', reason: 'client-stopped', why: '' },
];

describe("a client's status", () => {
  it('D-15 names the source of the prefix in use, and no prefix once it runs no longer', () => {
    let state: ClientState = RUNNING;
    const board = new StatusBoard(IDENTITY, () => clientFacts(state, { settings: TRANSLATOR, dataPath: null }));
    const { prefix } = board.status();
    assert.deepEqual(prefix, { prefix: '2001:db8:64::/96', source: 'router-advertisement', validUntilMs: null });
    for (state of AFTERWARDS) assert.equal(board.status().prefix, null, state.state);
  });
});
