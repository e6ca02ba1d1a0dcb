// Which process has a port: /proc/net names the socket, /proc/<pid>/fd the process that holds it (proc(5)).

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { SocketAddress } from 'node:net';
import { endianness } from 'node:os';
import type { SocketPlace } from '../dns-platform.ts';

/** TCP_LISTEN in linux/tcp_states.h, as /proc/net/tcp writes it. */
const LISTENING = '0A';
const STATE = 3;
const INODE = 9;

/** A file's lines; none for one that is not there or has just gone. */
function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return []; // a system without IPv6, or a process that has ended
  }
}

/** Addresses that take the port of every other one. */
const ANY: readonly string[] = ['0.0.0.0', '::'];

/** One spelling for each address; its zone is of no account here. */
const canonical = (address: string): string =>
  new SocketAddress({ address: address.replace(/%.*/, ''), family: address.includes(':') ? 'ipv6' : 'ipv4' }).address;

/** Reads `0100007F:0035`: the kernel's words of four bytes, each in the byte order of the machine. */
function addressOf(local: string): string {
  const isSwapped = endianness() === 'LE';
  const words = local.match(/[\dA-F]{8}/g) ?? [];
  const bytes = words.flatMap((word) => {
    const four = word.match(/../g) ?? [];
    return isSwapped ? four.reverse() : four;
  });
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.');
  return canonical((bytes.join('').match(/.{4}/g) ?? []).join(':'));
}

/** The socket numbers of those that have a port of an address, by itself or with all others. */
function socketsOf(protocol: 'udp' | 'tcp', { address, port }: SocketPlace): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inTheWay = [canonical(address), ...ANY];
  const rows = [protocol, `${protocol}6`].flatMap((file) => linesOf(`/proc/net/${file}`).slice(1));
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(
      ([, local = '']) => local.endsWith(suffix) && (ANY.includes(address) || inTheWay.includes(addressOf(local))),
    )
    .filter((cells) => protocol === 'udp' || cells[STATE] === LISTENING)
    .flatMap((cells) => cells[INODE] ?? []);
}

/** What the open files of a process are; nothing for one that has ended or is not ours to look at. */
function openFilesOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  } catch {
    return [];
  }
}

function linkOf(path: string): string[] {
  try {
    return [readlinkSync(path)];
  } catch {
    return []; // closed meanwhile
  }
}

/** Who has an address's port in this network namespace: "unbound (process 812)"; null when that cannot be found out. */
export function portOwner(protocol: 'udp' | 'tcp', place: SocketPlace): string | null {
  const wanted = new Set(socketsOf(protocol, place).map((inode) => `socket:[${inode}]`));
  if (wanted.size === 0) return null;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const pid = pids.find((candidate) => openFilesOf(candidate).some((file) => wanted.has(file)));
  return pid === undefined ? null : `${linesOf(`/proc/${pid}/comm`)[0] || 'a program'} (process ${pid})`;
}
