// A laptop with the real client lives through what the soak (test/soak) has in store, shortened: what only shows when packets flow.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { soak } from '../soak/soak.ts';
import { STEPS } from '../soak/steps.ts';
import { World } from '../soak/world.ts';
import { netnsForTest, waitFor } from '../support/netns.ts';

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/** Steps without those that take long by themselves. */
const NO_SLEEP = STEPS.map(({ name }) => name).filter((name) => name !== 'suspend');

/** A laptop at home, IPv4 translated. */
async function atHome(t: TestContext): Promise<World> {
  const world = await World.build(netnsForTest(t), PROGRAM);
  await world.laptop.start();
  const [home] = world.places;
  await world.join(home);
  await waitFor('IPv4', () => world.laptop.doesPing());
  return world;
}

describe('a laptop with the client', () => {
  it("D-11 its packets go to the uplink's router while a VPN has the IPv6 default route", async (t) => {
    const world = await atHome(t);
    const { laptop } = world;
    await world.setVpn(true);
    await waitFor('the decision', () => laptop.codes.has('uplink-changed'));
    await waitFor('IPv4 beside the VPN', () => laptop.doesPing());
    await world.setVpn(false);
    await waitFor('IPv4 without the VPN', () => laptop.doesPing());
  });

  it('D-11 comes up where a firewall lets no unsolicited advertisement out', async (t) => {
    const world = await World.build(netnsForTest(t), PROGRAM);
    const rules = `table ip6 strict { chain out { type filter hook output priority 0;
      icmpv6 type nd-neighbor-advert ip6 daddr ff02::1 reject; }; }`;
    await world.laptop.ns.run(['nft', '-f', '-'], { input: rules });
    await world.laptop.start();
    const [home] = world.places;
    await world.join(home);
    await waitFor('IPv4', () => world.laptop.doesPing());
  });

  it('D-02, D-15 a flood of advertisements costs a bounded amount of memory, is said in status, and IPv4 goes on', async (t) => {
    const world = await atHome(t);
    const { laptop } = world;
    const [home] = world.places;
    const flood = () => home.flood(30_000);
    await flood();
    await waitFor('the flood to be said', () => laptop.codes.has('router-flood'));
    const { stdout } = await laptop.run('status');
    assert.match(stdout, /more advertisements than are looked at/);
    const after = laptop.resident();
    for (let i = 0; i < 3; i++) await flood();
    assert.ok(laptop.resident() - after < 24 * 1024, `${after} KiB, then ${laptop.resident()} KiB`);
    await home.advertise(); // the flood has told the kernel that its router is gone
    await waitFor('IPv4', () => laptop.doesPing());
  });

  it('D-09, D-11, D-15, D-16 lives through half a minute of everything, and its host is as before', async () => {
    const options = { minutes: 0.5, intervalSeconds: 0.2, seed: 464, only: NO_SLEEP };
    assert.deepEqual(await soak(options, () => PROGRAM), []);
  });
});
