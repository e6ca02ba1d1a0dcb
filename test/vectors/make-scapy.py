#!/usr/bin/python3
"""Writes scapy.json: packets and what they must become, both encoded by scapy, an encoder independent of this project.

    python3 test/vectors/make-scapy.py > test/vectors/scapy.json && npx biome check --write test/vectors/scapy.json

Each expected packet is built from the rule's own words; nothing here computes one packet from the other but the payload.
"""
import json
import struct
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_LSRR, IPOption_NOP, IPOption_RR, in4_chksum
from scapy.layers.inet6 import (
    ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6PacketTooBig, ICMPv6ParamProblem,
    ICMPv6TimeExceeded, ICMPv6Unknown, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting, PadN, in6_chksum,
)
from scapy.layers.sctp import SCTP
from scapy.packet import Raw
from scapy.utils import checksum

# The client behind an explicit mapping, the server behind the prefix, a router on either path, the translator itself.
C4, C6 = '192.0.2.33', '2001:db8:1::33'
S4, S6 = '198.51.100.7', '2001:db8:64::c633:6407'
R4, R6 = '203.0.113.1', '2001:db8:64::cb00:7101'
X6, POOL4 = '2001:db8:ffff::1', '192.0.0.8'
O4, O6 = '192.0.2.1', '2001:db8:64::c000:201'
IDENTIFICATION = 0x4711  # what the vectors' generator always returns
BASE = {
    'prefix': '2001:db8:64::/96', 'mappings': [[C4 + '/32', C6 + '/128']], 'ownIpv4': O4, 'ownIpv6': O6,
    'icmpPoolIpv4': [POOL4 + '/32'],
}
vectors = []


def dump(packet):
    return bytes(packet).hex()


def vec(rule, title, packet, out=(), verdict=None, reply=None, **settings):
    out = list(out) if isinstance(out, (list, tuple)) else [out]
    if verdict is None:
        verdict = 'fragmented' if len(out) > 1 else 'translated' if out else 'answered'
    vectors.append({
        'id': f'scapy-{len(vectors) + 1:03d}', 'rule': rule, 'title': title, 'settings': {**BASE, **settings},
        'in': dump(packet), 'out': [dump(p) for p in out], 'verdict': verdict,
        'reply': None if reply is None else dump(reply),
    })


def p4(upper, src=C4, dst=S4, ttl=64, flags='DF', ident=0x1234, **more):
    return IP(src=src, dst=dst, ttl=ttl, flags=flags, id=ident, **more) / upper


def p6(upper, src=C6, dst=S6, hlim=63, **more):
    return IPv6(src=src, dst=dst, hlim=hlim, **more) / upper


def data(length):
    return Raw(bytes(i % 251 for i in range(length)))


def udp(payload=b'hello'):
    return UDP(sport=40000, dport=53) / Raw(payload)


def tcp(payload=b'GET / HTTP/1.0\r\n\r\n'):
    return TCP(sport=40001, dport=80, seq=1000, ack=2000, flags='PA', window=8192) / Raw(payload)


def icmp_raw(kind, code, rest, body):
    """An ICMPv4 message of four parts, checksum by scapy's own function."""
    message = struct.pack('!BBH', kind, code, 0) + rest + body
    return Raw(message[:2] + struct.pack('!H', checksum(message)) + message[4:])


def icmp4(kind, code, rest=bytes(4), body=b''):
    return icmp_raw(kind, code, rest, bytes(body))


def error4(kind, code, rest=bytes(4), src=R4, dst=C4, ttl=64, **more):
    """An ICMPv4 error about the client's UDP packet to the server, from a router."""
    return IP(src=src, dst=dst, ttl=ttl, flags='DF', id=0x1234, proto=1) / icmp4(kind, code, rest, inner4(**more))


def inner4(cut=None, upper=None, **more):
    whole = bytes(p4(udp() if upper is None else upper, ttl=1, **more))
    return whole[:cut]


def inner6(cut=None, upper=None, hlim=1, **more):
    whole = bytes(p6(udp() if upper is None else upper, hlim=hlim, **more))
    return whole[:cut]


def error6(message, src=R6, dst=C6, hlim=63, body=None):
    return IPv6(src=src, dst=dst, hlim=hlim) / message / Raw(inner6() if body is None else body)


# ---- headers, IPv4 → IPv6
vec('T-4.1-01', 'UDP, TOS copied', p4(udp(), tos=0xb8), p6(udp(), tc=0xb8))
vec('T-4.1-01', 'TOS to zero by option', p4(udp(), tos=0xb8), p6(udp(), tc=0), trafficClass='zero')
vec('T-4.5-01', 'TCP', p4(tcp()), p6(tcp()))
vec('T-4.5-01', 'UDP from the server to the client', p4(udp(), S4, C4), p6(udp(), S6, C6))
vec('T-4.1-09', 'SCTP passes unchanged', p4(SCTP(sport=1, dport=2, tag=9) / Raw(b'abcd')),
    p6(SCTP(sport=1, dport=2, tag=9) / Raw(b'abcd')))
vec('T-4.1-09', 'ESP passes unchanged', p4(data(40), proto=50), p6(data(40), nh=50))
vec('T-4.1-09', 'GRE passes unchanged', p4(data(40), proto=47), p6(data(40), nh=47))
vec('T-4.1-09', 'AH passes unchanged', p4(data(40), proto=51), p6(data(40), nh=51))
vec('T-4.1-02', 'TTL 2 becomes hop limit 1', p4(udp(), ttl=2), p6(udp(), hlim=1))
vec('T-4.1-02', 'the TTL passes unchanged by option', p4(udp(), ttl=1), p6(udp(), hlim=1), decrementHopLimit=False)


def own4(packet, kind, code, rest=bytes(4), limit=548, dst=C4):
    return IP(src=O4, dst=dst, ttl=64, tos=0, id=0, flags='DF', proto=1) / icmp4(kind, code, rest, bytes(packet)[:limit])


def own6(packet, message, limit=1232, dst=C6):
    return IPv6(src=O6, dst=dst, hlim=64) / message / Raw(bytes(packet)[:limit])


for ttl in (0, 1):
    packet = p4(udp(), ttl=ttl)
    vec('T-4.1-02', f'TTL {ttl} is answered with 11/0', packet, verdict='hop-limit', reply=own4(packet, 11, 0))
vec('T-E-01', 'TTL 1 of a later fragment is not answered', p4(data(16), ttl=1, flags='MF', frag=8, proto=17),
    verdict='hop-limit')
vec('T-E-01', 'TTL 1 of an ICMP error is not answered', error4(3, 1, ttl=1), verdict='hop-limit')
long = p4(udp(data(900).load), ttl=1)
vec('T-E-03', 'as much of the packet as fits 576', long, verdict='hop-limit', reply=own4(long, 11, 0))
vec('T-E-03', 'no own address, no error', p4(udp(), ttl=1), verdict='hop-limit', ownIpv4='0.0.0.0')
vec('T-4.1-03', 'options are skipped', p4(udp(), options=[IPOption_NOP(), IPOption_RR(routers=['0.0.0.0'])]), p6(udp()))
routed = p4(udp(), options=[IPOption_LSRR(pointer=4, routers=['203.0.113.9'])])
vec('T-4.1-03', 'an unexpired source route is answered with 3/5', routed, verdict='source-route', reply=own4(routed, 3, 5))
vec('T-4.1-03', 'an expired source route is skipped',
    p4(Raw(bytes(p4(udp()))[20:]), proto=17, options=[IPOption_LSRR(pointer=8, routers=['203.0.113.9'])]), p6(udp()))
vec('T-4.1-04', 'a wrong header checksum', p4(udp(), chksum=0xdead), verdict='bad-header-checksum')
vec('T-4.1-04', 'IHL 4', p4(udp(), ihl=4), verdict='bad-length')
vec('T-4.1-04', 'total length beyond the packet', p4(udp(), len=200), verdict='bad-length')
vec('T-4.1-04', 'link padding is cut off', bytes(p4(udp())) + bytes(13), p6(udp()))

# ---- size and fragments, IPv4 → IPv6
full = data(1472).load
vec('T-4.1-05', 'DF=1 that fits the path exactly', p4(udp(data(1452).load)), p6(udp(data(1452).load)))
big = p4(udp(full))
vec('T-4.1-05', 'DF=1 that does not fit is answered with 3/4', big, verdict='too-big',
    reply=own4(big, 3, 4, struct.pack('!HH', 0, 1480)))
vec('T-4.1-06', 'DF=0 of 1260 bytes goes whole', p4(udp(data(1232).load), flags=0), p6(udp(data(1232).load)))


def pieces6(upper, sizes, ident=0x1234, nh=17, offset=0, more=False, src=C6, dst=S6):
    """The transport message, checksummed for IPv6 as a whole, then cut."""
    whole = bytes(p6(upper, src=src, dst=dst, nh=nh))[40:]
    out = []
    at = 0
    for size in sizes:
        last = at + size >= len(whole)
        header = IPv6ExtHdrFragment(nh=nh, offset=(offset + at) // 8, m=int(more or not last), id=ident)
        out.append(IPv6(src=src, dst=dst, hlim=63) / header / Raw(whole[at:at + size]))
        at += size
    assert at == len(whole), (at, len(whole))
    return out


vec('T-4.1-06', 'DF=0 of 1261 bytes becomes two fragments', p4(udp(data(1233).load), flags=0),
    pieces6(udp(data(1233).load), [1232, 9]))
vec('T-4.1-06', 'DF=0 of 1500 bytes becomes two fragments', p4(udp(full), flags=0), pieces6(udp(full), [1232, 248]))
vec('T-4.1-06', 'the threshold is configurable', p4(udp(full), flags=0), pieces6(udp(full), [1448, 32]),
    lowestIpv6Mtu=1500)
vec('T-4.1-06', 'a large ping with DF=0', p4(ICMP(type=8, id=7, seq=1) / data(1300), flags=0),
    pieces6(ICMPv6EchoRequest(id=7, seq=1, data=data(1300).load), [1232, 76], nh=58))
whole_udp4 = bytes(p4(udp(data(64).load)))[20:]
whole_udp6 = bytes(p6(udp(data(64).load)))[40:]


def piece4(start, end, more, ident=0x1234, proto=17, content=None, flags=0):
    flags = (['MF'] if more else []) + (['DF'] if flags else [])
    return IP(src=C4, dst=S4, ttl=64, id=ident, flags='+'.join(flags) or 0, frag=start // 8, proto=proto) / Raw(
        (whole_udp4 if content is None else content)[start:end])


def piece6(start, end, more, ident=0x1234, nh=17, content=None):
    header = IPv6ExtHdrFragment(nh=nh, offset=start // 8, m=int(more), id=ident)
    return IPv6(src=C6, dst=S6, hlim=63) / header / Raw((whole_udp6 if content is None else content)[start:end])


vec('T-4.1-07', 'a first fragment', piece4(0, 32, True), piece6(0, 32, True))
vec('T-4.1-07', 'a middle fragment', piece4(32, 48, True), piece6(32, 48, True))
vec('T-4.1-07', 'a last fragment', piece4(48, 72, False), piece6(48, 72, False))
vec('T-4.1-08', 'a fragment of ICMPv4', piece4(0, 32, True, proto=1), verdict='fragmented-icmp')
vec('T-4.5-05', 'a first fragment without a checksum in it', piece4(0, 8, True, proto=6, content=data(8).load),
    piece6(0, 8, True, nh=6, content=data(8).load))
vec('T-4.5-02', 'a zero UDP checksum is computed', p4(UDP(sport=1, dport=2, chksum=0) / Raw(b'abc')),
    p6(UDP(sport=1, dport=2) / Raw(b'abc')))
vec('T-4.5-02', 'a zero UDP checksum is dropped by option', p4(UDP(sport=1, dport=2, chksum=0) / Raw(b'abc')),
    verdict='udp-zero-checksum', udpZeroChecksum='drop')
vec('T-4.5-02', 'a zero UDP checksum is forwarded by option', p4(UDP(sport=1, dport=2, chksum=0) / Raw(b'abc')),
    p6(UDP(sport=1, dport=2, chksum=0) / Raw(b'abc')), udpZeroChecksum='forward')
vec('T-4.5-03', 'a fragment with a zero UDP checksum', piece4(0, 32, True, content=whole_udp4[:6] + bytes(26)),
    verdict='udp-zero-checksum')

# ---- ICMPv4 → ICMPv6
vec('T-4.2-01', 'an echo request', p4(ICMP(type=8, id=7, seq=1) / Raw(b'ping')),
    p6(ICMPv6EchoRequest(id=7, seq=1, data=b'ping')))
vec('T-4.2-01', 'an echo reply', p4(ICMP(type=0, id=7, seq=1) / Raw(b'ping'), S4, C4),
    p6(ICMPv6EchoReply(id=7, seq=1, data=b'ping'), S6, C6))
for kind in (13, 14, 15, 16, 17, 18, 9, 10, 4, 5, 6, 40):
    vec('T-4.2-02', f'ICMPv4 type {kind}', error4(kind, 0), verdict='icmp-type')
for code in (0, 1, 5, 6, 7, 8, 11, 12):
    vec('T-4.2-03', f'3/{code} becomes 1/0', error4(3, code), error6(ICMPv6DestUnreach(code=0)))
vec('T-4.2-04', '3/2 becomes 4/1 with pointer 6', error4(3, 2), error6(ICMPv6ParamProblem(code=1, ptr=6)))
vec('T-4.2-05', '3/3 becomes 1/4', error4(3, 3), error6(ICMPv6DestUnreach(code=4)))
for reported, mtu in ((1400, 1420), (576, 1280), (1500, 1500), (65535, 1500)):
    vec('T-4.2-06', f'3/4 with {reported} becomes 2/0 with {mtu}', error4(3, 4, struct.pack('!HH', 0, reported)),
        error6(ICMPv6PacketTooBig(mtu=mtu)))
vec('T-4.2-06', '3/4 without an MTU: the plateau below the inner length', error4(3, 4, upper=udp(full), cut=28),
    error6(ICMPv6PacketTooBig(mtu=1512), body=inner6(upper=udp(full), cut=48)), ipv6Mtu=1600)
vec('T-4.2-06', '3/4 is held by the IPv4 next hop', error4(3, 4, struct.pack('!HH', 0, 1480)),
    error6(ICMPv6PacketTooBig(mtu=1420)), ipv4Mtu=1400)
for code in (9, 10, 13, 15):
    vec('T-4.2-07', f'3/{code} becomes 1/1', error4(3, code), error6(ICMPv6DestUnreach(code=1)))
for code in (14, 16, 255):
    vec('T-4.2-08', f'3/{code}', error4(3, code), verdict='icmp-code')
for code in (0, 1):
    vec('T-4.2-09', f'11/{code} becomes 3/{code}', error4(11, code), error6(ICMPv6TimeExceeded(code=code)))
for code in (0, 2):
    for before, after in ((0, 0), (1, 1), (2, 4), (3, 4), (8, 7), (9, 6), (12, 8), (15, 8), (16, 24), (19, 24)):
        vec('T-4.2-10', f'12/{code} pointer {before} becomes {after}', error4(12, code, bytes([before, 0, 0, 0])),
            error6(ICMPv6ParamProblem(code=0, ptr=after)))
for before in (4, 5, 6, 7, 10, 11, 20):
    vec('T-4.2-10', f'12/0 pointer {before}', error4(12, 0, bytes([before, 0, 0, 0])), verdict='icmp-code')
for code in (1, 3):
    vec('T-4.2-11', f'12/{code}', error4(12, code), verdict='icmp-code')
for cut in (20, 24, 26, 28, 30):
    vec('T-4.2-12', f'the inner packet ends after {cut} bytes', error4(11, 0, cut=cut),
        error6(ICMPv6TimeExceeded(), body=inner6(cut=cut + 20)))
vec('T-4.2-12', 'an inner packet without its header', error4(11, 0, cut=19), verdict='icmp-inner')
vec('T-4.2-12', 'an inner TCP packet', error4(11, 0, upper=tcp()), error6(ICMPv6TimeExceeded(), body=inner6(upper=tcp())))
vec('T-4.2-12', 'an inner echo request', error4(11, 0, upper=ICMP(type=8, id=7, seq=1) / Raw(b'ping')),
    error6(ICMPv6TimeExceeded(), body=inner6(upper=ICMPv6EchoRequest(id=7, seq=1, data=b'ping'))))
vec('T-4.2-12', 'an error about an error', error4(11, 0, upper=ICMP(type=3, code=1) / Raw(inner4())), verdict='icmp-nested')
vec('T-4.2-12', 'an inner first fragment',
    IP(src=R4, dst=C4, ttl=64, flags='DF', id=0x1234, proto=1) / icmp4(11, 1, bytes(4), bytes(piece4(0, 32, True))),
    error6(ICMPv6TimeExceeded(code=1), body=bytes(IPv6(src=C6, dst=S6, hlim=64) / IPv6ExtHdrFragment(
        nh=17, offset=0, m=1, id=0x1234) / Raw(whole_udp6[:32]))))
vec('T-4.2-12', 'the error is cut to 1280 bytes', error4(11, 0, upper=udp(data(1300).load)),
    error6(ICMPv6TimeExceeded(), body=inner6(upper=udp(data(1300).load), cut=1232)))


def extension():
    body = bytes([0x20, 0, 0, 0]) + struct.pack('!HBB', 8, 1, 1) + bytes([0x00, 0x01, 0x41, 0xff])
    return body[:2] + struct.pack('!H', checksum(body)) + body[4:]


short4, short6 = inner4(upper=udp(b'x' * 20)), inner6(upper=udp(b'x' * 20))
long4, long6 = inner4(upper=udp(b'x' * 300), cut=128), inner6(upper=udp(b'x' * 300), cut=148)
vec('T-4.2-13', 'an extension behind a short packet', IP(src=R4, dst=C4, ttl=64, flags='DF', id=0x1234, proto=1) / icmp4(
    11, 0, bytes([0, 32, 0, 0]), short4.ljust(128, b'\0') + extension()),
    error6(ICMPv6TimeExceeded(length=16), body=short6.ljust(128, b'\0') + extension()))
vec('T-4.2-13', 'an extension behind a cut packet', IP(src=R4, dst=C4, ttl=64, flags='DF', id=0x1234, proto=1) / icmp4(
    11, 0, bytes([0, 32, 0, 0]), long4 + extension()),
    error6(ICMPv6TimeExceeded(length=19), body=long6.ljust(152, b'\0') + extension()))
vec('T-4.2-13', 'a length attribute beyond the message', error4(11, 0, bytes([0, 200, 0, 0])),
    error6(ICMPv6TimeExceeded()))
vec('T-4.2-14', 'a wrong ICMPv4 checksum', p4(ICMP(type=8, chksum=0x1234)), verdict='bad-icmp-checksum')

# ---- headers, IPv6 → IPv4


def q4(upper, src=C4, dst=S4, ttl=63, flags=0, ident=IDENTIFICATION, **more):
    return IP(src=src, dst=dst, ttl=ttl, flags=flags, id=ident, **more) / upper


vec('T-5.1-01', 'UDP, traffic class copied, flow label gone', p6(udp(), hlim=64, tc=0xb8, fl=0x12345), q4(udp(), tos=0xb8))
vec('T-5.1-01', 'a fixed TOS by option', p6(udp(), hlim=64, tc=0xb8), q4(udp(), tos=4), tos=4)
vec('T-5.1-01', 'TCP', p6(tcp(), hlim=64), q4(tcp()))
for hops in (0, 1):
    packet = p6(udp(), hlim=hops)
    vec('T-5.1-01', f'hop limit {hops} is answered with 3/0', packet, verdict='hop-limit',
        reply=own6(packet, ICMPv6TimeExceeded()))
vec('T-5.1-02', '1260 bytes: DF=0', p6(udp(data(1232).load), hlim=64), q4(udp(data(1232).load)))
vec('T-5.1-02', '1261 bytes: DF=1', p6(udp(data(1233).load), hlim=64), q4(udp(data(1233).load), flags='DF'))


def in6(start, end, more, nh=17, content=None):
    header = IPv6ExtHdrFragment(nh=nh, offset=start // 8, m=int(more), id=0xabcd1234)
    return IPv6(src=C6, dst=S6, hlim=64) / header / Raw((whole_udp6 if content is None else content)[start:end])


def out4(start, end, more, proto=17, content=None):
    return IP(src=C4, dst=S4, ttl=63, id=0x1234, flags='MF' if more else 0, frag=start // 8, proto=proto) / Raw(
        (whole_udp4 if content is None else content)[start:end])


vec('T-5.1-03', 'a first fragment', in6(0, 32, True), out4(0, 32, True))
vec('T-5.1-03', 'a middle fragment', in6(32, 48, True), out4(32, 48, True))
vec('T-5.1-03', 'a last fragment', in6(48, 72, False), out4(48, 72, False))
vec('T-5.1-03', 'a Fragment Header before another extension header', IPv6(src=C6, dst=S6, hlim=64) / IPv6ExtHdrFragment(
    m=0, offset=0, id=9) / IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))]) / udp(), verdict='fragment-extension')
vec('T-5.1-03', 'a fragment of ICMPv6', in6(0, 32, True, nh=58), verdict='fragmented-icmp')
wide = data(1448).load
vec('T-5.1-03', 'a fragment that is too large is fragmented again', in6(0, 1448, True, nh=253, content=wide), [
    IP(src=C4, dst=S4, ttl=63, id=0x1234, flags='MF', frag=at // 8, proto=253) / Raw(wide[at:at + 552])
    for at in (0, 552, 1104)], ipv4Mtu=576)
pad = [PadN(optdata=bytes(4))]
vec('T-5.1-04', 'Hop-by-Hop and Destination Options are skipped',
    IPv6(src=C6, dst=S6, hlim=64) / IPv6ExtHdrHopByHop(options=pad) / IPv6ExtHdrDestOpt(options=pad) / udp(), q4(udp()))
vec('T-5.1-04', 'a Routing header with no segments left is skipped',
    IPv6(src=C6, dst=S6, hlim=64) / IPv6ExtHdrRouting(segleft=0, addresses=[R6]) / udp(), q4(udp()))
packet = IPv6(src=C6, dst=S6, hlim=64) / IPv6ExtHdrHopByHop(options=pad) / IPv6ExtHdrRouting(segleft=1, addresses=[R6]) / udp()
vec('T-5.1-04', 'a Routing header with segments left is answered with 4/0', packet, verdict='routing-header',
    reply=own6(packet, ICMPv6ParamProblem(code=0, ptr=51)))
vec('T-5.1-04', 'a chain that runs off the packet', IPv6(src=C6, dst=S6, hlim=64, nh=60) / Raw(bytes([17, 9]) + bytes(6)),
    verdict='bad-extension')
packet = p6(udp(data(1452).load), hlim=64)
vec('T-5.1-05', 'too large with DF=1 is answered with 2/0', packet, verdict='too-big', ipv4Mtu=1400,
    reply=own6(packet, ICMPv6PacketTooBig(mtu=1420)))
packet = p6(udp(), src=X6, hlim=64)
vec('T-5.1-06', 'a source without an IPv4 form is answered with 1/5', packet, verdict='no-mapping-source',
    reply=own6(packet, ICMPv6DestUnreach(code=5), dst=X6))
packet = p6(udp(), dst='2001:db8:5::5', hlim=64)
vec('T-5.1-06', 'a destination without an IPv4 form is answered with 1/0', packet, verdict='no-mapping-destination',
    reply=own6(packet, ICMPv6DestUnreach(code=0)))
vec('T-5.1-07', 'a payload length beyond the packet', p6(udp(), hlim=64, plen=200), verdict='bad-length')
vec('T-5.1-07', 'a jumbogram', p6(IPv6ExtHdrHopByHop() / udp(), hlim=64, plen=0), verdict='bad-length')
vec('T-5.1-07', 'version 5', p6(udp(), version=5), verdict='bad-version')

# ---- ICMPv6 → ICMPv4


def back6(message, src=S6, dst=C6, body=None, hlim=64):
    return IPv6(src=src, dst=dst, hlim=hlim) / message / Raw(inner6() if body is None else body)


def back4(kind, code, rest=bytes(4), src=S4, body=None):
    inside = bytes(p4(udp(), ttl=1, flags=0, ident=IDENTIFICATION)) if body is None else body
    return IP(src=src, dst=C4, ttl=63, id=IDENTIFICATION, flags=0, proto=1) / icmp4(kind, code, rest, inside)


vec('T-5.2-01', 'an echo request', p6(ICMPv6EchoRequest(id=7, seq=1, data=b'ping'), hlim=64),
    q4(ICMP(type=8, id=7, seq=1) / Raw(b'ping')))
vec('T-5.2-01', 'an echo reply', p6(ICMPv6EchoReply(id=7, seq=1, data=b'ping'), hlim=64),
    q4(ICMP(type=0, id=7, seq=1) / Raw(b'ping')))
for kind in (130, 131, 132, 143, 133, 134, 135, 136, 137, 100, 127, 200):
    vec('T-5.2-02', f'ICMPv6 type {kind}', p6(ICMPv6Unknown(type=kind, code=0, msgbody=bytes(24)), hlim=64),
        verdict='icmp-type')
for code in (0, 2, 3):
    vec('T-5.2-03', f'1/{code} becomes 3/1', back6(ICMPv6DestUnreach(code=code)), back4(3, 1))
vec('T-5.2-04', '1/1 becomes 3/10', back6(ICMPv6DestUnreach(code=1)), back4(3, 10))
vec('T-5.2-05', '1/4 becomes 3/3', back6(ICMPv6DestUnreach(code=4)), back4(3, 3))
for code in (5, 6):
    vec('T-5.2-05', f'1/{code}', back6(ICMPv6DestUnreach(code=code)), verdict='icmp-code')
for reported, mtu in ((1400, 1380), (1500, 1480), (9000, 1480), (4294967295, 1480)):
    vec('T-5.2-06', f'2/0 with {reported} becomes 3/4 with {mtu}', back6(ICMPv6PacketTooBig(mtu=reported)),
        back4(3, 4, struct.pack('!HH', 0, mtu)))
for code in (0, 1):
    vec('T-5.2-07', f'3/{code} becomes 11/{code}', back6(ICMPv6TimeExceeded(code=code)), back4(11, code))
for before, after in ((0, 0), (1, 1), (4, 2), (5, 2), (6, 9), (7, 8), (8, 12), (23, 12), (24, 16), (39, 16)):
    vec('T-5.2-08', f'4/0 pointer {before} becomes {after}', back6(ICMPv6ParamProblem(code=0, ptr=before)),
        back4(12, 0, bytes([after, 0, 0, 0])))
for before in (2, 3, 40, 256, 4294967295):
    vec('T-5.2-08', f'4/0 pointer {before}', back6(ICMPv6ParamProblem(code=0, ptr=before)), verdict='icmp-code')
vec('T-5.2-09', '4/1 becomes 3/2', back6(ICMPv6ParamProblem(code=1, ptr=6)), back4(3, 2))
for code in (2, 3):
    vec('T-5.2-09', f'4/{code}', back6(ICMPv6ParamProblem(code=code)), verdict='icmp-code')
there6 = bytes(IPv6(src=S6, dst=C6, hlim=1) / udp())
there4 = bytes(IP(src=S4, dst=C4, ttl=1, id=IDENTIFICATION, flags=0) / udp())
vec('T-5.2-10', 'a router without an IPv4 form gets one from the pool',
    IPv6(src=X6, dst=S6, hlim=64) / ICMPv6TimeExceeded() / Raw(there6),
    IP(src=POOL4, dst=S4, ttl=63, id=IDENTIFICATION, flags=0, proto=1) / icmp4(11, 0, bytes(4), there4))
vec('T-5.2-10', 'an echo request from it gets none', p6(ICMPv6EchoRequest(id=7, seq=1), src=X6, hlim=64),
    verdict='no-mapping-source', reply=own6(p6(ICMPv6EchoRequest(id=7, seq=1), src=X6, hlim=64),
                                            ICMPv6DestUnreach(code=5), dst=X6))
for cut in (40, 44, 46, 48, 50):
    vec('T-5.2-11', f'the inner packet ends after {cut} bytes', back6(ICMPv6TimeExceeded(), body=inner6(cut=cut)),
        back4(11, 0, body=bytes(p4(udp(), ttl=1, flags=0, ident=IDENTIFICATION))[:cut - 20]))
large4 = bytes(p4(udp(data(1200).load), ttl=1, flags=0, ident=IDENTIFICATION))
vec('T-5.2-11', 'the error is cut to 576 bytes', back6(ICMPv6TimeExceeded(), body=inner6(upper=udp(data(1200).load), cut=1232)),
    back4(11, 0, body=large4[:548]))
vec('T-5.2-11', 'an extension behind a short packet', back6(
    ICMPv6TimeExceeded(length=16), body=short6.ljust(128, b'\0') + extension()),
    back4(11, 0, bytes([0, 32, 0, 0]), body=bytes(p4(udp(b'x' * 20), ttl=1, flags=0, ident=IDENTIFICATION)).ljust(
        128, b'\0') + extension()))
vec('T-5.2-11', 'an error about an error', back6(ICMPv6TimeExceeded(), body=inner6(
    upper=ICMPv6TimeExceeded() / Raw(inner6()))), verdict='icmp-nested')
vec('T-4.2-14', 'a wrong ICMPv6 checksum', p6(ICMPv6EchoRequest(cksum=0x1234), hlim=64), verdict='bad-icmp-checksum')

# ---- addresses and the translator itself
for bad in ('0.1.2.3', '127.0.0.1', '224.0.0.5', '240.0.0.1', '255.255.255.255'):
    vec('A-04', f'IPv4 source {bad}', p4(udp(), src=bad), verdict='martian-source')
    vec('A-04', f'IPv4 destination {bad}', p4(udp(), dst=bad), verdict='martian-destination')
for bad in ('::', '::1', 'fe80::1', 'febf::1', 'ff02::1', 'ff0e::1'):
    vec('A-04', f'IPv6 source {bad}', p6(udp(), src=bad, hlim=64), verdict='martian-source')
    vec('A-04', f'IPv6 destination {bad}', p6(udp(), dst=bad, hlim=64), verdict='martian-destination')
vec('A-04', 'an IPv6 destination that embeds 127.0.0.1', p6(udp(), dst='2001:db8:64::7f00:1', hlim=64),
    verdict='martian-destination')
WELL_KNOWN = {'prefix': '64:ff9b::/96'}
for private in ('10.0.0.1', '172.31.0.1', '192.168.1.1', '100.64.0.1', '169.254.1.1', '198.18.0.1'):
    packet = p4(udp(), dst=private)
    vec('A-03', f'{private} by the well-known prefix', packet, verdict='non-global', reply=own4(packet, 3, 1), **WELL_KNOWN)
packet = p6(udp(), dst='64:ff9b::a00:1', hlim=64)
vec('A-03', 'a private destination in the well-known prefix', packet, verdict='non-global',
    reply=own6(packet, ICMPv6DestUnreach(code=0)), **WELL_KNOWN)
vec('A-03', 'a private address where it is allowed', p4(udp(), dst='10.0.0.1'), p6(udp(), dst='64:ff9b::a00:1'),
    allowNonGlobal=True, **WELL_KNOWN)
vec('A-03', 'a private address in the local-use prefix', p4(udp(), dst='10.0.0.1'), p6(udp(), dst='64:ff9b:1::a00:1'),
    prefix='64:ff9b:1::/96')
vec('A-03', 'a global address in the well-known prefix', p4(udp(), dst='8.8.8.8'), p6(udp(), dst='64:ff9b::808:808'),
    **WELL_KNOWN)
packet = p4(udp())
vec('A-05', 'no prefix and no mapping for the destination', packet, verdict='no-mapping-destination',
    reply=own4(packet, 3, 1), prefix=None)
packet = p4(udp(), src='192.0.2.99')
vec('A-05', 'no prefix and no mapping for the source', packet, verdict='no-mapping-source',
    reply=own4(packet, 3, 13, dst='192.0.2.99'), prefix=None)
vec('T-E-03', "a ping to the translator's IPv4 address", p4(ICMP(type=8, id=7, seq=1) / Raw(b'ping'), dst=O4), verdict='answered',
    reply=IP(src=O4, dst=C4, ttl=64, id=0, flags='DF') / ICMP(type=0, id=7, seq=1) / Raw(b'ping'))
vec('T-E-03', "a ping to the translator's IPv6 address", p6(ICMPv6EchoRequest(id=7, seq=1, data=b'ping'), dst=O6),
    verdict='answered', reply=IPv6(src=O6, dst=C6, hlim=64) / ICMPv6EchoReply(id=7, seq=1, data=b'ping'))
vec('T-E-03', "UDP to the translator's address", p4(udp(), dst=O4), verdict='to-translator')

# ---- RFC 7757 §4: two hosts behind mappings, each known to the other by the prefix
B4, B6 = '192.0.2.34', '2001:db8:1::34'
BOTH = {'mappings': [[C4 + '/32', C6 + '/128'], [B4 + '/32', B6 + '/128']]}
CP, BP = '2001:db8:64::c000:221', '2001:db8:64::c000:222'
vec('A-05', 'hairpinning: a packet goes back', p6(udp(), dst=BP, hlim=64), IPv6(src=CP, dst=B6, hlim=63) / udp(), **BOTH)
vec('A-05', 'hairpinning: a ping goes back', p6(ICMPv6EchoRequest(id=7, seq=1), dst=BP, hlim=64),
    IPv6(src=CP, dst=B6, hlim=63) / ICMPv6EchoRequest(id=7, seq=1), **BOTH)
vec('A-05', "hairpinning: the other host's error goes back",
    IPv6(src=B6, dst=CP, hlim=64) / ICMPv6DestUnreach(code=4) / Raw(bytes(IPv6(src=CP, dst=B6, hlim=63) / udp())),
    IPv6(src=BP, dst=C6, hlim=63) / ICMPv6DestUnreach(code=4) / Raw(bytes(IPv6(src=C6, dst=BP, hlim=63) / udp())), **BOTH)

vec('A-05', 'hairpinning: a hop limit of 1 ends here as elsewhere', p6(udp(), dst=BP, hlim=1), verdict='hop-limit',
    reply=own6(p6(udp(), dst=BP, hlim=1), ICMPv6TimeExceeded()), **BOTH)

# ---- checksums: UDP-Lite and DCCP by scapy's sums over the pseudo-header, zero, and damage that must stay


def summed(protocol, message, at):
    """The same message with the checksum of either family at `at`: payloads for p4 and p6."""
    four = in4_chksum(protocol, IP(src=C4, dst=S4), message)
    six = in6_chksum(protocol, IPv6(src=C6, dst=S6), message)
    return [Raw(message[:at] + struct.pack('!H', c) + message[at + 2:]) for c in (four, six)]


for name, protocol in (('UDP-Lite', 136), ('DCCP', 33)):
    rule = 'T-4.5-01' if protocol == 136 else 'T-4.1-09'
    four, six = summed(protocol, bytes([1, 2, 3, 4, 0, 0, 0, 0]) + bytes(range(20)), 6)
    vec(rule, f'{name} to IPv6', p4(four, proto=protocol), p6(six, nh=protocol))
    vec(rule, f'{name} to IPv4', p6(six, nh=protocol, hlim=64), q4(four, proto=protocol))
header = struct.pack('!HHHH', 1, 2, 10, 0)
zero6 = struct.pack('!H', in6_chksum(17, IPv6(src=C6, dst=S6), header + bytes(2)))
vec('T-4.5-01', 'a UDP checksum that comes to zero in IPv6', p4(UDP(sport=1, dport=2) / Raw(zero6)),
    p6(UDP(sport=1, dport=2, chksum=0xffff) / Raw(zero6)))
zero4 = struct.pack('!H', in4_chksum(17, IP(src=C4, dst=S4), header + bytes(2)))
vec('T-4.5-01', 'a UDP checksum that comes to zero in IPv4', p6(UDP(sport=1, dport=2) / Raw(zero4), hlim=64),
    q4(UDP(sport=1, dport=2, chksum=0xffff) / Raw(zero4)))
for kind, protocol, at in ((tcp, 6, 16), (udp, 17, 6)):
    four, six = bytes(p4(kind()))[20:], bytes(p6(kind()))[40:]
    wrong = [m[:at] + struct.pack('!H', struct.unpack('!H', m[at:at + 2])[0] + 1) + m[at + 2:] for m in (four, six)]
    vec('T-4.5-04', f'protocol {protocol} one off stays one off to IPv6', p4(Raw(wrong[0]), proto=protocol),
        p6(Raw(wrong[1]), nh=protocol))
    vec('T-4.5-04', f'protocol {protocol} one off stays one off to IPv4', p6(Raw(wrong[1]), nh=protocol, hlim=64),
        q4(Raw(wrong[0]), proto=protocol))

# ---- the rest
vec('A-01', 'the suffix behind the IPv4 address is ignored', p6(data(4), dst='2001:db8:122:344:c6:3364:7ab:cdef', nh=253,
    hlim=64), q4(data(4), proto=253), prefix='2001:db8:122:344::/64')
vec('T-5.1-03', 'an atomic fragment keeps its Identification', IPv6(src=C6, dst=S6, hlim=64) / IPv6ExtHdrFragment(
    nh=17, offset=0, m=0, id=0xabcd1234) / Raw(whole_udp6), q4(Raw(whole_udp4), ident=0x1234, proto=17))
vec('T-4.1-07', 'a fragment before the last that is no multiple of eight', piece4(0, 30, True), verdict='bad-fragment')
vec('T-5.1-03', 'a fragment before the last that is no multiple of eight', in6(0, 30, True), verdict='bad-fragment')
packet = p4(udp(), src='192.0.2.99')
vec('A-06', 'a host that the CLAT does not speak for, to IPv6, is answered with 3/13', packet, verdict='both-embedded',
    reply=own4(packet, 3, 13, dst='192.0.2.99'), allowBothEmbedded=False)
packet = p6(udp(), src=R6, hlim=64)
vec('A-06', 'a host that the CLAT does not speak for, to IPv4, is answered with 1/5', packet, verdict='both-embedded',
    reply=own6(packet, ICMPv6DestUnreach(code=5), dst=R6), allowBothEmbedded=False)
NO_PREFIX = {'prefix': None, 'mappings': [[C4 + '/32', C6 + '/128'], [S4 + '/32', S6 + '/128']]}
vec('T-5.2-10', 'a router without an IPv6 form gets one from the pool', error4(11, 0),
    error6(ICMPv6TimeExceeded(), src='2001:db8:6791::1'), icmpPoolIpv6='2001:db8:6791::1/128', **NO_PREFIX)
vec('T-5.2-10', "without a pool it gets the translator's own", error4(11, 0), error6(ICMPv6TimeExceeded(), src=O6),
    **NO_PREFIX)
vec('T-E-01', 'hop limit 1 of an ICMPv6 error is not answered', back6(ICMPv6TimeExceeded(), hlim=1), verdict='hop-limit')
vec('T-E-01', 'hop limit 1 of a later fragment is not answered', IPv6(src=C6, dst=S6, hlim=1) / IPv6ExtHdrFragment(
    nh=17, offset=8, m=0, id=1) / data(16), verdict='hop-limit')

# ---- numbers that are a header, or the other family's ICMP, behind the other IP header
for number in (0, 43, 44, 58, 60, 135, 139, 140):
    vec('T-4.1-09', f'IPv4 protocol {number} has no counterpart', p4(data(40), proto=number), verdict='protocol')
vec('T-4.1-09', 'a fragment of IPv4 protocol 44', p4(data(40), proto=44, flags='MF', frag=8), verdict='protocol')
vec('T-4.1-09', 'IPv4 protocol 58 with TTL 1 is not answered', p4(data(40), proto=58, ttl=1), verdict='protocol')
icmp_in6 = ICMP(type=8, id=7, seq=1) / Raw(b'ping')
vec('T-5.1-01', 'ICMPv4 in IPv6 has no counterpart', p6(icmp_in6, hlim=64, nh=1), verdict='protocol')
vec('T-5.1-01', 'ICMPv4 behind Destination Options', IPv6(src=C6, dst=S6, hlim=64) / IPv6ExtHdrDestOpt(
    nh=1, options=[PadN(optdata=bytes(4))]) / Raw(bytes(icmp_in6)), verdict='protocol')
for offset, more in ((0, 0), (0, 1), (1, 0)):
    vec('T-5.1-01', f'ICMPv4 behind a Fragment Header, offset {offset}, M {more}', IPv6(src=C6, dst=S6, hlim=64) /
        IPv6ExtHdrFragment(nh=1, offset=offset, m=more, id=9) / data(16), verdict='protocol')
for number in (0, 43, 44, 58, 60, 135, 139, 140):
    vec('T-4.2-12', f'an error about IPv4 protocol {number}', IP(
        src=R4, dst=C4, ttl=64, flags='DF', id=0x1234, proto=1) / icmp4(3, 1, body=bytes(p4(data(40), proto=number))),
        verdict='icmp-inner')
vec('T-5.2-11', 'an error about ICMPv4 in IPv6', back6(ICMPv6TimeExceeded(), body=bytes(p6(icmp_in6, nh=1))),
    verdict='icmp-inner')

# ---- the limits of inner packets and extensions
whole4 = IP(src=C4, dst=S4, ttl=1, id=IDENTIFICATION, flags='DF', proto=253, len=65535) / data(40)
vec('T-5.2-11', 'the longest inner packet that has a length in IPv4',
    back6(ICMPv6TimeExceeded(), body=bytes(p6(data(40), hlim=1, nh=253, plen=65515))), back4(11, 0, body=bytes(whole4)))
for length in (65516, 65535):
    vec('T-5.2-11', f'an inner payload length of {length}, which no IPv4 total length can tell',
        back6(ICMPv6TimeExceeded(), body=bytes(p6(data(40), hlim=1, nh=253, plen=length))), verdict='icmp-inner')
vec('T-4.2-13', 'a sound extension behind 124 bytes, fewer than RFC 4884 demands, is removed', IP(
    src=R4, dst=C4, ttl=64, flags='DF', id=0x1234, proto=1) / icmp4(
        11, 0, bytes([0, 31, 0, 0]), short4.ljust(124, b'\0') + extension()), error6(ICMPv6TimeExceeded(), body=short6))
vec('T-5.2-11', 'a sound extension behind 120 bytes, fewer than RFC 4884 demands, is removed', back6(
    ICMPv6TimeExceeded(length=15), body=short6.ljust(120, b'\0') + extension()),
    back4(11, 0, body=bytes(p4(udp(b'x' * 20), ttl=1, flags=0, ident=IDENTIFICATION))))

print(json.dumps(vectors, indent=1))
