// radvd.conf: interfaces with prefixes, RDNSS, DNSSL and nat64prefix. radvd.conf(5)

import type { Position } from '../issues.ts';
import type { Draft } from './draft.ts';
import { type RaKey, type RaPrefixKey, RouterAdvertisements } from './router-advert.ts';
import { placeOfLine, type Source, type Statement, withoutComment } from './source.ts';

/** A statement, with what stands between its braces if it has any. */
interface Block {
  readonly from: Statement;
  readonly inside: readonly Block[];
}

interface Token {
  readonly text: string;
  readonly at: Position;
}

/** Reads a file. */
export function importRadvd(source: Source, draft: Draft): void {
  const advertisements = new RouterAdvertisements(draft);
  for (const block of new Reader(source, draft).blocks()) {
    const { from, inside } = block;
    if (from.words[0] !== 'interface') {
      warnAll(block, draft);
      continue;
    }
    draft.claim('gateway', from);
    const [, name = ''] = from.words;
    // radvd says nothing unless it is told to.
    advertisements.set(name, 'isSilent', { value: 'on', from });
    for (const option of inside) importOption(name, option, advertisements, draft);
  }
  advertisements.write();
  for (const [name, from] of advertisements.links()) draft.add('lan', name, from);
}

function warnAll({ from, inside }: Block, draft: Draft): void {
  draft.warn(from, 'has no counterpart here');
  for (const block of inside) warnAll(block, draft);
}

const KEYS: Readonly<Record<string, RaKey>> = {
  AdvDefaultLifetime: 'routerLifetime',
  AdvDefaultPreference: 'preference',
  AdvCurHopLimit: 'hopLimit',
  AdvLinkMTU: 'mtu',
  MinRtrAdvInterval: 'minInterval',
  MaxRtrAdvInterval: 'maxInterval',
  AdvManagedFlag: 'isManaged',
  AdvOtherConfigFlag: 'hasOther',
};

const PREFIX_KEYS: Readonly<Record<string, RaPrefixKey>> = {
  AdvOnLink: 'isOnLink',
  AdvAutonomous: 'isAutonomous',
  AdvValidLifetime: 'valid',
  AdvPreferredLifetime: 'preferred',
};

function importOption(link: string, block: Block, to: RouterAdvertisements, draft: Draft): void {
  const { from, inside } = block;
  const [option = '', value = '', ...more] = from.words;
  const key = Object.hasOwn(KEYS, option) ? KEYS[option] : undefined;
  if (option === 'AdvSendAdvert') to.set(link, 'isSilent', { value: value === 'on' ? 'off' : 'on', from });
  else if (option === 'IgnoreIfMissing') draft.leave(from, 'an interface that is missing is always waited for');
  else if (key !== undefined) to.set(link, key, { value, from });
  else if (option === 'prefix') importPrefix(link, value, block, to, draft);
  else if (option === 'nat64prefix') importPref64(link, value, block, to, draft);
  else if (option === 'RDNSS' || option === 'DNSSL') {
    for (const item of [value, ...more]) {
      if (option === 'RDNSS') to.addDns(link, { value: item, from });
      else to.addSearch(link, { value: item, from });
    }
    for (const lifetime of inside)
      draft.warn(lifetime.from, 'lifetimes of resolvers follow from the interval (RFC 8106)');
  } else warnAll(block, draft);
}

function importPrefix(
  link: string,
  prefix: string,
  { from, inside }: Block,
  to: RouterAdvertisements,
  draft: Draft,
): void {
  to.prefix(link, prefix, from);
  for (const block of inside) {
    const [option = '', value = ''] = block.from.words;
    const key = Object.hasOwn(PREFIX_KEYS, option) ? PREFIX_KEYS[option] : undefined;
    if (key === undefined) warnAll(block, draft);
    else to.setOfPrefix(link, prefix, key, { value, from: block.from });
  }
}

function importPref64(
  link: string,
  prefix: string,
  { from, inside }: Block,
  to: RouterAdvertisements,
  draft: Draft,
): void {
  to.addPref64(link, prefix, null, from);
  for (const block of inside) {
    const [option, value = ''] = block.from.words;
    if (option === 'AdvValidLifetime') to.addPref64(link, prefix, { value, from: block.from }, from);
    else warnAll(block, draft);
  }
}

/** Braces, semicolons and words → blocks. */
class Reader {
  readonly #tokens: Token[] = [];
  readonly #draft: Draft;
  #next = 0;

  constructor({ name, text }: Source, draft: Draft) {
    this.#draft = draft;
    for (const [i, raw] of text.split('\n').entries()) {
      const line = withoutComment(raw);
      for (const match of line.matchAll(/[{};]|[^\s{};]+/g)) {
        const at = { ...placeOfLine(name, i, raw), column: match.index + 1 };
        this.#tokens.push({ text: match[0], at });
      }
    }
  }

  /** All blocks up to the end of the file. */
  blocks(): Block[] {
    const blocks: Block[] = [];
    while (this.#next < this.#tokens.length) {
      blocks.push(...this.#inside(0));
      const closing = this.#tokens[this.#next++];
      if (closing !== undefined) this.#broken(closing, 'closes nothing', 'remove it');
    }
    return blocks;
  }

  /** The blocks up to a closing brace, which is not taken. */
  #inside(depth: number): Block[] {
    const blocks: Block[] = [];
    let words: Token[] = [];
    for (let token = this.#tokens[this.#next]; token !== undefined; token = this.#tokens[this.#next]) {
      if (token.text === '}') break;
      this.#next++;
      if (token.text !== ';' && token.text !== '{') words.push(token);
      else if (words.length > 0) {
        blocks.push({ from: statementOf(words), inside: token.text === '{' ? this.#block(token, depth) : [] });
        words = [];
      }
    }
    const [open] = words;
    if (open !== undefined) this.#broken(open, 'does not end', 'add ";"');
    return blocks;
  }

  #block(open: Token, depth: number): Block[] {
    // prefix in interface is as deep as radvd goes
    const inside = depth > 4 ? [] : this.#inside(depth + 1);
    if (this.#tokens[this.#next]?.text === '}') this.#next++;
    else this.#broken(open, 'is opened and never closed', 'add "}"');
    return inside;
  }

  #broken({ text, at }: Token, problem: string, advice: string): void {
    this.#draft.broken({ words: [text], at, text }, problem, advice);
  }
}

function statementOf(tokens: readonly Token[]): Statement {
  const words = tokens.map(({ text }) => text);
  return { words, at: (tokens[0] as Token).at, text: words.join(' ') };
}
