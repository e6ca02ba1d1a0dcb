// The screen of `xlat464 discover`: a report as lines of text, for 80 columns. Pure. Read first: contract/discovery.ts.

import type {
  AdvertisementCounts,
  DiscoveryReport,
  InterfaceReport,
  ResolverReport,
  RouterReport,
} from '../../contract/discovery.ts';
import { paint } from '../terminal.ts';
import { duration, wrap } from './format.ts';

const COLUMNS = 80;
const LABEL = 12;

const NO_LISTENING = 'router advertisements cannot be heard without CAP_NET_RAW; run it as root';
const NO_ROUTER = 'none answered. Is this the right network, and does it have an IPv6 router?';
const NO_RESOLVER = 'this network named no resolver that could be asked';
const NO_PREFIX =
  'No NAT64 prefix was found. Where the network has one, its router announces it (RFC 8781) or its resolver shows it ' +
  '(RFC 7050); if you know it: xlat464 client --prefix PREFIX';

/** Text behind a label, wrapped, the label only before the first line. */
const labelled = (label: string, text: string): string[] =>
  wrap(text, COLUMNS - LABEL).map((line, i) => `${(i === 0 ? `  ${label}` : '').padEnd(LABEL)}${line}`);

const left = (seconds: number | null): string => (seconds === null ? '' : `, ${duration(seconds * 1000)} left`);

const SOURCES = { static: 'by configuration', ra: 'announced by', dns: 'shown by' } as const;

function chosenLines({ chosen, why }: InterfaceReport, colour: boolean): string[] {
  if (chosen === null) return labelled('PREF64', why).map((line) => paint(line, 33, colour));
  const { prefix, source, origin, secondsLeft, isReachable } = chosen;
  const from = source === 'static' ? SOURCES.static : `${SOURCES[source]} ${origin}`;
  const reach = isReachable === null ? '' : isReachable ? '; reachable' : '; the connectivity check failed';
  const lines = labelled('PREF64', `${prefix} ${from}${left(secondsLeft)}${reach}`);
  return [...lines.map((line) => paint(line, 32, colour)), ...labelled('', `chosen: ${why}`)];
}

function routerLines(router: RouterReport): string[] {
  const { preference, routerLifetimeSeconds, heardSecondsAgo, isSilent, pref64, resolvers, mtuBytes } = router;
  const mtu = mtuBytes === null ? '' : `, MTU ${mtuBytes}`;
  const heard = `${duration(heardSecondsAgo * 1000)} ago${isSilent ? ', does not answer any more' : ''}`;
  const rank = routerLifetimeSeconds === 0 ? 'no default router' : `preference ${preference}`;
  return [
    ...labelled('router', `${router.router}, ${rank}, heard ${heard}${mtu}`),
    ...(pref64.length === 0 ? labelled('', '  announces no NAT64 prefix') : []),
    ...pref64.flatMap((p) => labelled('', `  PREF64 ${p.prefix}${left(p.secondsLeft)}`)),
    ...resolvers.flatMap((resolver) => labelled('', `  resolver ${resolver}`)),
  ];
}

/** Who named a resolver, for a person. */
const NAMED_BY: Readonly<Record<string, string>> = { ra: 'a router' };

function answerOf({ state, prefixes, secondsLeft, why }: ResolverReport): string {
  switch (state) {
    case 'prefixes':
      return `${prefixes.join(', ')}${left(secondsLeft)}`;
    case 'no-nat64':
      return `no NAT64 (${why})`;
    case 'failed':
      return `did not answer (${why})`;
    case 'asking':
      return 'has not answered yet';
    case 'not-asked':
      return 'not asked: a router announces a prefix';
  }
}

const resolverLines = (report: ResolverReport): string[] => [
  ...labelled('resolver', `${report.resolver}, named by ${NAMED_BY[report.from] ?? report.from}`),
  ...labelled('', `  ${answerOf(report)}`),
];

const leftOutLines = ({ resolversLeftOut: count }: InterfaceReport): string[] =>
  count === 0 ? [] : labelled('', `and ${count} more, not asked: too many are named`);

/** What was not taken, and why; nothing when all was well. */
function refusedLines(counts: AdvertisementCounts): string[] {
  const reasons: readonly (readonly [number, string])[] = [
    [counts.hopLimit, 'with a hop limit below 255'],
    [counts.source, 'from no link-local address'],
    [counts.malformed, 'malformed'],
    [counts.options, 'malformed options'],
    [counts.prefixes, 'prefixes unusable or too many'],
    [counts.floods, 'floods, in which some were not looked at'],
  ];
  const words = reasons.filter(([count]) => count > 0).map(([count, reason]) => `${count} ${reason}`);
  return words.length === 0 ? [] : labelled('refused', words.join(', '));
}

function listeningLines({ listening, trouble, routers }: InterfaceReport): string[] {
  if (listening === 'not-permitted') return labelled('router', NO_LISTENING);
  if (listening === 'failed') return labelled('router', `not heard: ${trouble}`);
  return [
    ...(routers.length === 0 ? labelled('router', NO_ROUTER) : []),
    ...(trouble === null ? [] : labelled('trouble', trouble)),
  ];
}

function interfaceLines(report: InterfaceReport, colour: boolean): string[] {
  return [
    paint(report.name, 1, colour),
    ...chosenLines(report, colour),
    ...listeningLines(report),
    ...report.routers.flatMap(routerLines),
    ...(report.resolvers.length === 0 ? labelled('resolver', NO_RESOLVER) : []),
    ...report.resolvers.flatMap(resolverLines),
    ...leftOutLines(report),
    ...refusedLines(report.advertisements),
    '',
  ];
}

/** A report as it is a while later, when nothing but time has passed. */
export function agedReport(report: DiscoveryReport, ms: number): DiscoveryReport {
  const seconds = Math.floor(ms / 1000);
  const aged = <T extends { readonly secondsLeft: number | null }>(of: T): T =>
    of.secondsLeft === null ? of : { ...of, secondsLeft: Math.max(0, of.secondsLeft - seconds) };
  const router = (of: RouterReport): RouterReport => {
    return { ...of, heardSecondsAgo: of.heardSecondsAgo + seconds, pref64: of.pref64.map(aged) };
  };
  const interfaces = report.interfaces.map((of) => ({
    ...of,
    routers: of.routers.map(router),
    resolvers: of.resolvers.map(aged),
    chosen: of.chosen === null ? null : aged(of.chosen),
  }));
  return { ...report, interfaces };
}

/** The screen: lines of at most 80 columns, colour apart. */
export function discoveryScreen({ configured, interfaces }: DiscoveryReport, colour: boolean): readonly string[] {
  const isFound = interfaces.some((i) => i.chosen !== null);
  return [
    ...(configured === null ? [] : [`configured: ${configured}`, '']),
    ...(interfaces.length === 0 ? ['no interface is up and speaks IPv6; waiting for one'] : []),
    ...interfaces.flatMap((report) => interfaceLines(report, colour)),
    ...(isFound || interfaces.length === 0 ? [] : wrap(NO_PREFIX, COLUMNS)),
  ];
}
