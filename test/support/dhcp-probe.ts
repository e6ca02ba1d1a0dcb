// A DHCPv4 client (RFC 2131) that asks and tells what it got: `node dhcp-probe.js '{"device": "host0", "asks": [1, 3, 108]}'` in
// the client's namespace. It configures nothing, so it needs no address. `asks: null` leaves the parameter request list out.

import { createSocket } from 'node:dgram';
import { fileURLToPath } from 'node:url';
import type { Netns } from './netns.ts';

/** What to ask for. */
export interface DhcpOrder {
  readonly device: string;
  /** Options of the parameter request list (55); null: no such list. */
  readonly asks: readonly number[] | null;
}

/** One answer: the address, and the options as hex by their number. */
export interface DhcpAnswer {
  readonly address: string;
  readonly options: Readonly<Record<string, string>>;
}

const [CLIENT_PORT, SERVER_PORT] = [68, 67];
const [OPTION_REQUESTED, OPTION_TYPE, OPTION_SERVER, OPTION_LIST, END] = [50, 53, 54, 55, 255];
const [DISCOVER, OFFER, REQUEST, ACK] = [1, 2, 3, 5];
const COOKIE = [0x63, 0x82, 0x53, 0x63];
const [YIADDR, OPTIONS] = [16, 240];
const TRANSACTION = 0x46400464;

/** RFC 2131 §2: the fixed part of a request that wants its answer broadcast. */
function message(type: number, { asks }: DhcpOrder, more: readonly (readonly number[])[]): Buffer {
  const fixed = Buffer.alloc(OPTIONS);
  fixed.set([1, 1, 6, 0]);
  fixed.writeUInt32BE(TRANSACTION, 4);
  fixed.writeUInt16BE(0x8000, 10);
  fixed.set([2, 0x46, 0x40, 0x46, 0x40, 1], 28);
  fixed.set(COOKIE, OPTIONS - 4);
  const list = asks === null ? [] : [[OPTION_LIST, asks.length, ...asks]];
  return Buffer.concat([fixed, Buffer.from([[OPTION_TYPE, 1, type], ...list, ...more, [END]].flat())]);
}

function answerOf(bytes: Buffer): DhcpAnswer {
  const options: Record<string, string> = {};
  for (let at = OPTIONS; at < bytes.length && bytes[at] !== END; at += bytes[at] === 0 ? 1 : 2 + (bytes[at + 1] ?? 0)) {
    if (bytes[at] !== 0) options[String(bytes[at])] = bytes.toString('hex', at + 2, at + 2 + (bytes[at + 1] ?? 0));
  }
  return { address: [...bytes.subarray(YIADDR, YIADDR + 4)].join('.'), options };
}

const bytesOf = (hex: string): number[] => [...Buffer.from(hex, 'hex')];

/** Discover, offer, request, acknowledgement. Sends again every second while nobody answers. */
async function ask(order: DhcpOrder): Promise<readonly [offer: DhcpAnswer, ack: DhcpAnswer]> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  await new Promise<void>((resolve) => socket.bind(CLIENT_PORT, resolve));
  socket.setBroadcast(true);
  const exchange = (request: Buffer, type: number): Promise<DhcpAnswer> =>
    new Promise((resolve) => {
      const send = (): void => socket.send(request, SERVER_PORT, '255.255.255.255');
      const again = setInterval(send, 1_000);
      const heard = (bytes: Buffer): void => {
        const answer = answerOf(bytes);
        if (bytes.readUInt32BE(4) !== TRANSACTION || answer.options[OPTION_TYPE] !== `0${type}`) return;
        clearInterval(again);
        socket.off('message', heard);
        resolve(answer);
      };
      socket.on('message', heard);
      send();
    });
  const offer = await exchange(message(DISCOVER, order, []), OFFER);
  const more = [
    [OPTION_REQUESTED, 4, ...offer.address.split('.').map(Number)],
    [OPTION_SERVER, 4, ...bytesOf(offer.options[OPTION_SERVER] ?? '')],
  ];
  const ack = await exchange(message(REQUEST, order, more), ACK);
  socket.close();
  return [offer, ack];
}

const PROGRAM = fileURLToPath(import.meta.url);

/** Asks from a namespace; the device must be up there. */
export async function askDhcp(ns: Netns, order: DhcpOrder): Promise<readonly [offer: DhcpAnswer, ack: DhcpAnswer]> {
  await ns.ip(`route replace 255.255.255.255 dev ${order.device}`);
  const out = await ns.run([process.execPath, PROGRAM, JSON.stringify(order)]);
  return JSON.parse(out) as readonly [DhcpAnswer, DhcpAnswer];
}

if (process.argv[1] === PROGRAM) {
  console.log(JSON.stringify(await ask(JSON.parse(process.argv[2] ?? '{}') as DhcpOrder)));
}
