// `xlat464 lab`: builds a network in namespaces, runs our client in it, proves that IPv4 works, and leaves nothing behind.
// Read first: environment.ts (what is started), proofs/all.ts (what is proved).

import { EXIT, XlatError } from '../contract/errors.ts';
import { buildLab, clientCommand, type FarSide, type Lab, lookAround, startClient } from './environment.ts';
import { removeStale } from './netns.ts';
import { checkTools, enterNamespaces } from './permission.ts';
import { PROOFS } from './proofs/all.ts';
import type { Proof } from './proofs/proof.ts';
import { openReport, type ProofResult, type Report } from './report.ts';

/** What `xlat464 lab` can be told. */
export interface LabOptions {
  /** Run only the proofs with these names. */
  readonly only?: readonly string[];
  /** One JSON document instead of the table. */
  readonly json?: boolean;
  /** Leave everything up after the proofs until Ctrl-C, and print commands to look around. */
  readonly keep?: boolean;
  /** Print what our client wrote. */
  readonly verbose?: boolean;
  /** Colours; default: when standard output is a terminal and NO_COLOR is not set. */
  readonly colour?: boolean;
  /** Debian's tayga and unbound on the far side in the place of our own gateway. */
  readonly interop?: boolean;
  /** The command that runs in the client namespace; default: the real client. */
  readonly clientCommand?: readonly string[];
}

/** Removes what labs that were killed have left behind; running ones stay. @returns the names of what was removed */
export function cleanUpLab(): string[] {
  return removeStale();
}

function selectProofs(farSide: FarSide, only: readonly string[] = []): readonly Proof[] {
  const proofs = PROOFS.filter((proof) => proof.farSide === undefined || proof.farSide === farSide);
  const unknown = only.filter((name) => !proofs.some((proof) => proof.name === name));
  if (unknown.length > 0) {
    const advice = `Proofs are: ${proofs.map((proof) => proof.name).join(', ')}`;
    throw new XlatError('USAGE', 'choose proofs', `no proof is called ${unknown.join(', ')}`, { advice });
  }
  return only.length === 0 ? proofs : proofs.filter((proof) => only.includes(proof.name));
}

const secondsSince = (start: number) => Math.round(performance.now() - start) / 1000;

/**
 * Runs one proof and times it. An expected failure becomes a result; a bug goes through.
 * @param progress called while it runs with what it is doing
 */
export async function prove(lab: Lab, proof: Proof, progress: (text: string) => void): Promise<ProofResult> {
  const start = performance.now();
  const { name, title } = proof;
  try {
    const evidence = await proof.run(lab, progress);
    return { name, title, ok: true, evidence, seconds: secondsSince(start) };
  } catch (error) {
    if (!(error instanceof XlatError)) throw error;
    return { name, title, ok: false, evidence: error.message + clientEnd(lab), seconds: secondsSince(start) };
  }
}

/** A client that died explains each failure after it. */
function clientEnd(lab: Lab): string {
  if (lab.client?.hasEnded() !== true) return '';
  return ` — the client has ended: ${lab.client.output().trim().slice(-300)}`;
}

async function proveAll(lab: Lab, proofs: readonly Proof[], report: Report): Promise<void> {
  const proveOne = async (proof: Proof) => {
    report.progress(proof.title);
    report.add(await prove(lab, proof, (text) => report.progress(`${proof.title}: ${text}`)));
  };
  for (const proof of proofs.filter((p) => p.phase === 'before')) await proveOne(proof);
  report.progress('starting the client');
  await startClient(lab);
  for (const proof of proofs.filter((p) => p.phase === 'running')) await proveOne(proof);
}

/** On a terminal: a line that the next one overwrites. It goes to standard error, so that standard output stays clean. */
function overwriter(): ((text: string) => void) | undefined {
  if (!process.stderr.isTTY) return undefined;
  return (text) => process.stderr.write(`\r\u001b[K${text.slice(0, 78)}`);
}

function reportFor(options: LabOptions): Report {
  return openReport({
    json: options.json ?? false,
    colour: options.colour ?? (process.stdout.isTTY === true && process.env.NO_COLOR === undefined),
    write: (text) => process.stdout.write(text),
    overwrite: overwriter(),
  });
}

/** Keeps the lab up until a signal ends the process; the exit handler of the namespaces clears up. */
async function keepUp(lab: Lab): Promise<never> {
  process.stderr.write(`\nThe lab stays up until Ctrl-C. In another terminal:\n`);
  for (const line of lookAround(lab)) process.stderr.write(`  ${line}\n`);
  return new Promise<never>(() => setInterval(() => undefined, 1 << 30));
}

/**
 * Runs the lab from start to end.
 * @returns the exit code: 0 when all proofs hold, 1 when one does not
 * @throws XlatError when it cannot start: NOT_PERMITTED, TUN_UNAVAILABLE, TOOL_MISSING, USAGE, LAB_FAILED
 */
export async function runLab(options: LabOptions = {}): Promise<number> {
  const farSide: FarSide = options.interop === true ? 'interop' : 'gateway';
  const proofs = selectProofs(farSide, options.only);
  checkTools(farSide);
  // Before the process may find itself in a namespace of its own, where it knows no other process.
  cleanUpLab();
  const insideCode = await enterNamespaces();
  if (insideCode !== undefined) return insideCode;
  const start = performance.now();
  const report = reportFor(options);
  report.progress('building the network');
  const lab = await buildLab(farSide, options.clientCommand ?? clientCommand(farSide));
  try {
    await proveAll(lab, proofs, report);
    if (options.keep === true) {
      report.finish(secondsSince(start));
      await keepUp(lab);
    }
    for (const proof of proofs.filter((p) => p.phase === 'after')) {
      report.add(await prove(lab, proof, report.progress));
    }
    return report.finish(secondsSince(start)) ? EXIT.done : EXIT.failed;
  } finally {
    report.progress('');
    if (options.verbose === true) process.stderr.write(lab.client?.output() ?? '');
    lab.set.close();
  }
}
