// What the program itself costs: time to ready, memory under load, and what it does while there is nothing to do.

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { median } from './results.ts';
import type { Topology } from './topology.ts';
import { MAIN, ourCommand, type Variant, writeConfig } from './variants.ts';

/** The costs; see table.ts for the units. */
export interface ProcessCosts {
  readonly readyMs: number;
  readonly residentMiB: number;
  readonly idlePercent: number;
  readonly idleWakeUps: number;
}

/** Kernel clock ticks in a second (USER_HZ), the unit of /proc/PID/stat. */
const TICKS_PER_SECOND = 100;
const IDLE_MS = 5000;

/**
 * Measures the program. Call it after the traffic, when the memory has reached its peak.
 * @param starts how many starts the median is taken of
 */
export async function measureProcess(topology: Topology, ours: Variant, starts: number): Promise<ProcessCosts> {
  const pid = ours.process?.child.pid;
  if (pid === undefined) throw new Error('ours does not run');
  const residentMiB = peakResidentKiB(pid) / 1024;
  const idle = await measureIdle(pid);
  const times: number[] = [];
  for (let i = 0; i < starts; i++) times.push(await measureStart(topology));
  return { readyMs: median(times), residentMiB, ...idle };
}

/** proc(5), /proc/PID/status: VmHWM. */
function peakResidentKiB(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

async function measureIdle(pid: number): Promise<{ idlePercent: number; idleWakeUps: number }> {
  const before = activity(pid);
  await delay(IDLE_MS);
  const after = activity(pid);
  const seconds = IDLE_MS / 1000;
  return {
    idlePercent: (100 * (after.ticks - before.ticks)) / TICKS_PER_SECOND / seconds,
    idleWakeUps: (after.switches - before.switches) / seconds,
  };
}

/** Processor time and voluntary context switches of all threads; each wake-up of a thread ends in one such switch. */
function activity(pid: number): { ticks: number; switches: number } {
  let ticks = 0;
  let switches = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    switches += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
  }
  return { ticks, switches };
}

/** One start in the router's namespace. @returns ms from the start of the command to the line that says "ready" */
async function measureStart(topology: Topology): Promise<number> {
  const config = writeConfig(topology, 9, true);
  const [program, ...rest] = topology.router.command(ourCommand(MAIN, config));
  const start = performance.now();
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let output = '';
  const ready = new Promise<number>((resolve, reject) => {
    const note = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('code=ready')) resolve(performance.now() - start);
    };
    child.stdout.on('data', note);
    child.stderr.on('data', note);
    child.once('error', reject);
    void ended.then(() => reject(new Error(`ended before it was ready:\n${output}`)));
  });
  try {
    return await ready;
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}
