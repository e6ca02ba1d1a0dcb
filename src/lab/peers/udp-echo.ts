// The lab's UDP echo server (RFC 862).

import { createSocket, type Socket } from 'node:dgram';

/** A socket that sends back what it gets once it is bound. */
export function makeUdpEcho(): Socket {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => socket.send(message, from.port, from.address));
  return socket;
}
