// Router advertisements as VyOS and radvd configure them, interface by interface, and their way into the section `advertise`: one
// interface is the section itself, several are its `interfaces`.

import type { Plain } from '../fields.ts';
import type { Draft } from './draft.ts';
import type { Given, Statement } from './source.ts';
import { durationText, readNumber, readSwitch } from './values.ts';

/** What an interface has one value of. Switches without a word are on. */
export type RaKey =
  | 'routerLifetime'
  | 'preference'
  | 'hopLimit'
  | 'mtu'
  | 'minInterval'
  | 'maxInterval'
  | 'isManaged'
  | 'hasOther'
  | 'isSilent';

/** What a prefix has one value of. */
export type RaPrefixKey = 'valid' | 'preferred' | 'isOnLink' | 'isAutonomous';

interface RaPrefix {
  readonly from: Statement;
  readonly values: Map<RaPrefixKey, Given>;
}

interface RaLink {
  readonly from: Statement;
  readonly values: Map<RaKey, Given>;
  readonly prefixes: Map<string, RaPrefix>;
  readonly pref64: Map<string, { lifetime: Given | null; readonly from: Statement }>;
  readonly dns: Given[];
  readonly search: Given[];
  readonly statements: Set<Statement>;
}

/** Advertised prefix that stands for those of the interface (radvd). */
const OWN_PREFIXES = '::/64';

/** All interfaces of one file. */
export class RouterAdvertisements {
  readonly #draft: Draft;
  readonly #links = new Map<string, RaLink>();

  constructor(draft: Draft) {
    this.#draft = draft;
  }

  /** The interface of this name, a new one if it was not spoken of. */
  link(name: string, from: Statement): RaLink {
    const known = this.#links.get(name);
    known?.statements.add(from);
    if (known !== undefined) return known;
    const lists = { values: new Map(), prefixes: new Map(), pref64: new Map(), dns: [], search: [] };
    const link: RaLink = { from, ...lists, statements: new Set([from]) };
    this.#links.set(name, link);
    return link;
  }

  set(name: string, key: RaKey, given: Given): void {
    this.link(name, given.from).values.set(key, given);
  }

  prefix(name: string, prefix: string, from: Statement): RaPrefix {
    const { prefixes } = this.link(name, from);
    const known = prefixes.get(prefix) ?? { from, values: new Map() };
    prefixes.set(prefix, known);
    return known;
  }

  setOfPrefix(name: string, prefix: string, key: RaPrefixKey, given: Given): void {
    this.prefix(name, prefix, given.from).values.set(key, given);
  }

  addPref64(name: string, prefix: string, lifetime: Given | null, from: Statement): void {
    const { pref64 } = this.link(name, from);
    const known = pref64.get(prefix);
    if (known === undefined) pref64.set(prefix, { lifetime, from });
    else if (lifetime !== null) known.lifetime = lifetime;
    if (lifetime !== null) this.link(name, lifetime.from);
  }

  addDns(name: string, given: Given): void {
    this.link(name, given.from).dns.push(given);
  }

  addSearch(name: string, given: Given): void {
    this.link(name, given.from).search.push(given);
  }

  /** The interfaces that advertisements go to, with the statement that named each first. */
  *links(): Generator<readonly [name: string, from: Statement]> {
    for (const [name, { from, values }] of this.#links) if (!isOn(values.get('isSilent'))) yield [name, from];
  }

  /** Writes the section `advertise`. */
  write(): void {
    const links = [...this.#links].filter(([, { values }]) => !isOn(values.get('isSilent')));
    if (links.length > 0) this.#draft.markSection('advertise');
    for (const { values, statements } of this.#links.values()) {
      if (!isOn(values.get('isSilent'))) continue;
      for (const from of statements) this.#draft.leave(from, 'no advertisements are sent on this interface');
    }
    for (const [name, link] of links) {
      const keys = this.#keysOf(link);
      if (links.length === 1) {
        for (const [key, { value, from }] of keys) this.#draft.set(`advertise.${key}`, value, from);
      } else {
        const item = Object.fromEntries(keys.map(([key, { value }]) => [key, value]));
        this.#draft.add('advertise.interfaces', { name, ...item }, link.from);
      }
    }
  }

  #keysOf(link: RaLink): (readonly [key: string, { readonly value: Plain; readonly from: Statement }])[] {
    const keys: (readonly [string, { readonly value: Plain; readonly from: Statement }])[] = [];
    const put = (key: string, value: Plain | null, from: Statement | undefined): void => {
      if (value !== null && from !== undefined) keys.push([key, { value, from }]);
    };
    const [firstPrefix] = link.prefixes.values();
    const own = link.prefixes.get(OWN_PREFIXES);
    put('prefixes', own === undefined ? this.#prefixesOf(link) : 'auto', firstPrefix?.from);
    const [firstPref64] = link.pref64.values();
    put('pref64', this.#pref64Of(link), firstPref64?.from);
    put('dns', link.dns.length === 0 ? null : link.dns.map(({ value }) => value), link.dns[0]?.from);
    put('search', link.search.length === 0 ? null : link.search.map(({ value }) => value), link.search[0]?.from);
    for (const [key, given] of link.values) {
      const [name, value] = this.#valueOf(key, given);
      put(name, value, given.from);
    }
    return keys;
  }

  #valueOf(key: RaKey, given: Given): readonly [key: string, value: Plain | null] {
    const draft = this.#draft;
    switch (key) {
      case 'routerLifetime':
        return ['router-lifetime', given.value === '0' ? 'none' : this.#duration(given)];
      case 'preference':
        return ['preference', given.value];
      case 'hopLimit':
        return ['hop-limit', readNumber(draft, given.value, given.from)];
      case 'mtu':
        return ['mtu', given.value === '0' ? null : readNumber(draft, given.value, given.from)];
      case 'minInterval':
        return ['min-interval', this.#duration(given)];
      case 'maxInterval':
        return ['max-interval', this.#duration(given)];
      case 'isManaged':
        return ['managed', this.#switch(given)];
      case 'hasOther':
        return ['other-configuration', this.#switch(given)];
      case 'isSilent':
        return ['', null];
      default:
        return key satisfies never;
    }
  }

  #prefixesOf({ prefixes }: RaLink): Plain | null {
    if (prefixes.size === 0) return null;
    return [...prefixes].map(([prefix, { values }]) => {
      const [isOnLink, isAutonomous] = [values.get('isOnLink'), values.get('isAutonomous')];
      const [valid, preferred] = [values.get('valid'), values.get('preferred')];
      return {
        prefix,
        ...(isOnLink === undefined ? {} : { 'on-link': this.#switch(isOnLink) }),
        ...(isAutonomous === undefined ? {} : { autonomous: this.#switch(isAutonomous) }),
        ...(valid === undefined ? {} : { valid: this.#duration(valid) }),
        ...(preferred === undefined ? {} : { preferred: this.#duration(preferred) }),
      };
    });
  }

  #pref64Of({ pref64 }: RaLink): Plain | null {
    if (pref64.size === 0) return null;
    return [...pref64].map(([prefix, { lifetime }]) =>
      lifetime === null ? { prefix } : { prefix, lifetime: this.#duration(lifetime) },
    );
  }

  /** Seconds, or `infinity`. */
  #duration({ value, from }: Given): string | null {
    if (value === 'infinity') return 'infinite';
    // radvd takes fractions of a second; here a second is the least.
    const seconds = readNumber(this.#draft, value.replace(/\.\d+$/, ''), from);
    return seconds === null ? null : durationText(Math.max(seconds, 1) * 1000);
  }

  #switch({ value, from }: Given): boolean | null {
    return value === '' ? true : readSwitch(this.#draft, value, from);
  }
}

const isOn = (given: Given | undefined): boolean => given !== undefined && !/^(off|no|false|0)$/.test(given.value);
