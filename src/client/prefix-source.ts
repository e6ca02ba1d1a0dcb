// Where the client's prefixes come from: its configuration, or discovery on all links (discovered-prefixes.ts).

import type { LogFields } from '../contract/reasons.ts';
import type { Candidate } from '../core/pref64/candidate.ts';
import { EMPTY_TABLE, setStatic } from '../core/pref64/table.ts';
import type { Prefix6 } from '../core/translate/settings.ts';
import type { Closable } from '../platform/platform.ts';

/** A source of prefixes. */
export interface PrefixSource extends Closable {
  /** Asks everybody anew: the network may be another one. */
  refresh(): void;
}

/** What a source calls. */
export interface PrefixListener {
  /** All prefixes on offer, whenever they may have changed. */
  offers(candidates: readonly Candidate[]): void;
  /** A link on which routers cannot be heard, or resolvers not found, with the words for it; once for each. */
  trouble(fields: LogFields, text: string): void;
}

/** The configured prefix. It never changes. */
export function configuredPrefix(prefix: Prefix6, listener: PrefixListener): PrefixSource {
  listener.offers(setStatic(EMPTY_TABLE, prefix).candidates);
  return { refresh: () => undefined, close: () => undefined };
}
