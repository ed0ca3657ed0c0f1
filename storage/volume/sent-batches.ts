// Batches of one log that were sent and are not at a write quorum yet. Links let go of what they had queued or in flight
// when their node is lost; when all are lost at once, this is the only place where such a batch still is.
//
//   push per batch, in LSN order ─▶ │ 100 │ 180 │ 180 │ 260 │ ─▶ release(vcl) lets go of those at or below it
//                                     └ of two groups: the flush ends at the same LSN
//
// Bounded by the log above the VCL, which LAL bounds.

import { must } from '../base/assert.ts'
import type { GroupNo, Lsn } from '../base/ids.ts'
import type { SharedBytes } from './batch-memory.ts'

const HEAD_MAX = 1024

export class SentBatches {
  #lasts: Lsn[] = []
  #groups: GroupNo[] = []
  #batches: SharedBytes[] = []
  #head = 0

  /** A batch of a group that ends at `last`; one of its users is this. */
  push(last: Lsn, group: GroupNo, batch: SharedBytes): void {
    this.#lasts.push(last)
    this.#groups.push(group)
    this.#batches.push(batch)
  }

  /** Everything up to `vcl` is at a write quorum. */
  release(vcl: Lsn): void {
    while (this.#head < this.#lasts.length && must(this.#lasts[this.#head]) <= vcl) {
      must(this.#batches[this.#head]).release()
      this.#head++
    }
    if (this.#head < this.#lasts.length && this.#head <= HEAD_MAX) return
    this.#lasts = this.#lasts.slice(this.#head)
    this.#groups = this.#groups.slice(this.#head)
    this.#batches = this.#batches.slice(this.#head)
    this.#head = 0
  }

  /** Those above where a node's segment of their group stands, lowest first. */
  above(sclOf: (group: GroupNo) => Lsn): readonly SharedBytes[] {
    const { length } = this.#lasts
    const above: SharedBytes[] = []
    for (let at = this.#head; at < length; at++)
      if (must(this.#lasts[at]) > sclOf(must(this.#groups[at]))) above.push(must(this.#batches[at]))
    return above
  }
}
