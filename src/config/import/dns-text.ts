// Name servers as our configuration writes them: `192.0.2.53`, `[2001:db8::53]:5353`, `tls://192.0.2.53#dns.example`.

import type { Draft } from './draft.ts';
import type { Statement } from './source.ts';

const DNS_PORT = '53';
const TLS_PORT = '853';

/** An address with its port, which is left out where it is the usual one. Neither is checked. */
export function endpointText(address: string, port: string, usual: string = DNS_PORT): string {
  if (port === usual || port === '') return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A forwarder with TLS, named as its certificate is. */
export const tlsForwarderText = (address: string, port: string, name: string): string =>
  `tls://${endpointText(address, port, TLS_PORT)}#${name}`;

/** Adds to `dns64.listen`; all addresses and names of interfaces are what `auto` is for. */
export function addListener(draft: Draft, address: string, port: string, from: Statement): void {
  if (/^(0\.0\.0\.0|::0?|\*)$/.test(address)) {
    draft.warn(from, 'this server listens on the addresses of the LAN interfaces, not on all');
  } else if (/^[a-z][\w.-]*$/i.test(address) && !address.includes(':')) {
    draft.warn(from, 'names an interface: this server listens on those of lan');
  } else draft.add('dns64.listen', endpointText(address, port), from);
}
