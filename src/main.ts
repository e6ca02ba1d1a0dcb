#!/usr/bin/env node
// The program: the one place that knows both the command line and what it starts. Each part is loaded when it is called, so
// that `--version` does not pay for the data plane.

import type { Actions, ClientKeys } from './cli/actions.ts';
import { run } from './cli/program.ts';
import { processTerminal } from './cli/terminal.ts';

const actions: Actions = {
  translate: async (file, options) => {
    (await import('./daemon/packet-thread.ts')).prepareThread();
    return (await import('./daemon/translate.ts')).runTranslate(file, options);
  },

  client: async (from, options) => {
    (await import('./daemon/packet-thread.ts')).prepareThread();
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

  cleanup: async () => (await import('./daemon/cleanup.ts')).cleanUp(),

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

process.exitCode = await run(process.argv.slice(2), actions, processTerminal());
