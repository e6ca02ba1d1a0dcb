// What the program itself costs: time to ready, memory under load, and what it does while there is nothing to do.

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Calm } from './calm.ts';
import { TICKS_PER_SECOND } from './processor-time.ts';
import { median } from './results.ts';
import type { Topology } from './topology.ts';
import { measureTcp } from './traffic.ts';
import { MAIN, ourCommand, type Variant, writeConfig } from './variants.ts';

/** The costs; see table.ts for the units. */
export interface ProcessCosts {
  readonly readyMs: number;
  /** Largest size seen during a transfer. */
  readonly residentUnderLoadMiB: number;
  /** Largest size ever, which is that of the start. */
  readonly residentPeakMiB: number;
  readonly idlePercent: number;
  readonly idleWakeUps: number;
}

const IDLE_MS = 5000;
const LOAD_SECONDS = 3;
const SAMPLE_MS = 100;

/**
 * Measures the program. Call it after the traffic, when the program is warm.
 * @param starts how many starts the median is taken of
 */
export async function measureProcess(
  topology: Topology,
  ours: Variant,
  starts: number,
  calm: Calm,
): Promise<ProcessCosts> {
  const pid = ours.process?.child.pid;
  if (pid === undefined) throw new Error('ours does not run');
  const residentUnderLoadMiB = await residentDuring(pid, measureTcp(topology, ours, 'up', 4, LOAD_SECONDS));
  const residentPeakMiB = memoryMiB(pid, 'VmHWM');
  const idle = await measureIdle(pid);
  const times: number[] = [];
  for (let i = 0; i < starts; i++) {
    await calm.wait();
    times.push(await measureStart(topology));
  }
  return { readyMs: median(times), residentUnderLoadMiB, residentPeakMiB, ...idle };
}

/** The largest resident size that shows while `load` runs. */
async function residentDuring(pid: number, load: Promise<unknown>): Promise<number> {
  let isRunning = true;
  const ended = load.finally(() => {
    isRunning = false;
  });
  let largest = 0;
  while (isRunning) {
    largest = Math.max(largest, memoryMiB(pid, 'VmRSS'));
    await Promise.race([ended, delay(SAMPLE_MS)]);
  }
  await ended;
  return largest;
}

/** proc(5), /proc/PID/status. */
function memoryMiB(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const line = new RegExp(`^${field}:.*`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[0] ?? '';
  const kib = /\d+/.exec(line)?.[0];
  return Number(kib) / 1024;
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
