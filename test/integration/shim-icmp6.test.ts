// ICMPv6, packet and netlink sockets against a real kernel: this process in one namespace, its peer the IPv6 stack of
// another, a veth between them.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type Handle, type Icmp6Message, loadLinuxShim } from '../../src/platform/native.ts';
import { inside, ip, type Setup } from './shim-inside.ts';

const HERE = 'v0';
const PEER_NS = 'X464_SHIM_TEST_PEER';
const RTMGRP_LINK = 1;
const RTM_NEWLINK = 16;
const ETH_P_IPV6 = 0x86dd;
const ECHO_REQUEST = 128;
const ECHO_REPLY = 129;
const ROUTER_SOLICITATION = 133;
const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;

/** Addresses as bytes, from groups of hexadecimal digits. */
const address = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const UNSPECIFIED = new Uint8Array(16);
const ALL_NODES = address('ff02 0000 0000 0000 0000 0000 0000 0001');
const ALL_ROUTERS = address('ff02 0000 0000 0000 0000 0000 0000 0002');
const OURS = address('2001 0db8 0000 0000 0000 0000 0000 0001');
const ANYCAST = address('2001 0db8 0000 0000 0000 0000 0000 00aa');
const PEERS = address('2001 0db8 0000 0000 0000 0000 0000 0002');
/** RFC 4291 §2.7.1: the group of the last 24 bits of PEERS. */
const PEERS_GROUP = address('ff02 0000 0000 0000 0000 0001 ff00 0002');

const shim = loadLinuxShim();
const peer = (...args: readonly string[]): string => ip('-n', String(process.env[PEER_NS]), ...args);

const twoNamespaces: Setup = async (set) => {
  const ns = await set.add('shim-a');
  const other = await set.add('shim-b');
  await set.connect(ns, HERE, other, 'v1');
  await other.sysctl('net/ipv6/conf/v1/router_solicitation_delay', '0');
  await ns.ip(`addr add 2001:db8::1/64 dev ${HERE} nodad`);
  await other.ip('addr add 2001:db8::2/64 dev v1 nodad');
  return { ns, env: { [PEER_NS]: other.name } };
};

/** An ICMPv6 socket that passes the given types. */
function open(t: TestContext, ...types: number[]): Handle {
  const socket = shim.icmp6Open();
  t.after(() => socket.close());
  shim.icmp6SetFilter(socket.fd, Uint8Array.from(types));
  return socket;
}

/** Waits for the next message. @returns it and its bytes */
function receive(socket: Handle): Promise<readonly [Icmp6Message, Uint8Array]> {
  const buffer = new Uint8Array(1500);
  return new Promise((resolve) => {
    const watch = shim.watch(socket.fd, () => {
      const message = shim.icmp6Receive(socket.fd, buffer);
      if (message === null) return watch.rearm();
      watch.close();
      resolve([message, buffer.slice(0, message.length)]);
    });
  });
}

/** RFC 4443 §4.1; the kernel fills in the checksum. */
const echoRequest = (mark: number): Uint8Array => Uint8Array.of(ECHO_REQUEST, 0, 0, 0, 0x46, 0x4d, 0, mark, 1, 2, 3);

/** RFC 4862 §5.4.2: a neighbour solicitation for PEERS from the unspecified address, with the IPv6 header. */
function duplicateAddressProbe(): Uint8Array {
  const packet = new Uint8Array(40 + 24);
  packet.set([0x60, 0, 0, 0, 0, 24, 58, 255]);
  packet.set(PEERS_GROUP, 24);
  packet.set([NEIGHBOUR_SOLICITATION, 0], 40);
  packet.set(PEERS, 48);
  new DataView(packet.buffer).setUint16(42, icmp6Checksum(packet));
  return packet;
}

/** RFC 4443 §2.3, for a packet of less than 64 KiB whose checksum field is zero. */
function icmp6Checksum(packet: Uint8Array): number {
  const view = new DataView(packet.buffer);
  let sum = packet.length - 40 + 58;
  for (let at = 8; at < packet.length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function itTalksIcmp6(): void {
  it('sends an echo request and receives the reply with its addresses, interface and hop limit', async (t) => {
    const socket = open(t, ECHO_REPLY);
    const index = shim.ifNameToIndex(HERE);
    shim.icmp6Send(socket.fd, echoRequest(1), PEERS, OURS, index, 7);
    const [message, bytes] = await receive(socket);
    assert.deepEqual(bytes.slice(4), echoRequest(1).slice(4));
    assert.deepEqual([message.source, message.destination], [PEERS, OURS]);
    assert.deepEqual([message.ifIndex, message.hopLimit, message.length], [index, 64, 11]);
  });

  it('sends to a multicast group, with the source of the kernel’s choice, on a bound interface', async (t) => {
    const socket = open(t, ECHO_REPLY);
    shim.bindToDevice(socket.fd, HERE);
    shim.icmp6Send(socket.fd, echoRequest(2), ALL_NODES, UNSPECIFIED, shim.ifNameToIndex(HERE), 255);
    const [message, bytes] = await receive(socket);
    assert.equal(bytes[7], 2);
    assert.deepEqual(message.source.slice(0, 2), Uint8Array.of(0xfe, 0x80));
  });

  it('receives nothing that the filter does not pass, and cuts what is longer than the buffer', async (t) => {
    const [deaf, socket] = [open(t, ROUTER_SOLICITATION), open(t, ECHO_REPLY)];
    shim.icmp6Send(socket.fd, echoRequest(3), PEERS, UNSPECIFIED, 0, -1);
    await receive(socket);
    assert.equal(shim.icmp6Receive(deaf.fd, new Uint8Array(100)), null);
    shim.icmp6Send(socket.fd, echoRequest(4), PEERS, UNSPECIFIED, 0, -1);
    await receivable(socket);
    assert.equal(shim.icmp6Receive(socket.fd, new Uint8Array(8))?.length, 8);
  });

  it('says which call the kernel refused', (t) => {
    const socket = open(t);
    const index = shim.ifNameToIndex(HERE);
    assert.throws(() => shim.icmp6Send(socket.fd, echoRequest(5), PEERS, ANYCAST, index, 1), { syscall: 'sendmsg' });
    assert.throws(() => shim.icmp6Leave(socket.fd, index, ALL_ROUTERS), { code: 'EADDRNOTAVAIL' });
    assert.throws(() => shim.bindToDevice(socket.fd, 'x464none'), { code: 'ENODEV' });
  });
}

function receivable(socket: Handle): Promise<void> {
  return new Promise((resolve) => {
    const watch = shim.watch(socket.fd, () => {
      watch.close();
      resolve();
    });
  });
}

function itJoins(): void {
  it('hears router solicitations once it has joined the all-routers group', async (t) => {
    const socket = open(t, ROUTER_SOLICITATION);
    const index = shim.ifNameToIndex(HERE);
    shim.icmp6Join(socket.fd, index, ALL_ROUTERS);
    peer('link', 'set', 'v1', 'down');
    peer('link', 'set', 'v1', 'up');
    const [message] = await receive(socket);
    assert.deepEqual(message.destination, ALL_ROUTERS);
    assert.equal(message.hopLimit, 255);
    shim.icmp6Leave(socket.fd, index, ALL_ROUTERS);
  });

  it('lets the kernel answer for an anycast address until it leaves', (t) => {
    const socket = open(t);
    const index = shim.ifNameToIndex(HERE);
    const listed = () => ip('-6', 'maddr', 'show', 'dev', HERE).includes('ff02::1:ff00:aa');
    shim.anycastJoin(socket.fd, index, ANYCAST);
    assert.equal(listed(), true);
    shim.anycastLeave(socket.fd, index, ANYCAST);
    assert.equal(listed(), false);
  });
}

function itSendsPackets(): void {
  it('sends a probe for duplicate addresses from ::, which the owner defends', async (t) => {
    peer('addr', 'replace', '2001:db8::2/64', 'dev', 'v1', 'nodad');
    const socket = open(t, NEIGHBOUR_ADVERTISEMENT);
    const packets = shim.packetOpen(0);
    t.after(() => packets.close());
    // RFC 2464 §7: 33:33 and the last four bytes of the group.
    const linkAddress = Uint8Array.of(0x33, 0x33, ...PEERS_GROUP.slice(12));
    shim.packetSend(packets.fd, shim.ifNameToIndex(HERE), linkAddress, ETH_P_IPV6, duplicateAddressProbe());
    for (;;) {
      const [message, bytes] = await receive(socket);
      if (Buffer.compare(bytes.slice(8, 24), PEERS) !== 0) continue;
      assert.deepEqual(message.destination, ALL_NODES);
      break;
    }
  });
}

/** Types of the netlink messages in a buffer, RFC 3549 §2.3.2.2 (nlmsghdr), in this machine's byte order. */
function messageTypes(bytes: Uint8Array): number[] {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const types: number[] = [];
  for (let at = 0; at + 16 <= bytes.length; at += (words.getUint32(at, true) + 3) & ~3)
    types.push(words.getUint16(at + 4, true));
  return types;
}

function itListensToNetlink(): void {
  it('is told of a new interface', async (t) => {
    const socket = shim.netlinkOpen(RTMGRP_LINK);
    t.after(() => socket.close());
    const buffer = new Uint8Array(32_768);
    assert.equal(shim.netlinkReceive(socket.fd, buffer), 0);
    ip('link', 'add', 'v9', 'type', 'veth', 'peer', 'name', 'v8');
    t.after(() => ip('link', 'del', 'v9'));
    await receivable(socket);
    const length = shim.netlinkReceive(socket.fd, buffer);
    assert.ok(messageTypes(buffer.slice(0, length)).includes(RTM_NEWLINK));
    assert.ok(
      Buffer.from(buffer.slice(0, length)).includes('v8\0') || Buffer.from(buffer.slice(0, length)).includes('v9\0'),
    );
  });

  it('throws EMSGSIZE when the buffer is too small', (t) => {
    const socket = shim.netlinkOpen(RTMGRP_LINK);
    t.after(() => socket.close());
    ip('link', 'set', 'lo', 'mtu', '65000');
    assert.throws(() => shim.netlinkReceive(socket.fd, new Uint8Array(16)), { code: 'EMSGSIZE', syscall: 'recv' });
  });

  it('throws ENOBUFS when messages were lost', (t) => {
    const socket = shim.netlinkOpen(RTMGRP_LINK);
    t.after(() => socket.close());
    for (let mtu = 1280; mtu < 1480; mtu++) shim.linkSetMtu('lo', mtu);
    const buffer = new Uint8Array(32_768);
    assert.throws(
      () => {
        while (shim.netlinkReceive(socket.fd, buffer) > 0);
      },
      { code: 'ENOBUFS', syscall: 'recv' },
    );
  });
}

inside(import.meta.url, 'ICMPv6, packet and netlink sockets work against another kernel stack', twoNamespaces, () => {
  describe('an ICMPv6 socket', () => {
    itTalksIcmp6();
    itJoins();
  });
  describe('a packet socket', itSendsPackets);
  describe('a netlink socket', itListensToNetlink);
});
