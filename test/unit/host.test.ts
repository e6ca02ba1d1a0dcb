// core/host: which changes a configuration needs, what is done about the difference, and how each is undone.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Change } from '../../src/core/host/change.ts';
import { changeKey, describeChange, describeUndo } from '../../src/core/host/change.ts';
import { findForwardDrops, findLegacyForwardDrop } from '../../src/core/host/firewall.ts';
import type { ForwardingUplink, HostConfig, HostFacts, RouteFacts } from '../../src/core/host/host-config.ts';
import { planHost, planUndo } from '../../src/core/host/plan.ts';

const TUN = { name: 'clat0', index: 9 };
const ETH = { name: 'eth0', index: 2 };
const WLAN = { name: 'wlan0', index: 3 };
const CLAT = '2001:db8:1::c1a7';

const UPLINK: ForwardingUplink = {
  kind: 'forwarding',
  link: ETH,
  clat: CLAT,
  mtuBytes: 1500,
  linkAddress: Uint8Array.of(2, 0, 0, 0, 0, 1),
  scope: 'auto',
};

const CONFIG: HostConfig = {
  tun: TUN,
  ipv4: '192.0.0.1',
  ipv4MtuBytes: 1480,
  metric: 2048,
  allowInbound: false,
  uplink: UPLINK,
};

const REDIRECTING: HostConfig = {
  ...CONFIG,
  uplink: {
    kind: 'redirect',
    link: ETH,
    clat: CLAT,
    prefix: { address: Uint8Array.of(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), length: 96 },
    linkAddress: Uint8Array.of(2, 0, 0, 0, 0, 1),
    router: null,
  },
};

/** Settings of a host with three interfaces, as a kernel with `force_forwarding` has them. */
function settings(extra: Readonly<Record<string, string>> = {}): Map<string, string> {
  const map = new Map<string, string>();
  for (const name of ['all', 'default', 'lo', 'eth0', 'wlan0', 'clat0']) {
    const base = {
      forwarding: '0',
      force_forwarding: '0',
      accept_ra: '1',
      proxy_ndp: '0',
      disable_ipv6: '0',
      addr_gen_mode: '0',
    };
    for (const [key, value] of Object.entries(base)) map.set(`net/ipv6/conf/${name}/${key}`, value);
    map.set(`net/ipv4/conf/${name}/rp_filter`, '0');
    map.set(`net/ipv6/neigh/${name}/proxy_delay`, '80');
  }
  for (const [key, value] of Object.entries(extra)) map.set(key, value);
  return map;
}

const FACTS: HostFacts = {
  links: [
    { name: 'lo', index: 1, mtuBytes: 65536, isUp: true, addresses: ['127.0.0.1/8', '::1/128'] },
    { ...ETH, mtuBytes: 1500, isUp: true, addresses: ['2001:db8:1::10/64'] },
    { ...WLAN, mtuBytes: 1500, isUp: true, addresses: [] },
    { ...TUN, mtuBytes: 1500, isUp: false, addresses: [] },
  ],
  routes: [{ family: 6, destination: 'default', device: 'eth0', metric: 1024, protocol: 'ra', gateway: 'fe80::1' }],
  proxies: [],
  sysctls: settings(),
  firewallTables: new Set(),
};

/** An old kernel: no setting to forward on single interfaces. */
function withoutForceForwarding(sysctls: Map<string, string>): Map<string, string> {
  return new Map([...sysctls].filter(([key]) => !key.endsWith('force_forwarding')));
}

/** A simulated host: carries changes out on facts, with the kernel's side effects that matter. */
function perform(facts: HostFacts, change: Change): HostFacts {
  const sysctls = new Map(facts.sysctls);
  const links = facts.links.map((l) => ({ ...l, addresses: [...l.addresses] }));
  const link = links.find((l) => l.index === change.link?.index);
  const routes = [...facts.routes];
  const proxies = [...facts.proxies];
  const firewallTables = new Set(facts.firewallTables);
  if (change.kind === 'sysctl') sysctls.set(change.path.replace('*', link?.name ?? ''), change.value);
  if (change.kind === 'sysctl' && change.path === 'net/ipv6/conf/all/forwarding') {
    for (const name of ['default', ...links.map((l) => l.name)])
      sysctls.set(`net/ipv6/conf/${name}/forwarding`, change.value);
  }
  if (change.kind === 'mtu' && link) Object.assign(link, { mtuBytes: change.value });
  if (change.kind === 'up' && link) Object.assign(link, { isUp: true });
  if (change.kind === 'address') link?.addresses.push(change.address);
  if (change.kind === 'route') {
    const { family, destination, metric } = change;
    routes.push({ family, destination, metric, device: link?.name ?? '', protocol: 'boot', gateway: null });
  }
  if (change.kind === 'proxy') proxies.push({ device: link?.name ?? '', address: change.address });
  if (change.kind === 'firewall') firewallTables.add('ip xlat464');
  return { links, routes, proxies, sysctls, firewallTables };
}

/** Makes all of a plan; gives the host after it and what stands in the journal then. */
function carryOut(facts: HostFacts, config: HostConfig): { after: HostFacts; applied: Change[] } {
  const { make } = planHost([], config, facts);
  const applied = make.map((m) => m.change);
  return { after: applied.reduce(perform, facts), applied };
}

const lines = (changes: readonly Change[]): string[] => changes.map(describeChange);

describe('planning', () => {
  it('D-12 a fresh host gets everything, in the order that keeps it safe', () => {
    assert.deepEqual(lines(carryOut(FACTS, CONFIG).applied), [
      'net/ipv6/conf/eth0/accept_ra 1 → 2',
      'net/ipv6/conf/clat0/addr_gen_mode 0 → 1',
      'net/ipv6/conf/clat0/accept_ra 1 → 0',
      'MTU of clat0 1500 → 1480',
      'firewall table ip xlat464',
      'clat0 up',
      'address 192.0.0.1/32 on clat0',
      'net/ipv6/conf/eth0/forwarding 0 → 1',
      'net/ipv6/conf/eth0/force_forwarding 0 → 1',
      'net/ipv6/conf/clat0/force_forwarding 0 → 1',
      'net/ipv6/conf/eth0/proxy_ndp 0 → 1',
      'net/ipv6/neigh/eth0/proxy_delay 80 → 0',
      `IPv6 route ${CLAT} through clat0`,
      `neighbour proxy for ${CLAT} on eth0`,
      'IPv4 route default through clat0',
    ]);
  });

  it('D-12 with a redirect uplink nothing forwards, and the virtual interface has no IPv6', () => {
    const prefix = { address: new Uint8Array(16), length: 96 };
    const uplink = {
      kind: 'redirect',
      link: ETH,
      clat: CLAT,
      prefix,
      linkAddress: new Uint8Array(6),
      router: null,
    } as const;
    const expected = [
      'net/ipv6/conf/clat0/addr_gen_mode 0 → 1',
      'net/ipv6/conf/clat0/accept_ra 1 → 0',
      'net/ipv6/conf/clat0/disable_ipv6 0 → 1',
      'MTU of clat0 1500 → 1480',
      'firewall table ip xlat464',
      'clat0 up',
      'address 192.0.0.1/32 on clat0',
      'net/ipv6/neigh/eth0/proxy_delay 80 → 0',
      'IPv4 route default through clat0',
    ];
    assert.deepEqual(lines(carryOut(FACTS, { ...CONFIG, uplink }).applied), expected);
    // On a point-to-point link there are no neighbours to answer.
    const pointToPoint = { ...uplink, linkAddress: null };
    const without = expected.filter((line) => !line.includes('proxy_delay'));
    assert.deepEqual(lines(carryOut(FACTS, { ...CONFIG, uplink: pointToPoint }).applied), without);
  });

  it('D-11 from redirecting to forwarding the IPv4 side stays', () => {
    const prefix = { address: new Uint8Array(16), length: 96 };
    const uplink = {
      kind: 'redirect',
      link: ETH,
      clat: CLAT,
      prefix,
      linkAddress: new Uint8Array(6),
      router: null,
    } as const;
    const { after, applied } = carryOut(FACTS, { ...CONFIG, uplink });
    const { undo } = planHost(applied, CONFIG, after);
    assert.deepEqual(lines(undo), ['net/ipv6/conf/clat0/disable_ipv6 0 → 1']);
  });

  it('the same configuration again does nothing', () => {
    const { after, applied } = carryOut(FACTS, CONFIG);
    assert.deepEqual(planHost(applied, CONFIG, after), { undo: [], make: [], conflicts: [] });
  });

  it('nothing wanted undoes everything, the last change first', () => {
    const { after, applied } = carryOut(FACTS, CONFIG);
    const plan = planHost(applied, null, after);
    assert.deepEqual(plan.undo, [...applied].reverse());
    assert.deepEqual(plan.make, []);
  });

  it('what is there already is neither made nor undone', () => {
    const facts = { ...FACTS, sysctls: settings({ 'net/ipv6/conf/eth0/proxy_ndp': '1' }) };
    const { applied } = carryOut(facts, CONFIG);
    assert.equal(
      lines(applied).some((l) => l.includes('proxy_ndp')),
      false,
    );
  });

  it('what someone else took away is made again without another journal entry', () => {
    const { after, applied } = carryOut(FACTS, CONFIG);
    const plan = planHost(applied, CONFIG, { ...after, proxies: [] });
    assert.deepEqual(
      plan.make.map((m) => [m.change.kind, m.isApplied]),
      [['proxy', true]],
    );
  });

  it('without an uplink the address stays and the way out goes', () => {
    const { after, applied } = carryOut(FACTS, CONFIG);
    const plan = planHost(applied, { ...CONFIG, uplink: null }, after);
    assert.equal(plan.undo[0]?.kind, 'route');
    assert.equal(
      plan.undo.some((c) => ['address', 'up', 'firewall', 'mtu'].includes(c.kind)),
      false,
    );
    assert.deepEqual(lines(plan.make.map((m) => m.change)), ['net/ipv6/conf/clat0/disable_ipv6 0 → 1']);
  });

  it('without an uplink that redirected, the settings of the virtual interface stay', () => {
    const { after, applied } = carryOut(FACTS, REDIRECTING);
    const { undo, make } = planHost(applied, { ...REDIRECTING, uplink: null }, after);
    assert.deepEqual(lines(undo), ['IPv4 route default through clat0', 'net/ipv6/neigh/eth0/proxy_delay 80 → 0']);
    assert.deepEqual(make, []);
  });

  it('D-12 another MTU takes the place of the old one: no moment without the route', () => {
    const { after, applied } = carryOut(FACTS, CONFIG);
    const config = { ...CONFIG, ipv4MtuBytes: 1380, uplink: { ...UPLINK, mtuBytes: 1400 } };
    const { undo, make } = planHost(applied, config, after);
    assert.deepEqual(undo, []);
    assert.deepEqual(
      make.map(({ change, replaces }) => [describeChange(change), ...replaces.map(changeKey)]),
      ['mtu', `route ${CLAT}`, 'route default'].map((what) => {
        const old = applied.find(
          (c) => `${c.kind} ${c.kind === 'route' ? c.destination : ''}`.trim() === what,
        ) as Change;
        const now = old.kind === 'mtu' ? { ...old, value: 1380 } : old;
        return [describeChange(now), changeKey(old)];
      }),
    );
    assert.ok(make.every(({ change }) => change.kind !== 'mtu' || change.was === 1500));
  });

  it('D-16 what a crash cut short between the new MTU and the old one’s end is made again, and ends in one', () => {
    const { after, applied } = carryOut(FACTS, CONFIG);
    const config = { ...CONFIG, ipv4MtuBytes: 1380 };
    const journal = [...applied, ...planHost(applied, config, after).make.map((m) => m.change)];
    for (const mtuBytes of [1480, 1380]) {
      const links = after.links.map((l) => (l.index === TUN.index ? { ...l, mtuBytes } : l));
      const { undo, make } = planHost(journal, config, { ...after, links });
      assert.deepEqual(undo, []);
      assert.ok(make.every((m) => m.isApplied && m.replaces.length === 1));
      assert.equal(make.length, 3);
    }
  });

  it('the MTU of before comes back by undoing', () => {
    const links = FACTS.links.map((l) => (l.index === TUN.index ? { ...l, mtuBytes: 1480 } : l));
    const small = { ...CONFIG, ipv4MtuBytes: 1380 };
    const { after, applied } = carryOut({ ...FACTS, links }, small);
    const { undo, make } = planHost(applied, CONFIG, after);
    assert.deepEqual(lines(undo), ['MTU of clat0 1480 → 1380']);
    assert.deepEqual(
      make.map((m) => m.change.kind),
      ['mtu', 'route', 'route'],
    );
  });

  it('a route that shares its metric with another’s is not replaced, for it might be the other that goes', () => {
    const { after, applied } = carryOut(FACTS, CONFIG);
    const other = { ...after.routes.find((r) => r.family === 4), device: 'eth0' } as RouteFacts;
    const config = { ...CONFIG, ipv4MtuBytes: 1380 };
    const { undo, make } = planHost(applied, config, { ...after, routes: [other, ...after.routes] });
    assert.deepEqual(lines(undo), ['IPv4 route default through clat0']);
    assert.ok(!make.some((m) => m.change.kind === 'route' && m.change.family === 4 && m.replaces.length > 0));
  });

  it('another uplink undoes the old one only, and takes the values of before', () => {
    const { after, applied } = carryOut(FACTS, CONFIG);
    const config = { ...CONFIG, uplink: { ...UPLINK, link: WLAN } };
    const plan = planHost(applied, config, after);
    assert.ok(plan.undo.every((c) => c.link?.index === ETH.index));
    assert.ok(lines(plan.make.map((m) => m.change)).includes('net/ipv6/conf/wlan0/accept_ra 1 → 2'));
  });

  it('an interface that came back under its name is another one', () => {
    const { after, applied } = carryOut(FACTS, CONFIG);
    const back = { name: 'eth0', index: 20 };
    const links = after.links.map((l) => (l.index === ETH.index ? { ...l, ...back } : l));
    const facts = { ...after, links, sysctls: settings(), proxies: [] };
    const plan = planHost(applied, { ...CONFIG, uplink: { ...UPLINK, link: back } }, facts);
    assert.ok(plan.make.some((m) => m.change.kind === 'proxy' && !m.isApplied));
    for (const change of plan.undo) assert.equal(planUndo(change, facts).step, 'gone');
  });

  it('accept_ra is raised on every interface whose default route the kernel would purge', () => {
    const route = { ...FACTS.routes[0], device: 'wlan0' };
    const { applied } = carryOut({ ...FACTS, routes: [...FACTS.routes, route] }, CONFIG);
    const raised = lines(applied).filter((l) => l.endsWith('accept_ra 1 → 2'));
    assert.deepEqual(raised, ['net/ipv6/conf/eth0/accept_ra 1 → 2', 'net/ipv6/conf/wlan0/accept_ra 1 → 2']);
    const first = lines(applied).findIndex((l) => l.includes('/forwarding'));
    assert.ok(first > lines(applied).indexOf(raised[1] ?? ''));
  });

  it('accept_ra 0, which a network manager sets, is left alone', () => {
    const facts = { ...FACTS, sysctls: settings({ 'net/ipv6/conf/eth0/accept_ra': '0' }) };
    assert.equal(
      lines(carryOut(facts, CONFIG).applied).some((l) => l.includes('eth0/accept_ra')),
      false,
    );
  });

  it('an older kernel forwards as a whole, and interfaces that did already are remembered', () => {
    const sysctls = withoutForceForwarding(settings({ 'net/ipv6/conf/wlan0/forwarding': '1' }));
    const { after, applied } = carryOut({ ...FACTS, sysctls }, CONFIG);
    const host = applied.find((c) => c.kind === 'sysctl' && c.path === 'net/ipv6/conf/all/forwarding');
    assert.deepEqual(host, {
      kind: 'sysctl',
      path: 'net/ipv6/conf/all/forwarding',
      link: null,
      value: '1',
      was: '0',
      alsoWas: [['net/ipv6/conf/wlan0/forwarding', '1']],
    });
    assert.ok(lines(applied).includes('net/ipv6/conf/default/accept_ra 1 → 2'));
    assert.deepEqual(planHost(applied, CONFIG, after).make, []);
    assert.deepEqual(planHost(applied, CONFIG, after).undo, []);
  });

  it('D-12 below IPv6’s least MTU the interface keeps that by forwarding, and the route says what fits', () => {
    const mtuOf = (config: HostConfig): unknown[] =>
      carryOut(FACTS, { ...config, ipv4MtuBytes: 1260 }).applied.flatMap((c) => {
        if (c.kind === 'mtu') return [c.value];
        return c.kind === 'route' && c.family === 4 ? [c.mtuBytes] : [];
      });
    assert.deepEqual(mtuOf(CONFIG), [1280, 1260]);
    assert.deepEqual(mtuOf(REDIRECTING), [1260, 1260]);
  });

  it('a point-to-point uplink gets no proxy', () => {
    const { applied } = carryOut(FACTS, { ...CONFIG, uplink: { ...UPLINK, linkAddress: null } });
    assert.equal(
      lines(applied).some((l) => /proxy/.test(l)),
      false,
    );
  });

  it('strict reverse-path filtering becomes loose on the virtual interface', () => {
    const facts = { ...FACTS, sysctls: settings({ 'net/ipv4/conf/all/rp_filter': '1' }) };
    assert.ok(lines(carryOut(facts, CONFIG).applied).includes('net/ipv4/conf/clat0/rp_filter 0 → 2'));
  });

  it('inbound connections allowed means no firewall table', () => {
    assert.equal(
      carryOut(FACTS, { ...CONFIG, allowInbound: true }).applied.some((c) => c.kind === 'firewall'),
      false,
    );
  });

  it('a firewall table of that name that is not ours is a conflict, our own is not', () => {
    const taken = { ...FACTS, firewallTables: new Set(['ip xlat464']) };
    assert.equal(planHost([], CONFIG, taken).conflicts.length, 1);
    const { after, applied } = carryOut(FACTS, CONFIG);
    assert.deepEqual(planHost(applied, CONFIG, after).conflicts, []);
  });
});

describe('undoing', () => {
  const change: Change = { kind: 'sysctl', path: 'net/ipv6/conf/*/accept_ra', link: ETH, value: '2', was: '1' };
  const at = (value: string): HostFacts => ({ ...FACTS, sysctls: settings({ 'net/ipv6/conf/eth0/accept_ra': value }) });

  it('D-16 a setting that has our value gets the earlier one back', () => {
    assert.deepEqual(planUndo(change, at('2')), { step: 'undo', name: 'eth0' });
  });

  it('D-16 a setting that someone else changed is left alone; one that is back already is done', () => {
    assert.deepEqual(planUndo(change, at('0')), { step: 'left', now: '0' });
    assert.deepEqual(planUndo(change, at('1')), { step: 'gone' });
  });

  it('D-16 host-wide forwarding that is off again, with others’ values not back yet, is undone to the end', () => {
    const wlan = 'net/ipv6/conf/wlan0/forwarding';
    const path = 'net/ipv6/conf/all/forwarding';
    const whole: Change = { kind: 'sysctl', path, link: null, value: '1', was: '0', alsoWas: [[wlan, '1']] };
    const off = (others: Readonly<Record<string, string>>): HostFacts => ({ ...FACTS, sysctls: settings(others) });
    assert.deepEqual(planUndo(whole, off({ [wlan]: '0' })), { step: 'undo', name: '' });
    assert.deepEqual(planUndo(whole, off({ [wlan]: '1' })), { step: 'gone' });
    const without = new Map([...settings()].filter(([key]) => key !== wlan));
    assert.deepEqual(planUndo(whole, { ...FACTS, sysctls: without }), { step: 'gone' });
  });

  it('what was put back reads from our value to the one of before', () => {
    assert.equal(describeUndo(change), 'net/ipv6/conf/eth0/accept_ra 2 → 1');
    assert.equal(describeUndo({ kind: 'mtu', link: TUN, value: 1480, was: 1500 }), 'MTU of clat0 1480 → 1500');
    assert.equal(describeUndo({ kind: 'up', link: TUN }), 'clat0 up');
  });

  it('D-16 an interface that was renamed is found, one that is gone needs nothing', () => {
    const { after, applied } = carryOut(FACTS, CONFIG);
    const links = after.links.map((l) => (l.index === ETH.index ? { ...l, name: 'lan' } : l));
    const proxies = [{ device: 'lan', address: CLAT }];
    const proxy = applied.find((c) => c.kind === 'proxy') as Change;
    assert.deepEqual(planUndo(proxy, { ...after, links, proxies }), { step: 'undo', name: 'lan' });
    const without = { ...after, links: links.filter((l) => l.index !== ETH.index) };
    assert.deepEqual(planUndo(proxy, without), { step: 'gone' });
  });

  it('D-16 an MTU that someone else changed is left alone', () => {
    const mtu: Change = { kind: 'mtu', link: TUN, value: 1480, was: 1500 };
    const links = FACTS.links.map((l) => (l.index === TUN.index ? { ...l, mtuBytes: 1400 } : l));
    assert.deepEqual(planUndo(mtu, { ...FACTS, links }), { step: 'left', now: '1400' });
    assert.deepEqual(planUndo(mtu, FACTS), { step: 'gone' });
    const other: Change = { kind: 'mtu', link: TUN, value: 1400, was: 1500 };
    assert.deepEqual(planUndo(mtu, { ...FACTS, links }, [other, mtu]), { step: 'gone' }, 'it is ours');
  });

  it('the values before do not make two changes different, the interface does', () => {
    assert.equal(changeKey(change), changeKey({ ...change, was: '0' }));
    assert.notEqual(changeKey(change), changeKey({ ...change, link: WLAN }));
  });
});

describe('firewalls of others', () => {
  const chain = (policy: string): object => ({
    chain: { family: 'ip6', table: 'filter', name: 'FORWARD', hook: 'forward', policy },
  });
  const rule = (...expr: object[]): object => ({ rule: { family: 'ip6', table: 'filter', chain: 'FORWARD', expr } });
  const find = (...objects: object[]): number => findForwardDrops({ nftables: objects }, 'clat0').length;

  it('a forward chain that drops by policy or by its last rule is found', () => {
    assert.equal(find(chain('drop')), 1);
    assert.equal(find(chain('accept')), 0);
    assert.equal(find(chain('accept'), rule({ counter: {} }, { reject: null })), 1);
    assert.equal(find(chain('accept'), rule({ match: {} }, { drop: null })), 0);
  });

  it('an accept rule for our interface settles it', () => {
    const accept = rule({ match: { left: { meta: { key: 'iifname' } }, right: 'clat0' } }, { accept: null });
    assert.equal(find(chain('drop'), accept), 0);
  });

  it('an answer of any shape is survived', () => {
    for (const answer of [null, 1, [], {}, { nftables: 1 }, { nftables: [null, { chain: 3 }] }]) {
      assert.deepEqual(findForwardDrops(answer, 'clat0'), []);
    }
  });

  it('ip6tables-legacy: the policy, a last rule, and the rule that lets ours through', () => {
    assert.match(
      findLegacyForwardDrop('-P FORWARD DROP\n', 'clat0')[0]?.advice ?? '',
      /ip6tables-legacy -I FORWARD -i clat0/,
    );
    assert.equal(findLegacyForwardDrop('-P FORWARD ACCEPT\n', 'clat0').length, 0);
    assert.equal(findLegacyForwardDrop('-P FORWARD DROP\n-A FORWARD -i clat0 -j ACCEPT\n', 'clat0').length, 0);
  });
});
