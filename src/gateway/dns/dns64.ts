// The DNS64 server (RFC 6147) as a service of the gateway: its parts put together, its settings changed while it runs, its end.
//
//     udp-listener ─┐                     ┌─ core/dns64/cache: an answer at once
//     tcp-listener ─┴─► responder ────────┤
//                       (who, how many)   └─ resolver ─► core/dns64: synthesis, reverse, ipv4only.arpa
//                                              └─► forwarders ─► forwarder ─► udp-exchange, stream-exchange

import { randomInt } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { Dns64Explanation, Dns64Report } from '../../contract/dns64.ts';
import { XlatError } from '../../contract/errors.ts';
import type { Log } from '../../contract/reasons.ts';
import { AnswerCache } from '../../core/dns64/cache.ts';
import { rcodeOf } from '../../core/dns64/message.ts';
import { nameFromText, nameText } from '../../core/dns64/name.ts';
import { CLASS_IN, rcodeName, typeName, typeNumber } from '../../core/dns64/numbers.ts';
import { makeRules, type SynthesisRules } from '../../core/dns64/rules.ts';
import type { Dns64Settings, DnsEndpoint } from '../../core/dns64/settings.ts';
import type { DnsPlatform } from '../../platform/dns-platform.ts';
import { selectDnsPlatform } from '../../platform/select.ts';
import type { GatewayService } from '../service.ts';
import { type Counters, makeCounters } from './counters.ts';
import { placeText } from './endpoint.ts';
import { Forwarders } from './forwarders.ts';
import { type Listening, openListening } from './listen.ts';
import { OwnQueries } from './own-queries.ts';
import { Resolver } from './resolver.ts';
import { Responder } from './responder.ts';
import { Connections } from './tcp-listener.ts';
import { collectSteps, recordsText, recordText } from './trace.ts';
import type { ListenerParts } from './udp-listener.ts';

/** The running DNS64 server. */
export interface Dns64Service extends GatewayService<Dns64Settings, Dns64Report> {
  /**
   * Finds an answer anew and tells how.
   * @param type a type's name, `TYPE…` for those without one
   * @throws XlatError USAGE for what is no name or type
   */
  explain(name: string, type: string): Promise<Dns64Explanation>;
}

/** What it needs besides its settings. */
export interface Dns64Options {
  readonly log: Log;
  /** Default: this machine's. */
  readonly platform?: DnsPlatform;
}

/** Seconds of a clock that never goes back. The first ones are above zero, which is no time. */
const nowS = (): number => Math.floor(performance.now() / 1000) + 1;
const SEED_MAX = 2 ** 32;

/**
 * Starts it.
 * @throws XlatError PORT_TAKEN, NOT_PERMITTED, CONFIG_INVALID; nothing is left then
 */
export async function startDns64(settings: Dns64Settings, options: Dns64Options): Promise<Dns64Service> {
  const server = new Server(settings, options.log, options.platform ?? (await selectDnsPlatform()));
  try {
    await server.listen(settings);
  } catch (cause) {
    await server.close();
    throw cause;
  }
  options.log.info(
    'dns-ready',
    { listen: settings.listen.length },
    `DNS64 answers on ${server.report().listen.join(', ')}`,
  );
  return server;
}

class Server implements Dns64Service {
  private settings: Dns64Settings;
  private rules: SynthesisRules;
  private cache: AnswerCache;
  private listening: readonly Listening[] = [];
  private isClosed = false;
  private readonly log: Log;
  private readonly platform: DnsPlatform;
  private readonly counters: Counters = makeCounters();
  private readonly forwarders: Forwarders;
  private readonly resolver: Resolver;
  private readonly responder: Responder;
  private readonly connections: Connections;

  constructor(settings: Dns64Settings, log: Log, platform: DnsPlatform) {
    const ownQueries = new OwnQueries();
    const { counters } = this;
    this.settings = settings;
    this.log = log;
    this.platform = platform;
    this.rules = makeRules(settings);
    this.cache = makeCache(settings);
    this.forwarders = new Forwarders(settings, { counters, ownQueries }, log);
    const cache = (): AnswerCache => this.cache;
    const common = { counters, nowS, cache };
    this.resolver = new Resolver({
      ...common,
      forwarders: this.forwarders,
      rules: () => this.rules,
      cacheSettings: () => this.settings.cache,
    });
    this.responder = new Responder(settings, { ...common, resolver: this.resolver, ownQueries, log });
    this.connections = new Connections(settings);
  }

  /** Listens where the settings want it and nowhere else. What listens already goes on. All or nothing. */
  async listen(settings: Dns64Settings): Promise<void> {
    refuseOwnAddress(settings);
    const before = this.listening;
    const kept = before.filter((each) => settings.listen.some((wanted) => isSame(wanted, each.endpoint)));
    const missing = settings.listen.filter((wanted) => !before.some((each) => isSame(wanted, each.endpoint)));
    const gone = before.filter((each) => !kept.includes(each));
    // All addresses and one of them cannot be listened on at once.
    const inTheWay = gone.filter(({ endpoint }) => missing.some((wanted) => isOverlapping(wanted, endpoint)));
    await Promise.all(inTheWay.map((each) => each.close()));
    try {
      this.listening = [...kept, ...(await this.openAll(missing))];
    } catch (cause) {
      const reopened = await this.openAll(inTheWay.map(({ endpoint }) => endpoint));
      this.listening = [...before.filter((each) => !inTheWay.includes(each)), ...reopened];
      throw cause;
    }
    await Promise.all(gone.map((each) => each.close()));
    for (const endpoint of missing) this.say(endpoint, 'queries are taken');
    for (const { endpoint } of gone) this.say(endpoint, 'no more queries are taken');
  }

  private say(endpoint: DnsEndpoint, what: string): void {
    const address = placeText(endpoint);
    this.log.debug('dns-listening', { address }, `${what} on ${address}`);
  }

  private async openAll(endpoints: readonly DnsEndpoint[]): Promise<Listening[]> {
    const opened: Listening[] = [];
    try {
      for (const endpoint of endpoints) opened.push(await this.open(endpoint));
      return opened;
    } catch (cause) {
      await Promise.all(opened.map((each) => each.close()));
      throw cause;
    }
  }

  private open(endpoint: DnsEndpoint): Promise<Listening> {
    const failed = (cause: Error): void => {
      const text = `${placeText(endpoint)} takes no more queries: ${cause.message}`;
      this.log.error('dns-listener-failed', { address: placeText(endpoint) }, text);
    };
    const parts: ListenerParts = { responder: this.responder, counters: this.counters, nowS, failed };
    return openListening(endpoint, this.platform, parts, this.connections);
  }

  async reconfigure(settings: Dns64Settings): Promise<void> {
    const rules = makeRules(settings);
    await this.listen(settings);
    const isOtherSize = settings.cache.maxBytes !== this.settings.cache.maxBytes;
    this.settings = settings;
    this.rules = rules;
    this.responder.reconfigure(settings);
    this.connections.reconfigure(settings);
    const areOthersAsked = this.forwarders.reconfigure(settings);
    if (isOtherSize) this.cache = makeCache(settings);
    // Another resolver may know other names; other rules make other synthetic records.
    else this.cache.forget(areOthersAsked);
    this.log.info('dns-changed', { forgot: isOtherSize || areOthersAsked }, 'DNS64 goes on with other settings');
  }

  report(): Dns64Report {
    return {
      listen: this.listening.map(({ endpoint }) => placeText(endpoint)),
      counters: { ...this.counters },
      forwarders: this.forwarders.report(),
      cache: this.cache.report(),
      outstanding: this.responder.outstanding,
      tcpConnections: this.connections.count,
    };
  }

  async explain(name: string, type: string): Promise<Dns64Explanation> {
    const wire = nameFromText(name);
    const number = typeNumber(type);
    if (wire === null) throw new XlatError('USAGE', 'explain a query', `${name} is no domain name`);
    if (number < 0) throw new XlatError('USAGE', 'explain a query', `${type} is no type of DNS records`);
    const { steps, trace } = collectSteps();
    this.traceCache(wire, number, trace);
    const { message, isSynthetic } = await this.resolver.explain(
      { name: wire, type: number, class: CLASS_IN },
      0,
      trace,
    );
    const rcode = rcodeName(rcodeOf(message));
    trace('answer', `${rcode}, ${recordsText(message.answers.length)}${isSynthetic ? ', synthetic' : ''}`);
    const answer = message.answers.map(recordText);
    return { name: nameText(wire), type: typeName(number), steps, rcode, isSynthetic, answer };
  }

  private traceCache(name: Uint8Array, type: number, trace: ReturnType<typeof collectSteps>['trace']): void {
    const at = this.cache.find(name, 0, name.length, type, 0);
    const left = at < 0 ? 0 : this.cache.expiresAt(at) - nowS();
    if (left > 0) trace('cache', `clients get this from the cache for ${left} s more; it is found anew here`);
    else trace('cache', at < 0 ? 'not in the cache' : 'in the cache, but at its end');
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    const wasRunning = this.listening.length > 0;
    await Promise.all(this.listening.map((each) => each.close()));
    this.connections.close();
    this.forwarders.close();
    if (wasRunning) this.log.info('dns-stopped', {}, 'DNS64 has ended');
  }
}

const makeCache = (settings: Dns64Settings): AnswerCache =>
  new AnswerCache(settings.cache.maxBytes, randomInt(SEED_MAX) | 0);

const isSame = (a: DnsEndpoint, b: DnsEndpoint): boolean => a.address === b.address && a.port === b.port;

const WILDCARDS: readonly string[] = ['::', '0.0.0.0'];

const isOverlapping = (a: DnsEndpoint, b: DnsEndpoint): boolean =>
  a.port === b.port && (WILDCARDS.includes(a.address) || WILDCARDS.includes(b.address));

/** A resolver that is this server itself would be asked by itself for ever. Longer circles are seen by their queries. */
function refuseOwnAddress({ listen, forwarders }: Dns64Settings): void {
  const own = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address));
  const isOwn = (forwarder: DnsEndpoint): boolean =>
    listen.some(
      ({ address, port }) =>
        port === forwarder.port &&
        (address === forwarder.address || (WILDCARDS.includes(address) && own.includes(forwarder.address))),
    );
  const found = forwarders.find(isOwn);
  if (found === undefined) return;
  throw new XlatError('CONFIG_INVALID', 'start DNS64', `the forwarder ${placeText(found)} is this server itself`, {
    advice: 'Name a resolver of your provider, or one that runs elsewhere.',
  });
}
