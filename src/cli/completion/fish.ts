// Completion for fish, 3 and later.

import { type CommandOutline, withAllBelow } from '../outline.ts';
import { type Values, valuesOfArgument, valuesOfOption, wordsOf } from './values.ts';

/** The script. */
export function fishCompletion(program: CommandOutline): string {
  const { name } = program;
  const all = withAllBelow(program);
  return [
    `# fish completion for ${name}, made by "${name} completion fish"`,
    `function __${name}_at`,
    '  set -l path',
    '  for word in (commandline -opc)[2..-1]',
    '    switch "$path/$word"',
    `      case ${all.slice(1).map(slashed).join(' ')}`,
    '        set path "$path/$word"',
    '    end',
    '  end',
    '  test "$path" = "$argv[1]"',
    'end',
    `complete -c ${name} -f`,
    ...all.flatMap((command) => commandLines(name, command)),
    '',
  ].join('\n');
}

const slashed = ({ path }: CommandOutline): string => `/${path.replaceAll(' ', '/')}`;

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function commandLines(name: string, command: CommandOutline): readonly string[] {
  const at = `complete -c ${name} -n ${quote(`__${name}_at ${quote(command.path === '' ? '' : slashed(command))}`)}`;
  const [argument] = command.arguments;
  return [
    ...command.commands.map((child) => `${at} -a ${child.name} -d ${quote(child.description)}`),
    ...(argument === undefined ? [] : [`${at} ${take(valuesOfArgument(argument), false)}`]),
    ...command.options.map((option) => {
      const words = wordsOf(option).map((word) =>
        word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`,
      );
      const values = valuesOfOption(option);
      const takes = values === null ? '' : ` ${take(values, true)}`;
      return `${at} ${words.join(' ')}${takes} -d ${quote(option.description)}`;
    }),
  ];
}

/** @param isOption whether it is an option's value, without which the option is not complete */
function take(values: Values, isOption: boolean): string {
  const needed = isOption ? '-x' : '-f';
  switch (values.kind) {
    case 'words':
      return `${needed} -a ${quote(values.words.join(' '))}`;
    case 'file':
      return isOption ? '-r -F' : '-F';
    case 'interface':
      return `${needed} -a '(command ls /sys/class/net 2>/dev/null)'`;
    case 'anything':
      return needed;
    default:
      return values satisfies never;
  }
}
