// Redirect and Defence against a kernel that only notes what it is asked: when they attach anew, tell the neighbours, join again, and
// what they take for another node's claim. That the real kernel does as asked is test/integration/redirect-host.test.ts.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ForwardingUplink, RedirectUplink } from '../../src/core/host/host-config.ts';
import { emitNdpPacket, type NdpMessage } from '../../src/core/wire/ndp.ts';
import { ProxiedAddress } from '../../src/platform/linux/proxied-address.ts';
import { Redirect } from '../../src/platform/linux/redirect/redirect.ts';
import type { Handle, LinuxShim } from '../../src/platform/native.ts';
import { address, prefix } from '../support/lifecycle.ts';

const TUN = { name: 'clat0', index: 9 };
const OURS = Uint8Array.of(2, 0, 0x5e, 0, 0x53, 1);
const THEIRS = Uint8Array.of(2, 0, 0x5e, 0, 0x53, 2);

/** An interface that no host has: its anycast route is never there. */
const UPLINK: RedirectUplink = {
  kind: 'redirect',
  link: { name: 'x464-none', index: 2 },
  clat: '2001:db8:1::9',
  prefix: prefix(0x6400, 96),
  linkAddress: OURS,
  router: 'fe80::1',
};
const CLAT = address(9);

/** A kernel that does nothing and remembers what it was asked. */
class Kernel {
  readonly calls: string[] = [];
  /** Packets that wait to be received. */
  readonly packets: Uint8Array[] = [];
  /** Error codes of the next messages to be sent. */
  readonly sendFails: string[] = [];
  /** Whether the CLAT's prefix is on no address of the uplink. */
  refusesAnycast = false;
  readable: () => void = () => undefined;
  readonly lost: RedirectUplink[] = [];
  readonly redirect = new Redirect(this.#shim(), (uplink) => this.lost.push(uplink));
  readonly proxied = new ProxiedAddress(this.#shim());

  count(call: string): number {
    return this.calls.filter((c) => c === call).length;
  }

  /** A packet comes in. */
  receive(message: NdpMessage): void {
    this.packets.push(emitNdpPacket(address(1), CLAT, message));
    this.readable();
  }

  #handle(name: string): Handle {
    this.calls.push(name);
    return { fd: 7, close: () => void this.calls.push(`close ${name}`), release: () => 7 };
  }

  #shim(): LinuxShim {
    const note = (name: string) => (): void => void this.calls.push(name);
    const shim: Partial<LinuxShim> = {
      icmp6Open: () => this.#handle('icmp6'),
      packetOpen: () => this.#handle('packet'),
      bpfProgramLoad: () => this.#handle('program'),
      bpfLinkCreate: () => this.#handle('link'),
      icmp6SetFilter: note('filter'),
      icmp6Join: note('join'),
      socketAttachBpf: note('attach'),
      packetBind: note('bind'),
      anycastLeave: note('anycast-leave'),
      anycastJoin: () => {
        if (this.refusesAnycast) throw Object.assign(new Error('refused'), { code: 'EADDRNOTAVAIL' });
        this.calls.push('anycast-join');
      },
      icmp6Send: () => {
        const code = this.sendFails.shift();
        if (code !== undefined) throw Object.assign(new Error(code), { code });
        this.calls.push('send');
      },
      packetReceive: (_fd, buffer) => {
        const packet = this.packets.shift() ?? new Uint8Array(0);
        buffer.set(packet);
        return packet.length;
      },
      watch: (_fd, ready) => {
        this.readable = ready;
        return { rearm: () => undefined, close: note('close watch') };
      },
    };
    return shim as LinuxShim;
  }
}

function attached(prepare: (kernel: Kernel) => void = () => undefined): Kernel {
  const kernel = new Kernel();
  prepare(kernel);
  kernel.redirect.attach(UPLINK, TUN);
  return kernel;
}

describe('a redirect uplink', () => {
  it('D-11 that is attached again as it is attaches nothing anew', () => {
    const kernel = attached();
    kernel.redirect.attach(UPLINK, TUN);
    assert.equal(kernel.count('link'), 2);
    assert.equal(kernel.count('close link'), 0);
  });

  for (const [what, other] of [
    ['another router on a tied way', { router: 'fe80::2' }],
    ['no router of its own any more', { router: null }],
    ['another NAT64', { prefix: prefix(0x6401, 96) }],
    ['no neighbours any more', { linkAddress: null }],
  ] as const) {
    it(`D-11 with ${what} is attached anew, after the old one was detached`, () => {
      const kernel = attached();
      kernel.redirect.attach({ ...UPLINK, ...other }, TUN);
      assert.equal(kernel.count('close link'), 2);
      assert.equal(kernel.count('link'), 4);
      assert.ok(kernel.calls.indexOf('close link') < kernel.calls.lastIndexOf('link'));
    });
  }
});

describe('the defence of the CLAT address', () => {
  it('D-11 joins again as soon as the kernel has forgotten the anycast route', () => {
    const kernel = attached();
    kernel.redirect.attach(UPLINK, TUN);
    assert.deepEqual(
      kernel.calls.filter((c) => c.startsWith('anycast')),
      ['anycast-join', 'anycast-leave', 'anycast-join'],
    );
  });

  it('D-11 where the kernel cannot answer any more, for its prefix left the uplink, it is begun anew and answers itself', () => {
    const kernel = attached();
    kernel.refusesAnycast = true;
    kernel.redirect.attach(UPLINK, TUN);
    assert.equal(kernel.count('join'), 1);
    assert.equal(kernel.count('close link'), 2);
    kernel.redirect.attach(UPLINK, TUN);
    assert.equal(kernel.count('link'), 4, 'once');
  });

  it('D-11 where the kernel has no anycast address for it, there is nothing to join again', () => {
    const kernel = attached((k) => {
      k.refusesAnycast = true;
    });
    kernel.redirect.attach(UPLINK, TUN);
    assert.equal(kernel.count('anycast-leave'), 0);
    assert.equal(kernel.count('join'), 1);
  });

  it('D-11 tells the neighbours once, and again when the link-layer address is another', () => {
    const kernel = attached();
    kernel.redirect.attach(UPLINK, TUN);
    assert.equal(kernel.count('send'), 1);
    kernel.redirect.attach({ ...UPLINK, linkAddress: THEIRS }, TUN);
    kernel.redirect.attach({ ...UPLINK, linkAddress: THEIRS }, TUN);
    assert.equal(kernel.count('send'), 2);
  });

  it('D-11 what could not be told is told at the next look', () => {
    const kernel = attached((k) => k.sendFails.push('ENOBUFS'));
    assert.equal(kernel.count('send'), 0);
    kernel.redirect.attach(UPLINK, TUN);
    assert.equal(kernel.count('send'), 1);
    kernel.redirect.attach(UPLINK, TUN);
    assert.equal(kernel.count('send'), 1);
  });

  const claim = (options: readonly { type: number; body: Uint8Array }[]): NdpMessage => ({
    kind: 'advertisement',
    target: CLAT,
    isRouter: false,
    isSolicited: false,
    overrides: true,
    options,
  });

  it('D-10 an advertisement without a link-layer address is a claim, as one with another’s is; our own is none', () => {
    const kernel = attached();
    kernel.receive(claim([{ type: 2, body: OURS }]));
    assert.equal(kernel.lost.length, 0);
    kernel.receive(claim([]));
    assert.equal(kernel.lost.length, 1);
    kernel.receive(claim([{ type: 2, body: THEIRS }]));
    assert.equal(kernel.lost.length, 2);
    assert.equal(kernel.lost[0]?.clat, UPLINK.clat);
  });
});

describe('the CLAT address of a forwarding uplink', () => {
  const { link, clat } = UPLINK;
  const FORWARDING: ForwardingUplink = {
    kind: 'forwarding',
    link,
    clat,
    mtuBytes: 1500,
    linkAddress: OURS,
    scope: 'auto',
  };

  it('D-11 is told to the neighbours once, when the link-layer address is another, and after it was taken away', () => {
    const kernel = new Kernel();
    for (const linkAddress of [OURS, OURS, THEIRS, THEIRS]) kernel.proxied.tell({ ...FORWARDING, linkAddress });
    assert.equal(kernel.count('send'), 2);
    kernel.proxied.tell(null);
    kernel.proxied.tell({ ...FORWARDING, linkAddress: THEIRS });
    assert.equal(kernel.count('send'), 3);
    assert.equal(kernel.count('close icmp6'), 3);
  });

  it('D-11 is told at the next look where that failed, and nobody on a link without neighbours', () => {
    const kernel = new Kernel();
    kernel.sendFails.push('EPERM');
    kernel.proxied.tell(FORWARDING);
    kernel.proxied.tell(FORWARDING);
    assert.equal(kernel.count('send'), 1);
    kernel.proxied.tell({ ...FORWARDING, linkAddress: null });
    assert.equal(kernel.count('send'), 1);
  });
});
