// `--capture FILE`: the file is opened before anything that would have to be taken down, and taken by the data plane when it runs.

import { type CaptureSink, openCaptureFile } from '../dataplane/capture-sink.ts';
import type { DataPlane } from '../dataplane/dataplane.ts';
import type { CaptureOptions } from '../dataplane/running-capture.ts';
import type { DaemonLog } from './log.ts';

/** A place for a capture, or none. */
export interface CaptureTarget {
  /** Begins the capture, where one was asked for; on a data path after the first it goes on in the same file. @throws XlatError USAGE */
  start(dataPlane: DataPlane): Promise<void>;
  /** Closes a file that no capture took. To be called in any case. */
  discard(): Promise<void>;
}

/**
 * Opens the file of a capture.
 * @param path undefined: no capture was asked for
 * @throws XlatError USAGE when the file cannot be made
 */
export async function openCaptureTarget(path: string | undefined, log: DaemonLog): Promise<CaptureTarget> {
  let sink: CaptureSink | null = path === undefined ? null : await openCaptureFile(path);
  return {
    start: async (dataPlane) => {
      if (path === undefined) return;
      sink ??= await openCaptureFile(path, true);
      await dataPlane.startCapture({ sink, onFailure: logFailure(log) });
      sink = null;
    },
    discard: async () => {
      await sink?.close();
      sink = null;
    },
  };
}

/** Says why a capture ended before its time. Translation goes on. */
export const logFailure =
  (log: DaemonLog): CaptureOptions['onFailure'] =>
  ({ message, advice = '' }, { recorded, lost }) => {
    const counts = { recorded: recorded[0] + recorded[1], lost: lost[0] + lost[1] };
    const kept = `${counts.recorded} packets are in it, ${counts.lost} are lost`;
    log.error('capture-failed', counts, `${message}; ${kept}. ${advice}`.trim());
  };
