// The command line as plain data, read from commander's definitions: what completion and the manual page are made of.

import type { Command, Option } from 'commander';

/** An option. */
export interface OptionOutline {
  /** With its dashes; null: it has none of that kind. */
  readonly short: string | null;
  readonly long: string | null;
  /** As the help shows it: `-c, --config <file>`. */
  readonly flags: string;
  readonly description: string;
  /** Name of its value; null: it takes none. */
  readonly value: string | null;
  readonly choices: readonly string[];
}

/** An argument. */
export interface ArgumentOutline {
  readonly name: string;
  readonly isRequired: boolean;
  readonly choices: readonly string[];
}

/** A command, or the program itself. */
export interface CommandOutline {
  /** Its words after the program's name: `config check`; empty for the program. */
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly arguments: readonly ArgumentOutline[];
  readonly options: readonly OptionOutline[];
  /** What its help says behind the options: examples and remarks. */
  readonly remarks: string;
  readonly commands: readonly CommandOutline[];
}

/** Reads a command and all below it. @param path the words that lead to it */
export function outlineOf(command: Command, path: readonly string[] = []): CommandOutline {
  const help = command.createHelp();
  const commands = command.commands.map((child) => outlineOf(child, [...path, child.name()]));
  return {
    path: path.join(' '),
    name: command.name(),
    description: help.commandDescription(command),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      isRequired: argument.required,
      choices: argument.argChoices ?? [],
    })),
    options: help.visibleOptions(command).map(optionOf),
    remarks: remarksOf(command),
    commands,
  };
}

const optionOf = (option: Option): OptionOutline => ({
  short: option.short ?? null,
  long: option.long ?? null,
  flags: option.flags,
  description: option.description,
  value:
    option.required || option.optional ? (/[<[]([^>\]]+?)(?:\.\.\.)?[>\]]/.exec(option.flags)?.[1] ?? 'value') : null,
  choices: option.argChoices ?? [],
});

/** What stands behind commander's own part of the help, which commander only writes and never gives. */
function remarksOf(command: Command): string {
  const { writeOut } = command.configureOutput();
  let whole = '';
  command.configureOutput({
    writeOut: (text) => {
      whole += text;
    },
  });
  command.outputHelp();
  if (writeOut !== undefined) command.configureOutput({ writeOut });
  return whole.slice(command.helpInformation().length).trim();
}

/** A command and all below it, itself first. */
export const withAllBelow = (command: CommandOutline): readonly CommandOutline[] => [
  command,
  ...command.commands.flatMap(withAllBelow),
];
