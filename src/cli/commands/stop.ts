// `xlat464 stop`: ends a daemon.

import { EXIT, XlatError } from '../../contract/errors.ts';
import type { ControlConnection } from '../../control/client.ts';
import type { AddCommand } from '../context.ts';
import { withDaemon } from '../daemon.ts';
import { jsonText } from '../terminal.ts';
import { jsonOption, nameOption, timeoutOption } from './options.ts';

const HELP = `
Examples:
  sudo xlat464 stop
  sudo xlat464 stop --name client-clat0

The daemon puts everything on this host back and ends, as by Ctrl-C. To switch a
client off and on again, use "xlat464 down" and "xlat464 up"; a service is ended
for good by systemctl or "xlat464 service uninstall". For root and the group
xlat464.`;

const TIMEOUT_SECONDS = 30;

interface Parsed {
  readonly timeout: number;
  readonly name?: string;
  readonly json?: true;
}

/** Adds the command. */
export const add: AddCommand = (program, { terminal, finish }) => {
  program
    .command('stop')
    .description('end a daemon; everything on this host is put back')
    .addOption(timeoutOption('wait this long for its end', TIMEOUT_SECONDS))
    .addOption(nameOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async ({ timeout, name, json }: Parsed) => {
      const daemon = await withDaemon('admin', { name }, async (connection) => {
        await connection.call('stop', {});
        await ended(connection, timeout * 1000);
        return connection.hello.name;
      });
      terminal.out(json === true ? `${jsonText({ stopped: daemon })}\n` : `${daemon} has ended\n`);
      finish(EXIT.done);
    });
};

/** The daemon closes its connections last, when everything is put back. @throws XlatError CONTROL_FAILED */
async function ended({ closed, hello }: ControlConnection, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<'time is up'>((resolve) => {
    timer = setTimeout(() => resolve('time is up'), timeoutMs);
  });
  const which = await Promise.race([closed.then(() => 'ended'), timeUp]);
  clearTimeout(timer);
  if (which === 'ended') return;
  const advice = 'Its log says what it waits for; kill -9 ends it, and "xlat464 cleanup" brings the host back then.';
  throw new XlatError('CONTROL_FAILED', 'stop the daemon', `${hello.name} still runs`, { advice });
}
