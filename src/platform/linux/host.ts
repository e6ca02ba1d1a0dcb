// The host's configuration: applies what core/host plans, each change journalled first, and undoes it, also after a crash
// from the journal alone. Read first: core/host/plan.ts, platform/journal.ts.

import { readFileSync, readlinkSync } from 'node:fs';
import { XlatError } from '../../contract/errors.ts';
import type { Log } from '../../contract/reasons.ts';
import type { GatewayHostConfig } from '../../core/gateway-host/config.ts';
import { wantedGatewayChanges } from '../../core/gateway-host/wanted.ts';
import type { Change } from '../../core/host/change.ts';
import { describeChange, describeUndo } from '../../core/host/change.ts';
import type { ForwardDrop } from '../../core/host/firewall.ts';
import type { HostConfig, HostFacts } from '../../core/host/host-config.ts';
import { findLink } from '../../core/host/host-config.ts';
import type { Making, Plan } from '../../core/host/plan.ts';
import { planHost, planUndo, planWish } from '../../core/host/plan.ts';
import type { HostIdentity, JournalContent } from '../journal.ts';
import { Journal, readJournal, removeJournal } from '../journal.ts';
import type { Closable, HostControl } from '../platform.ts';
import { takeStateDir } from '../state-dir.ts';
import { makeChange, undoChange } from './execute.ts';
import { readFacts } from './facts.ts';
import { forwardDrops } from './forward-policy.ts';
import { isNamespaceAlive } from './namespace.ts';
import type { OwnedFirewall } from './owned-firewall.ts';
import { requirePrivileges } from './privileges.ts';
import type { ProxiedAddress } from './proxied-address.ts';
import type { Redirect } from './redirect/redirect.ts';

/** Called at points where a crash must not lose anything; tests stop the process there. */
export type CrashPoint = (when: 'journalled' | 'made' | 'half-undone' | 'undone', change: Change) => void;

const noCrash: CrashPoint = () => undefined;

function identity(): HostIdentity {
  return {
    boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    namespace: readlinkSync('/proc/self/ns/net'),
  };
}

/** What is to be undone, on a host as it was found. */
interface Undoing {
  readonly all: readonly Change[];
  readonly facts: HostFacts;
  readonly log: Log;
}

/**
 * Undoes one change, as far as that is possible and right.
 * @returns false when it failed; then it must stay in the journal
 */
async function undoOne(undoing: Undoing, change: Change, crashPoint = noCrash): Promise<boolean> {
  const { all, facts, log } = undoing;
  const fields = { change: change.kind };
  const plan = planUndo(change, facts, all);
  if (plan.step === 'gone') return true;
  if (plan.step === 'left') {
    log.warn('host-left', fields, `left alone: ${describeChange(change)}; it is ${plan.now} now`);
    return true;
  }
  try {
    await undoChange(change, plan.name, () => crashPoint('half-undone', change));
    log.info('host-restored', fields, `undone: ${describeUndo(change)}`);
    return true;
  } catch (cause) {
    // The interface may have gone between looking and doing, and taken the change with it.
    if (planUndo(change, await readFacts()).step === 'gone') return true;
    log.error('host-trouble', fields, (cause as Error).message);
    return false;
  }
}

/** What this process holds: it goes with the process, so it is not, or need not be, undone from the journal. */
interface Held {
  readonly redirect: Redirect;
  readonly firewall: OwnedFirewall;
  /** The other way than redirecting. */
  readonly proxied: ProxiedAddress;
}

/** The configuration of this host, in the hands of this process. */
class LinuxHost implements HostControl {
  readonly #journal: Journal;
  readonly #mark: Closable;
  readonly #log: Log;
  readonly #held: Held;
  readonly #crashPoint: CrashPoint;

  constructor(journal: Journal, mark: Closable, log: Log, held: Held, crashPoint: CrashPoint) {
    this.#journal = journal;
    this.#mark = mark;
    this.#log = log;
    this.#held = held;
    this.#crashPoint = crashPoint;
  }

  facts(): Promise<HostFacts> {
    return readFacts();
  }

  async apply(config: HostConfig | null): Promise<void> {
    await this.#carryOut(
      (facts) => planHost(this.#journal.changes, config, facts),
      // Before anything is made, so that a host which cannot redirect is as it was; the default route is made last anyway.
      () => {
        if (config?.uplink?.kind === 'redirect') this.#held.redirect.attach(config.uplink, config.tun);
        else this.#held.redirect.close();
      },
    );
    this.#held.proxied.tell(config?.uplink?.kind === 'forwarding' ? config.uplink : null);
  }

  defend(): void {
    this.#held.redirect.defend();
  }

  /** @param known the host's facts, where they have just been read */
  async applyGateway(config: GatewayHostConfig | null, known?: HostFacts): Promise<void> {
    const wish = config === null ? null : (before: HostFacts) => wantedGatewayChanges(config, before);
    await this.#carryOut((facts) => planWish(this.#journal.changes, wish, facts), undefined, known);
  }

  /** @param between called after what is to be undone and before what is to be made */
  async #carryOut(
    planFor: (facts: HostFacts) => Plan,
    between: () => void = () => undefined,
    known?: HostFacts,
  ): Promise<void> {
    let facts = known ?? (await readFacts());
    let plan = planFor(facts);
    if (plan.conflicts.length > 0) throw conflict(plan.conflicts);
    if (plan.undo.length > 0) {
      await this.#undoAll(plan.undo, facts);
      facts = await readFacts();
      plan = planFor(facts);
    }
    between();
    for (const making of plan.make) await this.#make(making, facts);
  }

  forwardDrops(device: string): Promise<readonly ForwardDrop[]> {
    return forwardDrops(device);
  }

  close(): void {
    this.#held.redirect.close();
    this.#held.firewall.close();
    this.#journal.close();
    this.#mark.close();
  }

  async #make({ change, isApplied, replaces }: Making, facts: HostFacts): Promise<void> {
    const name = change.link === null ? '' : findLink(facts, change.link)?.name;
    if (name === undefined) throw goneError(change);
    if (!isApplied) this.#note(change);
    this.#crashPoint('journalled', change);
    if (change.kind !== 'firewall' || !this.#held.firewall.make(name))
      await makeChange(change, name, replaces.length > 0);
    this.#log.info('host-changed', { change: change.kind }, describeChange(change));
    this.#crashPoint('made', change);
    for (const replaced of replaces) this.#settle(replaced);
  }

  #note(change: Change): void {
    this.#journal.add(change);
    this.#log.debug('journal-written', { change: change.kind }, `in the journal: ${describeChange(change)}`);
  }

  #settle(change: Change): void {
    this.#journal.settle(change);
    this.#log.debug('journal-written', { change: change.kind }, `settled in the journal: ${describeChange(change)}`);
  }

  /** @returns false when it failed */
  async #undo(undoing: Undoing, change: Change): Promise<boolean> {
    if (change.kind !== 'firewall' || !this.#held.firewall.close()) return undoOne(undoing, change, this.#crashPoint);
    this.#log.info('host-restored', { change: change.kind }, `undone: ${describeUndo(change)}`);
    return true;
  }

  async #undoAll(changes: readonly Change[], facts: HostFacts): Promise<void> {
    const undoing = { all: changes, facts, log: this.#log };
    let failed = 0;
    for (const change of changes) {
      if (await this.#undo(undoing, change)) this.#settle(change);
      else failed += 1;
      this.#crashPoint('undone', change);
    }
    if (failed > 0) throw troubleError(failed);
  }
}

const conflict = (conflicts: readonly string[]): XlatError =>
  new XlatError('HOST_CHANGE_FAILED', 'configure this host', conflicts.join('; '), {
    advice: 'remove it with "nft delete table" and its name',
  });

const goneError = (change: Change): XlatError =>
  new XlatError('HOST_CHANGE_FAILED', 'configure this host', `the interface is gone: ${describeChange(change)}`);

const troubleError = (failed: number): XlatError =>
  new XlatError('HOST_CHANGE_FAILED', 'restore this host', `${failed} setting(s) could not be put back`, {
    advice: 'the log names them; "xlat464 cleanup" tries again',
  });

/** Works a journal off, newest change first. @returns how many changes could not be undone */
async function workOff(stateDir: string, content: JournalContent, log: Log): Promise<number> {
  if (content.identity === null) {
    log.error('host-trouble', {}, 'the journal does not say which host it is about; taken as about this one');
  }
  for (const line of content.unreadable) log.error('host-trouble', {}, `unreadable line in the journal: ${line}`);
  const facts = await readFacts();
  const all = content.entries.map((entry) => entry.change).reverse();
  let failed = 0;
  for (const change of all) {
    if (!(await undoOne({ all, facts, log }, change))) failed += 1;
  }
  if (failed === 0) removeJournal(stateDir);
  return failed;
}

/** Whether the changes in a journal can still be there. @throws XlatError when they are in another network namespace */
function isAboutThisHost(content: JournalContent): boolean {
  // It cannot tell; each of its changes is looked for before it is undone, and said.
  if (content.identity === null) return true;
  const here = identity();
  if (content.identity.boot !== here.boot) return false;
  if (content.identity.namespace === here.namespace) return true;
  if (!isNamespaceAlive(content.identity.namespace)) return false;
  throw new XlatError(
    'HOST_CHANGE_FAILED',
    'clean up',
    `the journal is about another network namespace (${content.identity.namespace})`,
    { advice: 'run "xlat464 cleanup" in that namespace, or use a state directory of its own' },
  );
}

/** Undoes what an instance that is gone has left; `stateDir` is taken already. */
async function cleanUpTaken(stateDir: string, log: Log): Promise<number> {
  const content = readJournal(stateDir);
  if (content === null || !isAboutThisHost(content)) {
    removeJournal(stateDir);
    return 0;
  }
  const failed = await workOff(stateDir, content, log);
  if (failed > 0) throw troubleError(failed);
  log.warn('crash-cleaned', { changes: content.entries.length }, 'cleaned up after a run that did not');
  return content.entries.length;
}

/**
 * Undoes, from the journal alone, what a run that crashed has left. Does nothing the second time.
 * @returns how many changes the journal named
 * @throws XlatError NOT_PERMITTED; ALREADY_RUNNING when that run goes on; HOST_CHANGE_FAILED when something could not be undone
 */
export async function cleanUp(stateDir: string, log: Log): Promise<number> {
  requirePrivileges();
  const mark = takeStateDir(stateDir);
  try {
    return await cleanUpTaken(stateDir, log);
  } finally {
    mark.close();
  }
}

/** {@link HostControl} of Linux: takes the state directory, cleans up, and is ready. */
export async function openLinuxHost(
  stateDir: string,
  log: Log,
  held: Held,
  crashPoint: CrashPoint = noCrash,
): Promise<LinuxHost> {
  requirePrivileges();
  const mark = takeStateDir(stateDir);
  try {
    await cleanUpTaken(stateDir, log);
    return new LinuxHost(new Journal(stateDir, identity()), mark, log, held, crashPoint);
  } catch (cause) {
    mark.close();
    throw cause;
  }
}
