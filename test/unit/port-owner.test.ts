// Who has a port, asked of the kernel about sockets of this very process.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { portOwner } from '../../src/platform/linux/port-owner.ts';

const THIS = new RegExp(`^\\S.* \\(process ${process.pid}\\)$`);

/** Listens on an address. @returns the port */
async function listening(t: TestContext, address: string): Promise<number> {
  const server = createServer().listen(0, address);
  t.after(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('the owner of a port', () => {
  it('is who has it at that IPv4 address, and not who has it at another one', async (t) => {
    const port = await listening(t, '127.0.0.2');
    assert.match(portOwner('tcp', { address: '127.0.0.2', port }) ?? '', THIS);
    assert.equal(portOwner('tcp', { address: '127.0.0.3', port }), null);
    assert.equal(portOwner('udp', { address: '127.0.0.2', port }), null);
  });

  it('is who has it at that IPv6 address, however it is written', async (t) => {
    const port = await listening(t, '::1');
    for (const address of ['::1', '0:0::1', '::1%lo']) assert.match(portOwner('tcp', { address, port }) ?? '', THIS);
    assert.equal(portOwner('tcp', { address: '2001:db8::1', port }), null);
  });

  it('is who has it at all addresses', async (t) => {
    const port = await listening(t, '0.0.0.0');
    assert.match(portOwner('tcp', { address: '192.0.2.1', port }) ?? '', THIS);
  });

  it('is found for UDP, too', async (t) => {
    const socket = createSocket('udp4').bind(0, '127.0.0.2');
    t.after(() => socket.close());
    await once(socket, 'listening');
    assert.match(portOwner('udp', { address: '127.0.0.2', port: socket.address().port }) ?? '', THIS);
  });
});
