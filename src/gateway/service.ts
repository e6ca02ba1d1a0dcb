// What the gateway's parts on the main thread have in common: DNS64, router advertisements, DHCPv4, host set-up. The NAT64 itself
// is a data plane (src/dataplane) in a thread of its own.

/**
 * A running part of the gateway. It is made by an async `start…` function that either returns it running or has taken
 * everything down again when it throws.
 */
export interface GatewayService<Settings, Report> {
  /**
   * Goes over to new settings without losing what still holds (rule N-12).
   * @throws XlatError when they cannot be had; the old ones go on then
   */
  reconfigure(settings: Settings): Promise<void>;
  /** What it does and how it is, for status and metrics. Never throws. */
  report(): Report;
  /** Ends it and waits until it has; a second call does nothing. */
  close(): Promise<void>;
}
