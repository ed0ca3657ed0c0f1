// The read points that someone still needs: a multiset of LSNs with its smallest and greatest member.
//
// The greatest decides whether a page that is about to change must be copied first: the image before the change, with
// page LSN p, is needed exactly if some read point is ≥ p. The smallest is what storage may coalesce up to.

import { assert } from '../base/assert.ts'
import type { Lsn } from '../base/ids.ts'

export class ReadPoints {
  /** Greatest member, or -1. */
  max = -1
  private readonly counts = new Map<number, number>()

  add(lsn: Lsn): void {
    this.counts.set(lsn, (this.counts.get(lsn) ?? 0) + 1)
    if (lsn > this.max) this.max = lsn
  }

  remove(lsn: Lsn): void {
    const count = this.counts.get(lsn)
    assert(count !== undefined, 'a read point is removed as often as it was added')
    if (count > 1) {
      this.counts.set(lsn, count - 1)
      return
    }
    this.counts.delete(lsn)
    if (lsn !== this.max) return
    this.max = -1
    for (const other of this.counts.keys()) if (other > this.max) this.max = other
  }

  /** Smallest member, or `otherwise` if that is smaller or there is none. */
  min(otherwise: Lsn): Lsn {
    let min: number = otherwise
    for (const lsn of this.counts.keys()) if (lsn < min) min = lsn
    return min as Lsn
  }
}
