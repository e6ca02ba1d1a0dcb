// The command line: which commands there are, and the way from argv to an exit code. Each command stands in a file of its
// own under commands/, loaded when it is the one that is called.

import { Command, CommanderError } from 'commander';
import { EXIT, XlatError } from '../contract/errors.ts';
import type { Actions } from './actions.ts';
import type { AddCommand } from './context.ts';
import { reportError } from './report-error.ts';
import type { Terminal } from './terminal.ts';

const COMMANDS: Readonly<Record<string, () => Promise<{ readonly add: AddCommand }>>> = {
  client: () => import('./commands/client.ts'),
  translate: () => import('./commands/translate.ts'),
  lab: () => import('./commands/lab.ts'),
  config: () => import('./commands/config.ts'),
  status: () => import('./commands/status.ts'),
  events: () => import('./commands/events.ts'),
  capture: () => import('./commands/capture.ts'),
  discover: () => import('./commands/discover.ts'),
  cleanup: () => import('./commands/cleanup.ts'),
};

const HELP = `
Examples:
  xlat464 client --prefix 64:ff9b::/96     make IPv4 work on this IPv6-only host
  xlat464 config init > siit.yaml          write a first configuration of a translator
  xlat464 translate -c siit.yaml           run it
  xlat464 lab                              see all of it at work, in network namespaces

Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 not permitted.`;

/**
 * Runs one command line.
 * @param argv the arguments after the program's name
 * @returns the exit code; failures have been reported. Never throws.
 */
export async function run(argv: readonly string[], actions: Actions, terminal: Terminal): Promise<number> {
  let exitCode: number = EXIT.done;
  try {
    const program = newProgram(terminal, actions.version());
    const context = {
      actions,
      terminal,
      finish: (code: number) => {
        exitCode = code;
      },
    };
    for (const name of wantedCommands(argv)) await (await COMMANDS[name]?.())?.add(program, context);
    for (const command of program.commands) quiet(command, terminal);
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    return reportError(asUsageError(error), terminal, argv.includes('--json'));
  }
}

/** The commands that a command line needs to know of: the one that it names, or all, for the help; none for the version. */
function wantedCommands(argv: readonly string[]): readonly string[] {
  if (argv[0] === '--version' || argv[0] === '-V') return [];
  const named = argv.find((word) => Object.hasOwn(COMMANDS, word));
  return named === undefined ? Object.keys(COMMANDS) : [named];
}

function newProgram(terminal: Terminal, version: string): Command {
  const program = new Command('xlat464')
    .description('IPv4 goes on working on IPv6-only networks: 464XLAT client and stateless translator.')
    .version(`xlat464 ${version}`, '-V, --version', 'print the version')
    .addHelpText('after', HELP);
  quiet(program, terminal);
  return program;
}

/** Commander's own output goes through the terminal, its errors through {@link reportError}. */
function quiet(command: Command, terminal: Terminal): void {
  command.exitOverride().showHelpAfterError(false).allowExcessArguments(false);
  command.configureOutput({ writeOut: terminal.out, writeErr: () => undefined });
  for (const child of command.commands) quiet(child, terminal);
}

function asUsageError(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
  const isBare = error.code === 'commander.help';
  const message = isBare ? 'no command given' : error.message.replace(/^error: /, '').replace('\n', ' ');
  const advice = 'Run "xlat464 --help", or "xlat464 COMMAND --help", for what there is.';
  return new XlatError('USAGE', 'read the command line', message, { advice, cause: error });
}
