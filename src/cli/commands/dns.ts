// `xlat464 dns query`: a gateway's DNS64 answers, and says how.

import { EXIT } from '../../contract/errors.ts';
import type { DnsExplanation } from '../../contract/gateway.ts';
import type { AddCommand } from '../context.ts';
import { withDaemon } from '../daemon.ts';
import { jsonText, paint, printLines, type Terminal } from '../terminal.ts';
import { jsonOption, nameOption } from './options.ts';

const HELP = `
Examples:
  xlat464 dns query ipv4only.arpa
  xlat464 dns query example.org A
  xlat464 dns query 1.2.0.192.in-addr.arpa PTR --json

It asks the DNS64 of the running gateway, as a host of the LAN would.
It needs no special rights.`;

interface Parsed {
  readonly name?: string;
  readonly json?: true;
}

/** Adds the command. */
export const add: AddCommand = (program, { terminal, finish }) => {
  const dns = program.command('dns').description('ask a DNS64').addHelpText('after', HELP);
  dns
    .command('query <name> [type]')
    .description('ask the DNS64 of a gateway, step by step; the type is AAAA if there is none')
    .addOption(nameOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async (name: string, type: string | undefined, parsed: Parsed) => {
      const question = { name, ...(type === undefined ? {} : { type: type.toUpperCase() }) };
      const found = await withDaemon('read', { name: parsed.name, role: 'gateway' }, (gateway) =>
        gateway.call('dns.query', question),
      );
      if (parsed.json === true) terminal.out(`${jsonText(found)}\n`);
      else show(found, terminal);
      finish(EXIT.done);
    });
};

function show({ name, type, steps, rcode, isSynthetic, answer }: DnsExplanation, terminal: Terminal): void {
  terminal.out(`${paint(`${name} ${type}`, 1, terminal.outColour)}\n`);
  printLines(
    terminal,
    steps.map(({ text, atMs }) => `${`${atMs.toFixed(1)} ms`.padStart(11)}  ${text}`),
  );
  const code = paint(rcode, rcode === 'NOERROR' ? 32 : 33, terminal.outColour);
  const about = answer.length === 0 ? ', no records' : isSynthetic ? ', with synthetic addresses' : '';
  terminal.out(`\n${code}${about}\n`);
  printLines(terminal, answer);
}
