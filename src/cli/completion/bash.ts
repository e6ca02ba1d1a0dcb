// Completion for bash, 3.2 and later, without the package bash-completion.

import { type CommandOutline, withAllBelow } from '../outline.ts';
import { type Values, valuesOfArgument, valuesOfOption, wordsOf } from './values.ts';

/** The script. */
export function bashCompletion(program: CommandOutline): string {
  const { name } = program;
  const all = withAllBelow(program);
  return [
    `# bash completion for ${name}, made by "${name} completion bash"`,
    `_${name}() {`,
    `  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} path='' words='' i`,
    "  local IFS=$'\\n'",
    '  COMPREPLY=()',
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    `    case "$path/\${COMP_WORDS[i]}" in`,
    `      ${all.slice(1).map(slashed).join(' | ')}) path="$path/\${COMP_WORDS[i]}" ;;`,
    '    esac',
    '  done',
    '  case "$path $previous" in',
    ...all.flatMap(valueCases),
    '  esac',
    '  case "$path" in',
    ...all.map(wordsCase),
    '  esac',
    `  COMPREPLY+=($(compgen -W "\${words// /$IFS}" -- "$word"))`,
    '}',
    `complete -o filenames -F _${name} ${name}`,
    '',
  ].join('\n');
}

const slashed = ({ path }: CommandOutline): string => (path === '' ? "''" : `/${path.replaceAll(' ', '/')}`);

/** A function of bash's completes what may stand there. */
function offer(values: Values): string {
  switch (values.kind) {
    case 'words':
      return `COMPREPLY=($(compgen -W $'${values.words.join('\\n')}' -- "$word"))`;
    case 'file':
      return 'COMPREPLY=($(compgen -f -- "$word"))';
    case 'interface':
      return 'COMPREPLY=($(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$word"))';
    case 'anything':
      return ':';
    default:
      return values satisfies never;
  }
}

function valueCases(command: CommandOutline): readonly string[] {
  const path = command.path === '' ? '' : slashed(command);
  return command.options.flatMap((option) => {
    const values = valuesOfOption(option);
    if (values === null) return [];
    const patterns = wordsOf(option).map((word) => `'${path} ${word}'`);
    return [`    ${patterns.join(' | ')}) ${offer(values)}; return ;;`];
  });
}

function wordsCase(command: CommandOutline): string {
  const words = [...command.commands.map(({ name }) => name), ...command.options.flatMap(wordsOf)];
  const [argument] = command.arguments;
  const values = argument === undefined ? null : valuesOfArgument(argument);
  const also = values === null || values.kind === 'anything' ? '' : `${offer(values)}; `;
  return `    ${slashed(command)}) ${also}words='${words.join(' ')}' ;;`;
}
