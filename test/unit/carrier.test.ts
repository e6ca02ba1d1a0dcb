// The client's hands: the carrier of the translated traffic, the look at the network and the choice of an address, on a host that
// only notes what is done to it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Carrier } from '../../src/client/carrier.ts';
import { claimAddress } from '../../src/client/choose.ts';
import type { RunningDataPlane } from '../../src/client/data-plane.ts';
import { lookAtNetwork } from '../../src/client/look.ts';
import { formatIpv6 } from '../../src/config/addresses.ts';
import { clientConfigFromOptions } from '../../src/config/client.ts';
import type { HostConfig, HostFacts } from '../../src/core/host/host-config.ts';
import type { Attachment } from '../../src/core/lifecycle/state.ts';
import type { HostControl, Platform } from '../../src/platform/platform.ts';
import { address, noWay, offer, uplink } from '../support/lifecycle.ts';

const FACTS: HostFacts = { links: [], routes: [], proxies: [], sysctls: new Map(), firewallTables: new Set() };
const CONFIG = clientConfigFromOptions({ prefix: '2001:db8:64::/96' });
const LOG = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const attachment = (more: Partial<Attachment> = {}): Attachment => ({
  way: { uplink: uplink('eth0'), candidate: offer('eth0', 1), isTied: false },
  clat: address(9),
  kind: 'redirect',
  ...more,
});

/** A host, a data plane, and what was done to them, in order. */
class World {
  readonly done: string[] = [];
  readonly failures: unknown[] = [];
  /** What the host refuses everything with. */
  hostFails: Error | null = null;
  closeFails: Error | null = null;
  endWith: (failure: Error) => void = () => undefined;
  readonly asked: (string | null)[] = [];
  readonly carrier: Carrier;

  constructor() {
    const env = {
      platform: this.platform(),
      startDataPlane: async () => this.#dataPlane(),
      log: LOG,
      stateDir: '',
      secretDir: '',
    };
    this.carrier = new Carrier(CONFIG, env, this.host(), (failure) => this.failures.push(failure));
  }

  count(what: string): number {
    return this.done.filter((d) => d === what).length;
  }

  host(): HostControl {
    const apply = async (config: HostConfig | null): Promise<void> => {
      this.done.push(config === null ? 'undo' : 'apply');
      if (this.hostFails !== null) throw this.hostFails;
    };
    const nothing = (): void => undefined;
    return { facts: async () => FACTS, apply, forwardDrops: async () => [], defend: nothing, close: nothing };
  }

  platform(): Platform {
    return {
      findUplink: async (_destination, name) => {
        this.asked.push(name);
        return name === null ? { uplink: uplink('wlan0') } : noWay();
      },
      findLink: async (name) => ({ name, index: 9 }),
      isDuplicate: async () => false,
      watchNetwork: () => ({ close: () => undefined }),
      openHost: async () => this.host(),
    };
  }

  #dataPlane(): RunningDataPlane {
    this.done.push('start');
    const ended = new Promise<void>((_, reject) => {
      this.endWith = reject;
    });
    const close = async (): Promise<void> => {
      this.done.push('close');
      if (this.closeFails !== null) throw this.closeFails;
    };
    return { tunName: 'clat0', ended, update: async () => void this.done.push('update'), close };
  }
}

/** A world whose carrier translates. */
async function carrying(): Promise<World> {
  const world = new World();
  world.carrier.ipv4(FACTS);
  await world.carrier.attach(attachment());
  return world;
}

describe('the carrier', () => {
  it('D-11 gives a running data plane no settings that it has, and others once', async () => {
    const world = await carrying();
    await world.carrier.attach(attachment());
    assert.deepEqual(world.done, ['start', 'apply', 'apply']);
    await world.carrier.attach(attachment({ clat: address(10) }));
    await world.carrier.attach(attachment({ clat: address(10) }));
    assert.equal(world.count('update'), 1);
    assert.equal(world.count('start'), 1);
  });

  it('D-16 ends the data plane also where the host cannot be restored, and fails with what the host said', async () => {
    const world = await carrying();
    world.hostFails = new Error('the host');
    world.closeFails = new Error('the data plane');
    await assert.rejects(world.carrier.tearDown(), /the host/);
    assert.equal(world.count('close'), 1);
    assert.ok(world.done.indexOf('undo') < world.done.indexOf('close'), 'the host first, while the interface is there');
    assert.equal(world.carrier.ipv4Side, null);
  });

  it('D-16 fails with what the data plane said where the host is restored', async () => {
    const world = await carrying();
    world.closeFails = new Error('the data plane');
    await assert.rejects(world.carrier.tearDown(), /the data plane/);
  });

  it('D-15 tells of a data plane that ends by itself, not of one that it has ended', async () => {
    const world = await carrying();
    world.endWith(new Error('gone'));
    await new Promise(setImmediate);
    assert.match(String(world.failures), /gone/);
    const other = await carrying();
    await other.carrier.tearDown();
    other.endWith(new Error('closed'));
    await new Promise(setImmediate);
    assert.deepEqual(other.failures, []);
  });
});

describe('the choice of an address', () => {
  it('D-10 passes over an address that this host has itself, and over those that others have', async () => {
    const world = new World();
    const { way } = attachment();
    const request = { config: CONFIG, way, ipv4: 0xc0000001, secret: new Uint8Array(32), facts: FACTS, avoid: [] };
    const with_ = { ...request, retransMs: 0, platform: world.platform(), log: LOG };
    const first = (await claimAddress(with_)).clat;
    const link = { name: 'eth1', index: 3, mtuBytes: 1500, isUp: true, addresses: [`${formatIpv6(first)}/128`] };
    const second = (await claimAddress({ ...with_, facts: { ...FACTS, links: [link] } })).clat;
    assert.notDeepEqual(second, first);
    assert.deepEqual((await claimAddress({ ...with_, avoid: [first] })).clat, second);
  });
});

describe('a look at the network', () => {
  const look = async (interfaceName: string | null) => {
    const world = new World();
    const context = { platform: world.platform(), host: world.host(), tunName: 'clat0', uplinkName: null };
    const target = { candidate: offer(interfaceName, 1), interfaceName };
    const { view } = await lookAtNetwork(context, [target]);
    return { asked: world.asked, answer: view.answers[0] };
  };

  it('D-09 asks the interface that offers the prefix as well, where the route leads elsewhere', async () => {
    const { asked, answer } = await look('eth0');
    assert.deepEqual(asked, [null, 'eth0']);
    assert.deepEqual(answer?.tied, noWay());
  });

  it('D-09 asks once where the route leads there, and for a prefix of no interface', async () => {
    assert.deepEqual((await look('wlan0')).asked, [null]);
    assert.deepEqual((await look(null)).asked, [null]);
  });
});
