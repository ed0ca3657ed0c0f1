// The cursor: committed cells of a tree (LeafWalk) merged with what the reader's own transaction staged there.
//
// Without own writes, next() is the walk's. With them, both sides are compared at each step; of two cells with one key
// the own one is taken and a staged delete hides the committed one.

import { compareRanges } from '../base/bytes.ts'
import type { TreeId } from '../base/ids.ts'
import { emptyCell, fillFromWrites } from './cell.ts'
import type { Cell, Cursor, View } from './engine.ts'
import { LeafWalk } from './leaf-walk.ts'
import type { OverflowReader } from './overflow-reader.ts'
import type { PageSpace } from './page-space.ts'
import { OPERATION_DELETE, type WriteSet } from './write-set.ts'

/** What a cursor must know of the transaction it reads with. */
export interface OwnWrites {
  /** The write set, or undefined if nothing was staged. */
  readonly writes: WriteSet | undefined
  /** Whether the tree is one that this transaction created and nobody else can have written. */
  created(tree: TreeId): boolean
  dropped(tree: TreeId): boolean
}

/** The own cells that a cursor walks over: those visible to its command, in key order, between the bounds. */
class OwnWalk {
  private readonly writes: WriteSet
  private readonly order: Uint32Array
  private readonly commandId: number
  private readonly step: number
  private at: number
  private readonly end: number

  constructor(writes: WriteSet, tree: TreeId, commandId: number, bounds: Bounds) {
    this.writes = writes
    this.commandId = commandId
    const own = writes.writesOf(tree)
    if (own !== undefined) writes.sort(own)
    this.order = own === undefined ? new Uint32Array(0) : own.order
    const count = own === undefined ? 0 : own.count
    const first = bounds.low === undefined ? 0 : this.lowerBound(count, bounds.low)
    const end = bounds.high === undefined ? count : this.lowerBound(count, bounds.high)
    this.step = bounds.descending ? -1 : 1
    this.at = bounds.descending ? end - 1 : first
    this.end = bounds.descending ? Math.min(first, end) - 1 : Math.max(first, end)
  }

  /** The place in the write set of the version to show next, or -1 at the end. Stays there until `skip`. */
  peek(): number {
    for (; this.at !== this.end; this.at += this.step) {
      const place = this.writes.newestOf(this.order[this.at] as number, this.commandId)
      if (place >= 0) return place
    }
    return -1
  }

  skip(): void {
    this.at += this.step
  }

  private lowerBound(count: number, key: Uint8Array): number {
    let low = 0
    let high = count
    while (low < high) {
      const middle = (low + high) >>> 1
      const place = this.writes.locate(this.order[middle] as number)
      const { bytes } = this.writes
      const order = compareRanges(
        bytes,
        this.writes.keyStart(place),
        this.writes.keyEnd(place),
        key,
        0,
        key.length,
      )
      if (order < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

interface Bounds {
  readonly low: Uint8Array | undefined
  readonly high: Uint8Array | undefined
  readonly descending: boolean
}

export class TreeCursor implements Cursor {
  readonly cell: Cell = emptyCell()
  private readonly view: View
  private readonly tree: TreeId
  private readonly transaction: OwnWrites | undefined
  private readonly walk: LeafWalk
  private own: OwnWalk | undefined
  private descending = false
  /** The walk stands on a cell that was not handed out yet. */
  private walkPending = false
  private walkEnded = false

  constructor(
    space: PageSpace,
    overflow: OverflowReader,
    view: View,
    transaction: OwnWrites | undefined,
    tree: TreeId,
  ) {
    this.view = view
    this.tree = tree
    this.transaction = transaction
    this.walk = new LeafWalk(space, overflow, view, tree, this.cell)
  }

  seek(low: Uint8Array | undefined, high: Uint8Array | undefined, descending = false): void {
    this.walk.seek(low, high, descending)
    this.own = undefined
    this.walkPending = false
    this.walkEnded = false
    this.descending = descending
    const writes = this.transaction?.writes
    if (this.transaction === undefined || writes === undefined) return
    if (this.transaction.created(this.tree) || this.transaction.dropped(this.tree)) this.walk.stop()
    const own = writes.writesOf(this.tree)
    if (own === undefined || own.firstCommand >= this.view.commandId) return
    this.own = new OwnWalk(writes, this.tree, this.view.commandId, { low, high, descending })
  }

  next(): boolean {
    return this.own === undefined ? this.walk.next() : this.nextMerged(this.own)
  }

  close(): void {
    this.walk.stop()
    this.own = undefined
  }

  private nextMerged(own: OwnWalk): boolean {
    const writes = this.transaction?.writes
    if (writes === undefined) return false
    for (;;) {
      if (!this.walkPending && !this.walkEnded) {
        this.walkPending = this.walk.next()
        this.walkEnded = !this.walkPending
      }
      const place = own.peek()
      if (place < 0) return this.handOutCommitted()
      if (this.walkPending) {
        this.walk.refill()
        const order = this.compare(writes, place)
        if (order < 0) return this.handOutCommitted()
        if (order === 0) this.walkPending = false
      }
      own.skip()
      if (writes.operation(place) === OPERATION_DELETE) continue
      fillFromWrites(this.cell, writes, place)
      return true
    }
  }

  /** Hands out the cell on which the walk stands, if any. */
  private handOutCommitted(): boolean {
    if (!this.walkPending) return false
    this.walk.refill()
    this.walkPending = false
    return true
  }

  /** Order in which the committed cell and the own one come: negative if the committed one is first. */
  private compare(writes: WriteSet, place: number): number {
    const { cell } = this
    const start = writes.keyStart(place)
    const order = compareRanges(
      cell.keyBytes,
      cell.keyStart,
      cell.keyEnd,
      writes.bytes,
      start,
      writes.keyEnd(place),
    )
    return this.descending ? -order : order
  }
}
