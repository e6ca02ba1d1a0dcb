// IPv4 options as far as translation cares: is there a source route that has not run out (RFC 791 §3.1)?

import { Refusal } from './model.ts';

const END = 0;
const NO_OPERATION = 1;
const LOOSE_SOURCE_ROUTE = 131;
const STRICT_SOURCE_ROUTE = 137;

/** T-4.1-03. Throws Refusal on options that run off the header. */
export function hasUnexpiredSourceRoute(options: Uint8Array): boolean {
  let at = 0;
  while (at < options.length && options[at] !== END) {
    if (options[at] === NO_OPERATION) {
      at++;
      continue;
    }
    const length = options[at + 1] ?? 0;
    if (length < 2 || at + length > options.length) throw new Refusal('bad-option');
    if ([LOOSE_SOURCE_ROUTE, STRICT_SOURCE_ROUTE].includes(options[at])) {
      if (length < 3) throw new Refusal('bad-option');
      if (options[at + 2] <= length) return true;
    }
    at += length;
  }
  return false;
}
