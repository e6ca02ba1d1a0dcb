// `config import` with what should not be there: no line is lost in silence, broken values are named with their line, and no
// text, however cut or garbled, does anything but import or be refused.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IMPORT_FORMATS as NAMES_OF_CLI } from '../../src/cli/actions.ts';
import type { ImportFormat } from '../../src/config/import/detect.ts';
import { IMPORT_FORMATS } from '../../src/config/import/detect.ts';
import type { Source } from '../../src/config/import/source.ts';
import { ConfigError } from '../../src/config/issues.ts';
import { Random } from '../fuzz/random.ts';
import { FIXTURES, fixture, imported, lostIn, valuesOf } from '../support/import.ts';

/** The findings of an import that is refused, one line each. */
function refusal(text: string, from: ImportFormat | null = null): string[] {
  try {
    imported(text, { from });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n');
  }
  return assert.fail(`was not refused: ${text}`);
}

/** What an import says, without places: the keys, and what is lost. */
function outcome(source: Source): string {
  try {
    const result = imported([source]);
    return JSON.stringify([valuesOf(result), result.notes.map(({ kind, text, reason }) => [kind, text, reason])]);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.issues.map(({ text, problem }) => `${text} ${problem}`).join('\n');
  }
}

/** Lines that say what is so anyway, or only how something is called. */
const SAYS_NOTHING: readonly RegExp[] = [
  /description/,
  /^\s*(#|\/\/|$)/,
  /comment/,
  /instance|framework/, // Jool's names
  /IgnoreIfMissing|remote-control:/,
  /^\s*port: 53$|local-port=53|access-control: .*\/0 refuse/,
  /manually-enabled|ss-enabled|drop-icmpv6-info off|eam-hairpin-mode": "intrinsic"|randomize-rfc6791-addresses": true/,
  /rfc6791v6-prefix": null|process-no-validate/,
  /^\s*dns64.prefix.*64:ff9b::\/96$/, // what Unbound and PowerDNS take without it
];

describe('no line of a configuration is ignored in silence:', () => {
  for (const name of FIXTURES) {
    it(`each line of ${name} makes a difference to what comes out`, () => {
      const { text } = fixture(name);
      const whole = outcome({ name, text });
      const lines = text.split('\n');
      const silent = lines.flatMap((line, i) => {
        if (SAYS_NOTHING.some((pattern) => pattern.test(line))) return [];
        const without = outcome({ name, text: lines.toSpliced(i, 1).join('\n') });
        return without === whole ? [`${i + 1}: ${line}`] : [];
      });
      assert.deepEqual(silent, []);
    });
  }

  const strangers: readonly (readonly [string, ImportFormat, string, number])[] = [
    ['set commands', 'vyos', 'set nat64 source rule 1 source prefix 64:ff9b::/96\nset service frobnicate level 9', 2],
    [
      'config.boot',
      'vyos',
      'nat64 {\n source {\n  rule 1 {\n   source {\n    prefix 64:ff9b::/96\n   }\n  }\n  frobnicate {\n   level 9\n  }\n }\n}',
      9,
    ],
    ['Jool commands', 'jool', 'jool instance add --netfilter --pool6 64:ff9b::/96\njool global update frobnicate 9', 2],
    ['Jool files', 'jool', '{\n "global": { "pool6": "64:ff9b::/96",\n "frobnicate": 9 }\n}', 3],
    ['unbound.conf', 'unbound', 'server:\n dns64-prefix: 64:ff9b::/96\n frobnicate: 9', 3],
    ['radvd.conf', 'radvd', 'interface eth1 {\n AdvSendAdvert on;\n Frobnicate 9;\n};', 3],
    ['recursor.conf', 'pdns', 'dns64-prefix=64:ff9b::/96\nfrobnicate=9', 2],
    ['recursor.yml', 'pdns', 'recursor:\n  dns64_prefix: 64:ff9b::/96\n  frobnicate: 9', 3],
    ['tayga.conf', 'tayga', 'prefix 2001:db8:64::/96\nfrobnicate 9', 2],
  ];
  for (const [what, from, text, line] of strangers) {
    it(`a statement of ${what} that nobody knows is listed with its line, in the file and beside it`, () => {
      const result = imported(text, { from, lan: ['eth1'] });
      assert.ok(
        lostIn(result).some((lost) => lost.startsWith(`${line} `)),
        lostIn(result).join('\n'),
      );
      assert.match(result.text, new RegExp(`^# {3}x:${line}: "[^\\n]*(?:F|f)robnicate`, 'm'));
    });
  }
});

describe('an import is refused', () => {
  const cases: readonly (readonly [what: string, text: string, said: RegExp])[] = [
    [
      'with a prefix of a wrong length',
      'jool instance add --netfilter --pool6 64:ff9b::/95',
      /^x:1:1: nat64\.prefix: "64:ff9b::\/95" has the length \/95; /,
    ],
    [
      'with an address that is none',
      'jool instance add --netfilter -6 64:ff9b::/96\n  jool pool4 add --tcp 192.0.2.999 1-2',
      /^x:2:3: nat64\.pool\[0\]: .* is not an IPv4 address/,
    ],
    [
      'with ports that are none',
      'set nat64 source rule 1 translation pool 1 address 192.0.2.1\nset nat64 source rule 1 translation pool 1 port 7-70000',
      /^x:1:1: nat64\.pool\[0\]: /,
    ],
    [
      'with a time that is none',
      'jool global update udp-timeout soon',
      /^x:1:1: "jool global update udp-timeout soon" has "soon" for a time; /,
    ],
    [
      'with a switch that is none',
      'jool_siit global update zeroize-traffic-class maybe',
      /has "maybe" for a switch; write true or false/,
    ],
    ['with a binding that is none', 'jool bib add --tcp 192.0.2.1 2001:db8::1#80', /is not a binding; /],
    [
      'with two roles in one',
      'jool instance add --netfilter -6 64:ff9b::/96\njool_siit instance add --netfilter',
      /^x:2:1: .* belongs to the role translator, what stands before it to the role gateway; /,
    ],
    ['with JSON that is none', '{ "global": ', /^x:1:\d+: .*is not JSON/],
    [
      'with a brace that is not closed',
      'nat64 {\n source {\n }\n',
      /^x:1:1: "nat64" is opened and never closed; add "}"$/,
    ],
    ['with a brace that opens nothing', 'nat64 {\n}\n}\n', /^x:3:1: "}" closes nothing/],
    [
      'with a quote that is not closed',
      'set system host-name "r1\n',
      /^x:1:1: .* has a quote that is not closed; close it$/,
    ],
    [
      'with a statement of radvd without an end',
      'interface eth1 {\n AdvSendAdvert on\n};\n',
      /^x:2:2: "AdvSendAdvert" does not end; add ";"$/,
    ],
    [
      'without a statement',
      '# nothing\n',
      /^x:1:1: is of no format that is known here; say which one it is: --from jool\|vyos\|/,
    ],
    [
      'with mappings that overlap',
      'jool_siit eamt add 192.0.2.0/24 2001:db8::/120\njool_siit eamt add 192.0.2.1 2001:db8:1::1',
      /^x:2:1: mappings\[1\]: .*overlaps/,
    ],
  ];
  for (const [what, text, said] of cases) {
    it(what, () => {
      const lines = refusal(text);
      assert.ok(
        lines.some((line) => said.test(line)),
        lines.join('\n'),
      );
    });
  }

  it('with every finding at once', () => {
    assert.equal(
      refusal('jool global update udp-timeout soon\njool global update tos x\njool global update override-tos on')
        .length,
      2,
    );
  });

  it('with nothing for a gateway in it', () => {
    const lines = refusal('set interfaces ethernet eth0 address dhcp\nset system host-name r1');
    assert.match(lines[0] ?? '', /^x:1:1: "set interfaces .*" interfaces and .*; nothing is left that a gateway does$/);
    assert.equal(lines.length, 2);
  });

  it('with nothing in it, in a format that was told', () => {
    assert.deepEqual(refusal('\n', 'jool'), ['"x" holds no statement; name the files with the configuration']);
  });
});

describe('a hostile file', () => {
  it('cannot write keys or lines of its own: what it names is quoted or refused', () => {
    const names = [
      'eth0\u001b[2J',
      'eth0\u2028role: client',
      '"]\nrole: client',
      'a: b',
      '- x',
      '&a',
      '#',
      '__proto__',
    ];
    for (const name of names) {
      const source = { name: 'x\nrole: client', text: `set service router-advert interface '${name}' managed-flag` };
      const said = outcome(source);
      assert.doesNotMatch(said, /"role":"client"/);
    }
    const { text } = imported("set nat64 source rule 1 source prefix 64:ff9b::/96\nset x 'a\u001b[2Jb'", {
      lan: ['eth1'],
    });
    assert.ok(!text.includes('\u001b'));
  });

  it('imports or is refused wherever it is cut', () => {
    for (const name of FIXTURES) {
      const { text } = fixture(name);
      for (let end = 0; end < text.length; end += 29) outcome({ name, text: text.slice(0, end) });
    }
  });

  it('imports or is refused whatever is put into it', () => {
    const random = new Random(464);
    const pieces = ['{', '}', '"', "'", ':', '\n', ' ', '/', '0', '-', '#', ';', '\\', '=', '[', '*', '\t', '…', '\0'];
    for (const name of FIXTURES) {
      for (let round = 0; round < 60; round++) {
        let { text } = fixture(name);
        for (let i = 0; i < 4; i++) {
          const at = random.below(text.length);
          text = text.slice(0, at) + random.pick(pieces) + text.slice(at + random.below(3));
        }
        outcome({ name, text });
      }
    }
  });

  it('takes no time that grows faster than it does: 10,000 lines are read in one go', () => {
    const lines = Array.from(
      { length: 10_000 },
      (_, i) => `jool_siit eamt add 10.${(i >> 8) & 255}.${i & 255}.0/24 2001:db8:${i.toString(16)}::/120`,
    );
    const { text } = imported(lines.join('\n'));
    assert.ok(text.includes('2001:db8:270f::/120'));
    outcome({ name: 'x', text: `${' '.repeat(200_000)}{\n${'\n'.repeat(200_000)}` });
    outcome({ name: 'x', text: `nat64 {\n${'/*'.repeat(100_000)}` });
  });
});

describe('the formats', () => {
  it('have the names that the command line offers', () => {
    assert.deepEqual([...NAMES_OF_CLI].sort(), [...IMPORT_FORMATS].sort());
  });
});
