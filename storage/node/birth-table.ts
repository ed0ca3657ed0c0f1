// Births of timelines about which a node knows nothing else, as numbers in columns: thousands of branches that nobody
// touches take 25 bytes each. Timelines come in order of their numbers, so a chunk has those of a range of numbers, and goes
// when the last of them does.
//
//   number ─▶ chunk (number / 256) ─▶ row: state, parent (0: a root), LSN of the branch point, time of birth

import type { Lsn, TimelineId } from '../base/ids.ts'
import type { TimelineBirth } from '../message/message.ts'
import type { StoredTimeline } from './segment-store.ts'

const CHUNK_ROWS = 256
const ABSENT = 0
const WHOLE = 1
const NOT_WHOLE = 2

const NO_RANGES: StoredTimeline['annulled'] = []

class Chunk {
  count = 0
  readonly states = new Uint8Array(CHUNK_ROWS)
  readonly parents = new Uint32Array(CHUNK_ROWS)
  readonly lsns = new Float64Array(CHUNK_ROWS)
  readonly createdMicros = new Float64Array(CHUNK_ROWS)
}

export class BirthTable {
  readonly #chunks = new Map<number, Chunk>()
  #size = 0

  get size(): number {
    return this.#size
  }

  has(id: TimelineId): boolean {
    const chunk = this.#chunks.get(Math.floor(id / CHUNK_ROWS))
    return chunk !== undefined && chunk.states[id % CHUNK_ROWS] !== ABSENT
  }

  put({ birth, isWhole }: Pick<StoredTimeline, 'birth' | 'isWhole'>): void {
    const { id, parent, createdMicros } = birth
    const number = Math.floor(id / CHUNK_ROWS)
    const row = id % CHUNK_ROWS
    let chunk = this.#chunks.get(number)
    if (chunk === undefined) {
      chunk = new Chunk()
      this.#chunks.set(number, chunk)
    }
    if (chunk.states[row] === ABSENT) {
      chunk.count++
      this.#size++
    }
    chunk.states[row] = isWhole ? WHOLE : NOT_WHOLE
    chunk.parents[row] = parent?.timeline ?? 0
    chunk.lsns[row] = parent?.lsn ?? 0
    chunk.createdMicros[row] = createdMicros
  }

  /** What is known of a timeline; a fresh object at every call. */
  get(id: TimelineId): StoredTimeline | undefined {
    const chunk = this.#chunks.get(Math.floor(id / CHUNK_ROWS))
    return chunk === undefined ? undefined : rowOf(chunk, id)
  }

  delete(id: TimelineId): void {
    const number = Math.floor(id / CHUNK_ROWS)
    const chunk = this.#chunks.get(number)
    if (chunk === undefined || chunk.states[id % CHUNK_ROWS] === ABSENT) return
    chunk.states[id % CHUNK_ROWS] = ABSENT
    this.#size--
    if (--chunk.count === 0) this.#chunks.delete(number)
  }

  *values(): Generator<StoredTimeline, void> {
    for (const [number, chunk] of this.#chunks) {
      for (let row = 0; row < CHUNK_ROWS; row++) {
        const stored = rowOf(chunk, (number * CHUNK_ROWS + row) as TimelineId)
        if (stored !== undefined) yield stored
      }
    }
  }

  /** Whether one of them branched off this timeline. */
  hasChildren(id: TimelineId): boolean {
    for (const { states, parents } of this.#chunks.values())
      for (let row = 0; row < CHUNK_ROWS; row++)
        if (parents[row] === id && states[row] !== ABSENT) return true
    return false
  }
}

function rowOf(chunk: Chunk, id: TimelineId): StoredTimeline | undefined {
  const row = id % CHUNK_ROWS
  const state = chunk.states[row]
  if (state === ABSENT) return undefined
  const timeline = chunk.parents[row] as TimelineId
  const birth: TimelineBirth = {
    id,
    parent: timeline === 0 ? undefined : { timeline, lsn: chunk.lsns[row] as Lsn },
    createdMicros: chunk.createdMicros[row] as number,
  }
  return { birth, dropped: false, isWhole: state === WHOLE, annulled: NO_RANGES }
}
