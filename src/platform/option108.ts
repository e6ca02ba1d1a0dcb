// Option 108 (RFC 8925, rule D-14): whether this host's DHCP client asks networks to leave it without IPv4. The DHCP client is the
// host's own, NetworkManager or systemd-networkd; it asks, waits V6ONLY_WAIT and starts anew on another network. Here it is only told
// whether to, and never without the user's word.

/** What a DHCP client is told. `default`: what its own configuration says of all networks; `auto`: where it has a CLAT of its own. */
export type Option108Setting = 'on' | 'off' | 'default' | 'auto';

/** Settings that can be chosen. */
export type Option108Choice = Exclude<Option108Setting, 'auto'>;

/** Programs that run DHCP clients. */
export type DhcpProgramName = 'NetworkManager' | 'systemd-networkd';

/** An interface that gets its IPv4 address by DHCP. */
export interface Option108Link {
  readonly interfaceName: string;
  /** Who asks. */
  readonly program: DhcpProgramName;
  readonly version: string;
  /** What the program calls its settings of this network. */
  readonly profile: string;
  readonly setting: Option108Setting;
  /** Why it cannot be told; null: it can. */
  readonly obstacle: string | null;
}

/** A program that runs DHCP clients. */
export interface DhcpProgram {
  /** Its interfaces; none where it does not run. */
  links(): Promise<readonly Option108Link[]>;
  /** Changes one interface, at once. @throws XlatError HOST_CHANGE_FAILED, NOT_PERMITTED */
  set(link: Option108Link, choice: Option108Choice): Promise<void>;
}
