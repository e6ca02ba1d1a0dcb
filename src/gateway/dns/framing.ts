// DNS over streams, RFC 1035 §4.2.2 and RFC 7766 §8: each message behind two octets with its length.

const PREFIX = 2;
/** A message with its length in front. */
export function framed(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(PREFIX + message.length);
  frame[0] = message.length >>> 8;
  frame[1] = message.length & 0xff;
  frame.set(message, PREFIX);
  return frame;
}

/** Takes a stream apart. It keeps one message that is not whole yet, 64 KiB at most, and what else the last chunk brought. */
export class Framer {
  private kept: Uint8Array = new Uint8Array(0);

  /** Whether part of a message waits for the rest. */
  get isInside(): boolean {
    return this.kept.length > 0;
  }

  /** Takes what came. */
  push(chunk: Uint8Array): void {
    const joined = new Uint8Array(this.kept.length + chunk.length);
    joined.set(this.kept);
    joined.set(chunk, this.kept.length);
    this.kept = joined;
  }

  /** The next whole message, or null. It is a view that nobody else writes to. */
  next(): Uint8Array | null {
    const [high = 0, low = 0] = this.kept;
    const end = PREFIX + high * 256 + low;
    if (this.kept.length < PREFIX || this.kept.length < end) return null;
    const message = this.kept.subarray(PREFIX, end);
    this.kept = this.kept.subarray(end);
    return message;
  }
}
