// Text from elsewhere (networks, files, other programs) as a terminal, a log and a comment may get it.

/**
 * What would steer a terminal (C0, DEL, C1), turn the direction of writing, end a line for some readers, or is no character at
 * all; each is one UTF-16 unit.
 */
const UNPRINTABLE = '\\p{Cc}\\p{Cs}\\p{Bidi_Control}\\p{Zl}\\p{Zp}\\ufeff\\ufdd0-\\ufdef\\ufffe\\uffff';
const EACH = new RegExp(`[${UNPRINTABLE}]`, 'gu');

/** Each unprintable character becomes �, one for one; line ends and tabs, too. */
export const printable = (text: string): string => text.replaceAll(EACH, '\ufffd');

/** JSON text with every unprintable character escaped, not only those of C0: the same value. */
export const printableJson = (json: string): string =>
  json.replaceAll(EACH, (each) => (each === '\n' ? each : `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`));
