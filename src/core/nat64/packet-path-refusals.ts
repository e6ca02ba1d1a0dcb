// What becomes of a packet that gets no session: the answer that is due, if any. RFC 6146 §3.5, rules N-02 and N-10.

import { answerEcho4 } from '../translate/echo.ts';
import { sendIcmpv4Error, sendIcmpv4Refusal, sendIcmpv6Error, sendIcmpv6Refusal } from '../translate/errors.ts';
import type { Translator } from '../translate/translator.ts';
import * as verdicts from '../translate/verdict.ts';
import {
  ADDRESS_UNREACHABLE6,
  PARAMETER_PROBLEM6,
  PORT_UNREACHABLE4,
  PROHIBITED4,
  UNKNOWN_NEXT_HEADER6,
  UNREACHABLE4,
  UNREACHABLE6,
} from '../wire/icmp.ts';
import { destination, protocol } from '../wire/ipv4.ts';
import { IPV6_HEADER } from '../wire/ipv6.ts';
import { ICMP } from '../wire/protocol.ts';
import type { PacketList, Slab } from '../wire/slab.ts';
import { QUOTE_BYTES } from './nat64-state.ts';
import type { Nat64Path } from './packet-path.ts';

type Verdict = verdicts.Verdict;

/** Answers an IPv6 packet that gets no session, where an answer is due. @returns the verdict */
export function refuse6(
  path: Nat64Path,
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  out: PacketList,
  nowMs: number,
  verdict: Verdict,
): Verdict {
  if (isFull(verdict)) {
    // RFC 6146 §3.5.1.1: no resources, ICMPv6 1/3.
    if (path.settings.whenFull === 'unreachable')
      sendIcmpv6Error(t, s, at, end, out, nowMs, UNREACHABLE6, ADDRESS_UNREACHABLE6, 0);
  } else if (verdict === verdicts.PROTOCOL) {
    // What RFC 7915 §4.2 makes of the IPv4 side's "protocol unreachable"; only where the Next Header field is easily named.
    if (t.chain.upper === at + IPV6_HEADER)
      sendIcmpv6Error(t, s, at, end, out, nowMs, PARAMETER_PROBLEM6, UNKNOWN_NEXT_HEADER6, 6);
  } else sendIcmpv6Refusal(t, s, at, end, out, nowMs, verdict);
  return verdict;
}

/** The same for an IPv4 packet: an echo request to the translator itself, a SYN to hold, or an answer to what nobody asked for. */
export function refuse4(
  path: Nat64Path,
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  out: PacketList,
  nowMs: number,
  verdict: Verdict,
): Verdict {
  const isAlone = verdict === verdicts.NO_BINDING && !t.isSecondPass;
  if (isAlone && protocol(s, at) === ICMP && destination(s, at) === t.ownIpv4) return answerEcho4(s, at, end, out);
  if (verdict === verdicts.SYN_HELD) path.state.keepQuote(s.bytes, at, Math.min(end - at, QUOTE_BYTES));
  else if (verdict === verdicts.NO_BINDING || verdict === verdicts.FILTERED) {
    const code = verdict === verdicts.FILTERED ? PROHIBITED4 : PORT_UNREACHABLE4;
    if (path.settings.answersUnsolicited) sendIcmpv4Error(t, s, at, end, out, nowMs, UNREACHABLE4, code, 0);
  } else sendIcmpv4Refusal(t, s, at, end, out, nowMs, verdict);
  return verdict;
}

/** As refuse6, from the short way, which has not walked the headers: there is no Fragment Header, and no ICMP. */
export function refuseFast6(
  path: Nat64Path,
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  proto: number,
  out: PacketList,
  nowMs: number,
  verdict: Verdict,
): Verdict {
  t.chain.protocol = proto;
  t.chain.fragment = -1;
  return refuse6(path, t, s, at, end, out, nowMs, verdict);
}

function isFull(verdict: Verdict): boolean {
  switch (verdict) {
    case verdicts.PORTS_EXHAUSTED:
    case verdicts.SESSION_LIMIT:
    case verdicts.HOST_LIMIT:
    case verdicts.NETWORK_LIMIT:
    case verdicts.RATE_LIMIT:
      return true;
    default:
      return false;
  }
}
