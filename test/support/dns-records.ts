// Records and zones for DNS tests, in the words of dns-packet.

import type { Answer } from 'dns-packet';
import type { Entry, Zone } from './dns-upstream.ts';

type Make = (name: string, data: string, ttl?: number) => Answer;

export const a: Make = (name, data, ttl = 300) => ({ type: 'A', name, ttl, data });
export const aaaa: Make = (name, data, ttl = 300) => ({ type: 'AAAA', name, ttl, data });
export const cname: Make = (name, data, ttl = 300) => ({ type: 'CNAME', name, ttl, data });
export const dname: Make = (name, data, ttl = 300) => ({ type: 'DNAME', name, ttl, data });
export const ptr: Make = (name, data, ttl = 300) => ({ type: 'PTR', name, ttl, data });
export const txt: Make = (name, data, ttl = 300) => ({ type: 'TXT', name, ttl, data });

/** A zone whose negative answers may be kept for 120 s, unless told otherwise. */
export const zone = (entries: Readonly<Record<string, Entry>>, soa: Zone['soa'] = [900, 120]): Zone => ({
  soa,
  entries,
});
