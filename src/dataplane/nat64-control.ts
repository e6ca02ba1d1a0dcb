// NAT64's tables from the main thread: what can be asked of their worker, and how it answers. It answers between two batches, so
// each question is a bounded piece of work. Read first: messages.ts; the tables: ../core/nat64/nat64-state.ts.

import { XlatError } from '../contract/errors.ts';
import type { BindingPage, SessionPage, TableFilter } from '../core/nat64/listing.ts';
import type { MappingRecord } from '../core/nat64/mapping-log.ts';
import type { Nat64State } from '../core/nat64/nat64-state.ts';
import type { StaticBinding } from '../core/nat64/settings.ts';
import type { StaticResult } from '../core/nat64/static-bindings.ts';
import { clockMs } from './clock.ts';

/** Records of a page at most: some two microseconds each, with their way to the main thread. */
const PAGE_RECORDS = 200;
/** Records of the mapping log that are taken between two batches of packets: a microsecond each. */
const LOG_RECORDS = 500;
/** How often in a row; twice what the log holds. */
const LOG_TURNS = 33;

/** Which part of a table is asked for. */
export interface PageRequest {
  readonly filter: TableFilter;
  /** Records at most, up to 200. */
  readonly limit: number;
  /** 0, or `next` of the page before. */
  readonly cursor: number;
}

/** A question to the worker. */
export type Nat64Question =
  | { readonly what: 'sessions' | 'bindings'; readonly page: PageRequest }
  | { readonly what: 'add-binding' | 'remove-binding'; readonly binding: StaticBinding }
  | { readonly what: 'take-log' | 'save' };

/** Its answers, by question. */
interface Nat64Answers {
  readonly sessions: SessionPage;
  readonly bindings: BindingPage;
  readonly 'add-binding': StaticResult;
  readonly 'remove-binding': boolean;
  readonly 'take-log': readonly MappingRecord[];
  readonly save: Uint8Array;
}

/** An answer of the worker; only what was asked for is there. */
export type Nat64Answer = Partial<Nat64Answers>;

/** NAT64 as the main thread holds it. All methods throw XlatError USAGE when the data path is stateless or has ended. */
export interface Nat64Control {
  /** One page of sessions, in no order. Ask on with `next` until that is 0: a page may be short, or empty, before the end. */
  sessions(page: PageRequest): Promise<SessionPage>;
  /** One page of bindings, likewise. */
  bindings(page: PageRequest): Promise<BindingPage>;
  /** Opens a port from outside until it is removed, or the next start (rule N-09). */
  addBinding(binding: StaticBinding): Promise<StaticResult>;
  /** @returns false when there is no such static binding */
  removeBinding(binding: StaticBinding): Promise<boolean>;
  /** Takes the oldest records out of the mapping log (rule N-11); 8,192 find room in it, and the counters tell those that did not. */
  takeLog(): Promise<readonly MappingRecord[]>;
  /** All bindings but the configured ones, for `savedBindings` of the next start. */
  save(): Promise<Uint8Array>;
}

/** Answers a question; in the worker. */
export function answerNat64(state: Nat64State, question: Nat64Question): Nat64Answer {
  const nowMs = clockMs();
  switch (question.what) {
    case 'sessions': {
      const { filter, limit, cursor } = question.page;
      return { sessions: state.listSessions(filter, Math.min(limit, PAGE_RECORDS), cursor, nowMs) };
    }
    case 'bindings': {
      const { filter, limit, cursor } = question.page;
      return { bindings: state.listBindings(filter, Math.min(limit, PAGE_RECORDS), cursor) };
    }
    case 'add-binding':
      return { 'add-binding': state.addStatic(question.binding, nowMs) };
    case 'remove-binding':
      return { 'remove-binding': state.removeStatic(question.binding, nowMs) };
    case 'take-log':
      return { 'take-log': state.takeLog(LOG_RECORDS) };
    case 'save':
      return { save: state.save() };
    default:
      return question satisfies never;
  }
}

/** The main thread's side. @param ask resolves with undefined when nobody answers */
export function makeNat64Control(ask: (question: Nat64Question) => Promise<Nat64Answer | undefined>): Nat64Control {
  const answerTo = async <K extends keyof Nat64Answers>(question: Nat64Question & { what: K }) => {
    const answer = (await ask(question))?.[question.what as K];
    if (answer === undefined) throw new XlatError('USAGE', 'ask NAT64', 'no NAT64 runs here');
    return answer as Nat64Answers[K];
  };
  const takeLog = async (): Promise<readonly MappingRecord[]> => {
    const taken: MappingRecord[] = [];
    for (let turn = 0; turn < LOG_TURNS; turn++) {
      const records = await answerTo({ what: 'take-log' });
      taken.push(...records);
      if (records.length < LOG_RECORDS) break;
    }
    return taken;
  };
  return {
    sessions: (page) => answerTo({ what: 'sessions', page }),
    bindings: (page) => answerTo({ what: 'bindings', page }),
    addBinding: (binding) => answerTo({ what: 'add-binding', binding }),
    removeBinding: (binding) => answerTo({ what: 'remove-binding', binding }),
    takeLog,
    save: () => answerTo({ what: 'save' }),
  };
}
