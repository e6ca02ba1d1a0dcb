// The file of a running capture. Buffers are written in the order in which they came; one that fails ends the writing, and the
// failure is told when the capture is closed. The data path never waits for the disk: it counts what it could not keep.

import { type FileHandle, open } from 'node:fs/promises';
import { type CaptureCounters, captureFileHeader, captureFileTrailer } from './capture.ts';

/** A pcapng file that is being written. */
export class CaptureFile {
  private readonly handle: FileHandle;
  private last: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle) {
    this.handle = handle;
  }

  /** Creates the file, readable by its owner only. Throws the system's error (ENOENT, EACCES, …). */
  static async create(path: string, snaplenBytes: number): Promise<CaptureFile> {
    const file = new CaptureFile(await open(path, 'w', 0o600));
    file.append(captureFileHeader(snaplenBytes));
    return file;
  }

  /** Queues bytes; `done` is called when they have been dealt with. */
  append(bytes: Uint8Array, done?: () => void): void {
    const write = this.last.then(async () => {
      await this.handle.write(bytes);
    });
    this.last = write.finally(() => done?.());
    // Told by close(); until then a rejection is no accident.
    this.last.catch(() => undefined);
  }

  /** Adds the counters and closes the file. Throws what any write threw. */
  async close(counters: CaptureCounters): Promise<void> {
    this.append(captureFileTrailer(counters, BigInt(Date.now()) * 1_000_000n));
    try {
      await this.last;
    } finally {
      await this.handle.close();
    }
  }
}
