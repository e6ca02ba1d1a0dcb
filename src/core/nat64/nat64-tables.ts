// All tables of one NAT64, and the changes that touch more than one of them: a session counts in its binding, its host and its
// network; a binding holds a port of the pool and a place in the log. Read first: nat64-state.ts, which decides; this carries out.
//
//     host (IPv6 address) ◄── binding (port6 ⇄ IPv4, port4) ◄── session (remote address and port, state) ──► wheel
//        │                        │
//     network (/64)            port of the pool
//
// Times are milliseconds of any clock that does not jump, kept modulo 2^32.

import { VERDICTS } from '../translate/verdict.ts';
import { Bib, HOLDS_PORT, IS_CONFIGURED, IS_DEAD, IS_STATIC, MAX_BINDINGS } from './bib.ts';
import { tickOf, WHEEL_SLOTS } from './expiry-wheel.ts';
import { HeldSyns } from './held-syns.ts';
import { Hosts } from './hosts.ts';
import { MAPPING_ENDED, MAPPING_MADE, MappingLog } from './mapping-log.ts';
import { PortBlocks } from './port-blocks.ts';
import { PortPool } from './port-pool.ts';
import { KEEPS_BINDING, KEPT, KEPT_ESTABLISHED, lifetimesOf, PERMISSION } from './session-state.ts';
import { NO_SESSION_KEY, SessionTable } from './session-table.ts';
import type { Nat64Protocol, Nat64Settings } from './settings.ts';
import { ESTABLISHED } from './tcp-state.ts';

/** Bindings that the operator may make, in all. */
export const MAX_STATIC_BINDINGS = 65_536;
/** The highest limit of sessions. */
const MAX_SESSIONS = MAX_BINDINGS - MAX_STATIC_BINDINGS;

/** Numbers of one NAT64, as of now or since its start. */
export interface Nat64Counters {
  readonly sessions: number;
  readonly openedSessions: number;
  readonly bindings: Readonly<Record<Nat64Protocol, number>>;
  readonly madeBindings: number;
  readonly staticBindings: number;
  readonly freePorts: Readonly<Record<Nat64Protocol, number>>;
  readonly hosts: number;
  readonly networks: number;
  readonly heldSyns: number;
  /** Packets that opened nothing because of a limit. */
  readonly refused: {
    readonly portsExhausted: number;
    readonly sessionLimit: number;
    readonly hostLimit: number;
    readonly networkLimit: number;
    readonly rateLimit: number;
    readonly synLimit: number;
  };
  /** Records of the mapping log that found no room. */
  readonly logRecordsLost: number;
  /** Memory of the tables that is in use. */
  readonly memoryBytes: number;
}

/** The key of what keeps a restored binding. */
const KEPT_KEY = NO_SESSION_KEY | 1;

/** The tables. One thread uses them; never throws after construction, but for settings that cannot be. */
export class Nat64Tables {
  settings: Nat64Settings;
  readonly hosts: Hosts;
  readonly bib: Bib;
  readonly sessions: SessionTable;
  readonly random: () => number;
  pool: PortPool;
  held: HeldSyns;
  /** Null: nothing is logged. */
  log: MappingLog | null;
  /** By state, in milliseconds. */
  lifetimes: Int32Array;
  isAddressDependent: boolean;
  /** Sessions, permissions not among them. */
  sessionCount = 0;
  /** Sessions that were opened, and bindings that were made, ever. */
  openedSessions = 0;
  madeBindings = 0;
  /** Addresses of static bindings (signed), and how many each has. */
  readonly staticAddresses = new Map<number, number>();
  staticCount = 0;
  /** By verdict: packets that opened nothing because of a limit. */
  readonly refused = new Float64Array(VERDICTS.length);
  /** The row that the sweep looks at next, or 0: none is under way. See {@link sweep}. */
  private sweepRow = 0;

  /** @throws RangeError for a pool, limits or port blocks that cannot be */
  constructor(settings: Nat64Settings, random: () => number, nowMs: number) {
    const { sessions } = settings.limits;
    if (!(sessions >= 1 && sessions <= MAX_SESSIONS)) throw new RangeError(`${sessions} sessions`);
    this.settings = settings;
    this.random = random;
    const bindings = sessions + MAX_STATIC_BINDINGS;
    this.hosts = new Hosts(bindings, settings.limits, random);
    this.bib = new Bib(bindings, this.hosts, random);
    this.sessions = new SessionTable(this.rows(settings), this.bib, random, nowMs);
    this.held = new HeldSyns(settings.limits.heldSyns, random);
    this.lifetimes = lifetimesOf(settings.timers);
    this.isAddressDependent = settings.filtering === 'address-dependent';
    this.log = settings.mappingLog === 'off' ? null : new MappingLog();
    this.pool = this.makePool(settings, this.log);
  }

  /** Applies what costs nothing: limits, timers, filtering. */
  set(settings: Nat64Settings): void {
    this.settings = settings;
    this.lifetimes = lifetimesOf(settings.timers);
    this.isAddressDependent = settings.filtering === 'address-dependent';
    this.hosts.limit(settings.limits);
  }

  /** Makes room for what settings allow. @throws RangeError for more sessions than there can be */
  grow(settings: Nat64Settings): void {
    const { sessions } = settings.limits;
    if (!(sessions >= 1 && sessions <= MAX_SESSIONS)) throw new RangeError(`${sessions} sessions`);
    this.hosts.grow(sessions + MAX_STATIC_BINDINGS);
    this.bib.grow(sessions + MAX_STATIC_BINDINGS);
    this.sessions.grow(this.rows(settings));
  }

  /** A pool of all ports free. @throws RangeError for one that cannot be */
  makePool(settings: Nat64Settings, log: MappingLog | null): PortPool {
    const pool = new PortPool(settings.pool, this.hosts, this.random);
    if (settings.mappingLog === 'port-block' && log !== null) {
      const capacity = Math.max(this.hosts.capacity, settings.limits.sessions + MAX_STATIC_BINDINGS);
      pool.blocks = new PortBlocks(settings.portBlock, pool.addresses, this.hosts, capacity, log);
    }
    return pool;
  }

  /** Opens a session that there is not yet. */
  openSession(binding: number, remote4: number, remotePort: number, state: number, nowMs: number): number {
    const row = this.sessions.add(binding, remote4, remotePort, state, nowMs | 0);
    this.sessions.wheel.add(row, tickOf(nowMs + this.lifetimes[state]));
    this.bib.addSessions(binding, 1);
    this.bib.addKeeping(binding, KEEPS_BINDING[state]);
    this.hosts.addSessions(this.bib.host(binding), 1);
    this.sessionCount++;
    this.openedSessions++;
    if (this.isAddressDependent && state !== KEPT && state !== KEPT_ESTABLISHED) this.permit(row);
    return row;
  }

  /**
   * Closes a session. With the last one that keeps it ends a binding that nobody made by hand; those that strangers opened on it
   * are found by no packet from then on, and count until their own short time is over.
   */
  closeSession(row: number): void {
    const { sessions, bib } = this;
    const binding = sessions.binding(row);
    const keeping = bib.addKeeping(binding, -KEEPS_BINDING[sessions.state(row)]);
    sessions.wheel.remove(row);
    if (sessions.isPermitting(row)) this.unpermit(binding, sessions.remote4(row));
    sessions.remove(row);
    this.sessionCount--;
    this.hosts.addSessions(bib.host(binding), -1);
    const left = bib.addSessions(binding, -1);
    if (bib.flags(binding, IS_DEAD) === 0) {
      if (keeping === 0 && bib.flags(binding, IS_STATIC | IS_CONFIGURED) === 0) this.endBinding(binding);
    } else if (left === 0) this.discard(binding);
  }

  /** Brings a session to another state; one whose time ends sooner there is moved in the wheel. */
  changeState(row: number, state: number, nowMs: number): void {
    const { sessions, lifetimes } = this;
    const before = sessions.state(row);
    const isSooner = lifetimes[state] < lifetimes[before];
    this.bib.addKeeping(sessions.binding(row), KEEPS_BINDING[state] - KEEPS_BINDING[before]);
    sessions.setState(row, state);
    if (isSooner) this.moveInWheel(row, nowMs);
  }

  /** The tick at which a session's time is over as it stands. */
  endTick(row: number, nowMs: number): number {
    const { sessions } = this;
    const idleMs = (nowMs - sessions.seen(row)) | 0;
    return tickOf(Math.floor(nowMs) - idleMs + this.lifetimes[sessions.state(row)]);
  }

  /** Whether a session that ran out is worth a probe: established, and its binding is not gone. */
  wantsProbe(row: number): boolean {
    const { sessions, bib } = this;
    return sessions.state(row) === ESTABLISHED && bib.flags(sessions.binding(row), IS_DEAD) === 0;
  }

  /** Puts a session where its time ends. */
  moveInWheel(row: number, nowMs: number): void {
    this.sessions.wheel.remove(row);
    this.sessions.wheel.add(row, this.endTick(row, nowMs));
  }

  /** Makes a binding of a host that has a record. `flags`: IS_* of bib.ts */
  addBinding(proto: number, host: number, port6: number, ipv4: number, port4: number, flags: number): number {
    const binding = this.bib.add(proto, host, port6, ipv4, port4, flags);
    this.hosts.addBindings(host, 1);
    this.madeBindings++;
    if (this.log !== null) this.logBinding(MAPPING_MADE, binding);
    return binding;
  }

  /** Ends a binding: no packet finds it, its port is free. Its sessions, if it has any, go with the next sweep. */
  killBinding(binding: number): void {
    if (this.bib.sessions(binding) !== 0) this.startSweep();
    this.endBinding(binding);
  }

  /** The same; sessions that it has go when their time is over. */
  private endBinding(binding: number): void {
    const { bib } = this;
    if (this.log !== null) this.logBinding(MAPPING_ENDED, binding);
    bib.kill(binding);
    if (bib.flags(binding, HOLDS_PORT) !== 0)
      this.pool.release(bib.protocol(binding), bib.ipv4(binding), bib.port4(binding), bib.host(binding));
    if (bib.sessions(binding) === 0) this.discard(binding);
  }

  /** Logs a mapping; where blocks are logged, only one that lies in no block of its host. */
  logBinding(what: number, binding: number): void {
    const { bib, hosts, settings } = this;
    const proto = bib.protocol(binding);
    const host = bib.host(binding);
    const [ipv4, port4] = [bib.ipv4(binding), bib.port4(binding)];
    const isInBlock = bib.flags(binding, HOLDS_PORT) !== 0 && this.pool.isInOwnBlock(proto, ipv4, port4, host);
    if (settings.mappingLog === 'port-block' && isInBlock) return;
    const [w0, w1, w2, w3] = [hosts.word(host, 0), hosts.word(host, 1), hosts.word(host, 2), hosts.word(host, 3)];
    this.log?.write(what, proto, w0, w1, w2, w3, bib.port6(binding), ipv4, port4, port4);
  }

  /** Takes the record of a host out that has no binding. */
  removeHost(host: number): void {
    this.pool.blocks?.forget(host);
    this.hosts.remove(host);
  }

  /** Lets a restored binding wait for its host: as long as a TCP connection may be idle where it had one, or some minutes. */
  keep(binding: number, hadConnection: boolean, nowMs: number): void {
    this.openSession(binding, 0, KEPT_KEY, hadConnection ? KEPT_ESTABLISHED : KEPT, nowMs);
  }

  /** Whether a restored binding still waits for a TCP connection. */
  awaitsConnection(binding: number): boolean {
    const row = this.sessions.find(binding, 0, KEPT_KEY);
    return row !== 0 && this.sessions.state(row) === KEPT_ESTABLISHED;
  }

  /** A restored binding's connection is taken up: from now on it has to last by itself. Others have some minutes. */
  takeUp(binding: number, nowMs: number): void {
    if (this.awaitsConnection(binding)) this.changeState(this.sessions.find(binding, 0, KEPT_KEY), KEPT, nowMs);
  }

  /** Whether a binding has a session with this address, whatever the port. Known where filtering asks for it. */
  isPermitted(binding: number, remote4: number): boolean {
    return this.sessions.find(binding, remote4, NO_SESSION_KEY) !== 0;
  }

  /** Begins to look at every session once: dead bindings' sessions go, times and permissions follow changed settings. */
  startSweep(): void {
    this.sweepRow = WHEEL_SLOTS;
  }

  /** Goes on with the sweep, at most `budget` rows. @returns whether it is over */
  sweep(budget: number, nowMs: number): boolean {
    const { sessions, bib } = this;
    for (let left = budget; this.sweepRow !== 0; left--) {
      if (left === 0) return false;
      const row = this.sweepRow;
      this.sweepRow = row >= sessions.top ? 0 : row + 1;
      const binding = row > sessions.top ? 0 : sessions.binding(row);
      if (binding === 0 || sessions.state(row) === PERMISSION) continue;
      if (bib.flags(binding, IS_DEAD) !== 0) this.closeSession(row);
      else this.revise(row, nowMs);
    }
    return true;
  }

  /** Sets the time for the log and for ports that rest. */
  setTime(nowMs: number): void {
    this.pool.setTime(nowMs);
    if (this.log !== null) this.log.nowMs = nowMs;
  }

  /** Bytes in use; what is reserved and was never touched does not count. */
  get bytes(): number {
    return this.hosts.bytes + this.bib.bytes + this.sessions.bytes + this.pool.bytes + this.held.bytes;
  }

  private revise(row: number, nowMs: number): void {
    const { sessions } = this;
    const state = sessions.state(row);
    const isSession = state !== KEPT && state !== KEPT_ESTABLISHED;
    if (this.isAddressDependent && isSession && !sessions.isPermitting(row)) this.permit(row);
    this.moveInWheel(row, nowMs);
  }

  private permit(row: number): void {
    const { sessions } = this;
    const binding = sessions.binding(row);
    const remote4 = sessions.remote4(row);
    let permission = sessions.find(binding, remote4, NO_SESSION_KEY);
    if (permission === 0) permission = sessions.add(binding, remote4, NO_SESSION_KEY, PERMISSION, 0);
    sessions.setSeen(permission, sessions.seen(permission) + 1);
    sessions.setPermitting(row);
  }

  private unpermit(binding: number, remote4: number): void {
    const { sessions } = this;
    const permission = sessions.find(binding, remote4, NO_SESSION_KEY);
    const left = sessions.seen(permission) - 1;
    sessions.setSeen(permission, left);
    if (left === 0) sessions.remove(permission);
  }

  private discard(binding: number): void {
    const host = this.bib.host(binding);
    this.bib.discard(binding);
    if (this.hosts.addBindings(host, -1) === 0) this.removeHost(host);
  }

  /** Rows of sessions that settings ask for: each may need a permission besides. */
  private rows(settings: Nat64Settings): number {
    return settings.limits.sessions * (settings.filtering === 'address-dependent' ? 2 : 1);
  }
}
