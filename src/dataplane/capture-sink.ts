// Where a capture goes: a file of this process, or a program at the other end of the control socket. The data plane writes a
// whole pcapng file into it, buffer by buffer. The data path never waits for a sink: it counts what it could not keep.

import { type FileHandle, open } from 'node:fs/promises';
import { XlatError } from '../contract/errors.ts';
import type { CaptureCounters } from './capture.ts';

/** Takes the bytes of one capture. */
export interface CaptureSink {
  /**
   * Takes bytes, which stay as they are until `done` is called; it is called once, with the reason when they could not be
   * written. What comes after a failure fails as well.
   * @param soFar what the capture recorded and lost up to these bytes
   */
  append(bytes: Uint8Array, soFar: CaptureCounters, done: (failure?: Error) => void): void;
  /** Nothing comes after it. Resolves when everything is written; rejects when something could not be. */
  close(): Promise<void>;
}

/**
 * Opens a file as a sink, readable by its owner only.
 * @param isContinued behind what is in it already: a pcapng file may have several sections
 * @throws XlatError USAGE when it cannot be made
 */
export async function openCaptureFile(path: string, isContinued = false): Promise<CaptureSink> {
  try {
    return new CaptureFile(path, await open(path, isContinued ? 'a' : 'w', 0o600));
  } catch (cause) {
    throw new XlatError('USAGE', 'start a capture', `cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Writes in the order in which bytes come. The first write that fails is the last one. */
class CaptureFile implements CaptureSink {
  private readonly path: string;
  private readonly handle: FileHandle;
  private last: Promise<void> = Promise.resolve();
  private failure: Error | undefined;

  constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.handle = handle;
  }

  append(bytes: Uint8Array, _soFar: CaptureCounters, done: (failure?: Error) => void): void {
    this.last = this.last.then(async () => {
      if (this.failure === undefined) await this.write(bytes);
      done(this.failure);
    });
  }

  async close(): Promise<void> {
    await this.last;
    await this.handle.close();
    if (this.failure !== undefined) throw this.failure;
  }

  private async write(bytes: Uint8Array): Promise<void> {
    try {
      await this.handle.writeFile(bytes); // all of it, at the place where the last one ended; write() may write less
    } catch (cause) {
      this.failure = new Error(`cannot write ${this.path}: ${(cause as Error).message}`, { cause });
    }
  }
}
