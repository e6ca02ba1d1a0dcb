// The free ports of one pool address and protocol, with those that were given back a moment ago apart: a port rests for two to four
// minutes before it is given to somebody else, so that what still comes in for the one does not reach the other (RFC 6888 REQ-8).
// When no other port is free, a resting one is better than none.
//
//     giveBack() ─► young ── next turn ──► old ── next turn ──► ready         a turn: REST_MS
//
// A set catches up with the turns when it is used: nothing is scanned.

import { PortSet } from './port-set.ts';

/** How long a port rests at least. */
export const REST_MS = 120_000;

/** How long ago a port was given back, in the order in which ports are given out. */
const READY = 0;
const OLD = 1;
const YOUNG = 2;
export const AGES = 3;

/** One set. Never throws. */
export class RestingPorts {
  /** By age; null: none of that age. */
  private readonly sets: (PortSet | null)[];
  private turn: number;

  /** @param ready ports that nobody has had; the set is this one's from then on */
  constructor(ready: PortSet, turn: number) {
    this.sets = [ready, null, null];
    this.turn = turn;
  }

  isFree(port: number): boolean {
    return this.ageOf(port) < AGES;
  }

  /** A free port of one age whose place lies in first … last, of this parity if there is one, else of the other; or -1. */
  pick(age: number, parity: number, first: number, last: number, random: number): number {
    const set = this.sets[age];
    if (set === null || set.free === 0) return -1;
    const port = set.pick(parity, first, last, random);
    return port >= 0 ? port : set.pick(parity ^ 1, first, last, random);
  }

  /** Takes a free port. */
  take(port: number): void {
    this.sets[this.ageOf(port)]?.take(port);
  }

  /** Makes a port free that is not. */
  giveBack(port: number): void {
    const young = this.sets[YOUNG] ?? new PortSet();
    this.sets[YOUNG] = young;
    young.add(port);
  }

  /** Lets the time pass up to a turn. */
  catchUp(turn: number): void {
    if (turn === this.turn) return;
    const { sets } = this;
    if (turn !== this.turn + 1) this.age();
    this.age();
    // A set that nobody uses for long keeps no empty ones.
    for (let age = OLD; age < AGES; age++) if (sets[age]?.free === 0) sets[age] = null;
    this.turn = turn;
  }

  /** Sets that there are, for the memory that they take. */
  get count(): number {
    return this.sets.filter((set) => set !== null).length;
  }

  private age(): void {
    const { sets } = this;
    const old = sets[OLD] as PortSet | null;
    if (old !== null) sets[READY]?.moveFrom(old);
    sets[OLD] = sets[YOUNG] as PortSet | null;
    sets[YOUNG] = old;
  }

  private ageOf(port: number): number {
    let age = READY;
    while (age < AGES && this.sets[age]?.isFree(port) !== true) age++;
    return age;
  }
}
