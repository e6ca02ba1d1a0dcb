// The command line: which commands there are, and the way from argv to an exit code. Each command stands in a file of its
// own under commands/, loaded when it is the one that is called.

import { Command, CommanderError } from 'commander';
import { EXIT, XlatError } from '../contract/errors.ts';
import type { Actions } from './actions.ts';
import type { AddCommand, CommandContext } from './context.ts';
import { reportError } from './report-error.ts';
import { guarded, type Terminal } from './terminal.ts';

const COMMANDS: Readonly<Record<string, () => Promise<{ readonly add: AddCommand }>>> = {
  client: () => import('./commands/client.ts'),
  translate: () => import('./commands/translate.ts'),
  gateway: () => import('./commands/gateway.ts'),
  lab: () => import('./commands/lab.ts'),
  config: () => import('./commands/config.ts'),
  status: () => import('./commands/status.ts'),
  up: () => import('./commands/up.ts'),
  down: () => import('./commands/down.ts'),
  reload: () => import('./commands/reload.ts'),
  stop: () => import('./commands/stop.ts'),
  events: () => import('./commands/events.ts'),
  capture: () => import('./commands/capture.ts'),
  discover: () => import('./commands/discover.ts'),
  sessions: () => import('./commands/sessions.ts'),
  bindings: () => import('./commands/bindings.ts'),
  dns: () => import('./commands/dns.ts'),
  option108: () => import('./commands/option108.ts'),
  cleanup: () => import('./commands/cleanup.ts'),
  service: () => import('./commands/service.ts'),
  completion: () => import('./commands/completion.ts'),
  man: () => import('./commands/man.ts'),
};

/** What these print is about all commands. */
const ABOUT_ALL = ['completion', 'man'];

const HELP = `
Examples:
  sudo xlat464 client                make IPv4 work on this IPv6-only host
  sudo xlat464 service install       the same at every start of this host
  sudo xlat464 gateway -c gateway.yaml
                                     make a router's LAN an IPv6-mostly network
  xlat464 status                     what it does, and why
  xlat464 config init > siit.yaml    write a first configuration of a translator
  sudo xlat464 translate -c siit.yaml
  xlat464 lab                        see all of it at work, in namespaces

Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 not permitted.`;

/**
 * Runs one command line.
 * @param argv the arguments after the program's name
 * @returns the exit code; failures have been reported. Never throws.
 */
export async function run(argv: readonly string[], actions: Actions, given: Terminal): Promise<number> {
  const terminal = guarded(given);
  let exitCode: number = EXIT.done;
  let called = 'xlat464';
  try {
    const finish = (code: number): void => {
      exitCode = code;
    };
    const program = await makeProgram({ actions, terminal, finish }, wantedCommands(argv));
    called = calledCommand(program, argv);
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    return reportError(asUsageError(error, called, argv), terminal, argv.includes('--json'));
  }
}

/** The command line with these commands; default: all. */
export async function makeProgram(context: CommandContext, names = Object.keys(COMMANDS)): Promise<Command> {
  const program = newProgram(context.terminal, context.actions.version());
  for (const name of names) await (await COMMANDS[name]?.())?.add(program, context);
  for (const command of program.commands) quiet(command, context.terminal);
  return program;
}

/** The commands that a command line needs to know of: the one that it names, or all, for the help; none for the version. */
function wantedCommands(argv: readonly string[]): string[] {
  if (argv[0] === '--version' || argv[0] === '-V') return [];
  const named = argv.find((word) => Object.hasOwn(COMMANDS, word));
  return named === undefined || ABOUT_ALL.includes(named) ? Object.keys(COMMANDS) : [named];
}

function newProgram(terminal: Terminal, version: string): Command {
  const program = new Command('xlat464')
    .description('IPv4 goes on working on IPv6-only networks: 464XLAT client, gateway, stateless translator.')
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

/** The command that a command line is about, as it is typed: "xlat464 bindings add". */
function calledCommand(program: Command, argv: readonly string[]): string {
  const words = [program.name()];
  let command: Command | undefined = program;
  for (const word of argv) {
    command = command.commands.find((child) => child.name() === word);
    if (command === undefined) break;
    words.push(word);
  }
  return words.join(' ');
}

function asUsageError(error: unknown, called: string, argv: readonly string[]): unknown {
  if (!(error instanceof CommanderError)) return error;
  const isBare = error.code === 'commander.help';
  const bare = argv.at(-2) === 'help' ? `unknown command '${argv.at(-1)}'` : 'no command given';
  const message = isBare ? bare : error.message.replace(/^error: /, '').replace('\n', ' ');
  const advice = `Run "${called} --help" for what there is.`;
  return new XlatError('USAGE', 'read the command line', message, { advice, cause: error });
}
