// The batches that the kernel check of coalescing sends; the test and the program inside the namespace both read them.

import { ACK, CWR, FIN, type PacketSpec, PSH, payloadOf, run } from './coalesce-packets.ts';

const families = [4, 6] as const;

function interleaved(): PacketSpec[] {
  const flows = [0, 1, 2, 3].map((f) => run({ family: families[f % 2], sourcePort: 7000 + f }, 16, 1000));
  return Array.from({ length: 64 }, (_, i) => flows[i % 4][i >> 2]);
}

/** Name → batch. Each merges into fewer writes than it has packets. */
export const KERNEL_CASES: Readonly<Record<string, readonly PacketSpec[]>> = Object.fromEntries(
  families.flatMap((family): [string, readonly PacketSpec[]][] => [
    [`IPv${family} TCP, 45 full segments`, run({ family }, 45, 1400)],
    [`IPv${family} TCP, 64 tiny segments`, run({ family, sequence: 0xffff_fff0 }, 64, 7)],
    [
      `IPv${family} TCP, CWR first, PSH and FIN last, the last short`,
      run({ family }, 12, 900, (i) => {
        if (i === 0) return { flags: ACK | CWR };
        return i === 11 ? { flags: ACK | PSH | FIN, payload: payloadOf(33, i) } : {};
      }),
    ],
    [`IPv${family} TCP, partial checksums`, run({ family, checksum: 'partial' }, 20, 1001)],
    [`IPv${family} UDP, 64 small datagrams`, run({ family, protocol: 'udp' }, 64, 18)],
    [
      `IPv${family} UDP, odd sizes, the last short`,
      run({ family, protocol: 'udp' }, 30, 1201, (i) => (i === 29 ? { payload: payloadOf(1, i) } : {})),
    ],
    [
      `IPv${family} with DF=0 and consecutive identifications`,
      run({ family, protocol: 'udp', dontFragment: false, identification: 0xfff8 }, 16, 200),
    ],
    [`IPv${family} two segments of one byte`, run({ family }, 2, 1)],
  ]),
);
export const INTERLEAVED = interleaved();
