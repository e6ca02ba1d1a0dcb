// What a client says is the matter, and that it is over: the lifecycle's refusals and contests on their way to status, with a host that
// refuses and neighbours that lie. Read first: client/problems.ts.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startClient } from '../../src/client/client.ts';
import { adviceOf, failureOf } from '../../src/client/failure.ts';
import { problemsOf } from '../../src/client/problems.ts';
import type { ClientState, RunningClient } from '../../src/client/running-client.ts';
import { clientConfigFromOptions } from '../../src/config/client.ts';
import { XlatError } from '../../src/contract/errors.ts';
import type { Log } from '../../src/contract/reasons.ts';
import type { HostConfig } from '../../src/core/host/host-config.ts';
import { MOVES_MAX } from '../../src/core/lifecycle/neighbours.ts';
import type { HostControl, Platform } from '../../src/platform/platform.ts';
import { scratch } from '../support/control.ts';
import { address, Driver, offer, uplink } from '../support/lifecycle.ts';
import { waitFor } from '../support/netns.ts';

const refusal = (code: string): XlatError =>
  new XlatError('REDIRECT_UNAVAILABLE', 'redirect', `the kernel refuses: ${code}`, {
    advice: 'give it CAP_BPF',
    cause: Object.assign(new Error(code), { code }),
  });

const LEFT = new XlatError('HOST_CHANGE_FAILED', 'restore this host', '1 setting(s) could not be put back');

type Running = Extract<ClientState, { state: 'running' }>;

/** A client on a network that is there, and what happens to it. */
class World {
  /** What redirecting is refused with; null: it works. */
  refusesWith: XlatError | null = null;
  /** How often putting everything back fails from now on. */
  undoFailures = 0;
  /** Whether somebody answers each probe for duplicates. */
  isTaken = false;
  readonly applied: (HostConfig | null)[] = [];
  defences = 0;
  readonly said: string[] = [];
  claims: (clat: string) => void = () => undefined;
  readonly client: RunningClient;

  constructor(t: TestContext, prepare: (world: World) => void = () => undefined) {
    prepare(this);
    const secretDir = scratch(t);
    const config = clientConfigFromOptions({ prefix: '2001:db8:64::/96' });
    const dataPlane = { tunName: 'clat0', ended: new Promise<void>(() => undefined), update: async () => undefined };
    this.client = startClient(config, {
      platform: this.#platform(),
      startDataPlane: async () => ({ ...dataPlane, close: async () => undefined }),
      log: this.#log(),
      stateDir: secretDir,
      secretDir,
      waitsForUplink: true,
    });
    t.after(() => this.client.stop().catch(() => undefined)); // a test may want it to fail
  }

  #log(): Log {
    const write = (reason: string): void => void this.said.push(reason);
    return { debug: () => undefined, info: write, warn: write, error: write };
  }

  #platform(): Platform {
    return {
      findUplink: async () => ({ uplink: uplink('eth0') }),
      findLink: async (name) => ({ name, index: 9 }),
      isDuplicate: async () => this.isTaken,
      watchNetwork: () => ({ close: () => undefined }),
      openHost: async (_dir, _log, lost) => {
        this.claims = lost;
        return this.#host();
      },
    };
  }

  #host(): HostControl {
    return {
      facts: async () => ({ links: [], routes: [], proxies: [], sysctls: new Map(), firewallTables: new Set() }),
      apply: async (config) => {
        if (config === null && this.undoFailures-- > 0) throw LEFT;
        if (config?.uplink?.kind === 'redirect' && this.refusesWith !== null) throw this.refusesWith;
        this.applied.push(config);
      },
      defend: () => {
        this.defences += 1;
      },
      forwardDrops: async () => [],
      close: () => undefined,
    };
  }

  /** Waits until it runs, by another address where one is given. */
  running(than = ''): Promise<Running> {
    return waitFor('the client to run', () => {
      const { state } = this.client;
      return state.state === 'running' && state.clat !== than && state;
    });
  }

  /** Somebody claims the address in use as often as it takes until the client stays on it. */
  async contest(): Promise<Running> {
    let now = await this.running();
    for (let i = 0; i < MOVES_MAX; i++) {
      this.claims(now.clat);
      this.claims(now.clat); // again, although it was defended
      now = await this.running(now.clat);
    }
    this.claims(now.clat);
    return this.running();
  }
}

const codes = ({ state }: RunningClient): readonly string[] =>
  'problems' in state ? state.problems.map((p) => p.code) : [];

describe('the problems of a client', () => {
  it('D-15 has the reason for which it forwards with what to do about it, until redirecting works again', async (t) => {
    const world = new World(t, (w) => {
      w.refusesWith = refusal('EPERM');
    });
    const { uplinkKind, problems } = await world.running();
    assert.equal(uplinkKind, 'forwarding');
    const text = 'the kernel forwards, for it does not redirect: the kernel refuses: EPERM';
    assert.deepEqual(problems, [{ code: 'redirect-unavailable', text, advice: 'give it CAP_BPF' }]);
    world.refusesWith = null;
    world.client.switchOff();
    await waitFor('the end', () => world.client.state.state === 'stopped');
    world.client.switchOn();
    const after = await world.running();
    assert.deepEqual([after.uplinkKind, after.problems], ['redirect', []]);
  });

  it('D-10, D-15 has the address that others claim, which is defended and not given up', async (t) => {
    const world = new World(t);
    const { problems, clat } = await world.contest();
    assert.deepEqual(codes(world.client), ['address-contested']);
    assert.match(problems[0]?.text ?? '', new RegExp(`another node on eth0 claims ${clat}, the address in use`));
    assert.match(problems[0]?.advice ?? '', /answers for addresses that are not its own/);
    assert.equal(world.defences, MOVES_MAX + 1);
    assert.ok(!world.applied.includes(null), 'never torn down');
  });

  it('D-10, D-15 has the addresses that others have, and when the next attempt comes', async (t) => {
    const world = new World(t, (w) => {
      w.isTaken = true;
    });
    const state = await waitFor('the pause', () => {
      const now = world.client.state;
      return now.state === 'waiting' && now.reason === 'client-retrying' && now;
    });
    assert.deepEqual(codes(world.client), ['address-duplicate']);
    assert.match(state.problems[0]?.advice ?? '', /ND inspection/);
    assert.notEqual(state.retryAtMs, null);
    world.isTaken = false;
    assert.deepEqual((await world.running()).problems, []);
  });
});

describe('a client whose host cannot be put back', () => {
  /** Runs, and is switched off. */
  async function down(t: TestContext, failures: number): Promise<World> {
    const world = new World(t);
    await world.running();
    world.undoFailures = failures;
    world.client.switchOff();
    await waitFor('the end', () => world.client.state.state === 'stopped');
    return world;
  }

  it('D-16 at first is tried once more when the interface is gone, with which most of it goes', async (t) => {
    const { client, said } = await down(t, 1);
    assert.ok(client.state.state === 'stopped' && client.state.reason === 'client-off');
    assert.ok(!said.includes('host-trouble'));
    await client.stop();
  });

  it('D-15, D-16 stays off, says so in status, and tries again by another `down`', async (t) => {
    const { client, said } = await down(t, 2);
    assert.ok(client.state.state === 'stopped');
    assert.deepEqual([client.state.reason, client.state.why], ['host-trouble', LEFT.message]);
    assert.deepEqual(codes(client), ['host-trouble']);
    assert.ok(said.includes('host-trouble') && !said.includes('client-stopped'), 'it has not ended');
    client.switchOff();
    await waitFor('the end', () => codes(client).length === 0 && client.state.state === 'stopped');
    await client.stop();
  });

  it('D-16 starts again by `up`', async (t) => {
    const world = await down(t, 2);
    world.client.switchOn();
    assert.deepEqual((await world.running()).problems, []);
  });

  it('D-15, D-16 ends with what is left, where it is stopped, also after a `down`', async (t) => {
    const world = await down(t, Number.POSITIVE_INFINITY);
    await assert.rejects(world.client.stop(), LEFT);
    const other = new World(t);
    await other.running();
    other.undoFailures = 2;
    await assert.rejects(other.client.stop(), LEFT);
  });
});

describe('the problems of a lifecycle', () => {
  const failure = { code: 'REDIRECT_UNAVAILABLE', message: 'no tcx', isFinal: false };

  it('D-15 have the refusal that keeps it from going against the routes, while it waits for that', () => {
    const driver = new Driver({ route: uplink('vpn0', 4), own: [uplink('eth0')] }).up().prefixes(offer('eth0', 1));
    driver.claimed(1).failed(failure).done();
    assert.equal(driver.state, 'waiting');
    const text = 'the routes lead elsewhere, and only redirecting could go against them: no tcx';
    assert.deepEqual(problemsOf(driver.life), [{ code: 'redirect-unavailable', text, advice: null }]);
    assert.deepEqual(problemsOf(driver.down().done().life), []);
  });

  it('D-15 have no contest that another address ends', () => {
    const driver = new Driver().run();
    driver.take({ event: 'contested', clat: address(1) }).take({ event: 'contested', clat: address(1) });
    assert.deepEqual([driver.state, problemsOf(driver.life)[0]?.code], ['moving', 'address-contested']);
    assert.deepEqual(problemsOf(driver.claimed(2).done().life), []);
  });
});

describe('a failure', () => {
  it('is temporary where the system was short of memory or time', () => {
    const temporary = ['ENOMEM', 'EAGAIN', 'EPERM'].map((code) => failureOf(refusal(code)).isTemporary);
    assert.deepEqual(temporary, [true, true, false]);
    assert.equal(failureOf(new Error('ENOMEM')).isTemporary, false);
  });

  it('is for good where it is for want of permission, a program or the kernel module, and only there', () => {
    const final = ['NOT_PERMITTED', 'TOOL_MISSING', 'ADDON_MISSING', 'TUN_UNAVAILABLE'] as const;
    for (const code of final) assert.ok(failureOf(new XlatError(code, 'test', 'no')).isFinal, code);
    for (const code of ['HOST_CHANGE_FAILED', 'TUN_BUSY', 'DATA_PATH_FAILED'] as const)
      assert.ok(!failureOf(new XlatError(code, 'test', 'no')).isFinal, code);
  });

  it('has the advice of its error, or none', () => {
    assert.equal(adviceOf(failureOf(refusal('EPERM'))), 'give it CAP_BPF');
    assert.equal(adviceOf(failureOf(new Error('x'))), null);
    assert.match(adviceOf({ code: 'NO_UPLINK', message: 'no', isFinal: true }) ?? '', /--uplink/);
  });
});
