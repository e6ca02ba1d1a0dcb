// The queries that are on their way to resolvers, by what makes them ours: ID and question. One that comes in as a client's has gone
// around in a circle: a resolver's own resolver is this server.

import type { DnsQuestion } from '../../core/dns64/message.ts';
import { lowerName } from '../../core/dns64/name.ts';

/** One text for one question, case aside. */
export const questionKey = ({ name, type }: DnsQuestion): string =>
  `${type}/${String.fromCharCode(...lowerName(name))}`;

const keyOf = (id: number, question: DnsQuestion): string => `${id}/${questionKey(question)}`;

/** As many as there are exchanges, so it needs no bound of its own. */
export class OwnQueries {
  private readonly keys = new Map<string, number>();

  /** Remembers one. */
  add(id: number, question: DnsQuestion): void {
    const key = keyOf(id, question);
    this.keys.set(key, (this.keys.get(key) ?? 0) + 1);
  }

  /** Forgets one. */
  remove(id: number, question: DnsQuestion): void {
    const key = keyOf(id, question);
    const left = (this.keys.get(key) ?? 0) - 1;
    if (left > 0) this.keys.set(key, left);
    else this.keys.delete(key);
  }

  /** Whether a query is one of them. */
  has(id: number, question: DnsQuestion): boolean {
    return this.keys.size > 0 && this.keys.has(keyOf(id, question));
  }
}
