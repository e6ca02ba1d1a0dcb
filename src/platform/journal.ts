// The journal: which changes of this host are to be undone, on disk before they are made (rule D-16). One JSON value a line:
//
//     {"journal":1,"boot":"…","namespace":"net:[…]"}    whose host this is about
//     {"id":1,"change":{…}}                             about to be made
//     {"settled":1}                                     undone, or found gone
//
// A last line that a crash cut short is about a change that was not made yet, because making it comes after the fsync.

import { closeSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Change } from '../core/host/change.ts';
import { changeOf, isRecord } from './journal-change.ts';
import { type WriteSome, writeAll } from './write-all.ts';

const FILE = 'journal';
const VERSION = 1;

/** Which host, in the sense of kernel state, a journal is about. */
export interface HostIdentity {
  /** Changes with each start of the kernel. */
  readonly boot: string;
  /** The network namespace. */
  readonly namespace: string;
}

/** A change that is in the journal and not settled. */
export interface JournalEntry {
  readonly id: number;
  readonly change: Change;
}

/** What a journal file says. */
export interface JournalContent {
  /** null: the line that says so is unreadable. */
  readonly identity: HostIdentity | null;
  /** Changes to undo, oldest first. */
  readonly entries: readonly JournalEntry[];
  /** Complete lines that make no sense, as found; their changes cannot be undone. */
  readonly unreadable: readonly string[];
}

type Line =
  | { readonly line: 'header'; readonly identity: HostIdentity }
  | { readonly line: 'entry'; readonly entry: JournalEntry }
  | { readonly line: 'settled'; readonly id: number }
  | { readonly line: 'unreadable' };

/** Reads one complete line. Never throws. */
function parseLine(text: string): Line {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { line: 'unreadable' }; // the caller reports the text
  }
  if (!isRecord(value)) return { line: 'unreadable' };
  const { journal, boot, namespace, id, settled } = value;
  if (journal === VERSION && typeof boot === 'string' && typeof namespace === 'string') {
    return { line: 'header', identity: { boot, namespace } };
  }
  if (typeof settled === 'number') return { line: 'settled', id: settled };
  const change = changeOf(value.change);
  return typeof id === 'number' && change !== null ? { line: 'entry', entry: { id, change } } : { line: 'unreadable' };
}

/**
 * Reads a journal's text. What follows the last line end is ignored: it was never completed.
 * @returns null when not even the first line is complete, so no change was made
 */
export function parseJournal(text: string): JournalContent | null {
  const end = text.lastIndexOf('\n');
  if (end < 0) return null;
  const entries = new Map<number, JournalEntry>();
  const unreadable: string[] = [];
  let identity: HostIdentity | null = null;
  for (const lineText of text.slice(0, end).split('\n')) {
    const line = parseLine(lineText);
    if (line.line === 'header') identity = line.identity;
    else if (line.line === 'entry') entries.set(line.entry.id, line.entry);
    else if (line.line === 'settled') entries.delete(line.id);
    else unreadable.push(lineText);
  }
  return { identity, entries: [...entries.values()], unreadable };
}

/** Reads the journal of a state directory; null when there is none. Throws when it is there and cannot be read. */
export function readJournal(stateDir: string): JournalContent | null {
  try {
    return parseJournal(readFileSync(join(stateDir, FILE), 'utf8'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw cause;
  }
}

/** Deletes the journal of a state directory, if there is one. */
export function removeJournal(stateDir: string): void {
  rmSync(join(stateDir, FILE), { force: true });
}

/** An open journal; the only writer of its file. */
export class Journal {
  readonly #stateDir: string;
  readonly #identity: HostIdentity;
  readonly #write: WriteSome | undefined;
  readonly #open = new Map<number, Change>();
  #fd = -1;
  /** Bytes of the file up to its last complete line. */
  #length = 0;
  #lastId = 0;

  /**
   * Nothing is written before the first change. An earlier journal in `stateDir` must have been worked off.
   * @param write tests give one that fails
   */
  constructor(stateDir: string, identity: HostIdentity, write?: WriteSome) {
    this.#stateDir = stateDir;
    this.#identity = identity;
    this.#write = write;
  }

  /** Changes that are not settled, oldest first. */
  get changes(): readonly Change[] {
    return [...this.#open.values()];
  }

  /** Writes a change and waits until it is on the disk. Throws the system's error; the change is not in the journal then. */
  add(change: Change): void {
    if (this.#fd < 0) this.#create();
    this.#lastId += 1;
    this.#append({ id: this.#lastId, change });
    this.#open.set(this.#lastId, change);
  }

  /** Notes that a change is undone. With the last one the file goes. The change must be one of {@link changes}. */
  settle(change: Change): void {
    const id = [...this.#open].find(([, c]) => c === change)?.[0];
    if (id === undefined) throw new Error('a change that is not in the journal');
    this.#open.delete(id);
    if (this.#open.size > 0) this.#append({ settled: id });
    else this.#remove();
  }

  /** Closes the file; what is not settled stays in it. */
  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  #create(): void {
    mkdirSync(this.#stateDir, { recursive: true, mode: 0o700 });
    this.#fd = openSync(join(this.#stateDir, FILE), 'ax', 0o600); // appending: after a cut, the next line follows the last
    this.#length = 0;
    try {
      this.#append({ journal: VERSION, ...this.#identity });
    } catch (cause) {
      this.#remove(); // the next change begins it anew
      throw cause;
    }
    const dir = openSync(this.#stateDir, 'r'); // so that the file's name is on the disk as well
    fsyncSync(dir);
    closeSync(dir);
  }

  /** All of a line or nothing: the next one must not continue what a full disk cut short. */
  #append(value: unknown): void {
    try {
      const written = writeAll(this.#fd, `${JSON.stringify(value)}\n`, this.#write);
      fsyncSync(this.#fd);
      this.#length += written;
    } catch (cause) {
      ftruncateSync(this.#fd, this.#length);
      throw cause;
    }
  }

  #remove(): void {
    this.close();
    removeJournal(this.#stateDir);
  }
}
