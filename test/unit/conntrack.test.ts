// The kernel's translations out of its connection tracking table, as /proc/net/nf_conntrack and conntrack(8) write it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { translatedConnections } from '../../src/gateway/conntrack.ts';

const TABLE = `ipv6     10 tcp      6 431999 ESTABLISHED src=2001:db8:2000:0000:0000:0000:0000:0005 dst=2001:db8:0:0:0:0:0:80 sport=50000 dport=80 src=2001:db8:0:0:0:0:0:80 dst=2001:db8:f00:0:0:0:0:2 sport=80 dport=1025 [ASSURED] mark=0 zone=0 use=2
ipv6     10 udp      17 29 src=2001:db8:2000::5 dst=2001:db8::53 sport=4000 dport=53 src=2001:db8::53 dst=2001:db8:2000::5 sport=53 dport=4000 mark=0 use=1
ipv6     10 icmpv6   58 28 src=2001:db8:2000::5 dst=2001:db8::1 type=128 code=0 id=7 src=2001:db8::1 dst=2001:db8:f00::2 type=129 code=0 id=9 mark=0 use=1
ipv4     2 udp      17 170 src=192.168.1.5 dst=198.51.100.1 sport=4000 dport=53 [UNREPLIED] src=198.51.100.1 dst=203.0.113.2 sport=53 dport=4000 mark=0 use=1
conntrack v1.4.7 (conntrack-tools): 4 flow entries have been shown.
`;

describe('the kernel’s translations', () => {
  it('O-02, O-03 are those whose source is another one outside', () => {
    const [tcp, ping, udp, ...others] = translatedConnections(TABLE);
    assert.deepEqual(others, []);
    assert.deepEqual(tcp, {
      kind: 'nat66',
      protocol: 'tcp',
      state: 'established',
      host: { address: '2001:db8:2000::5', port: 50_000 },
      mapped: { address: '2001:db8:f00::2', port: 1025 },
      remote: { address: '2001:db8::80', port: 80 },
      expiresInMs: 431_999_000,
    });
    assert.deepEqual([ping?.protocol, ping?.state, ping?.host.port, ping?.mapped.port], ['icmp', null, 7, 9]);
    assert.deepEqual([udp?.kind, udp?.mapped.address, udp?.state], ['nat44', '203.0.113.2', null]);
  });

  it('are none in any other text', () => {
    fc.assert(fc.property(fc.string(), (text) => assert.deepEqual(translatedConnections(text), [])));
    for (let length = 0; length < TABLE.length; length += 7) translatedConnections(TABLE.slice(0, length));
  });
});
