// The whole surface of the native addons, all platforms. C makes the system call and nothing else: no policy, no parsing,
// no retry. A failed call throws an Error with `code` ("EBUSY"), `errno` (number) and `syscall` ("ioctl(TUNSETIFF)").

/** An open kernel object. Closed by `close()`, or by the finaliser when nobody holds it any more. */
export interface Handle {
  /** The file descriptor, -1 after close. Other threads may use the number while the owner keeps the handle open. */
  readonly fd: number;
  /** Closes it; a second call does nothing. */
  close(): void;
  /** Hands the descriptor over to the caller, who closes it from now on; -1 after close. */
  release(): number;
}

/** What one raw ICMPv6 receive returned. */
export interface Icmp6Message {
  /** Bytes of the ICMPv6 message written to the caller's buffer. */
  readonly length: number;
  /** Source address, 16 bytes. */
  readonly source: Uint8Array;
  /** Destination address of the packet (IPV6_PKTINFO), 16 bytes. */
  readonly destination: Uint8Array;
  /** Interface that it came in on. */
  readonly ifIndex: number;
  /** Hop limit of the packet, -1 if the kernel did not say. */
  readonly hopLimit: number;
}

/** Linux addon. `slab` arguments are borrowed for the call only. */
export interface LinuxShim {
  /** open("/dev/net/tun") and TUNSETIFF with `flags` (IFF_TUN | IFF_NO_PI | …); linux/if_tun.h. Non-blocking, close-on-exec. */
  tunOpen(name: string, flags: number): { readonly handle: Handle; readonly name: string };
  /** TUNGETFEATURES on a fresh /dev/net/tun. */
  tunFeatures(): number;
  /** TUNGETIFF: flags of the attached interface. */
  tunGetFlags(fd: number): number;
  /** TUNSETOFFLOAD. EINVAL: the kernel does not know one of the bits. */
  tunSetOffload(fd: number, offload: number): void;
  /** TUNSETVNETHDRSZ. */
  tunSetVnetHeaderSize(fd: number, size: number): void;
  /** TUNSETPERSIST. */
  tunSetPersist(fd: number, persist: boolean): void;
  /**
   * Reads packets, one read(2) each, into `slab` until there is none left, `maxPackets` are read, or fewer than
   * `head + maxPacket` bytes remain before `end`. If none is there it waits with poll(2) on `fd` and `wakeFd` for up to
   * `timeoutMs` (-1: for ever) and reads then. Each packet's first byte is put at an offset `head` or more after the end of the one
   * before, with (offset % 4 == 0); the `vnetSize` (0 or 10) bytes of the offload header land right before it.
   * @param offsets receives the offset of each packet's IP header (after the vnet header)
   * @param lengths receives its length without the vnet header
   * @returns packets read, ≥ 0; 0 when woken, timed out or interrupted (EINTR). Throws when read or poll fail otherwise.
   */
  tunReadBatch(
    fd: number,
    wakeFd: number,
    timeoutMs: number,
    slab: Uint8Array,
    start: number,
    end: number,
    head: number,
    maxPacket: number,
    vnetSize: number,
    offsets: Int32Array,
    lengths: Int32Array,
    maxPackets: number,
  ): number;
  /**
   * Writes packets with writev(2). Packet i consists of the pieces `pieceEnd[i-1] … pieceEnd[i]-1` (pieceEnd[-1] = 0); piece k is
   * `pieceLength[k]` bytes from `slab[pieceOffset[k]]`. At most 64 pieces a packet; the vnet header is part of the first piece.
   * @param results receives 0, or the errno of each packet that was not taken
   * @returns how many were not taken. Offsets outside the slab throw RangeError before anything is written.
   */
  tunWriteBatch(
    fd: number,
    slab: Uint8Array,
    pieceOffset: Int32Array,
    pieceLength: Int32Array,
    pieceEnd: Int32Array,
    packets: number,
    results: Int32Array,
  ): number;
  /** eventfd(2), non-blocking. */
  eventFd(): Handle;
  /** Adds one to an eventfd: wakes a tunReadBatch that waits on it. */
  eventFdSignal(fd: number): void;
  /** Reads an eventfd back to zero; false if it was zero. */
  eventFdClear(fd: number): boolean;
  /** socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6) with IPV6_RECVPKTINFO and IPV6_RECVHOPLIMIT, non-blocking. */
  icmp6Open(): Handle;
  /** ICMP6_FILTER: only these types pass (RFC 3542 §3.2). */
  icmp6SetFilter(fd: number, passTypes: Uint8Array): void;
  /** SO_BINDTODEVICE. */
  bindToDevice(fd: number, name: string): void;
  /** IPV6_JOIN_GROUP / IPV6_LEAVE_GROUP for a 16-byte group on an interface. */
  icmp6Join(fd: number, ifIndex: number, group: Uint8Array): void;
  icmp6Leave(fd: number, ifIndex: number, group: Uint8Array): void;
  /** IPV6_JOIN_ANYCAST / IPV6_LEAVE_ANYCAST: the kernel answers neighbour solicitations for it while the socket is open. */
  anycastJoin(fd: number, ifIndex: number, address: Uint8Array): void;
  anycastLeave(fd: number, ifIndex: number, address: Uint8Array): void;
  /** recvmsg(2); null when there is nothing (EAGAIN). A longer message is cut to the buffer. */
  icmp6Receive(fd: number, buffer: Uint8Array): Icmp6Message | null;
  /** sendmsg(2) with IPV6_PKTINFO (source all zero: kernel's choice) and IPV6_HOPLIMIT. The kernel fills in the checksum. */
  icmp6Send(
    fd: number,
    message: Uint8Array,
    destination: Uint8Array,
    source: Uint8Array,
    ifIndex: number,
    hopLimit: number,
  ): void;
  /** socket(AF_PACKET, SOCK_DGRAM, htons(protocol)); protocol 0 receives nothing. packet(7). */
  packetOpen(protocol: number): Handle;
  /** bind(2): from now on it receives packets of this protocol on this interface; packet(7). */
  packetBind(fd: number, ifIndex: number, protocol: number): void;
  /** recv(2) of one network-layer packet; 0 when there is nothing (EAGAIN). A longer one is cut to the buffer. */
  packetReceive(fd: number, buffer: Uint8Array): number;
  /** sendto(2) of a whole network-layer packet to a link-layer address (6 bytes). */
  packetSend(fd: number, ifIndex: number, linkAddress: Uint8Array, protocol: number, packet: Uint8Array): void;
  /**
   * bpf(BPF_PROG_LOAD). The program goes with the last handle or link to it.
   * @param type BPF_PROG_TYPE_*, `attachType`: the expected BPF_*, 0 for none
   * @param name up to 15 letters, digits, "." and "_"
   * @param instructions 8 bytes each, in the machine's byte order
   * @param log receives the verifier's words, ended by a NUL, if it has any length
   */
  bpfProgramLoad(
    type: number,
    attachType: number,
    name: string,
    licence: string,
    instructions: Uint8Array,
    log: Uint8Array,
  ): Handle;
  /**
   * bpf(BPF_LINK_CREATE) on an interface. Closing the handle detaches the program, and so does the end of the process.
   * @param flags BPF_F_BEFORE and the like; `relativeFd`: the program or link that they refer to, -1 for none
   */
  bpfLinkCreate(programFd: number, ifIndex: number, attachType: number, flags: number, relativeFd: number): Handle;
  /** SO_ATTACH_BPF: only what the program lets pass is received. */
  socketAttachBpf(fd: number, programFd: number): void;
  /** socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) bound to a mask of RTMGRP_* groups. rtnetlink(7). */
  netlinkOpen(groups: number): Handle;
  /** socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER). What it makes with an owner flag goes when it is closed. */
  netfilterOpen(): Handle;
  /** sendto(2) of netlink messages to the kernel, which works them off before the call returns. */
  netlinkSend(fd: number, messages: Uint8Array): void;
  /** recv(2) of the kernel's netlink messages; 0 when there is nothing. ENOBUFS (lost) and EMSGSIZE (buffer too small) throw. */
  netlinkReceive(fd: number, buffer: Uint8Array): number;
  /**
   * socket(SOCK_DGRAM), with IPV6_V6ONLY if it is one of IPv6; non-blocking.
   * @param wantsLocal sets IP_PKTINFO or IPV6_RECVPKTINFO: local ends are filled in; without, they are zero
   */
  udpOpen(isIpv6: boolean, wantsLocal: boolean): Handle;
  /** SO_RCVBUF; the kernel gives what net.core.rmem_max allows. */
  udpSetBuffer(fd: number, bytes: number): void;
  /**
   * bind(2).
   * @param address 48 bytes, as the ends of a datagram below: the remote end is the address to bind to
   */
  udpBind(fd: number, address: Uint8Array): void;
  /**
   * recvmmsg(2) into the slots `from` to `to` − 1, 64 at most. Slot i is `slotBytes` bytes of `slab` and 48 of `ends`: the remote
   * address (16 bytes, IPv4 as ::ffff:a.b.c.d), its port (big-endian), two zero bytes, its zone (int32), the local address (16), the
   * interface (int32), four zero bytes.
   * @param lengths receives the length of each datagram; −1: it was longer than its slot
   * @returns datagrams received; 0 when there is none
   */
  udpReceiveBatch(
    fd: number,
    slab: Uint8Array,
    slotBytes: number,
    lengths: Int32Array,
    ends: Uint8Array,
    from: number,
    to: number,
  ): number;
  /**
   * sendmmsg(2) of the slots `from` to `to` − 1, 64 at most, each from its local end (zero: the socket's own) to its remote end.
   * @returns datagrams sent, ≥ 1 unless there are none to send. Throws the first one's error (EAGAIN too).
   */
  udpSendBatch(
    fd: number,
    slab: Uint8Array,
    slotBytes: number,
    lengths: Int32Array,
    ends: Uint8Array,
    from: number,
    to: number,
  ): number;
  /** socket(SOCK_STREAM), non-blocking, not connected. */
  tcpOpen(isIpv6: boolean): Handle;
  /**
   * Calls `ready` on this thread's event loop each time `fd` becomes readable. Level-triggered once: after a call it stays quiet
   * until `rearm()`, which costs nothing when `ready` itself calls it. The watch keeps the event loop alive while it is armed.
   */
  watch(fd: number, ready: () => void): Watch;
  /** if_nametoindex(3); 0 if there is none. */
  ifNameToIndex(name: string): number;
  /** SIOCSIFMTU. netdevice(7). */
  linkSetMtu(name: string, mtu: number): void;
}

/** A running watch on a file descriptor. */
export interface Watch {
  rearm(): void;
  /** Ends it; no call comes after. A second call does nothing. */
  close(): void;
}
