// Text that comes from the network or from another program, on its way to a terminal: each command whose screen or error can have some,
// with a hostile name everywhere. All that the command line writes for people passes one place (cli/terminal.ts).

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Actions } from '../../src/cli/actions.ts';
import { run } from '../../src/cli/program.ts';
import { harmlessLine, paint } from '../../src/cli/terminal.ts';
import type { DiscoveryReport } from '../../src/contract/discovery.ts';
import { XlatError } from '../../src/contract/errors.ts';
import { printable, printableJson } from '../../src/contract/printable.ts';
import { endpointIn } from '../../src/control/endpoint.ts';
import type { GatewayRequests } from '../../src/control/host.ts';
import { openControlServer } from '../../src/control/server.ts';
import { PretendedDaemon, SAMPLE, scratch } from '../support/control.ts';
import { GATEWAY_SAMPLE } from '../support/gateway.ts';

/** Clears the screen in two ways, turns the direction of writing, writes over the line before it, colours what follows. */
const HOSTILE = 'evil\u001b[2J\u009b2J\u202e\u2066\r\u001b[31m\u0007\u007f';
const END = { address: HOSTILE, port: 80 };

/** A gateway and everything that it says, from a network that wants to move a terminal. */
const REQUESTS: GatewayRequests = {
  sessions: async () => ({
    total: 1,
    sessions: [{ kind: 'nat64', protocol: 'tcp', state: HOSTILE, host: END, mapped: END, remote: END, expiresInMs: 5 }],
    notes: [HOSTILE],
  }),
  bindings: async () => ({
    total: 1,
    bindings: [{ protocol: 'tcp', isStatic: true, sessions: 1, host: END, mapped: END }],
  }),
  addBinding: async () => {
    throw new XlatError('CONFIG_INVALID', 'add a binding', `no room: ${HOSTILE}`, { advice: HOSTILE });
  },
  removeBinding: async () => undefined,
  explain: async ({ name }) => ({
    name,
    type: 'AAAA',
    steps: [{ atMs: 1.5, step: 'ask', text: HOSTILE }],
    rcode: HOSTILE,
    isSynthetic: false,
    answer: [`a.example TXT ${HOSTILE}\nb.example AAAA ::1`],
  }),
};

async function serveHostile(t: TestContext): Promise<void> {
  const daemon = Object.assign(new PretendedDaemon(), { role: 'gateway', name: 'gateway-nat64', gateway: REQUESTS });
  daemon.current = {
    ...SAMPLE,
    state: { ...SAMPLE.state, text: HOSTILE, reason: HOSTILE },
    gateway: { ...GATEWAY_SAMPLE, lan: [HOSTILE] },
    uplink: { name: HOSTILE, kind: 'redirect', mtuBytes: 1500, source: HOSTILE },
  };
  daemon.events.add({ timeMs: 0, level: 'warn', code: 'router-flood', fields: {}, text: HOSTILE });
  daemon.reload = async () => ({ isReloaded: false, problems: [HOSTILE] });
  const directory = scratch(t);
  const server = await openControlServer(endpointIn(directory, daemon.name), daemon);
  const before = process.env.XLAT464_STATE_DIR;
  process.env.XLAT464_STATE_DIR = directory;
  t.after(async () => {
    if (before === undefined) delete process.env.XLAT464_STATE_DIR;
    else process.env.XLAT464_STATE_DIR = before;
    await server.close();
  });
}

const DISCOVERY: DiscoveryReport = {
  configured: HOSTILE,
  interfaces: [
    {
      name: HOSTILE,
      listening: 'failed',
      trouble: HOSTILE,
      solicitationsSent: 1,
      advertisements: { accepted: 2, hopLimit: 0, source: 0, malformed: 0, options: 0, prefixes: 0, floods: 0 },
      routers: [],
      resolvers: [{ resolver: HOSTILE, from: HOSTILE, state: 'failed', prefixes: [], secondsLeft: null, why: HOSTILE }],
      resolversLeftOut: 0,
      chosen: null,
      reason: 'none',
      why: HOSTILE,
    },
  ],
} as unknown as DiscoveryReport;

const SERVICE = {
  name: HOSTILE,
  isInstalled: true,
  isEnabled: true,
  isRunning: true,
  state: HOSTILE,
  pid: 1,
  file: HOSTILE,
};
const LINK = {
  interfaceName: HOSTILE,
  program: HOSTILE,
  version: HOSTILE,
  profile: '',
  setting: 'on',
  obstacle: HOSTILE,
};

const ACTIONS = {
  version: () => '0.0.0',
  discover: async (_: object, show: (report: DiscoveryReport) => void) => {
    show(DISCOVERY);
    return 0;
  },
  cleanup: async () => [HOSTILE],
  configCheck: async () => {
    throw new XlatError('CONFIG_INVALID', 'read the configuration', `x.yaml:1:1: ${HOSTILE}`);
  },
  configImport: async () => ({
    role: 'gateway',
    text: '',
    notes: [{ kind: 'warning', at: null, text: HOSTILE, reason: HOSTILE }],
  }),
  clientKeys: async () => [],
  dhcp4Keys: async () => [],
  service: { status: async () => SERVICE },
  option108: { links: async () => [LINK] },
} as unknown as Actions;

const COMMANDS: readonly (readonly string[])[] = [
  ['status'],
  ['events'],
  ['sessions'],
  ['bindings', 'list'],
  ['bindings', 'add', 'tcp', '192.0.2.1:1', '[::1]:1'],
  ['dns', 'query', 'a.example'],
  ['reload'],
  ['discover'],
  ['cleanup'],
  ['config', 'check', 'x.yaml'],
  ['config', 'import', 'x.yaml'],
  ['service', 'status'],
  ['option108'],
  ['status', '--name', HOSTILE],
  ['capture', '/dev/null', '--address', HOSTILE],
  ['sessions', '--kind', HOSTILE],
  [HOSTILE],
];

async function output(argv: readonly string[], colour: boolean): Promise<string> {
  let text = '';
  const write = (piece: string): void => {
    text += piece;
  };
  const terminal = { out: write, err: write, outColour: colour, errColour: colour, errColumns: 80 };
  await run(argv, ACTIONS, terminal);
  return text;
}

/** What must not reach a terminal, line ends and tabs apart. */
const STEERING = /[\p{Cc}\p{Bidi_Control}]/u;
const withoutLineEnds = (text: string): string => text.replaceAll(/[\n\t]/g, '');

describe('hostile text', () => {
  for (const argv of COMMANDS) {
    const name = printable(argv.slice(0, 2).join(' '));
    it(`does not steer a terminal by "${name}"`, async (t) => {
      await serveHostile(t);
      const plain = await output(argv, false);
      assert.match(plain, /evil/, 'the name is there');
      assert.doesNotMatch(withoutLineEnds(plain), STEERING);
      const coloured = await output(argv, true);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours that are ours.
      const rest = coloured.replaceAll(/\u001b\[(?:0|1|31|32|33)m/g, '');
      assert.doesNotMatch(withoutLineEnds(rest), STEERING);
    });
  }

  it('is in JSON as it was, and steers no terminal there either', async (t) => {
    await serveHostile(t);
    for (const argv of [
      ['status'],
      ['sessions'],
      ['dns', 'query', 'a.example'],
      ['bindings', 'add', 'tcp', 'a', 'b'],
    ]) {
      const text = await output([...argv, '--json'], false);
      assert.match(text, /^[^\p{Cc}\p{Bidi_Control}]*\n$/u, argv.join(' '));
      assert.ok(JSON.stringify(JSON.parse(text)).includes(JSON.stringify(HOSTILE).slice(1, -1)), argv.join(' '));
    }
  });
});

describe('a line for a terminal', () => {
  it('keeps our colours, ends those of others with the line, and stays one line', () => {
    assert.equal(harmlessLine(paint('a', 31, true), true), '\u001b[31ma\u001b[0m');
    assert.equal(harmlessLine('a\u001b[31mb\nc', true), 'a\u001b[31mb\ufffdc\u001b[0m');
    assert.equal(harmlessLine('a\u001b[31mb', false), 'a\ufffd[31mb');
    assert.equal(harmlessLine('a\tb\u001b[5mc', true), 'a\tb\ufffd[5mc');
  });

  it('loses one character for one, whichever cannot be shown', () => {
    const bad = [
      '\u0000',
      '\u001b',
      '\u007f',
      '\u0085',
      '\u009b',
      '\u061c',
      '\u200f',
      '\u2028',
      '\ud800',
      '\ufeff',
      '\uffff',
    ];
    for (const each of bad) {
      assert.equal(printable(`a${each}b`), 'a\ufffdb');
      const json = printableJson(JSON.stringify(`a${each}b`));
      assert.match(json, /^[ -~]*$/);
      assert.equal(JSON.parse(json), `a${each}b`);
    }
    assert.equal(printable('Grüße 日本 👍 \u200d'), 'Grüße 日本 👍 \u200d');
  });
});
