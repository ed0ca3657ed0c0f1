// Quorum arithmetic (Aurora 2017, section 2.1): a write is done when `writeCount` of `nodeCount` copies have it; recovery asks
// `readCount` of them. Any two write quorums meet, and any read quorum meets any write quorum. Pure functions.

import { StorageError } from '../base/errors.ts'
import { type Lsn, LSN_ZERO } from '../base/ids.ts'

export interface Quorum {
  readonly nodeCount: number
  readonly writeCount: number
  readonly readCount: number
}

/** Six copies, two in each of three zones: writes survive the loss of a zone, reads that of a zone and one node more. */
export const DEFAULT_QUORUM: Quorum = { nodeCount: 6, writeCount: 4, readCount: 3 }

/** Throws StorageError 'no-quorum' if quorums of these sizes might not meet. */
export function checkQuorum(quorum: Quorum): void {
  const { nodeCount: count, writeCount: write, readCount: read } = quorum
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
