// Lists of a gateway's sessions and bindings, out of real tables: filters, order, and what a shared pool is seen as. And the mapping
// log and the file of bindings, which come out of the same tables.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { parseIpv4, parseIpv6 } from '../../src/config/addresses.ts';
import { XlatError } from '../../src/contract/errors.ts';
import type { Params, Result } from '../../src/contract/methods.ts';
import { addressWord } from '../../src/core/address/rfc6052.ts';
import { TCP_BIB, UDP_BIB } from '../../src/core/nat64/bib-protocol.ts';
import { Nat64State } from '../../src/core/nat64/nat64-state.ts';
import { DEFAULT_NAT64, type Nat64Protocol } from '../../src/core/nat64/settings.ts';
import { WELL_KNOWN_PREFIX } from '../../src/core/translate/settings.ts';
import { TRANSLATED } from '../../src/core/translate/verdict.ts';
import { keepBindings, loadBindings } from '../../src/daemon/gateway-bindings-file.ts';
import { listBindings, listSessions } from '../../src/daemon/gateway-lists.ts';
import { startMappingLog } from '../../src/daemon/gateway-mapping-log.ts';
import type { RunningNat64 } from '../../src/daemon/gateway-nat64.ts';
import type { GatewayParts } from '../../src/daemon/gateway-parts.ts';
import type { DaemonLog } from '../../src/daemon/log.ts';
import { answerNat64, makeNat64Control, type Nat64Control } from '../../src/dataplane/nat64-control.ts';

const number4 = (text: string): number => {
  const parsed = parseIpv4(text);
  assert.ok(parsed.ok);
  return parsed.value;
};

const bytes6 = (text: string): Uint8Array => {
  const parsed = parseIpv6(text);
  assert.ok(parsed.ok);
  return parsed.value;
};

const [INSIDE, OUTSIDE] = [number4('10.64.3.17'), number4('203.0.113.2')];
const SYN = 2;
const PROTOCOLS: readonly Nat64Protocol[] = ['tcp', 'udp', 'icmp'];

/** Tables with the address of a shared pool, and the way to ask them. */
class Tables {
  readonly state: Nat64State;
  readonly control: Nat64Control;

  constructor(mappingLog: 'off' | 'mapping' | 'port-block' = 'off') {
    const pool = PROTOCOLS.map((protocol) => ({
      protocol,
      address: INSIDE,
      addresses: 1,
      firstPort: 1024,
      lastPort: 65_535,
    }));
    let word = 1;
    this.state = new Nat64State(
      { ...DEFAULT_NAT64, pool, mappingLog },
      () => (word = (word * 69_069 + 1) >>> 0),
      Date.now(),
    );
    this.control = makeNat64Control(async (question) => answerNat64(this.state, question));
  }

  /** A packet of a host. */
  open(proto: number, host: string, port: number, remote: string, remotePort: number): void {
    const from = bytes6(host);
    const words = [0, 1, 2, 3].map((i) => addressWord(from, i)) as [number, number, number, number];
    const flags = proto === TCP_BIB ? SYN : 0;
    const verdict = this.state.outgoing(proto, ...words, port, number4(remote) | 0, remotePort, flags, Date.now());
    assert.equal(verdict, TRANSLATED);
  }

  /** As the lists take them: of a running NAT64, they use these parts alone. */
  get nat64(): RunningNat64 {
    const nat64 = {
      dataPlane: { nat64: this.control },
      inUse: { translator: { prefix: WELL_KNOWN_PREFIX } },
      place: { kind: 'shared' },
      outsideOf: (address: number) => (address === INSIDE ? OUTSIDE : address),
    };
    return nat64 as unknown as RunningNat64;
  }

  sessions(wanted: Params<'sessions'>): Promise<Result<'sessions'>> {
    return listSessions({ nat64: this.nat64 } as unknown as GatewayParts, { kind: 'nat64', ...wanted });
  }
}

function threeSessions(): Tables {
  const tables = new Tables();
  tables.open(UDP_BIB, '2001:db8:1::9', 5000, '198.51.100.7', 53);
  tables.open(TCP_BIB, '2001:db8:1::5', 40_000, '192.0.2.1', 443);
  tables.open(TCP_BIB, '2001:db8:2::5', 40_000, '192.0.2.1', 80);
  return tables;
}

const hosts = ({ sessions }: Result<'sessions'>): string[] => sessions.map(({ host }) => host.address);

describe('a list of sessions', () => {
  it('N-03 has the router’s own address where the pool shares it', async () => {
    const { total, sessions, notes } = await threeSessions().sessions({ protocol: 'udp' });
    assert.deepEqual([total, notes], [1, []]);
    const { expiresInMs, mapped, ...session } = sessions[0];
    assert.deepEqual(session, {
      kind: 'nat64',
      protocol: 'udp',
      state: null,
      host: { address: '2001:db8:1::9', port: 5000 },
      remote: { address: '198.51.100.7', port: 53 },
    });
    assert.equal(mapped.address, '203.0.113.2');
    assert.ok(expiresInMs !== null && expiresInMs > 299_000 && expiresInMs <= 300_000);
  });

  const FILTERS: readonly (readonly [wanted: Params<'sessions'>, found: string[]])[] = [
    [{}, ['2001:db8:1::5', '2001:db8:1::9', '2001:db8:2::5']],
    [{ host: '2001:db8:1::/64' }, ['2001:db8:1::5', '2001:db8:1::9']],
    [{ host: '2001:db8:1::9' }, ['2001:db8:1::9']],
    [{ remote: '192.0.2.0/24', sort: 'remote' }, ['2001:db8:2::5', '2001:db8:1::5']],
    [{ remote: '64:ff9b::192.0.2.1', protocol: 'tcp' }, ['2001:db8:1::5', '2001:db8:2::5']],
    [{ remote: '198.51.100.8' }, []],
    [{ state: 'V6-INIT' }, ['2001:db8:1::5', '2001:db8:2::5']],
    [{ state: 'established' }, []],
    [{ sort: 'expires', limit: 1 }, ['2001:db8:1::5']],
  ];
  for (const [wanted, found] of FILTERS) {
    it(`of ${JSON.stringify(wanted)} has what fits, in order`, async () =>
      assert.deepEqual(hosts(await threeSessions().sessions(wanted)), found));
  }

  it('says how many there are beside those that are listed', async () => {
    const { total, sessions } = await threeSessions().sessions({ limit: 2 });
    assert.deepEqual([total, sessions.length], [3, 2]);
  });

  it('refuses what is no address', async () => {
    const isUsage = (error: unknown): boolean => error instanceof XlatError && error.code === 'USAGE';
    for (const bad of [{ host: 'eth0' }, { remote: '192.0.2.1/33' }])
      await assert.rejects(threeSessions().sessions(bad), isUsage);
  });
});

describe('a list of bindings', () => {
  it('N-01, N-09 tells those of the operator from those of hosts', async () => {
    const tables = threeSessions();
    const binding = { protocol: 'tcp', ipv6: bytes6('2001:db8:1::5'), port6: 80, ipv4: INSIDE, port4: 8080 } as const;
    assert.equal(await tables.control.addBinding(binding), 'added');
    const all = await listBindings(tables.nat64, {});
    assert.equal(all.total, 4);
    const { bindings } = await listBindings(tables.nat64, { staticOnly: true, host: '2001:db8:1::5', protocol: 'tcp' });
    assert.deepEqual(bindings, [
      {
        protocol: 'tcp',
        isStatic: true,
        host: { address: '2001:db8:1::5', port: 80 },
        mapped: { address: '203.0.113.2', port: 8080 },
        sessions: 0,
      },
    ]);
  });
});

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'x464-gateway-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** A log that keeps codes and texts. */
function keptLog(): { readonly log: DaemonLog; readonly lines: string[] } {
  const lines: string[] = [];
  const add = (code: string, _: object, text: string): void => void lines.push(`${code}: ${text}`);
  return { log: { debug: add, info: add, warn: add, error: add, flush: async () => undefined }, lines };
}

describe('the mapping log', () => {
  const outsideOf = (address: number): number => (address === INSIDE ? OUTSIDE : address);

  it('N-11 has a line for each mapping: when, which protocol, who, and as what it was seen', async (t) => {
    const file = join(scratch(t), 'mappings.log');
    writeFileSync(file, 'a line of the run before\n');
    const tables = new Tables('mapping');
    const mappings = startMappingLog({ file, nat64: tables.control, outsideOf, log: keptLog().log });
    tables.open(TCP_BIB, '2001:db8:1::5', 40_000, '192.0.2.1', 443);
    await mappings.close();
    const [before, made] = readFileSync(file, 'utf8').split('\n');
    assert.equal(before, 'a line of the run before');
    assert.match(made, /^\d{4}-\d\d-\d\dT[\d:.]+Z mapping-made tcp \[2001:db8:1::5\]:40000 203\.0\.113\.2:\d+$/);
  });

  it('N-11 has blocks of ports, in the program’s own log where it has no file', async () => {
    const { log, lines } = keptLog();
    const tables = new Tables('port-block');
    const mappings = startMappingLog({ file: null, nat64: tables.control, outsideOf, log });
    tables.open(UDP_BIB, '2001:db8:1::5', 40_000, '192.0.2.1', 443);
    await mappings.close();
    const [, first, last] =
      /^mapping: \S+ block-taken udp 2001:db8:1::5 203\.0\.113\.2:(\d+)-(\d+)$/.exec(lines[0]) ?? [];
    assert.equal(Number(last) - Number(first), DEFAULT_NAT64.portBlock - 1, lines.join('\n'));
  });

  it('N-11 does not write where a symbolic link in the place of its file leads to', async (t) => {
    const directory = scratch(t);
    const [file, victim] = [join(directory, 'mappings.log'), join(directory, 'victim')];
    writeFileSync(victim, 'precious');
    symlinkSync(victim, file);
    const { log, lines } = keptLog();
    const tables = new Tables('mapping');
    const mappings = startMappingLog({ file, nat64: tables.control, outsideOf, log });
    tables.open(TCP_BIB, '2001:db8:1::5', 40_000, '192.0.2.1', 443);
    await mappings.close();
    assert.equal(readFileSync(victim, 'utf8'), 'precious');
    assert.match(lines.join('\n'), /^mapping-log-failed: .*ELOOP/);
  });

  it('N-11 says once that its file cannot be written, and ends', async (t) => {
    const { log, lines } = keptLog();
    const nat64 = new Tables('mapping').control;
    const mappings = startMappingLog({ file: join(scratch(t), 'missing', 'x.log'), nat64, outsideOf, log });
    await mappings.close();
    assert.equal(lines.length, 1);
    assert.match(lines[0], /^mapping-log-failed: .*ENOENT/);
  });
});

describe('the file of bindings', () => {
  it('is read back as it was saved, by its owner only', async (t) => {
    const file = join(scratch(t), 'state', 'bindings');
    const { log, lines } = keptLog();
    const tables = threeSessions();
    const keeper = keepBindings(file, { nat64: tables.control }, log);
    await keeper.save();
    keeper.close();
    const bytes = loadBindings(file, log);
    assert.ok(bytes !== undefined);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(new Tables().state.restore(bytes, Date.now()).restored, 3);
    assert.deepEqual(lines, []);
  });

  it('need not be there, and may be anything', (t) => {
    const directory = scratch(t);
    const { log, lines } = keptLog();
    assert.equal(loadBindings(null, log), undefined);
    assert.equal(loadBindings(join(directory, 'none'), log), undefined);
    assert.deepEqual(lines, []);
    assert.equal(loadBindings(directory, log), undefined);
    assert.match(lines[0], /^bindings-unreadable: the bindings of the last run are lost: EISDIR/);
  });

  it('that cannot be written is told, and nothing else happens', async (t) => {
    const { log, lines } = keptLog();
    const file = join(scratch(t), 'file');
    writeFileSync(file, '');
    const keeper = keepBindings(join(file, 'below'), { nat64: new Tables().control }, log);
    await keeper.save();
    keeper.close();
    assert.match(lines[0], /^bindings-unsaved: the bindings could not be saved: /);
  });
});
