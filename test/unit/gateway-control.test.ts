// What only a gateway is asked, over the socket: who may ask, what is checked, and what a daemon says that is none.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { XlatError } from '../../src/contract/errors.ts';
import type { Access, MethodName } from '../../src/contract/methods.ts';
import { STATUS } from '../../src/contract/status.ts';
import { connectTo } from '../../src/control/client.ts';
import type { GatewayRequests } from '../../src/control/host.ts';
import { SAMPLE, type Served, serve } from '../support/control.ts';
import { GATEWAY_SAMPLE } from '../support/gateway.ts';

const END = { address: '2001:db8::5', port: 80 };
const ENDS = { protocol: 'tcp', mapped: '192.0.2.10:8080', host: '[2001:db8::5]:80' } as const;

/** A gateway that writes down what it was asked. */
function answering(asked: unknown[]): GatewayRequests {
  const note =
    <T>(what: string, answer: T) =>
    async (of: object): Promise<T> => {
      asked.push([what, of]);
      return answer;
    };
  const session = {
    kind: 'nat64',
    protocol: 'tcp',
    state: 'established',
    host: END,
    mapped: END,
    remote: END,
    expiresInMs: 5,
  };
  const steps = [{ atMs: 1.5, step: 'ask', text: 'AAAA to 192.0.2.53' }];
  return {
    sessions: note('sessions', { total: 1, sessions: [session], notes: [] }),
    bindings: note('bindings', { total: 0, bindings: [] }),
    addBinding: note('add', undefined),
    removeBinding: note('remove', undefined),
    explain: note('explain', {
      name: 'a.example',
      type: 'AAAA',
      steps,
      rcode: 'NOERROR',
      isSynthetic: false,
      answer: [],
    }),
  };
}

const CALLS: readonly (readonly [method: MethodName, params: object])[] = [
  [
    'sessions',
    {
      kind: 'nat64',
      protocol: 'tcp',
      host: '2001:db8::/64',
      remote: '192.0.2.1',
      state: 'established',
      sort: 'expires',
      limit: 5,
    },
  ],
  ['bindings.list', { staticOnly: true }],
  ['bindings.add', ENDS],
  ['bindings.remove', ENDS],
  ['dns.query', { name: 'a.example', type: 'AAAA' }],
];

const call = async (
  { endpoint }: Served,
  access: Access,
  [method, params]: (typeof CALLS)[number],
): Promise<unknown> => {
  const connection = await connectTo(endpoint, access, 'a test');
  try {
    return await connection.call(method, params as never);
  } finally {
    connection.close();
  }
};

const refused =
  (code: string, said: RegExp) =>
  (error: unknown): boolean =>
    error instanceof XlatError && error.code === code && said.test(error.message);

describe('a gateway’s methods', () => {
  it('N-09 reach the gateway with their parameters, and bring back what it says', async (t) => {
    const served = await serve(t);
    const asked: unknown[] = [];
    served.daemon.gateway = answering(asked);
    const results = [];
    for (const one of CALLS) results.push(await call(served, 'admin', one));
    assert.deepEqual(asked, [
      ['sessions', CALLS[0][1]],
      ['bindings', CALLS[1][1]],
      ['add', ENDS],
      ['remove', ENDS],
      ['explain', CALLS[4][1]],
    ]);
    assert.deepEqual((results[0] as { total: number }).total, 1);
    assert.deepEqual(results.slice(2, 4), [{}, {}]);
  });

  it('are for everyone where they read, and for administrators where they change', async (t) => {
    const served = await serve(t);
    served.daemon.gateway = answering([]);
    for (const one of CALLS) {
      const isChange = one[0] === 'bindings.add' || one[0] === 'bindings.remove';
      if (isChange)
        await assert.rejects(call(served, 'read', one), refused('NOT_PERMITTED', /for root and the group xlat464/));
      else await call(served, 'read', one);
    }
  });

  it('are refused by a daemon of another role', async (t) => {
    const served = await serve(t);
    for (const one of CALLS)
      await assert.rejects(call(served, 'admin', one), refused('USAGE', /is a client, not a gateway/));
  });

  it('refuse what they do not know, so that nothing else is done than what was asked', async (t) => {
    const served = await serve(t);
    served.daemon.gateway = answering([]);
    const bad: readonly (typeof CALLS)[number][] = [
      ['sessions', { protcol: 'tcp' }],
      ['sessions', { limit: 100_000 }],
      ['sessions', { sort: 'age' }],
      ['bindings.add', { ...ENDS, protocol: 'sctp' }],
      ['bindings.add', { protocol: 'tcp', mapped: 'x'.repeat(65), host: '' }],
      ['dns.query', {}],
      ['dns.query', { name: 'x'.repeat(256) }],
    ];
    for (const one of bad)
      await assert.rejects(call(served, 'admin', one), refused('CONTROL_FAILED', /must be/), one[0]);
  });
});

describe('the status of a gateway', () => {
  it('is what its shape says, after a way through JSON', () => {
    const status = { ...SAMPLE, gateway: GATEWAY_SAMPLE };
    assert.deepEqual(STATUS.read(JSON.parse(JSON.stringify(status)), ''), status);
  });

  it('of an older daemon has no such part, and is read all the same', () => {
    const { gateway: _, ...older } = SAMPLE;
    assert.equal(STATUS.read(older, '').gateway, null);
  });
});
