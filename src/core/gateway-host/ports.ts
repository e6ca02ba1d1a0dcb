// Sets of ports as sorted ranges, and which ports of a shared address the NAT64 can have: not those that programs of this router
// listen on, and not all that the kernel hands out to its own connections.

import type { PoolRange } from '../nat64/settings.ts';

/** Both inclusive. */
export interface PortSpan {
  readonly first: number;
  readonly last: number;
}

/** Ports that programs of this host listen on. */
export interface UsedPorts {
  readonly tcp: readonly number[];
  readonly udp: readonly number[];
}

/** Ports that stay with the router for its own connections, where the pool would take all that it chooses from. */
const KEPT_PORTS = 1_024;

/** What is left of a span beside another one. */
const beside = (span: PortSpan, { first, last }: PortSpan): PortSpan[] =>
  first > span.last || last < span.first
    ? [span]
    : [
        { first: span.first, last: first - 1 },
        { first: last + 1, last: span.last },
      ].filter((s) => s.first <= s.last);

/** The spans of a list without those of another. */
export const subtractSpans = (from: readonly PortSpan[], taken: readonly PortSpan[]): PortSpan[] =>
  taken.reduce<PortSpan[]>((left, span) => left.flatMap((l) => beside(l, span)), [...from]);

/** Sorted, neighbours joined: the form that the kernel writes its port lists in. */
export function joinSpans(spans: readonly PortSpan[]): PortSpan[] {
  const joined: PortSpan[] = [];
  for (const span of [...spans].sort((a, b) => a.first - b.first)) {
    const before = joined.at(-1);
    if (before === undefined || span.first > before.last + 1) joined.push(span);
    else joined[joined.length - 1] = { first: before.first, last: Math.max(before.last, span.last) };
  }
  return joined;
}

/** How many ports. */
export const countPorts = (spans: readonly PortSpan[]): number =>
  joinSpans(spans).reduce((sum, { first, last }) => sum + last - first + 1, 0);

/** `1024-59975,61000`. */
export const textSpans = (spans: readonly PortSpan[]): string =>
  spans.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join(',');

/** Reads {@link textSpans}, and `32768\t60999` as ip_local_port_range has it. What is none is left out. */
export const parseSpans = (text: string): PortSpan[] =>
  [...text.matchAll(/(\d{1,5})(?:[-\t ]+(\d{1,5}))?/g)].map(([, first, last = first]) => ({
    first: Number(first),
    last: Number(last),
  }));

/** The spans of a pool's TCP and UDP. */
export const spansOf = (ranges: readonly PoolRange[], protocol: PoolRange['protocol']): PortSpan[] =>
  joinSpans(
    ranges
      .filter((r) => r.protocol === protocol)
      .map(({ firstPort, lastPort }) => ({ first: firstPort, last: lastPort })),
  );

/**
 * The highest {@link KEPT_PORTS} of those that the kernel chooses from, if the pool leaves it fewer than that.
 * @param wanted of the pool, TCP and UDP together
 * @param ephemeral ip_local_port_range
 */
export function keptPorts(wanted: readonly PortSpan[], ephemeral: PortSpan): PortSpan | null {
  if (countPorts(subtractSpans([ephemeral], wanted)) >= KEPT_PORTS) return null;
  return { first: Math.max(ephemeral.first, ephemeral.last - KEPT_PORTS + 1), last: ephemeral.last };
}
