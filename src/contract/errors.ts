// Expected failures. Every stable error code of the product stands in this file, with the exit code that it leads to.

/** Exit codes of every command: 0 done, 1 failed, 2 bad usage or configuration, 3 not permitted. */
export const EXIT = { done: 0, failed: 1, usage: 2, notPermitted: 3 } as const;

/** Stable codes; a script may depend on them. */
export const ERROR_EXIT = {
  CONFIG_INVALID: EXIT.usage,
  CONFIG_NOT_FOUND: EXIT.usage,
  USAGE: EXIT.usage,
  NOT_PERMITTED: EXIT.notPermitted,
  TUN_UNAVAILABLE: EXIT.failed,
  TUN_BUSY: EXIT.failed,
  ADDON_MISSING: EXIT.failed,
  ALREADY_RUNNING: EXIT.failed,
  NO_UPLINK: EXIT.failed,
  ADDRESS_DUPLICATE: EXIT.failed,
  HOST_CHANGE_FAILED: EXIT.failed,
  HOST_UNFIT: EXIT.failed,
  TOOL_MISSING: EXIT.failed,
  DATA_PATH_FAILED: EXIT.failed,
  REDIRECT_UNAVAILABLE: EXIT.failed,
  LAB_FAILED: EXIT.failed,
  DAEMON_NOT_RUNNING: EXIT.failed,
  DAEMON_AMBIGUOUS: EXIT.usage,
  CONTROL_FAILED: EXIT.failed,
  PROTOCOL_MISMATCH: EXIT.failed,
  PORT_TAKEN: EXIT.failed,
} as const;

/** One of the stable error codes. */
export type ErrorCode = keyof typeof ERROR_EXIT;

/** An expected failure: stable code, the operation that failed, one sentence for a person, and what to do about it. */
export class XlatError extends Error {
  readonly code: ErrorCode;
  /** What was being done, as a short phrase: "open the TUN device". */
  readonly operation: string;
  /** What the user can do; one sentence, or undefined when there is nothing to say. */
  readonly advice: string | undefined;

  constructor(code: ErrorCode, operation: string, message: string, options: { advice?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'XlatError';
    this.code = code;
    this.operation = operation;
    this.advice = options.advice;
  }

  /** The process exit code that this failure leads to. */
  get exitCode(): number {
    return ERROR_EXIT[this.code];
  }
}

/** Whether text is one of the stable error codes; one that came over a socket need not be. */
export const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(ERROR_EXIT, code);
