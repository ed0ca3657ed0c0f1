// A node's checkpoints: what an opening node need not look through again.
//
//   freeze the active tails, note where segments stand ─▶ write tails to the store in slices ─▶ checkpoint the position
//
// Gaps do not matter: a mark says that its segment has one, and what waits above it is found again when the node opens.

import type { PageNo } from '../base/ids.ts'
import { lowerMark, type PageTail, type SegmentMark } from './segment-store.ts'
import type { Segment, TailEntry } from './segment.ts'
import type { StorageNode } from './storage-node.ts'

const TAILS_PER_SLICE = 256
/** While the node is filled each slice waits for the disk. */
const TAILS_PER_SLICE_FILLING = 16_384

interface Checkpoint {
  readonly position: number
  readonly marks: ReadonlyMap<Segment, SegmentMark>
  readonly frozen: readonly Segment[]
  readonly tails: Iterator<PageTail>
}

export class Checkpointer {
  readonly #node: StorageNode
  #current: Checkpoint | undefined

  constructor(node: StorageNode) {
    this.#node = node
  }

  get isUnderWay(): boolean {
    return this.#current !== undefined
  }

  begin(): void {
    const { intake, store } = this.#node
    const marks = new Map<Segment, SegmentMark>()
    const frozen: Segment[] = []
    for (const segment of intake.changed) {
      marks.set(segment, segment.mark())
      if (segment.active === undefined) continue
      segment.frozen = segment.active
      segment.active = undefined
      frozen.push(segment)
    }
    intake.changed = new Set()
    intake.unindexed = { pages: 0, bytes: 0, batches: 0 }
    const tails = eachTail(frozen.map((segment) => [segment, segment.frozen ?? new Map()]))
    this.#current = { position: store.position(), marks, frozen, tails }
  }

  /** A slice of the checkpoint that is under way; its last one ends it. */
  continue(): void {
    const current = this.#current
    if (current === undefined) return
    const { store, isFilling } = this.#node
    const tails: PageTail[] = []
    const tailCountMax = isFilling ? TAILS_PER_SLICE_FILLING : TAILS_PER_SLICE
    while (tails.length < tailCountMax) {
      const next = current.tails.next()
      if (next.done === true) break
      if (this.#isHeld(next.value)) tails.push(next.value)
    }
    if (tails.length > 0) store.putTails(tails)
    if (tails.length === tailCountMax) return
    const marks: SegmentMark[] = []
    for (const [segment, mark] of current.marks) {
      // A truncation since the freeze may have put a segment back; a gap that closed meanwhile does no harm.
      if (segment.owner.peek(segment.group) === segment) marks.push(lowerMark(mark, segment.mark()))
    }
    store.checkpoint(current.position, marks)
    for (const segment of current.frozen) segment.frozen = undefined
    this.#current = undefined
  }

  #isHeld({ timeline, group }: PageTail): boolean {
    return this.#node.timelines.get(timeline)?.peek(group) !== undefined
  }
}

function* eachTail(
  frozen: readonly (readonly [Segment, ReadonlyMap<PageNo, TailEntry>])[],
): Generator<PageTail, void> {
  for (const [{ timeline, group }, tails] of frozen)
    for (const [page, { lsn, count }] of tails) yield { timeline, group, page, lsn, count }
}
