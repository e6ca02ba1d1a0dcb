// Jool's commands, as they stand in a set-up script: `jool` is a NAT64 (role gateway), `jool_siit` a stateless translator.
// https://nicmx.github.io/Jool/en/documentation.html#userspace-clients

import type { Draft } from './draft.ts';
import { setGlobal, setTos } from './jool-global.ts';
import {
  type Given,
  placeOfLine,
  type Source,
  type Statement,
  splitCommands,
  splitWords,
  withoutComment,
} from './source.ts';
import { addPool, type PoolPart, type Protocol, transportAddress } from './values.ts';

/** What the commands of one file lead to beside the draft. */
export interface JoolState {
  readonly pool: PoolPart[];
  readonly globals: Map<string, Given>;
  /** Names of the instances seen. */
  readonly instances: Set<string>;
}

export const newJoolState = (): JoolState => ({ pool: [], globals: new Map(), instances: new Set() });

/** Options that take a value. */
const VALUED = new Set(['-i', '--instance', '-f', '--file', '-6', '--pool6', '--mark', '--max-iterations']);

/** Options that are read, or that say nothing about the translation. */
const KNOWN = new Set([
  ...['-i', '--instance', '-6', '--pool6', '--mark', '--tcp', '--udp', '--icmp'],
  ...['--netfilter', '--iptables', '--force'],
]);

interface Command {
  /** Words that are no options: mode, operation, arguments. */
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
  readonly from: Statement;
}

/** Reads a script. */
export function importJool(source: Source, draft: Draft): void {
  const state = newJoolState();
  for (const statement of commandsOf(source, draft)) importCommand(statement, state, draft);
  finishJool(state, draft);
}

/** Writes what only the whole file says. */
export function finishJool({ pool, globals }: JoolState, draft: Draft): void {
  addPool(draft, pool);
  for (const [key, given] of globals) if (key !== 'override-tos' && key !== 'tos') setGlobal(draft, key, given);
  setTos(draft, globals.get('override-tos'), globals.get('tos'));
}

function commandsOf({ name, text }: Source, draft: Draft): Statement[] {
  const statements: Statement[] = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const at = placeOfLine(name, i, lines[i] ?? '');
    let line = withoutComment(lines[i] ?? '');
    while (/\\\s*$/.test(line) && i + 1 < lines.length) {
      line = `${line.replace(/\\\s*$/, ' ')}${withoutComment(lines[++i] ?? '').trim()}`;
    }
    for (const shown of splitCommands(line)) {
      const words = splitWords(shown);
      if (words === null) draft.broken({ words: [], at, text: shown }, 'has a quote that is not closed', 'close it');
      else if (words.length > 0) statements.push({ words, at, text: shown });
    }
  }
  return statements;
}

function importCommand(statement: Statement, state: JoolState, draft: Draft): void {
  const words = statement.words[0] === 'sudo' ? statement.words.slice(1) : statement.words;
  const [program = ''] = words;
  const name = program.slice(program.lastIndexOf('/') + 1);
  if (name !== 'jool' && name !== 'jool_siit') {
    draft.leave(statement, 'is a command of another program');
  } else if (words.some((word) => word.includes('$'))) {
    draft.warn(statement, 'holds a variable, whose value is not known here');
  } else {
    const role = name === 'jool' ? 'gateway' : 'translator';
    draft.claim(role, statement);
    if (draft.role === role) runCommand(optionsOf(words.slice(1), statement), state, draft);
  }
}

function optionsOf(words: readonly string[], from: Statement): Command {
  const plain: string[] = [];
  const options = new Map<string, string>();
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const [name = '', value] = word.startsWith('--') ? word.split('=', 2) : [word];
    if (!word.startsWith('-')) plain.push(word);
    else if (VALUED.has(name)) options.set(name, value ?? words[++i] ?? '');
    else options.set(name, '');
  }
  return { words: plain, options, from };
}

function runCommand(command: Command, state: JoolState, draft: Draft): void {
  const [mode = '', operation = '', ...args] = command.words;
  rememberInstance(command, mode === 'instance' ? args[0] : undefined, state, draft);
  const strange = [...command.options.keys()].filter((option) => !KNOWN.has(option));
  if (strange.length > 0) draft.warn(command.from, `${strange.join(', ')} has no counterpart here`);
  const key = `${mode} ${operation}`;
  const run = Object.hasOwn(OPERATIONS, key) ? OPERATIONS[key] : undefined;
  if (run !== undefined) run(draft, args, command, state);
  else draft.warn(command.from, /display|remove|flush/.test(operation) ? 'adds nothing' : 'is not known here');
}

type Operation = (draft: Draft, args: readonly string[], command: Command, state: JoolState) => void;

const denylist: Operation = (draft, _args, { from }) =>
  draft.warn(from, 'addresses cannot be kept from translation; route them elsewhere');

/** By mode and operation. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  'instance add': (draft, _args, command) => addInstance(command, draft),
  'pool4 add': (draft, args, command, state) => addPool4(command, args, state, draft),
  'bib add': (draft, args, command) => addBinding(draft, protocolsOf(command)[0] ?? 'tcp', args, command.from),
  'eamt add': (draft, args, { options, from }) => addEam(draft, args, options.has('--force'), from),
  'global update': (_draft, [key = '', ...value], { from }, { globals }) => {
    globals.set(key, { value: value.join(' '), from });
  },
  'file handle': (draft, _args, { from }) => draft.warn(from, 'names another file: import that one, too'),
  'denylist4 add': denylist,
  'blacklist4 add': denylist,
  // Jool 3
  'pool6 add': (draft, [value = ''], { from }) => setGlobal(draft, 'pool6', { value, from }),
};

function rememberInstance({ options, from }: Command, named: string | undefined, state: JoolState, draft: Draft): void {
  const name = named ?? options.get('-i') ?? options.get('--instance') ?? 'default';
  state.instances.add(name);
  if (state.instances.size === 2) {
    draft.warn(
      from,
      `belongs to the instance ${name}: a file holds one translator, and all instances were put into it`,
    );
  }
}

function addInstance({ options, from }: Command, draft: Draft): void {
  const prefix = options.get('--pool6') ?? options.get('-6');
  if (prefix !== undefined) setGlobal(draft, 'pool6', { value: prefix, from });
}

const PROTOCOLS: readonly Protocol[] = ['tcp', 'udp', 'icmp'];

const protocolsOf = ({ options }: Command): Protocol[] => PROTOCOLS.filter((name) => options.has(`--${name}`));

function addPool4(command: Command, [prefix = '', ports]: readonly string[], state: JoolState, draft: Draft): void {
  const protocols = protocolsOf(command);
  const mark = command.options.get('--mark') ?? '0';
  if (mark !== '0') draft.warn(command.from, 'the pool of a packet cannot be chosen by its mark: this part serves all');
  const from = command.from;
  state.pool.push({
    prefix,
    ports: ports ?? JOOL_PORTS,
    protocols: protocols.length === 0 ? ['tcp'] : protocols,
    from,
  });
}

/** The ports of a pool4 entry that names none. */
export const JOOL_PORTS = '61001-65535';

/** A binding; the two transport addresses come in either order. */
export function addBinding(draft: Draft, protocol: Protocol, pair: readonly string[], from: Statement): void {
  const both = pair.slice(0, 2).map(transportAddress);
  const [inner, outer] = both[0]?.startsWith('[') ? both : [...both].reverse();
  if (inner?.startsWith('[') && outer != null && !outer.startsWith('[')) {
    draft.add('nat64.static', `${protocol} ${outer} ${inner}`, from);
  } else {
    draft.broken(from, 'is not a binding', 'write ADDRESS#PORT of both families, such as 192.0.2.1#80 2001:db8::1#80');
  }
}

/** An explicit address mapping; the two prefixes come in either order. */
export function addEam(
  draft: Draft,
  [one = '', two = '']: readonly string[],
  isForced: boolean,
  from: Statement,
): void {
  const [ipv4, ipv6] = one.includes(':') ? [two, one] : [one, two];
  draft.add('mappings', { ipv4, ipv6 }, from);
  if (isForced) draft.set('force', true, from);
}
