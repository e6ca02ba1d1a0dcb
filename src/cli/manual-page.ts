// The manual page as man(7) text, from the outline of the command line. Pure.

import { type ArgumentOutline, type CommandOutline, type OptionOutline, withAllBelow } from './outline.ts';

const FILES: readonly (readonly [path: string, what: string])[] = [
  ['/etc/xlat464/', 'Configuration files, by convention; every command that needs one is told its path.'],
  ['/run/xlat464/', 'Journal of the changes to this host, and the sockets of the control API.'],
  ['/var/lib/xlat464/', 'The secret behind stable addresses; leases.'],
];

const ENVIRONMENT: readonly (readonly [name: string, what: string])[] = [
  ['XLAT464_STATE_DIR', 'Another directory for journal, sockets and secret.'],
  ['NO_COLOR', 'Not empty: no colour.'],
];

const EXIT_STATUS: readonly (readonly [code: string, what: string])[] = [
  ['0', 'Done.'],
  ['1', 'Failed.'],
  ['2', 'Bad usage or configuration.'],
  ['3', 'Not permitted.'],
];

/** The page. */
export function manualPage(program: CommandOutline, version: string): string {
  const [, ...commands] = withAllBelow(program);
  return [
    `.TH XLAT464 1 "" "xlat464 ${roff(version)}" "User Commands"`,
    '.SH NAME',
    'xlat464 \\- IPv4 on IPv6\\-only networks: 464XLAT client, gateway and translator',
    '.SH SYNOPSIS',
    '.B xlat464',
    '.I command',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    roff(program.description),
    ...remarkLines(program.remarks),
    ...(program.options.length === 0 ? [] : ['.SH OPTIONS', ...program.options.flatMap(optionLines)]),
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    ...listSection('EXIT STATUS', EXIT_STATUS),
    ...listSection('FILES', FILES),
    ...listSection('ENVIRONMENT', ENVIRONMENT),
    '.SH STANDARDS',
    'RFC 6877 (464XLAT), RFC 7915 (translation), RFC 6052 (addresses), RFC 7050 and RFC 8781 (discovery),',
    'RFC 7335 (192.0.0.0/29), RFC 7757 (explicit mappings), RFC 8925 (option 108).',
    '',
  ].join('\n');
}

/** Text as roff takes it: nothing of it is a request, a hyphen is one to copy, all of it is ASCII. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(
      /[^\u0020-\u007e\n]/gu,
      (char) => `\\[u${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    )
    .replaceAll(/^(?=[.'])/gm, '\\&');

function commandLines({ path, description, arguments: all, options, remarks }: CommandOutline): readonly string[] {
  const synopsis = ['xlat464', path, ...(options.length > 0 ? ['[options]'] : []), ...all.map(argumentText)].join(' ');
  const sentence = `${description.charAt(0).toUpperCase()}${description.slice(1)}.`;
  return [`.SS "${roff(synopsis)}"`, roff(sentence), ...options.flatMap(optionLines), ...remarkLines(remarks)];
}

const argumentText = ({ name, isRequired }: ArgumentOutline): string => (isRequired ? `<${name}>` : `[${name}]`);

function optionLines({ flags, description, choices }: OptionOutline): readonly string[] {
  const words = choices.length === 0 ? '' : ` One of ${choices.join(', ')}.`;
  return ['.TP', `.B ${roff(flags)}`, `${roff(description)}${roff(words)}`];
}

/** Indented lines of a help are examples and keep their form; the others are sentences, wrapped anew. */
function remarkLines(remarks: string): readonly string[] {
  return remarks
    .split(/\n\n+/)
    .filter((paragraph) => paragraph.trim() !== '')
    .flatMap((paragraph) => [
      '.PP',
      ...pieces(paragraph).flatMap(({ isExample, lines }) =>
        isExample ? ['.RS 4', '.nf', ...lines.map(roff), '.fi', '.RE'] : lines.map(roff),
      ),
    ]);
}

interface Piece {
  readonly isExample: boolean;
  readonly lines: string[];
}

function pieces(paragraph: string): readonly Piece[] {
  const found: Piece[] = [];
  for (const line of paragraph.split('\n')) {
    const isExample = line.startsWith('  ');
    const last = found.at(-1);
    if (last?.isExample === isExample) last.lines.push(line.trim());
    else found.push({ isExample, lines: [line.trim()] });
  }
  return found;
}

const listSection = (title: string, rows: readonly (readonly [string, string])[]): readonly string[] => [
  `.SH ${title}`,
  ...rows.flatMap(([term, text]) => ['.TP', `.B ${roff(term)}`, roff(text)]),
];
