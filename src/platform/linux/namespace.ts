// Whether a network namespace is still there, from /proc and /run/netns; namespaces(7).

import { readdirSync, statSync } from 'node:fs';

/** Whether a network namespace still exists: some process is in it, or it has a name. @param namespace as /proc/self/ns/net reads */
export function isNamespaceAlive(namespace: string): boolean {
  const inode = Number(/\d+/.exec(namespace)?.[0]);
  const named = listDir('/run/netns').some((name) => inodeOf(`/run/netns/${name}`) === inode);
  const pids = listDir('/proc').filter((name) => /^\d+$/.test(name));
  return named || pids.some((pid) => inodeOf(`/proc/${pid}/ns/net`) === inode);
}

function listDir(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return []; // no named namespaces on this host
  }
}

function inodeOf(path: string): number {
  try {
    return statSync(path).ino;
  } catch {
    return -1; // the process ended while we looked
  }
}
