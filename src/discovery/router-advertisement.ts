// Which received messages are Router Advertisements to believe: RFC 4861 §6.1.2, rule D-02. The checksum is the kernel's to verify.

import type { RouterAdvertisement } from '../core/wire/ndp.ts';
import { NDP_HOP_LIMIT, parseNdp } from '../core/wire/ndp.ts';
import type { RouterMessage } from '../platform/discovery-platform.ts';
import { isLinkLocal } from './text.ts';

/** Why a message was not accepted. */
const RA_REFUSALS = ['hop-limit', 'source', 'malformed'] as const;

/** One of the reasons. */
export type RaRefusal = (typeof RA_REFUSALS)[number];

/**
 * Judges a message.
 * @returns the advertisement, or why it is none: `hop-limit` it may come from off the link, `source` not link-local, `malformed`
 *   too short, a code, an option of length zero or beyond the end, or no advertisement at all. Never throws.
 */
export function acceptAdvertisement({ bytes, source, hopLimit }: RouterMessage): RouterAdvertisement | RaRefusal {
  if (hopLimit !== NDP_HOP_LIMIT) return 'hop-limit';
  if (!isLinkLocal(source)) return 'source';
  const message = parseNdp(bytes);
  return message?.kind === 'router' ? message : 'malformed';
}
