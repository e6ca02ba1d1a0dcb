// `xlat464 service`: a role as a service of this host, with no more rights than it needs.

import { type Command, Option } from 'commander';
import { EXIT } from '../../contract/errors.ts';
import type { LogLevel } from '../../contract/log-parts.ts';
import { type Actions, SERVICE_ROLES, type ServiceReport, type ServiceRole } from '../actions.ts';
import type { AddCommand, CommandContext } from '../context.ts';
import { jsonText, paint, type Terminal } from '../terminal.ts';
import { jsonOption, logLevelOption, partsIn } from './options.ts';

const HELP = `
Examples:
  sudo xlat464 service install
  sudo xlat464 service install --role translate -c /etc/xlat464/siit.yaml
  xlat464 service status
  sudo xlat464 service uninstall`;

const INSTALL_HELP = `
Examples:
  sudo xlat464 service install
  sudo xlat464 service install -c /etc/xlat464/client.yaml
  xlat464 service install --print
  sudo xlat464 service install --verbose discovery,host

It starts with the host, and again after a failure; "xlat464 status" shows what
it does. Its log: journalctl -u xlat464-client`;

interface Parsed {
  readonly role: ServiceRole;
  readonly json?: true;
}

/** Adds the command. */
export const add: AddCommand = (program, context) => {
  const service = program
    .command('service')
    .description('run a role as a service of this host (systemd)')
    .addHelpText('after', HELP);
  addInstall(service, context);
  addUninstall(service, context);
  addStatus(service, context);
};

const roleOption = (): Option => new Option('--role <role>', 'what it does').choices(SERVICE_ROLES).default('client');

function addInstall(service: Command, { actions, terminal, finish }: CommandContext): void {
  service
    .command('install')
    .description('install a role as a service, and start it')
    .addOption(roleOption())
    .option('-c, --config <file>', 'its configuration file; a client needs none')
    .addOption(logLevelOption())
    .option('--verbose [parts]', 'have it log every detail, of all parts or of these')
    .option('--no-start', 'only install it; it starts with the host')
    .option('--print', 'print the unit, and install nothing')
    .addOption(jsonOption())
    .addHelpText('after', INSTALL_HELP)
    .action(async (parsed: InstallParsed) => {
      const { role, config = null, start, print, json } = parsed;
      const request = { role, config, logging: loggingOf(parsed) };
      if (print === true) {
        const unit = await actions.service.describe(request);
        terminal.out(json === true ? `${jsonText({ unit })}\n` : `${unit}\n`);
        return finish(EXIT.done);
      }
      const report = await actions.service.install(request, start);
      for (const warning of report.warnings) warn(warning, terminal);
      show(report, terminal, json === true);
      finish(start && !report.isRunning ? EXIT.failed : EXIT.done);
    });
}

interface InstallParsed extends Parsed {
  readonly config?: string;
  readonly start: boolean;
  readonly print?: true;
  readonly logLevel: LogLevel;
  readonly verbose?: string | true;
}

/** What the service's command line says of its log; nothing where all is as without. */
function loggingOf({ role, logLevel, verbose }: InstallParsed): readonly string[] {
  const level = logLevel === 'info' ? [] : ['--log-level', logLevel];
  if (verbose === undefined) return level;
  return [...level, '--verbose', ...(verbose === true ? [] : [partsIn(verbose, role).join(',')])];
}

const warn = (text: string, terminal: Terminal): void =>
  terminal.err(`${paint('warning:', 33, terminal.errColour)} ${text}\n`);

function addUninstall(service: Command, { actions, terminal, finish }: CommandContext): void {
  service
    .command('uninstall')
    .description('stop a service, and take it away')
    .addOption(roleOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  sudo xlat464 service uninstall\n\nConfiguration and leases stay.')
    .action(async ({ role, json }: Parsed) => {
      const wasInstalled = await actions.service.uninstall(role);
      if (role === 'client') await warnOfOption108(actions, terminal);
      const text = wasInstalled ? 'stopped and taken away' : 'there was no such service';
      terminal.out(json === true ? `${jsonText({ role, wasInstalled })}\n` : `xlat464-${role}: ${text}\n`);
      finish(EXIT.done);
    });
}

/** Rule D-14: nobody asks to be left without IPv4 where no CLAT runs. */
async function warnOfOption108({ option108 }: Actions, terminal: Terminal): Promise<void> {
  const links = (await option108.links()).filter(({ setting }) => setting === 'on');
  const names = links.map(({ interfaceName }) => interfaceName).join(', ');
  if (links.length === 0) return;
  warn(`DHCP on ${names} still asks to be left without IPv4; "sudo xlat464 option108 default" ends that`, terminal);
}

function addStatus(service: Command, { actions, terminal, finish }: CommandContext): void {
  service
    .command('status')
    .description('show whether a service is installed and runs')
    .addOption(roleOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  xlat464 service status --role translate\n\nExit code 1: it does not run.')
    .action(async ({ role, json }: Parsed) => {
      const report = await actions.service.status(role);
      show(report, terminal, json === true);
      finish(report.isRunning ? EXIT.done : EXIT.failed);
    });
}

function show(report: ServiceReport, terminal: Terminal, json: boolean): void {
  if (json) {
    terminal.out(`${jsonText(report)}\n`);
    return;
  }
  const { name, isInstalled, isEnabled, state, pid, file } = report;
  const process = pid === null ? '' : `, process ${pid}`;
  const atStart = isEnabled ? 'starts with the host' : 'does not start with the host';
  terminal.out(isInstalled ? `${name}: ${state}${process}; ${atStart}\n${file ?? ''}\n` : `${name} is not installed\n`);
}
