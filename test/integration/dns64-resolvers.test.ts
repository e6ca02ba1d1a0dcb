// DNS64 and the resolvers behind it: failover, forged answers, TLS, stale answers, circles; and a real validating resolver.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { a, zone } from '../support/dns-records.ts';
import { queriesOf, startUpstream } from '../support/dns-upstream.ts';
import { startDns64Child } from '../support/dns64-child.ts';
import { type Netns, netnsForTest, run, waitFor } from '../support/netns.ts';
import { startUnbound } from '../support/unbound.ts';
import {
  type Dns64Net,
  dataOf,
  dig,
  dns64Net,
  dns64WithResolver,
  GATEWAY,
  RESOLVER,
  RESOLVER_B,
  RESOLVER4,
  SETTINGS,
} from './dns64-net.ts';

const V4 = '198.51.100.7';
const SYNTHETIC = '2001:db8:64::c633:6407';
const ENTRIES = Object.fromEntries(
  Array.from({ length: 10 }, (_, i) => [`A name${i}.example`, { answers: [a(`name${i}.example`, V4)] }]),
);
const plain = (address: string) => ({ address, port: 53, tlsName: null });

describe('DNS64 and its resolvers', () => {
  it('S-09 asks the next resolver when the first dies, first the one that answers then, and the first again later', async (t) => {
    const net = await dns64Net(netnsForTest(t));
    const first = await startUpstream(net.resolver, RESOLVER, zone(ENTRIES));
    const second = await startUpstream(net.resolver, RESOLVER4, zone(ENTRIES));
    const dns64 = await startDns64Child(net.gateway, net.set.directory, {
      ...SETTINGS,
      forwarders: [plain(RESOLVER), plain(RESOLVER4)],
      timeoutMs: 300,
    });
    const answered = async (i: number) => dataOf((await dig(net, 'AAAA', `name${i}.example`)).answer, 'AAAA');
    assert.deepEqual(await answered(0), [SYNTHETIC]);
    assert.deepEqual(queriesOf(second), []);
    await first.stop('SIGKILL');
    assert.deepEqual(await answered(1), [SYNTHETIC]);
    assert.deepEqual(await answered(2), [SYNTHETIC]);
    assert.match(dns64.running.output(), /warn dns-forwarder-lost .*2001:db8:2::53/);
    const [lost] = (await dns64.report()).forwarders;
    assert.deepEqual([lost?.isUp, lost?.address], [false, `[${RESOLVER}]:53`]);
    await startUpstream(net.resolver, RESOLVER, zone(ENTRIES));
    let i = 0;
    await waitFor('the first resolver to be back', async () => {
      await dig(net, 'TXT', `try${i++}.example`);
      return dns64.running.output().includes('dns-forwarder-back');
    });
    assert.equal((await dns64.report()).forwarders[0]?.isUp, true);
  });

  it('S-10 believes no forged answer, counts it, and asks over TCP when somebody keeps guessing', async (t) => {
    const entries = {
      'A forged.example': { answers: [a('forged.example', V4)], isForged: true },
      'AAAA forged.example': { isForged: true },
      'A guessed.example': { answers: [a('guessed.example', V4)], guesses: 30 },
    };
    const { net, dns64, upstream } = await dns64WithResolver(netnsForTest(t), zone(entries));
    assert.deepEqual(dataOf((await dig(net, 'AAAA', 'forged.example')).answer, 'AAAA'), [SYNTHETIC]);
    const { counters } = await dns64.report();
    assert.deepEqual([counters.spoofed, counters.upstreamMalformed], [6, 2]);
    assert.deepEqual(dataOf((await dig(net, 'A', 'guessed.example')).answer, 'A'), [V4]);
    assert.ok(queriesOf(upstream).includes('tcp A guessed.example do=0 cd=0'));
  });

  it('S-01, S-10 asks over TCP for what does not fit, and without EDNS those who do not know it', async (t) => {
    const entries = { 'A cut.example': { answers: [a('cut.example', V4)], isTruncated: true } };
    const { net, upstream } = await dns64WithResolver(netnsForTest(t), { ...zone(entries), isWithoutEdns: true });
    assert.deepEqual(dataOf((await dig(net, 'AAAA', 'cut.example')).answer, 'AAAA'), [SYNTHETIC]);
    assert.ok(queriesOf(upstream).includes('tcp A cut.example do=0 cd=0'));
    const before = queriesOf(upstream).length;
    await dig(net, 'TXT', 'more.example');
    assert.equal(queriesOf(upstream).length, before + 1, 'known by then');
  });

  it('S-03, S-10 no resolver at all is SERVFAIL, and with serve-stale the last answer', async (t) => {
    const short = { 'A short.example': { answers: [a('short.example', V4, 1)] } };
    const cache = { serveStaleSeconds: 3600 };
    const { net, upstream, dns64 } = await dns64WithResolver(netnsForTest(t), zone(short), { cache, timeoutMs: 200 });
    assert.deepEqual(dataOf((await dig(net, 'A', 'short.example')).answer, 'A'), [V4]);
    await upstream.stop('SIGKILL');
    await waitFor('a stale answer', async () => / 30 IN A/.test((await dig(net, 'A', 'short.example')).answer.join()));
    const stale = await dig(net, 'A', 'short.example');
    assert.match(stale.text, /EDE: 3 \(Stale Answer\)/);
    const other = await dig(net, 'AAAA', 'other.example');
    assert.equal(other.status, 'SERVFAIL');
    assert.match(other.text, /EDE: 22/);
    assert.ok((await dns64.report()).counters.stale >= 2);
  });

  it('S-03, S-09 with silent resolvers a client hears SERVFAIL before its patience ends, and one that is back is used', async (t) => {
    const silent = Object.fromEntries(['one', 'two', 'three'].map((each) => [`* ${each}.example`, { isSilent: true }]));
    const entries = { ...ENTRIES, ...silent };
    const net = await dns64Net(netnsForTest(t));
    await startUpstream(net.resolver, RESOLVER, zone(entries));
    const second = await startUpstream(net.resolver, RESOLVER4, zone(entries));
    const forwarders = [plain(RESOLVER), plain(RESOLVER4)];
    const dns64 = await startDns64Child(net.gateway, net.set.directory, { ...SETTINGS, forwarders });
    // Stub resolvers wait for five seconds; a later answer would be none.
    for (const words of [
      ['AAAA', 'one.example'],
      ['TXT', 'two.example'],
      ['AAAA', 'three.example'],
    ]) {
      const { status, text } = await dig(net, '+time=5', ...words);
      assert.equal(status, 'SERVFAIL', words.join(' '));
      assert.match(text, /EDE: 22/);
    }
    const asked = queriesOf(second).filter((line) => line.includes(' AAAA three.example'));
    assert.ok(asked.length <= 2, 'what is down is asked once, and once aside');
    assert.deepEqual(
      (await dns64.report()).forwarders.map(({ isUp }) => isUp),
      [false, false],
    );
    assert.deepEqual(dataOf((await dig(net, 'AAAA', 'name0.example')).answer, 'AAAA'), [SYNTHETIC]);
  });

  it('S-09 sees that a resolver asks this server itself', async (t) => {
    const net = await dns64Net(netnsForTest(t));
    const own = await startDns64Child(net.gateway, net.set.directory, { ...SETTINGS, forwarders: [plain(GATEWAY)] });
    assert.match(
      own.running.output(),
      /failed CONFIG_INVALID: the forwarder \[2001:db8:1::1\]:53 is this server itself/,
    );
    // A relay on another address: what the gateway asks comes back to it.
    await net.resolver.start(['socat', `UDP6-RECVFROM:53,bind=[${RESOLVER}],fork`, `UDP6-SENDTO:[2001:db8:2::1]:53`]);
    await waitFor('the relay', async () => (await net.resolver.run(['ss', '-Hlun', 'sport', '=', ':53'])) !== '');
    const dns64 = await startDns64Child(net.gateway, net.set.directory, {
      ...SETTINGS,
      listen: [{ address: '::', port: 53 }],
    });
    assert.equal((await dig(net, 'A', 'four.example')).status, 'SERVFAIL');
    assert.ok((await dns64.report()).counters.loops >= 1);
    assert.match(dns64.running.output(), /warn dns-loop/);
  });
});

/** An unbound that passes on to the scripted resolver, or has data of its own. */
async function startResolver(ns: Netns, directory: string, config: string, listening: string): Promise<void> {
  const unbound = await startUnbound(ns, directory, 'unbound', config);
  await waitFor('unbound', async () => {
    if (unbound.hasEnded()) throw new Error(unbound.output());
    return (await ns.run(['ss', '-Hlntu', 'sport', '=', listening])).split('\n').filter(Boolean).length >= 1;
  });
}

/** A key and a certificate for resolver.example. @returns their files */
async function makeCertificate(directory: string): Promise<{ key: string; certificate: string }> {
  const [key, certificate] = [`${directory}/key.pem`, `${directory}/cert.pem`];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  const name = ['-subj', '/CN=resolver.example', '-addext', 'subjectAltName=DNS:resolver.example'];
  await run(['openssl', 'req', '-x509', ...curve, ...name, '-keyout', key, '-out', certificate]);
  return { key, certificate };
}

async function startTlsResolver(net: Dns64Net): Promise<string> {
  const { key, certificate } = await makeCertificate(net.set.directory);
  const config = `  interface: ${RESOLVER_B}@853
  tls-service-key: "${key}"
  tls-service-pem: "${certificate}"
  local-zone: "example." static
  local-data: "four.example. 300 IN A ${V4}"
  local-data: "more.example. 300 IN A ${V4}"
`;
  await startResolver(net.resolver, net.set.directory, config, ':853');
  return certificate;
}

describe('DNS64, TLS and unbound', () => {
  it('S-06 believes AD over TLS alone, and shows it for nothing synthetic', async (t) => {
    const net = await dns64Net(netnsForTest(t));
    const { key, certificate } = await makeCertificate(net.set.directory);
    const entries = {
      'A signed.example': { answers: [a('signed.example', V4)], isAuthentic: true },
      'AAAA signed.example': { authorities: [], isAuthentic: true },
    };
    await startUpstream(net.resolver, RESOLVER, { ...zone(entries), tls: { key, certificate } }, 853);
    const forwarders = [{ address: RESOLVER, port: 853, tlsName: 'resolver.example' }];
    const env = { NODE_EXTRA_CA_CERTS: certificate };
    await startDns64Child(net.gateway, net.set.directory, { ...SETTINGS, forwarders }, env);
    const flags = async (...words: string[]) => (await dig(net, ...words, 'signed.example')).flags;
    assert.ok((await flags('+adflag', 'A')).includes('ad'));
    assert.ok((await flags('+noadflag', '+dnssec', 'A')).includes('ad'));
    assert.ok(!(await flags('+noadflag', 'A')).includes('ad'));
    const synthetic = await dig(net, '+adflag', 'AAAA', 'signed.example');
    assert.deepEqual([dataOf(synthetic.answer, 'AAAA'), synthetic.flags.includes('ad')], [[SYNTHETIC], false]);
  });
  it('S-09 asks over TLS, on one connection that is kept', async (t) => {
    const net = await dns64Net(netnsForTest(t));
    const certificate = await startTlsResolver(net);
    const forwarders = [{ address: RESOLVER_B, port: 853, tlsName: 'resolver.example' }];
    const env = { NODE_EXTRA_CA_CERTS: certificate };
    const dns64 = await startDns64Child(net.gateway, net.set.directory, { ...SETTINGS, forwarders }, env);
    for (const name of ['four.example', 'more.example']) {
      const { answer, text } = await dig(net, 'AAAA', name);
      assert.deepEqual(dataOf(answer, 'AAAA'), [SYNTHETIC], text + dns64.running.output());
    }
    const kept = await net.gateway.run(['ss', '-Htn', 'state', 'established', 'dport', '=', ':853']);
    assert.equal(kept.split('\n').filter(Boolean).length, 1);
  });

  it('S-09 trusts certificates of its settings over TLS, and no longer when they are taken away', async (t) => {
    const net = await dns64Net(netnsForTest(t));
    const tlsCa = readFileSync(await startTlsResolver(net), 'utf8');
    const forwarders = [{ address: RESOLVER_B, port: 853, tlsName: 'resolver.example' }];
    const dns64 = await startDns64Child(net.gateway, net.set.directory, { ...SETTINGS, forwarders, tlsCa });
    assert.deepEqual(dataOf((await dig(net, 'AAAA', 'four.example')).answer, 'AAAA'), [SYNTHETIC]);
    await dns64.reconfigure({ ...SETTINGS, forwarders });
    assert.equal((await dig(net, 'AAAA', 'more.example')).status, 'SERVFAIL');
    assert.match(dns64.running.output(), /warn dns-forwarder-untrusted .*self-signed certificate/);
  });

  it('S-09 asks nothing of a resolver whose certificate has another name or is not trusted', async (t) => {
    const net = await dns64Net(netnsForTest(t));
    const certificate = await startTlsResolver(net);
    const wrong = [{ address: RESOLVER_B, port: 853, tlsName: 'other.example' }];
    const env = { NODE_EXTRA_CA_CERTS: certificate };
    const dns64 = await startDns64Child(net.gateway, net.set.directory, { ...SETTINGS, forwarders: wrong }, env);
    assert.equal((await dig(net, 'AAAA', 'four.example')).status, 'SERVFAIL');
    assert.match(dns64.running.output(), /warn dns-forwarder-untrusted .*other\.example/);
    const listen = [{ address: GATEWAY, port: 5300 }];
    const forwarders = [{ address: RESOLVER_B, port: 853, tlsName: 'resolver.example' }];
    const strict = await startDns64Child(net.gateway, net.set.directory, { ...SETTINGS, listen, forwarders });
    assert.equal((await dig(net, '-p', '5300', 'AAAA', 'four.example')).status, 'SERVFAIL');
    assert.match(strict.running.output(), /warn dns-forwarder-untrusted .*self-signed certificate/);
  });

  it('S-06 a validating unbound: bogus AAAA never become synthetic, insecure ones do', async (t) => {
    const net = await dns64Net(netnsForTest(t));
    const entries = {
      'A four.bogus.example': { answers: [a('four.bogus.example', V4)] },
      'A four.example': { answers: [a('four.example', V4)] },
    };
    await startUpstream(net.resolver, RESOLVER, zone(entries));
    // A trust anchor for a zone that is not signed: all that comes from there is bogus.
    const ds = '12345 13 2 E2D3C916F6DEEAC73294E8268FB5885044A833FC5459588F4A9184CFC41A5766';
    const config = `  interface: ${RESOLVER_B}
  module-config: "validator iterator"
  trust-anchor: "bogus.example. DS ${ds}"
  domain-insecure: "other.example"
forward-zone:
  name: "."
  forward-addr: ${RESOLVER}
`;
    await startResolver(net.resolver, net.set.directory, config, ':53');
    await waitFor('unbound to answer', async () =>
      (
        await net.resolver.runAny(['dig', '+time=1', '+tries=1', `@${RESOLVER_B}`, 'A', 'four.example'])
      ).stdout.includes(V4),
    );
    await startDns64Child(net.gateway, net.set.directory, { ...SETTINGS, forwarders: [plain(RESOLVER_B)] });
    assert.equal((await dig(net, 'AAAA', 'four.bogus.example')).status, 'SERVFAIL');
    assert.deepEqual((await dig(net, 'AAAA', 'four.bogus.example', '+cd', '+dnssec')).answer, []);
    assert.deepEqual(dataOf((await dig(net, 'AAAA', 'four.example')).answer, 'AAAA'), [SYNTHETIC]);
  });
});
