// Domain names as they stand in messages, RFC 1035 §3.1 and §4.1.4. Inside this program a name is its uncompressed wire form:
//
//     +-----+--------------+-----+-------------+-----+
//     |  3  |  w   w   w   |  3  |  o   r   g  |  0  |      each label behind its length, the root (0) last
//     +-----+--------------+-----+-------------+-----+
//
// and a pointer, two octets starting with the bits 11, stands for the rest of a name that came earlier in the message.

/** RFC 1035 §2.3.4. */
export const NAME_MAX = 255;
const LABEL_MAX = 63;
const POINTER = 0xc0;

/** A name of a message and where reading goes on. */
export interface ReadName {
  /** Uncompressed, in the case that it came in. */
  readonly name: Uint8Array;
  /** Offset behind it. */
  readonly next: number;
}

/** Each octet's lower case (RFC 4343: A to Z alone). A length octet is at most 63 and stays what it is. */
export const LOWER: Uint8Array = Uint8Array.from({ length: 256 }, (_, c) => (c >= 65 && c <= 90 ? c + 32 : c));

/**
 * Reads a name, following pointers. Each must lead to before the label run that it ends, so that there is no loop.
 * @param end offset behind the message
 * @returns null for what is no name
 */
export function readName(bytes: Uint8Array, start: number, end: number): ReadName | null {
  const name = new Uint8Array(NAME_MAX);
  let length = 0;
  let next = -1;
  let runStart = start;
  for (let at = start; at < end; ) {
    const size = bytes[at];
    if (size >= POINTER) {
      if (at + 1 >= end) return null;
      const target = ((size & ~POINTER) << 8) | bytes[at + 1];
      if (target >= runStart) return null;
      if (next < 0) next = at + 2;
      at = target;
      runStart = target;
      continue;
    }
    if (size > LABEL_MAX || at + 1 + size > end || length + 1 + size > NAME_MAX) return null;
    for (let i = 0; i <= size; i++) name[length + i] = bytes[at + i];
    length += 1 + size;
    at += 1 + size;
    if (size === 0) return { name: name.slice(0, length), next: next < 0 ? at : next };
  }
  return null;
}

/** Whether two names are the same, case aside. */
export function isSameName(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (LOWER[a[i]] !== LOWER[b[i]]) return false;
  return true;
}

/** The name in lower case. */
export const lowerName = (name: Uint8Array): Uint8Array => name.map((octet) => LOWER[octet]);

/** Where each label starts, the root included. */
function labelStarts(name: Uint8Array): number[] {
  const starts: number[] = [];
  for (let at = 0; at < name.length; at += 1 + name[at]) starts.push(at);
  return starts;
}

/** Whether `name` is `zone` or below it. */
export const isAtOrBelow = (name: Uint8Array, zone: Uint8Array): boolean =>
  labelStarts(name).some((at) => name.length - at === zone.length && isSameName(name.subarray(at), zone));

/** `name` with its ending `from` replaced by `to` (RFC 6672 §2.2); null when it is not below `from`, or becomes too long. */
export function replaceEnding(name: Uint8Array, from: Uint8Array, to: Uint8Array): Uint8Array | null {
  const kept = name.length - from.length;
  if (kept <= 0 || !isAtOrBelow(name, from) || kept + to.length > NAME_MAX) return null;
  const result = new Uint8Array(kept + to.length);
  result.set(name.subarray(0, kept));
  result.set(to, kept);
  return result;
}

/** The labels of a name as text, without the root; octets that are no plain character are written `\DDD`. */
export function labelsOf(name: Uint8Array): string[] {
  const label = (at: number): string =>
    Array.from(name.subarray(at + 1, at + 1 + name[at]), (octet) =>
      octet > 32 && octet < 127 && octet !== 46 && octet !== 92
        ? String.fromCharCode(octet)
        : `\\${String(octet).padStart(3, '0')}`,
    ).join('');
  return labelStarts(name)
    .filter((at) => name[at] > 0)
    .map(label);
}

/** A name for a person: without the final dot, `.` for the root. */
export const nameText = (name: Uint8Array): string => labelsOf(name).join('.') || '.';

/** A label of text as octets; `\DDD` is an octet, `\X` the character X. null for one that is no label. */
function labelBytes(text: string): number[] | null {
  const octets: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const digits = text[i] === '\\' ? /^\d{3}/.exec(text.slice(i + 1))?.[0] : undefined;
    if (digits !== undefined) i += 3;
    else if (text[i] === '\\') i += 1;
    octets.push(digits === undefined ? text.charCodeAt(i) : Number(digits));
  }
  return octets.length > 0 && octets.length <= LABEL_MAX && octets.every((o) => o >= 0 && o < 256) ? octets : null;
}

/** A name from text, with or without the final dot; `""` and `.` are the root. null for what is no name. */
export function nameFromText(text: string): Uint8Array | null {
  const trimmed = text.replace(/(?<!\\)\.$/, '');
  const labels = trimmed === '' ? [] : (trimmed.match(/(?:\\.|[^.\\])+|(?<=\.|^)(?=\.|$)/g) ?? []).map(labelBytes);
  if (labels.includes(null)) return null;
  const octets = labels.flatMap((label) => [label?.length ?? 0, ...(label ?? [])]);
  return octets.length < NAME_MAX ? Uint8Array.of(...octets, 0) : null;
}
