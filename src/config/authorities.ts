// Certificates of authorities in a file, PEM (RFC 7468): what else the file holds, a private key say, is left out.

import { X509Certificate } from 'node:crypto';
import { bad, good, type TextResult } from './fields.ts';

/** What may make this program's memory grow. */
const BYTES_MAX = 1024 * 1024;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Picks the certificates out of a file's text; every one of them must be good. Never throws. */
export function authoritiesIn(content: string): TextResult<string> {
  const advice = 'name a file of certificates in PEM, "-----BEGIN CERTIFICATE-----"';
  if (content.length > BYTES_MAX) return bad('is longer than 1 MiB', advice);
  const certificates = content.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) return bad('names a file without a certificate', advice);
  const broken = certificates.findIndex((text) => !isCertificate(text));
  if (broken < 0) return good(`${certificates.join('\n')}\n`);
  return bad(`names a file whose certificate ${broken + 1} cannot be read`, advice);
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).subject !== undefined;
  } catch {
    return false; // said by the caller
  }
}
