#!/usr/bin/env node
// The program: the one place that knows both the command line and what it starts. Each part is loaded when it is called, so
// that `--version` does not pay for the data plane.

import type { Actions, ClientKeys } from './cli/actions.ts';
import { prepareThread } from './daemon/packet-thread.ts';
import { productVersion } from './daemon/version.ts';

const actions: Actions = {
  version: productVersion,

  translate: async (file, options) => (await import('./daemon/translate.ts')).runTranslate(file, options),

  client: async (from, options) => {
    const [{ runClient }, config] = await Promise.all([
      import('./daemon/client.ts'),
      'file' in from ? readClientFile(from.file) : readClientKeys(from.keys),
    ]);
    return runClient(config, options);
  },

  clientKeys: async () => {
    const [{ CLIENT_FIELDS }, { optionsOf }] = await Promise.all([
      import('./config/client.ts'),
      import('./config/options.ts'),
    ]);
    return optionsOf(CLIENT_FIELDS);
  },

  lab: async (options) => (await import('./lab/lab.ts')).runLab(options),

  discover: async ({ prefix, ...request }, show) => {
    const [{ runDiscover }, { selectDiscoveryPlatform }, { listenToSignals }] = await Promise.all([
      import('./discovery/run.ts'),
      import('./platform/select.ts'),
      import('./daemon/signals.ts'),
    ]);
    const platform = await selectDiscoveryPlatform();
    const configured = prefix === null ? null : (await readClientKeys({ prefix })).prefix;
    const end = new AbortController();
    const signals = listenToSignals(() => undefined); // there is no configuration to read again
    void signals.stop.then(() => end.abort());
    try {
      return await runDiscover({ ...request, platform, configured, signal: end.signal }, show);
    } finally {
      signals.close();
    }
  },

  cleanup: async () => {
    const [{ cleanUp }, { cleanUpLab }] = await Promise.all([import('./daemon/cleanup.ts'), import('./lab/lab.ts')]);
    return [...(await cleanUp()), ...cleanUpLab().map((name) => `removed ${name}, left by a lab`)];
  },

  configCheck: async (file) => {
    const config = (await import('./config/load.ts')).loadConfig(file);
    return { role: config.role, warnings: config.role === 'translator' ? config.warnings : [] };
  },

  configSchema: async () => (await import('./config/json-schema.ts')).jsonSchema(),

  configInit: async (role) => (await import('./config/example.ts')).exampleFile(role),
};

async function readClientFile(file: string) {
  return (await import('./config/load.ts')).loadRole(file, 'client');
}

async function readClientKeys(keys: ClientKeys) {
  return (await import('./config/client.ts')).clientConfigFromOptions(keys);
}

/**
 * What a role needs for sure is started before the command line is read: its packet worker, which takes longest (70 ms), on
 * the other core, and the reading of its modules. Ready after 196 ms instead of 248 (medians, runs in turn, two busy cores).
 */
function startEarly(command: string | undefined): void {
  if (command !== 'translate' && command !== 'client') return;
  prepareThread();
  void (command === 'translate' ? import('./daemon/translate.ts') : import('./daemon/client.ts'));
}

/**
 * A reader that went away (`| head`) ends a command quietly; a role goes on without anybody to read its log, for it moves packets.
 */
function endWithPipes(command: string | undefined): void {
  const isRole = command === 'translate' || command === 'client';
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (!isRole) process.exit(0);
    });
  }
}

/** A function, because the bundle (build/bundle.mjs) is CommonJS, which has no top-level await. */
async function main(argv: readonly string[]): Promise<void> {
  startEarly(argv[0]);
  endWithPipes(argv[0]);
  const [{ run }, { processTerminal }] = await Promise.all([import('./cli/program.ts'), import('./cli/terminal.ts')]);
  process.exitCode = await run(argv, actions, processTerminal());
}

void main(process.argv.slice(2));
