// The lab's web server: a greeting that names the caller's address, a large download, and an upload that answers with a hash.

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pattern } from './pattern.ts';

/** What the upload answers. */
export interface UploadReceipt {
  readonly bytes: number;
  readonly sha256: string;
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of request) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  const receipt: UploadReceipt = { bytes, sha256: hash.digest('hex') };
  response.end(JSON.stringify(receipt));
}

async function send(bytes: number, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes });
  await pipeline(Readable.from(pattern(bytes)), response);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const size = /^\/bytes\/(\d{1,12})$/.exec(request.url ?? '')?.[1];
  if (request.method === 'PUT') await receive(request, response);
  else if (size !== undefined) await send(Number(size), response);
  else response.end(`hello ${request.socket.remoteAddress} from ${request.socket.localAddress}\n`);
}

/** A server that is ready to listen. A transfer that breaks off ends its own connection only. */
export function makeHttpServer(): Server {
  return createServer((request, response) => {
    answer(request, response).catch((error: Error) => {
      process.stderr.write(`http: ${request.url}: ${error.message}\n`);
      response.destroy();
    });
  });
}
