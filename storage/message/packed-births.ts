// Births of many timelines as one array of numbers: a node that knows ten thousand idle branches tells of them in one
// copy of memory, and whoever is told makes no object of those that he knows.
//
//   four numbers a birth: number, parent's number (0: a root), LSN of the branch point, microseconds since 1970
//
// All of them are safe integers, which a double holds exactly.

import { FIRST_GROUP, type Lsn, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import { firstLsnAfter } from './lsn-grid.ts'
import type { SegmentState, TimelineBirth, TimelineState } from './message.ts'

export type PackedBirths = Float64Array<ArrayBuffer>

const STRIDE = 4
export const BIRTH_SIZE_BYTES: number = STRIDE * Float64Array.BYTES_PER_ELEMENT
const NO_RANGES: TimelineState['annulled'] = []

export const NO_BIRTHS: PackedBirths = new Float64Array(0)

/** Packs one birth after the other into as much memory as they need. */
export class BirthPacker {
  #numbers: PackedBirths
  #length = 0

  /** `count`: so many are expected. */
  constructor(count = 0) {
    this.#numbers = new Float64Array(count * STRIDE)
  }

  add({ id, parent, createdMicros }: TimelineBirth): void {
    this.addNumbers(id, parent?.timeline ?? 0, parent?.lsn ?? LSN_ZERO, createdMicros)
  }

  /** `parent` 0: a root. */
  addNumbers(id: number, parent: number, lsn: number, createdMicros: number): void {
    const at = this.#length
    if (at === this.#numbers.length) {
      const grown = new Float64Array(Math.max(16, 2 * at))
      grown.set(this.#numbers)
      this.#numbers = grown
    }
    this.#length += STRIDE
    const numbers = this.#numbers
    numbers[at] = id
    numbers[at + 1] = parent
    numbers[at + 2] = lsn
    numbers[at + 3] = createdMicros
  }

  /** What was packed; nothing can be added any more. */
  take(): PackedBirths {
    const { length } = this.#numbers
    return this.#length === length ? this.#numbers : this.#numbers.slice(0, this.#length)
  }
}

export function packBirths(births: readonly TimelineBirth[]): PackedBirths {
  const packer = new BirthPacker(births.length)
  for (const birth of births) packer.add(birth)
  return packer.take()
}

export function birthCount(births: PackedBirths): number {
  return births.length / STRIDE
}

/** The number of the birth at an index. */
export function idAt(births: PackedBirths, index: number): TimelineId {
  return births[index * STRIDE] as TimelineId
}

/** The number of its parent; 0: it is a root. */
export function parentAt(births: PackedBirths, index: number): TimelineId {
  return births[index * STRIDE + 1] as TimelineId
}

/** The birth at an index, a fresh object at every call. */
export function birthAt(births: PackedBirths, index: number): TimelineBirth {
  const at = index * STRIDE
  const timeline = births[at + 1] as TimelineId
  return {
    id: births[at] as TimelineId,
    parent: timeline === 0 ? undefined : { timeline, lsn: births[at + 2] as Lsn },
    createdMicros: births[at + 3] as number,
  }
}

/** Those whose index is wanted, in their order. */
export function filterBirths(births: PackedBirths, isWanted: (index: number) => boolean): PackedBirths {
  const kept = new Float64Array(births.length)
  let length = 0
  for (let index = 0; index < birthCount(births); index++) {
    if (!isWanted(index)) continue
    kept.set(births.subarray(index * STRIDE, (index + 1) * STRIDE), length)
    length += STRIDE
  }
  return length === births.length ? births : kept.slice(0, length)
}

/** What is to be told of a timeline that was just born. */
export function bornState(birth: TimelineBirth): TimelineState {
  return { birth, dropped: false, annulled: NO_RANGES }
}

/** Where the first segment of a timeline stands that has no record of its own. */
export function bornSegment({ id: timeline, parent }: TimelineBirth): SegmentState {
  const base = parent?.lsn ?? LSN_ZERO
  const end = firstLsnAfter(base)
  return { timeline, group: FIRST_GROUP, scl: base, consistent: base, end, logAfter: base, birth: base }
}
