// Answers one packet of a raw IP protocol: the payload on standard input, the answer on standard output. socat holds the raw
// socket, which Node cannot open, and starts this program for each packet.
// Usage: raw-answer.js sctp|echo

import { readSync, writeSync } from 'node:fs';
import { checkInit, INIT, makeInitAck } from './sctp.ts';

const buffer = new Uint8Array(65_536);
const packet = buffer.slice(0, readSync(0, buffer));
if (process.argv[2] === 'sctp') {
  if (checkInit(packet) === INIT) writeSync(1, makeInitAck(packet));
} else {
  writeSync(1, packet);
}
