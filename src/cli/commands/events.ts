// `xlat464 events`: the decisions of a daemon, those of the past and those to come.

import { EXIT, XlatError } from '../../contract/errors.ts';
import type { StatusEvent } from '../../contract/status.ts';
import type { ControlConnection } from '../../control/client.ts';
import { follow } from '../../control/follow.ts';
import type { AddCommand } from '../context.ts';
import { withDaemon } from '../daemon.ts';
import { eventText } from '../screens/status.ts';
import { jsonText, printLines, type Terminal } from '../terminal.ts';
import { jsonOption, nameOption } from './options.ts';
import { untilInterrupted } from './status.ts';

const HELP = `
Examples:
  xlat464 events
  xlat464 events --follow
  xlat464 events --follow --json

A daemon remembers its last hundred. It needs no special rights.`;

interface Parsed {
  readonly follow?: true;
  readonly name?: string;
  readonly json?: true;
}

/** Adds the command. */
export const add: AddCommand = (program, { terminal, finish }) => {
  program
    .command('events')
    .description('show what a daemon decided and why')
    .option('-f, --follow', 'go on with new ones, until Ctrl-C')
    .addOption(nameOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async (parsed: Parsed) => {
      const print = printer(terminal, parsed.json === true);
      await withDaemon('read', { name: parsed.name }, async (connection) => {
        if (parsed.follow === true) await printAll(connection, print);
        else print((await connection.call('status', {})).events);
      });
      finish(EXIT.done);
    });
};

type Print = (events: readonly StatusEvent[]) => void;

function printer(terminal: Terminal, json: boolean): Print {
  let last = 0;
  return (events) => {
    for (const event of events) {
      const missed = event.number - last - 1;
      if (last > 0 && missed > 0 && !json) terminal.err(`${missed} events came too fast to be shown\n`);
      last = event.number;
      printLines(terminal, [json ? jsonText(event) : eventText(event, terminal.outColour)]);
    }
  };
}

async function printAll(connection: ControlConnection, print: Print): Promise<void> {
  const interrupted = untilInterrupted();
  try {
    const { events } = await follow(connection, 10, (_, news) => print(news));
    print(events);
    const why = await Promise.race([interrupted.promise, connection.closed.then((reason) => ({ reason }))]);
    if (why === null) return;
    const because = why.reason === null ? '' : `: ${why.reason}`;
    throw new XlatError('DAEMON_NOT_RUNNING', 'follow the events', `the daemon is gone${because}`);
  } finally {
    interrupted.off();
  }
}
