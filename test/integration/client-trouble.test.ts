// The client where the system itself is in trouble: a queue without room, a tool that gives no answer. It goes on with what it has, or
// tries again, and never takes trouble for an answer (rules D-09, D-10, D-11).

import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type Netns, netnsForTest, waitFor } from '../support/netns.ts';
import type { ClientNet } from './client-net.ts';
import { ROUTER_LINK, startChild, staticNet, UPLINK } from './client-net.ts';

const defaultRoute = (ns: Netns): Promise<string> => ns.run(['ip', '-4', 'route', 'show', 'default']);

describe('a client whose probe for duplicates does not get out', () => {
  /** Advertisements that are none of its business, again and again, until it is ended. */
  const CHATTER = `
from scapy.all import *
na = IPv6(src='2001:db8:1::1', dst='ff02::1', hlim=255)/ICMPv6ND_NA(tgt='2001:db8:1::77', R=0, S=0, O=1)
print('READY', flush=True)
sendp(Ether(dst='33:33:00:00:00:01')/na, iface='${ROUTER_LINK}', inter=0.05, loop=1, verbose=0)`;

  it('D-10 survives what others say meanwhile, and probes again when there is room', async (t) => {
    const net = await staticNet(netnsForTest(t));
    // Room for a single byte: nothing at all gets out.
    await net.host.run(['tc', 'qdisc', 'replace', 'dev', UPLINK, 'root', 'bfifo', 'limit', '1']);
    const chatter = await net.router.start(['/usr/bin/python3', '-c', CHATTER]);
    await waitFor('the chatter', () => chatter.output().includes('READY'));
    const child = await startChild(net, { waitsForUplink: true, retransMs: 1000 });
    await child.said('client-retrying');
    await net.host.run(['tc', 'qdisc', 'delete', 'dev', UPLINK, 'root']);
    await child.said('client-ready');
    assert.equal(await child.running.stop(), 0, child.running.output());
  });
});

describe('a client whose tools give no answer', () => {
  /** An `ip` that, while the file "broken" holds a part of its arguments, fails as the kernel makes it fail that is out of buffers. */
  function brittleIp(net: ClientNet) {
    const dir = `${net.set.directory}/bin`;
    const broken = `${dir}/broken`;
    const failures = `${dir}/failures`;
    mkdirSync(dir);
    const script = `#!/bin/sh
if [ -e ${broken} ]; then case "$*" in *"$(cat ${broken})"*)
  echo >> ${failures}; echo 'RTNETLINK answers: No buffer space available' >&2; exit 2
esac; fi
PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin exec ip "$@"
`;
    writeFileSync(`${dir}/ip`, script);
    chmodSync(`${dir}/ip`, 0o755);
    return {
      wrapper: ['env', `PATH=${dir}:${process.env.PATH}`],
      break: (command: string) => writeFileSync(broken, command),
      mend: () => rmSync(broken),
      count: () => (existsSync(failures) ? readFileSync(failures, 'utf8').length : 0),
    };
  }

  for (const command of ['route get', `address show dev ${UPLINK}`]) {
    it(`D-09, D-11 keeps IPv4 and looks again while "ip ${command}" fails`, async (t) => {
      const net = await staticNet(netnsForTest(t));
      const ip = brittleIp(net);
      const child = await startChild(net, { waitsForUplink: true }, ip.wrapper);
      await child.said('client-ready');
      ip.break(command);
      await net.host.ip('addr add 192.0.2.9/32 dev lo'); // something to look for
      await waitFor('two looks in vain', () => ip.count() >= 2);
      assert.match(await defaultRoute(net.host), /dev clat0/);
      assert.ok(!child.lines().some((l) => l.reason === 'uplink-lost'), child.running.output());
      ip.mend();
      assert.equal(await child.running.stop(), 0, child.running.output());
    });
  }
});
