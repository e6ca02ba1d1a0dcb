// The program of the lab's server namespace: HTTP on port 80, DNS on port 53, UDP echo on port 7, in one process.
// Usage: main.js HTTP-AND-ECHO-ADDRESS DNS-ADDRESS; prints "ready" when all of them listen.

import { once } from 'node:events';
import { makeDnsServer } from './dns.ts';
import { makeHttpServer } from './http.ts';
import { makeUdpEcho } from './udp-echo.ts';

const [address, dnsAddress] = process.argv.slice(2);
if (address === undefined || dnsAddress === undefined) throw new Error('usage: main.js ADDRESS DNS-ADDRESS');
const http = makeHttpServer().listen(80, address);
const dns = makeDnsServer().bind(53, dnsAddress);
const echo = makeUdpEcho().bind(7, address);
const listening = Promise.all([http, dns, echo].map((server) => once(server, 'listening')));
void listening.then(() => process.stdout.write('ready\n'));
