// One UDP flow from one socket for as long as the process lives, as a call or a game has it: `node flow.js SERVER` sends a datagram
// to the echo port every 100 ms and prints, each half second, how many came back so far.

import { createSocket } from 'node:dgram';

const ECHO_PORT = 7;
const SEND_MS = 100;
const PRINT_MS = 500;

const [server] = process.argv.slice(2);
const socket = createSocket('udp4');
let answered = 0;
socket.on('message', () => {
  answered += 1;
});
// No route, a port unreachable: the network is away, and the flow goes on.
socket.on('error', () => undefined);
setInterval(() => socket.send('x', ECHO_PORT, server, () => undefined), SEND_MS);
setInterval(() => process.stdout.write(`${answered}\n`), PRINT_MS);
