// `config import`: what each format leads to. The files of test/vectors/import are what operators have.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConfig } from '../../src/config/load.ts';
import { FIXTURES, fixture, imported, lostIn, valuesOf } from '../support/import.ts';

describe('an import', () => {
  for (const name of FIXTURES) {
    it(`of ${name} gives a file that loads as it is, in the role that it says`, () => {
      const { text, role } = imported([fixture(name)]);
      assert.equal(parseConfig(text, 'imported.yaml').role, role);
    });
  }

  it('of several files makes one gateway of them', () => {
    const values = valuesOf(imported(['jool.sh', 'unbound.conf', 'radvd.conf'].map(fixture)));
    assert.deepEqual(values.lan, ['eth1']);
    for (const section of ['nat64', 'dns64', 'advertise']) assert.equal(typeof values[section], 'object', section);
  });

  it('says behind each value where it comes from', () => {
    const { text } = imported([fixture('vyos-commands.conf')]);
    assert.match(text, /^ {2}prefix: 64:ff9b::\/96 # vyos-commands\.conf:10$/m);
    assert.match(text, /^ {4}- 192\.0\.2\.10 1024-65535 # vyos-commands\.conf:11$/m);
  });

  it('takes the interfaces that the operator names', () => {
    const values = valuesOf(imported([fixture('jool.sh')], { lan: ['br0'], wan: ['ppp0'] }));
    assert.deepEqual([values.lan, values.wan], [['br0'], ['ppp0']]);
  });

  it('has a LAN to change where no file names one, and says so', () => {
    const result = imported([fixture('jool.sh')]);
    assert.deepEqual(valuesOf(result).lan, ['eth1']);
    assert.ok(lostIn(result).includes('- no file names the LAN interface, so it is eth1: change it, or use --lan'));
  });

  it('leaves off what the files do not do', () => {
    const { nat64, dns64, advertise } = valuesOf(imported([fixture('radvd.conf')]));
    assert.deepEqual([nat64, dns64, typeof advertise], ['none', 'none', 'object']);
  });

  it('reads a file in the format that it is told', () => {
    const source = 'port: 5353\ninterface: 2001:db8::1\n';
    assert.throws(() => imported(`server_${source}`), /x:1:1: is of no format that is known here/);
    const values = valuesOf(imported(`server:\n${source}`, { from: 'unbound' }));
    assert.deepEqual((values.dns64 as { listen: unknown }).listen, ['[2001:db8::1]:5353']);
  });
});

describe('an import from VyOS', () => {
  const NAT64 = ['set nat64 source rule 1 source prefix 64:ff9b::/96'];
  const POOL = 'set nat64 source rule 1 translation pool 1';

  it('takes NAT64, NAT66, router advertisements and DNS64 from "set" commands', () => {
    const result = imported([fixture('vyos-commands.conf')]);
    assert.deepEqual(valuesOf(result), {
      role: 'gateway',
      lan: ['eth1'],
      wan: ['eth0'],
      nat64: { prefix: '64:ff9b::/96', pool: ['192.0.2.10 1024-65535'], 'allow-non-global': true },
      dns64: {
        listen: ['2001:db8:2000::1'],
        forwarders: ['192.0.2.53', '[2001:db8:53::53]:5353'],
        prefixes: ['64:ff9b::/96'],
        clients: ['2001:db8:2000::/64'],
      },
      advertise: {
        prefixes: [{ prefix: '2001:db8:2000::/64' }],
        pref64: [{ prefix: '64:ff9b::/96' }],
        dns: ['2001:db8:2000::1'],
      },
      nat66: [{ source: '2001:db8::/32', out: 'eth0' }],
    });
    assert.deepEqual(lostIn(result), []);
  });

  it('takes config.boot with several interfaces, pools by protocol, prefix translation and NAT44', () => {
    const values = valuesOf(imported([fixture('config.boot')]));
    assert.deepEqual(values.lan, ['eth1', 'eth1.20']);
    assert.deepEqual((values.nat64 as { pool: unknown }).pool, [
      '198.51.100.0/28 tcp,udp 1024-65535',
      '198.51.100.16 icmp 1-65535',
    ]);
    assert.deepEqual(values.npt, [{ inside: 'fd00:1::/64', outside: '2001:db8:ffff::/64', out: 'eth0' }]);
    assert.equal(values.nat44, true);
    const { interfaces } = values.advertise as { interfaces: unknown[] };
    assert.deepEqual(interfaces, [
      {
        name: 'eth1',
        prefixes: [{ prefix: '2001:db8:a::/64', valid: 'infinite', preferred: '4h' }],
        pref64: [{ prefix: '2001:db8:64::/96', lifetime: '30min' }],
        dns: ['2001:db8:a::1'],
        search: ['example.org'],
        'router-lifetime': '30min',
        preference: 'high',
        'hop-limit': 64,
        'max-interval': '5min',
        'min-interval': '100s',
        mtu: 1480,
        'other-configuration': true,
      },
      { name: 'eth1.20', prefixes: [{ prefix: '2001:db8:b::/64', autonomous: false }] },
    ]);
  });

  it('lists rules that are disabled, narrower than ours, or of NAT for IPv4 servers, and writes nothing of them', () => {
    const lost = lostIn(imported([fixture('config.boot')])).join('\n');
    assert.match(lost, /^27 has no counterpart here$/m);
    assert.match(lost, /^72 its pool is disabled$/m);
    assert.match(lost, /^79 its rule is disabled$/m);
    assert.match(lost, /^118 a single address cannot be chosen/m);
    const rule = [...NAT64, `${POOL} address 198.51.100.1`, 'set nat64 source rule 1 match mark 7'];
    const marked = imported([...rule, 'set service router-advert interface eth1'].join('\n'));
    assert.deepEqual(
      lostIn(marked).slice(0, 3),
      [1, 2, 3].map((line) => `${line} its rule has conditions that cannot be written here`),
    );
  });

  it('takes a copied session with prompts, and reads nothing into its commands', () => {
    const session = [
      'vyos@r1:~$ configure',
      '[edit]',
      ...NAT64.map((line) => `vyos@r1# ${line}`),
      'vyos@r1# commit',
      'save',
    ];
    const result = imported(session.join('\n'), { lan: ['eth1'] });
    assert.equal((valuesOf(result).nat64 as { prefix: string }).prefix, '64:ff9b::/96');
    assert.deepEqual(
      lostIn(result).filter((line) => !line.startsWith('-')),
      ['1 is not a "set" command'],
    );
  });

  it('shows no passwords', () => {
    for (const name of ['vyos-commands.conf', 'config.boot']) {
      const { text, notes } = imported([fixture(name)]);
      assert.doesNotMatch(text + JSON.stringify(notes), /\$6\$/);
      assert.match(text, /encrypted-password …/);
    }
  });
});

describe('an import from Jool', () => {
  it('takes pool, bindings, timers and switches from commands', () => {
    const { nat64 } = valuesOf(imported([fixture('jool.sh')]));
    assert.deepEqual(nat64, {
      prefix: '64:ff9b::/96',
      pool: ['192.168.0.10 61001-65535'],
      static: ['tcp 192.168.0.10:8080 [2001:db8:1::5]:80', 'tcp 192.168.0.10:2222 [2001:db8:1::6]:22'],
      timers: { udp: '10min', 'tcp-established': '124min' },
      filtering: 'address-dependent',
      'mapping-log': 'mapping',
      plateaus: [6000, 5000, 1500, 1400],
      'allow-non-global': true,
    });
  });

  it('lengthens timers that are shorter than the RFCs ask for, and says so', () => {
    const lost = lostIn(imported([fixture('jool.sh')]));
    assert.ok(lost.includes('13 is less than the RFCs ask for: it is 124min now'), lost.join('\n'));
  });

  it('takes the JSON of a NAT64', () => {
    const { nat64 } = valuesOf(imported([fixture('jool-nat64.json')]));
    assert.deepEqual(nat64, {
      prefix: '2001:db8:64::/96',
      pool: ['198.51.100.8/29 tcp,udp 1024-65535', '198.51.100.8 icmp 0-65535'],
      static: ['tcp 198.51.100.8:80 [2001:db8:1::80]:80', 'udp 198.51.100.8:53 [2001:db8:1::53]:53'],
      'traffic-class': 'zero',
      'lowest-ipv6-mtu': 1500,
      plateaus: [1500, 1400, 1300],
      limits: { 'held-syns': 16 },
      timers: { 'tcp-transitory': '5min', icmp: '90s' },
      tos: 184,
    });
  });

  it("takes an empty pool for ports of the router's own address, as Jool does", () => {
    const { nat64 } = valuesOf(imported('jool instance add --iptables -6 2001:db8:64::/96'));
    assert.deepEqual(nat64, { prefix: '2001:db8:64::/96', pool: 'shared' });
  });

  it('makes a translator of SIIT, from commands and from JSON', () => {
    assert.deepEqual(valuesOf(imported([fixture('jool_siit.sh')])), {
      role: 'translator',
      prefix: '2001:db8:46::/96',
      mappings: [
        { ipv4: '192.0.2.1', ipv6: '2001:db8:12:34::1' },
        { ipv4: '192.0.2.0/24', ipv6: '2001:db8:3::/120' },
      ],
      force: true,
      'icmp-pool-ipv4': ['198.51.100.248/29'],
      'udp-zero-checksum': 'drop',
    });
    assert.deepEqual(valuesOf(imported([fixture('jool-siit.json')])).mappings, [
      { ipv4: '192.0.2.1', ipv6: '2001:db8:12:34::1' },
      { ipv4: '192.0.2.16/28', ipv6: '2001:db8:3::/124' },
    ]);
  });

  it('says of options, variables, other instances and other files that they were not followed', () => {
    const lines = [
      'jool instance add one --netfilter --pool6 2001:db8:64::/96',
      'jool -i one pool4 add --tcp 198.51.100.1 1024-2047 --mark 7 --max-iterations 99',
      'jool -i two pool4 add --tcp 198.51.100.2 1024-2047',
      'jool file handle /etc/jool/jool.conf',
      'jool session display && jool frobnicate now',
    ];
    assert.deepEqual(lostIn(imported(lines.join('\n'), { lan: ['eth1'] })), [
      '2 --max-iterations has no counterpart here',
      '2 the pool of a packet cannot be chosen by its mark: this part serves all',
      '3 belongs to the instance two: a file holds one translator, and all instances were put into it',
      '4 names another file: import that one, too',
      '5 adds nothing',
      '5 is not known here',
    ]);
  });
});

describe('an import from name servers and others', () => {
  it('takes DNS64, clients, listeners and forwarders with TLS from unbound.conf', () => {
    const { dns64 } = valuesOf(imported([fixture('unbound.conf')]));
    assert.deepEqual(dns64, {
      listen: ['2001:db8:1::1', '192.168.0.10:5353'],
      forwarders: ['tls://192.0.2.53#dns.example', 'tls://2001:db8:53::53#dns.example'],
      prefixes: ['64:ff9b::/96'],
      clients: ['2001:db8:1::/64', '192.168.0.0/24'],
      'synthesize-always': true,
      'ignore-aaaa': ['broken.example'],
      cache: { memory: '100MiB', 'max-ttl': '14400s', 'serve-stale': '3600s' },
    });
  });

  it("takes Unbound's prefix where none is written, and says that recursion is now the forwarders' work", () => {
    const result = imported('server:\n  module-config: "dns64 iterator"\n  interface: 2001:db8::1\n', {
      lan: ['eth1'],
    });
    assert.deepEqual((valuesOf(result).dns64 as { prefixes: unknown }).prefixes, ['64:ff9b::/96']);
    assert.match(lostIn(result).join('\n'), /^- unbound asked the root servers itself/m);
  });

  it('takes the same from both forms of the PowerDNS Recursor', () => {
    const old = valuesOf(imported([fixture('recursor.conf')])).dns64 as Record<string, unknown>;
    const yaml = valuesOf(imported([fixture('recursor.yml')])).dns64 as Record<string, unknown>;
    assert.deepEqual(old, {
      listen: ['2001:db8:1::1', '192.168.0.10'],
      forwarders: ['192.0.2.53', '[2001:db8:53::53]:5353'],
      prefixes: ['64:ff9b::/96'],
      clients: ['2001:db8:1::/64', '192.168.0.0/24'],
      cache: { 'max-negative-ttl': '60s' },
    });
    assert.deepEqual([yaml.forwarders, yaml.prefixes], [old.forwarders, old.prefixes]);
    assert.deepEqual(yaml.listen, ['2001:db8:1::1', '192.168.0.10:5353']);
  });

  it('takes prefixes, lifetimes, resolvers and PREF64 from radvd.conf, and no interface that is silent', () => {
    const { lan, advertise } = valuesOf(imported([fixture('radvd.conf')]));
    assert.deepEqual(lan, ['eth1']);
    assert.deepEqual(advertise, {
      prefixes: [{ prefix: '2001:db8:1::/64', 'on-link': true, autonomous: true, valid: '1d', preferred: '4h' }],
      pref64: [{ prefix: '64:ff9b::/96', lifetime: '30min' }],
      dns: ['2001:db8:1::1', '2001:db8:1::2'],
      search: ['lan.example', 'example.org'],
      'min-interval': '30s',
      'max-interval': '100s',
      preference: 'medium',
      'router-lifetime': '5min',
      mtu: 1500,
      managed: false,
      'other-configuration': true,
    });
  });

  it('makes a translator of tayga.conf, its own address and the mapped ones out of the pool', () => {
    const values = valuesOf(imported([fixture('tayga.conf')]));
    assert.equal(values['own-ipv4'], '192.168.255.1');
    const { ranges } = values['dynamic-pool'] as { ranges: string[] };
    const sizes = ranges.map((range) => 2 ** (32 - Number(range.split('/')[1])));
    assert.equal(
      sizes.reduce((sum, size) => sum + size),
      254,
    );
    assert.ok(!ranges.includes('192.168.255.0/24'));
  });
});
