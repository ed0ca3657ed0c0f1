// Births of timelines about which there is nothing else to know, as numbers in columns: thousands of branches that nobody
// touches take 25 bytes each. Timelines come in order of their numbers, so a chunk has those of a range of numbers, and
// goes when the last of them does.
//
//   number ─▶ chunk (number / 256) ─▶ row: mark, parent (0: a root), LSN of the branch point, time of birth
//
// A mark is a number from 1 to 255 that means something to whoever keeps the table.

import { type Lsn, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import type { TimelineBirth } from './message.ts'
import { BirthPacker, type PackedBirths } from './packed-births.ts'

const CHUNK_ROWS = 256
const ABSENT = 0
const NO_TIMELINE = 0 as TimelineId

class Chunk {
  count = 0
  readonly marks = new Uint8Array(CHUNK_ROWS)
  readonly parents = new Uint32Array(CHUNK_ROWS)
  readonly lsns = new Float64Array(CHUNK_ROWS)
  readonly createdMicros = new Float64Array(CHUNK_ROWS)
}

/** What is called for each row; `parent` 0: a root. */
export type BirthVisitor = (id: TimelineId, mark: number, parent: TimelineId, lsn: Lsn) => void

export class BirthTable {
  readonly #chunks = new Map<number, Chunk>()
  #size = 0

  get size(): number {
    return this.#size
  }

  has(id: TimelineId): boolean {
    return this.markOf(id) !== ABSENT
  }

  /** 0: it is not there. */
  markOf(id: TimelineId): number {
    const chunk = this.#chunks.get(Math.floor(id / CHUNK_ROWS))
    return chunk === undefined ? ABSENT : (chunk.marks[id % CHUNK_ROWS] as number)
  }

  put({ id, parent, createdMicros }: TimelineBirth, mark: number): void {
    const number = Math.floor(id / CHUNK_ROWS)
    const row = id % CHUNK_ROWS
    let chunk = this.#chunks.get(number)
    if (chunk === undefined) {
      chunk = new Chunk()
      this.#chunks.set(number, chunk)
    }
    if (chunk.marks[row] === ABSENT) {
      chunk.count++
      this.#size++
    }
    chunk.marks[row] = mark
    chunk.parents[row] = parent?.timeline ?? 0
    chunk.lsns[row] = parent?.lsn ?? LSN_ZERO
    chunk.createdMicros[row] = createdMicros
  }

  /** A birth; a fresh object at every call. */
  get(id: TimelineId): TimelineBirth | undefined {
    const chunk = this.#chunks.get(Math.floor(id / CHUNK_ROWS))
    return chunk === undefined ? undefined : rowOf(chunk, id)
  }

  /** The LSN at which it branched off its parent; 0 for a root and for one that is not there. */
  baseOf(id: TimelineId): Lsn {
    const chunk = this.#chunks.get(Math.floor(id / CHUNK_ROWS))
    if (chunk === undefined || chunk.marks[id % CHUNK_ROWS] === ABSENT) return LSN_ZERO
    return chunk.lsns[id % CHUNK_ROWS] as Lsn
  }

  /** The number of its parent; 0 for a root and for one that is not there. */
  parentOf(id: TimelineId): TimelineId {
    const chunk = this.#chunks.get(Math.floor(id / CHUNK_ROWS))
    if (chunk === undefined || chunk.marks[id % CHUNK_ROWS] === ABSENT) return NO_TIMELINE
    return chunk.parents[id % CHUNK_ROWS] as TimelineId
  }

  delete(id: TimelineId): void {
    const number = Math.floor(id / CHUNK_ROWS)
    const chunk = this.#chunks.get(number)
    if (chunk === undefined || chunk.marks[id % CHUNK_ROWS] === ABSENT) return
    chunk.marks[id % CHUNK_ROWS] = ABSENT
    this.#size--
    if (--chunk.count === 0) this.#chunks.delete(number)
  }

  *values(): Generator<TimelineBirth, void> {
    for (const [number, chunk] of this.#chunks) {
      for (let row = 0; row < CHUNK_ROWS; row++) {
        const birth = rowOf(chunk, (number * CHUNK_ROWS + row) as TimelineId)
        if (birth !== undefined) yield birth
      }
    }
  }

  /** Visits all rows without making an object of any. The table must not change meanwhile. */
  visit(visitor: BirthVisitor): void {
    for (const [number, { marks, parents, lsns }] of this.#chunks) {
      for (let row = 0; row < CHUNK_ROWS; row++) {
        const mark = marks[row] as number
        if (mark === ABSENT) continue
        visitor((number * CHUNK_ROWS + row) as TimelineId, mark, parents[row] as TimelineId, lsns[row] as Lsn)
      }
    }
  }

  /** All of them. */
  pack(): PackedBirths {
    const packer = new BirthPacker(this.#size)
    for (const [number, { marks, parents, lsns, createdMicros }] of this.#chunks) {
      for (let row = 0; row < CHUNK_ROWS; row++) {
        if (marks[row] === ABSENT) continue
        const id = number * CHUNK_ROWS + row
        packer.addNumbers(id, parents[row] as number, lsns[row] as number, createdMicros[row] as number)
      }
    }
    return packer.take()
  }

  /** Whether one of them branched off this timeline. */
  hasChildren(id: TimelineId): boolean {
    for (const { marks, parents } of this.#chunks.values())
      for (let row = 0; row < CHUNK_ROWS; row++) if (parents[row] === id && marks[row] !== ABSENT) return true
    return false
  }
}

function rowOf(chunk: Chunk, id: TimelineId): TimelineBirth | undefined {
  const row = id % CHUNK_ROWS
  if (chunk.marks[row] === ABSENT) return undefined
  const timeline = chunk.parents[row] as TimelineId
  return {
    id,
    parent: timeline === 0 ? undefined : { timeline, lsn: chunk.lsns[row] as Lsn },
    createdMicros: chunk.createdMicros[row] as number,
  }
}
