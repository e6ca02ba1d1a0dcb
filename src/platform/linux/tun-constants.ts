// Numbers of linux/if_tun.h, and what each offload bit means. Owns no behaviour.

/** Flags of TUNSETIFF and TUNGETIFF. */
export const IFF_TUN = 0x0001;
export const IFF_MULTI_QUEUE = 0x0100;
export const IFF_PERSIST = 0x0800;
export const IFF_NO_PI = 0x1000;
export const IFF_VNET_HDR = 0x4000;
/** Fail with EBUSY if the interface exists already. */
export const IFF_TUN_EXCL = 0x8000;

/** Bits of TUNSETOFFLOAD: what we take from the kernel unfinished. */
export const TUN_F_CSUM = 0x01;
export const TUN_F_TSO4 = 0x02;
export const TUN_F_TSO6 = 0x04;
export const TUN_F_TSO_ECN = 0x08;
/** Since Linux 6.2. */
export const TUN_F_USO4 = 0x20;
export const TUN_F_USO6 = 0x40;

/** Longest interface name, IFNAMSIZ less its final NUL. */
export const MAX_NAME = 15;
