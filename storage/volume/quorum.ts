// Quorum arithmetic (Aurora 2017, section 2.1): a write is done when `write` of `count` copies have it, recovery asks
// `read` of them. Any two write quorums meet, and any read quorum meets any write quorum. Pure functions.

import { StorageError } from '../base/errors.ts'
import { type Lsn, LSN_ZERO } from '../base/ids.ts'
import { must } from '../base/assert.ts'

export interface Quorum {
  readonly count: number
  readonly write: number
  readonly read: number
}

/** Six copies, two in each of three zones: writes survive the loss of a zone, reads that of a zone and one node more. */
export const DEFAULT_QUORUM: Quorum = { count: 6, write: 4, read: 3 }

/** Throws StorageError 'no-quorum' if quorums of these sizes might not meet. */
export function checkQuorum(quorum: Quorum): void {
  const { count, write, read } = quorum
  const sane = [count, write, read].every((size) => Number.isInteger(size) && size >= 1 && size <= count)
  if (!sane || write + read <= count || 2 * write <= count) {
    const rule = 'write + read must be above the number of nodes, and twice write as well'
    throw new StorageError('no-quorum', `quorum ${count},${write},${read} is not safe`, rule)
  }
}

/** The highest LSN that at least `size` of these have reached: PGCL, from the SCLs of a group's segments. */
export function quorumLsn(scls: readonly Lsn[], size: number): Lsn {
  if (scls.length < size) return LSN_ZERO
  let best = LSN_ZERO
  for (const candidate of scls) {
    if (candidate <= best) continue
    let reached = 0
    for (const scl of scls) if (scl >= candidate) reached++
    if (reached >= size) best = candidate
  }
  return best
}

/** VCL of a volume: every group has met its quorum up to here. With one group, its PGCL. */
export function volumeCompleteLsn(groupCompleteLsns: readonly Lsn[]): Lsn {
  return must(groupCompleteLsns.reduce((low, lsn) => Math.min(low, lsn) as Lsn))
}
