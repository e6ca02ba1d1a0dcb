// Whether a resolver's SERVFAIL says that data failed validation (S-06). Such an AAAA answer must not lead to a synthetic one (RFC 6147
// §5.5), while a name server that fails on AAAA questions alone must (S-03, RFC 6147 §5.1.3). The resolver tells by an extended error
// (RFC 8914), or by answering the same question once validation is switched off (CD=1, RFC 4035 §3.2.2).

import { type DnsMessage, rcodeOf } from '../../core/dns64/message.ts';
import { RCODE } from '../../core/dns64/numbers.ts';
import type { Upstream } from './forwarders.ts';
import type { Trace } from './trace.ts';

/** RFC 8914 §2. */
const EXTENDED_ERROR_OPTION = 15;
/** RFC 8914 §4: 5 to 12 are verdicts of a validator, and so are 25 and 27 (IANA registry). */
const isValidationCode = (code: number): boolean => (code >= 5 && code <= 12) || code === 25 || code === 27;

/** The extended error codes of a message. */
function extendedErrors(message: DnsMessage): number[] {
  const options = message.edns?.options ?? new Uint8Array(0);
  const view = new DataView(options.buffer, options.byteOffset, options.length);
  const codes: number[] = [];
  for (let at = 0; at + 4 <= view.byteLength; at += 4 + view.getUint16(at + 2)) {
    const isCode = view.getUint16(at) === EXTENDED_ERROR_OPTION && view.getUint16(at + 2) >= 2;
    if (isCode && at + 6 <= view.byteLength) codes.push(view.getUint16(at + 4));
  }
  return codes;
}

/** Judges the answer to a question that was asked with CD=0. @param askUnchecked asks it again with CD=1 */
export async function isBogusByUpstream(
  message: DnsMessage,
  askUnchecked: () => Promise<Upstream>,
  trace: Trace | null,
): Promise<boolean> {
  if (rcodeOf(message) !== RCODE.SERVFAIL) return false;
  const codes = extendedErrors(message);
  if (codes.some(isValidationCode)) {
    trace?.('bogus', 'the resolver says that validation failed');
    return true;
  }
  // It has said why, and it was something else.
  if (codes.some((code) => code !== 0)) return false;
  const unchecked = await askUnchecked();
  const isBogus =
    unchecked.kind === 'message' &&
    [RCODE.NOERROR, RCODE.NXDOMAIN].some((rcode) => rcode === rcodeOf(unchecked.message));
  if (isBogus) trace?.('bogus', 'the resolver answers only without validation');
  return isBogus;
}
