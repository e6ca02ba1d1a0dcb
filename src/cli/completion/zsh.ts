// Completion for zsh, by its own _arguments: one function a command.

import type { CommandOutline, OptionOutline } from '../outline.ts';
import { type Values, valuesOfArgument, valuesOfOption, wordsOf } from './values.ts';

/** The script. */
export function zshCompletion(program: CommandOutline): string {
  const { name } = program;
  return [
    `#compdef ${name}`,
    `# zsh completion for ${name}, made by "${name} completion zsh"`,
    ...functionLines(`_${name}`, program),
    // Put on $fpath the file is the function; read by "source" it is not.
    `if [[ "$funcstack[1]" = _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi`,
    '',
  ].join('\n');
}

/** What stands inside quotes inside a specification of _arguments. */
const escaped = (text: string): string =>
  text.replaceAll(/[\\[\]:]/g, (found) => `\\${found}`).replaceAll("'", "'\\''");

const childName = (parent: string, { name }: CommandOutline): string => `${parent}_${name.replaceAll('-', '_')}`;

function functionLines(name: string, command: CommandOutline): readonly string[] {
  const hasCommands = command.commands.length > 0;
  const specifications = [
    ...command.options.map(specificationOf),
    ...(hasCommands ? ["'1:command:->command'", "'*::argument:->rest'"] : argumentsOf(command)),
  ];
  return [
    ...command.commands.flatMap((child) => functionLines(childName(name, child), child)),
    `${name}() {`,
    '  local state line',
    '  typeset -A opt_args',
    `  _arguments -C ${specifications.join(' \\\n    ')}`,
    ...(hasCommands ? dispatch(name, command) : []),
    '}',
  ];
}

const argumentsOf = ({ arguments: all }: CommandOutline): readonly string[] =>
  all.map((argument, i) => `'${i + 1}:${escaped(argument.name)}:${action(valuesOfArgument(argument))}'`);

function dispatch(name: string, { commands }: CommandOutline): readonly string[] {
  return [
    '  case $state in',
    '    command)',
    `      local -a commands=(${commands.map((child) => `'${child.name}:${escaped(child.description)}'`).join(' ')})`,
    '      _describe command commands ;;',
    '    rest)',
    '      case $line[1] in',
    ...commands.map((child) => `        ${child.name}) ${childName(name, child)} ;;`),
    '      esac ;;',
    '  esac',
  ];
}

/** `'(-c --config)'{-c,--config}'[what it is]:file:_files'` */
function specificationOf(option: OptionOutline): string {
  const words = wordsOf(option);
  const values = valuesOfOption(option);
  const takes = values === null ? '' : `:${escaped(option.value ?? '')}:${action(values)}`;
  const text = `[${escaped(option.description)}]${takes}`;
  return words.length === 1 ? `'${words[0]}${text}'` : `'(${words.join(' ')})'{${words.join(',')}}'${text}'`;
}

function action(values: Values): string {
  switch (values.kind) {
    case 'words':
      return `(${values.words.join(' ')})`;
    case 'file':
      return '_files';
    case 'interface':
      return '_net_interfaces';
    case 'anything':
      return ' ';
    default:
      return values satisfies never;
  }
}
