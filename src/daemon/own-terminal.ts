// The terminal that the process was started on. When its window is closed, the kernel hangs it up: the descriptors stay open, and
// whatever is done with them fails with EIO (tty_ioctl(4), "hangup").

import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** The terminal of standard input, output and error, as far as they are one when this is made. */
export class OwnTerminal {
  readonly #descriptors = [0, 1, 2].filter((fd) => isatty(fd));

  /** Whether there was one that is gone. */
  get isLost(): boolean {
    return this.#descriptors.some((fd) => !isatty(fd));
  }

  /**
   * For the very end of the process. Node gives a terminal its modes back then (ResetStdio) and aborts, most often by a segmentation
   * fault, where that fails; a descriptor that is closed it leaves alone.
   */
  letGo(): void {
    for (const fd of this.#descriptors) if (!isatty(fd)) closeSync(fd);
  }
}
