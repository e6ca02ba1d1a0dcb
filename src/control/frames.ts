// Framing: JSON-RPC 2.0, one message a line of UTF-8. Owns the limit of a message.
//
// Not vscode-jsonrpc: loading it takes 16–20 ms here, of the 150 ms in which the daemon has to be ready; its Content-Length
// reader takes a message of any size, and nothing says when a reader has fallen behind, which a socket that everybody may
// connect to needs. JSON never has a raw newline, so a line is a frame, and `nc -U` is a client.

/** Longest message in bytes, both directions. */
export const FRAME_LIMIT = 1024 * 1024;

const NEWLINE = 0x0a;

/** A message over the limit. */
export class FrameTooLarge extends Error {
  constructor() {
    super(`a message has at most ${FRAME_LIMIT} bytes`);
    this.name = 'FrameTooLarge';
  }
}

/** Cuts a stream into lines. Its memory is at most twice the limit, however small the pieces are in which a message comes. */
export class LineReader {
  #buffer = Buffer.alloc(0);
  #length = 0;

  /** Takes bytes. Yields each complete line, empty ones left out. @throws FrameTooLarge; the stream is of no use then */
  *push(chunk: Buffer): Generator<string, void> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = this.#complete(chunk.subarray(start, end));
      start = end + 1;
      if (line.trim() !== '') yield line;
    }
    this.#keep(chunk.subarray(start));
  }

  #complete(last: Buffer): string {
    if (this.#length === 0 && last.length <= FRAME_LIMIT) return last.toString('utf8');
    this.#keep(last);
    const line = this.#buffer.toString('utf8', 0, this.#length);
    this.#length = 0;
    this.#buffer = Buffer.alloc(0);
    return line;
  }

  #keep(part: Buffer): void {
    const length = this.#length + part.length;
    if (length > FRAME_LIMIT) throw new FrameTooLarge();
    if (length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(length, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    part.copy(this.#buffer, this.#length);
    this.#length = length;
  }
}

/** One message as a line. */
export const frame = (message: object): string => `${JSON.stringify(message)}\n`;
