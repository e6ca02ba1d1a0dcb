#!/usr/bin/env node
// The program: the one place that knows both the command line and what it starts. Each part is loaded when it is called, so
// that `--version` does not pay for the data plane.

import type { Actions, GivenKeys } from './cli/actions.ts';
import { OwnTerminal } from './daemon/own-terminal.ts';
import { prepareThread } from './daemon/packet-thread.ts';
import { productVersion } from './daemon/version.ts';

const actions: Actions = {
  version: productVersion,

  translate: async (file, options) => (await import('./daemon/translate.ts')).runTranslate(file, options),

  gateway: async (file, options) => (await import('./daemon/gateway.ts')).runGateway(file, options),

  client: async (from, options) => {
    const [{ runClient }, config] = await Promise.all([
      import('./daemon/client.ts'),
      'file' in from ? readClientFile(from.file) : readClientKeys(from.keys),
    ]);
    return runClient(config, options, 'file' in from ? from.file : null);
  },

  clientKeys: async () => {
    const [{ CLIENT_FIELDS }, { optionsOf }] = await Promise.all([
      import('./config/client.ts'),
      import('./config/options.ts'),
    ]);
    return optionsOf(CLIENT_FIELDS);
  },

  lab: async (options) => (await import('./lab/lab.ts')).runLab(options),

  discover: async ({ prefix, check, ...request }, show) => {
    const [{ runDiscover }, { selectDiscoveryPlatform }, { listenToSignals }] = await Promise.all([
      import('./discovery/run.ts'),
      import('./platform/select.ts'),
      import('./daemon/signals.ts'),
    ]);
    const platform = await selectDiscoveryPlatform();
    const keys = {
      ...(prefix === null ? {} : { prefix }),
      ...(check === null ? {} : { 'connectivity-check': check }),
    };
    const { prefix: configured, connectivityCheck } = await readClientKeys(keys);
    const end = new AbortController();
    const signals = listenToSignals(() => undefined); // there is no configuration to read again
    void signals.stop.then(() => end.abort());
    try {
      return await runDiscover(
        { ...request, platform, configured, check: connectivityCheck, signal: end.signal },
        show,
      );
    } finally {
      signals.close();
    }
  },

  cleanup: async () => {
    const [{ cleanUp }, { cleanUpLab }] = await Promise.all([import('./daemon/cleanup.ts'), import('./lab/lab.ts')]);
    return [...(await cleanUp()), ...cleanUpLab().map((name) => `removed ${name}, left by a lab`)];
  },

  service: {
    describe: async (request) => (await import('./daemon/service.ts')).describeService(request),
    install: async (request, isStarted) => (await import('./daemon/service.ts')).installService(request, isStarted),
    uninstall: async (role) => (await selectServices()).uninstall(role),
    status: async (role) => (await selectServices()).status(role),
  },

  option108: {
    links: async () => (await selectDhcpPrograms()).links(),
    set: async (interfaceName, choice) => {
      const programs = await selectDhcpPrograms();
      for (const link of await programs.links())
        if (link.interfaceName === interfaceName) await programs.set(link, choice);
    },
  },

  configCheck: async (file) => {
    const config = (await import('./config/load.ts')).loadConfig(file);
    return { role: config.role, warnings: config.role === 'client' ? [] : config.warnings };
  },

  dhcp4Keys: async () => {
    const [{ DHCP4_SNIPPET_FIELDS }, { optionsOf }] = await Promise.all([
      import('./config/dhcp4-snippet.ts'),
      import('./config/options.ts'),
    ]);
    return optionsOf(DHCP4_SNIPPET_FIELDS);
  },

  configDhcp4: async (keys) => (await import('./config/dhcp4-snippet.ts')).dhcp4Snippet(keys),

  configSchema: async () => (await import('./config/json-schema.ts')).jsonSchema(),

  configInit: async (role) => (await import('./config/example.ts')).exampleFile(role),

  configInitGateway: async (choices) => {
    const [{ gatewayFile }, { readMachineFacts }] = await Promise.all([
      import('./config/init-gateway-text.ts'),
      import('./platform/select.ts'),
    ]);
    return gatewayFile(await readMachineFacts(), choices);
  },

  configImport: async ({ files, from, ...choices }) => {
    const [{ importConfig }, { formatOf }, { readSources }] = await Promise.all([
      import('./config/import/import.ts'),
      import('./config/import/detect.ts'),
      import('./config/import/read.ts'),
    ]);
    return importConfig(readSources(files), { ...choices, from: formatOf(from) });
  },
};

async function selectServices() {
  return (await import('./platform/select.ts')).selectServices();
}

async function selectDhcpPrograms() {
  return (await import('./platform/select.ts')).selectOption108();
}

async function readClientFile(file: string) {
  return (await import('./config/load.ts')).loadRole(file, 'client');
}

async function readClientKeys(keys: GivenKeys) {
  return (await import('./config/client.ts')).clientConfigFromOptions(keys);
}

/**
 * What a role needs for sure is started before the command line is read: its packet worker, which takes longest (70 ms), on
 * the other core, and the reading of its modules. Ready after 196 ms instead of 248 (medians, runs in turn, two busy cores).
 */
function startEarly(command: string | undefined): void {
  const early = command !== undefined && Object.hasOwn(EARLY, command) ? EARLY[command] : undefined;
  if (early === undefined) return;
  prepareThread();
  void early();
}

/** The commands that move packets, and their modules. */
const EARLY: Readonly<Record<string, () => Promise<unknown>>> = {
  client: () => import('./daemon/client.ts'),
  translate: () => import('./daemon/translate.ts'),
  gateway: () => import('./daemon/gateway.ts'),
};

/**
 * A reader that went away (`| head`) ends a command quietly, a full disk with a word. A role goes on without anybody to read its log,
 * whatever the reason, for it moves packets.
 */
function endWithStreams(command: string | undefined): void {
  const isRole = command !== undefined && Object.hasOwn(EARLY, command);
  const unwritten = (error: NodeJS.ErrnoException): void => {
    if (isRole) return;
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(`xlat464: the output could not be written: ${error.message}\n`);
    process.exit(1);
  };
  for (const stream of [process.stdout, process.stderr]) stream.on('error', unwritten);
  const terminal = new OwnTerminal();
  process.on('exit', () => terminal.letGo());
}

/** A function, because the bundle (build/bundle.mjs) is CommonJS, which has no top-level await. */
async function main(argv: readonly string[]): Promise<void> {
  startEarly(argv[0]);
  endWithStreams(argv[0]);
  const [{ run }, { processTerminal }] = await Promise.all([import('./cli/program.ts'), import('./cli/terminal.ts')]);
  process.exitCode = await run(argv, actions, processTerminal());
}

void main(process.argv.slice(2));
