// Views, and the read points that pinned ones hold.

import { assert } from '../base/assert.ts'
import type { Lsn } from '../base/ids.ts'
import type { Database, Transaction, View } from './engine.ts'
import type { ReadPoints } from './read-points.ts'

export class PinnableView implements View {
  readonly database: Database
  readLsn: Lsn
  transaction: Transaction | undefined = undefined
  commandId = 0
  isSpent = false
  seenLsn: Lsn = 0 as Lsn
  pins = 0
  pinnedLsn: Lsn = 0 as Lsn

  constructor(database: Database, readLsn: Lsn) {
    this.database = database
    this.readLsn = readLsn
  }
}

/** Pins once more; a view that moved since it was pinned last holds its new read point from here on. */
export function pinView(view: View, readPoints: ReadPoints): void {
  assert(view instanceof PinnableView, 'a view of this engine')
  if (view.pins++ > 0) {
    if (view.pinnedLsn === view.readLsn) return
    readPoints.remove(view.pinnedLsn)
  }
  view.pinnedLsn = view.readLsn
  readPoints.add(view.readLsn)
}

export function unpinView(view: View, readPoints: ReadPoints): void {
  assert(view instanceof PinnableView && view.pins > 0, 'a pinned view of this engine')
  if (--view.pins === 0) readPoints.remove(view.pinnedLsn)
}
