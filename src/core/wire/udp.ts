// UDP header, RFC 768.
//
//     +-------------------------------+-------------------------------+
//     |          Source Port          |       Destination Port        |
//     +-------------------------------+-------------------------------+
//     |            Length             |            Checksum           |
//     +-------------------------------+-------------------------------+

/** Length of the header. */
export const UDP_HEADER = 8;

// Offsets from the header's first byte. UDP-Lite (RFC 3828 §3.1) and DCCP (RFC 4340 §5.1) have their checksums there, too.
export const UDP_LENGTH = 4;
export const UDP_CHECKSUM = 6;
