// All proofs, in the order of the table.

import { checksums } from './checksums.ts';
import { esp, fragments, sctp, udp, udpWithoutChecksum } from './datagram.ts';
import { discovered, sessions, withoutClat } from './gateway.ts';
import { dns64, httpLiteral, largeDownload, largeUpload } from './http.ts';
import { mtr, pathMtu, traceroute } from './path.ts';
import { pingLiteral, pingSizes, withoutClient } from './ping.ts';
import type { Proof } from './proof.ts';
import { cleanStop } from './stop.ts';

export const PROOFS: readonly Proof[] = [
  withoutClient,
  withoutClat,
  discovered,
  pingLiteral,
  pingSizes,
  httpLiteral,
  dns64,
  traceroute,
  mtr,
  udp,
  udpWithoutChecksum,
  fragments,
  sctp,
  esp,
  largeDownload,
  largeUpload,
  checksums,
  pathMtu,
  sessions,
  cleanStop,
];
