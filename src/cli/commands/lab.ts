// `xlat464 lab`: the whole product at work in network namespaces.

import type { AddCommand } from '../context.ts';
import { jsonOption } from './options.ts';

const HELP = `
Examples:
  xlat464 lab
  xlat464 lab --only ping http
  xlat464 lab --interop       with tayga and unbound as NAT64 and DNS64
  xlat464 lab --keep          leave it up until Ctrl-C, to look around

It builds namespaces of its own, changes nothing else on this machine, and
leaves nothing behind.`;

interface Parsed {
  readonly only?: readonly string[];
  readonly keep?: true;
  readonly interop?: true;
  readonly verbose?: true;
  readonly json?: true;
}

/** Adds the command. */
export const add: AddCommand = (program, { actions, terminal, finish }) => {
  program
    .command('lab')
    .description('build an IPv6-only network in namespaces and prove that IPv4 works in it')
    .option('--only <proofs...>', 'run only these proofs')
    .option('--keep', 'leave the network up until Ctrl-C')
    .option('--interop', 'with tayga and unbound in the place of our own gateway')
    .option('--verbose', 'show what the client writes')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async ({ only, keep, interop, verbose, json }: Parsed) => {
      const chosen = only === undefined ? {} : { only };
      const flags = { keep: keep === true, interop: interop === true, verbose: verbose === true, json: json === true };
      finish(await actions.lab({ ...chosen, ...flags, colour: terminal.outColour }));
    });
};
