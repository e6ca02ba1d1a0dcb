// What the client needs of a data plane; the daemon brings the one that moves packets.

import type { TranslatorSettings } from '../core/translate/settings.ts';

/** What a data plane is started with. */
export interface DataPlaneRequest {
  readonly tunName: string;
  /** MTU that the interface gets; the client sets it once the interface is there. */
  readonly ipv4MtuBytes: number;
  readonly settings: TranslatorSettings;
  readonly offload: boolean;
  readonly coalesce: boolean;
}

/** A data plane that has its virtual interface. */
export interface RunningDataPlane {
  /** Name of the interface as the system gave it. */
  readonly tunName: string;
  /** Resolves after `close`; rejects when it fails by itself, its interface gone or a worker ended. */
  readonly ended: Promise<void>;
  /** Translates by these settings from the next batch on. */
  update(settings: TranslatorSettings): Promise<void>;
  /** Ends it and its interface. A second call does nothing. */
  close(): Promise<void>;
}

/** Opens the virtual interface and starts to translate. @throws XlatError TUN_UNAVAILABLE, TUN_BUSY, NOT_PERMITTED, ADDON_MISSING */
export type StartDataPlane = (request: DataPlaneRequest) => Promise<RunningDataPlane>;
