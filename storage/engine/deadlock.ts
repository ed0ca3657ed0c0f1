// Deadlock detection: when somebody is about to wait, a depth-first search along "waits for" from the lock it wants. If
// it comes back to the one who asks, that one is the victim: waiting would close a cycle.
//
// The graph is not kept anywhere; it is read off the locks: a waiter waits for the groups of conflicting holders and of
// conflicting waiters ahead of it.

import type { LockGroup, LockScope, Waiter } from './locks.ts'

interface Edge {
  readonly waiter: Waiter
  readonly blocker: LockScope
}

/** Describes the cycle that `waiter` closes, one line a process as PostgreSQL does, or undefined if there is none. */
export function findCycle(waiter: Waiter): string | undefined {
  const edges: Edge[] = []
  if (!search(waiter, waiter.scope.group, new Set(), edges)) return undefined
  return edges.map(describeEdge).join('\n')
}

function search(waiter: Waiter, start: LockGroup, seen: Set<LockGroup>, edges: Edge[]): boolean {
  const { lock, scope, mode } = waiter
  const ahead = lock.waiters.indexOf(waiter)
  for (const blocker of lock.blockers(scope, mode, ahead, false)) {
    edges.push({ waiter, blocker })
    if (blocker.group === start) return true
    const next = blocker.group.waiting
    if (next !== undefined && !seen.has(blocker.group)) {
      seen.add(blocker.group)
      if (search(next, start, seen, edges)) return true
    }
    edges.pop()
  }
  return false
}

function describeEdge({ waiter, blocker }: Edge): string {
  const wanted = waiter.lock.kind.describe(waiter.lock, waiter.mode, blocker)
  return `Process ${waiter.scope.group.processId} waits for ${wanted}; blocked by process ${blocker.group.processId}.`
}
