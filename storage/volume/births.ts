// How timelines are born: each gets its number at once and exists for this writer; a write quorum is told of it. Births that
// come while others are on their way are told together.
//
//   bear ─▶ number, log ─▶ waiting ─┐ end of the turn, and the last message is answered
//   bear ─▶ number, log ─▶ waiting ─┴─▶ one create-timelines ══▶ nodes ─▶ quorum ─▶ all resolved

import { assert } from '../base/assert.ts'
import type { Clock } from '../base/env.ts'
import { type Lsn, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import { firstLsnAfter } from '../message/lsn-grid.ts'
import type { TimelineBirth } from '../message/message.ts'
import type { Agreement } from './agreement.ts'
import { FIRST_GROUP_ONLY } from './timeline-log.ts'
import type { Timelines } from './timelines.ts'

/** Births that may be under way at once: a later writer that does not hear of them all skips so many numbers. */
export const BIRTHS_MAX = 4096

export interface BirthPlace {
  readonly timeline: TimelineId
  readonly lsn: Lsn
}

export interface BirthSurroundings {
  readonly timelines: Timelines
  readonly agreement: Agreement
  readonly clock: Clock
  /** Wall time, microseconds; never goes back. */
  readonly wallMicros: () => number
}

interface Waiting {
  readonly births: readonly TimelineBirth[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class Births {
  readonly #around: BirthSurroundings
  #waiting: Waiting[] = []
  #isScheduled = false
  /** Numbered, and not known to be at a write quorum. */
  #underWay = 0

  constructor(around: BirthSurroundings) {
    this.#around = around
  }

  /** Whether so many more may be begun now. */
  hasRoom(count: number): boolean {
    return this.#underWay === 0 || this.#underWay + count <= BIRTHS_MAX
  }

  /** Whether nodes were not told of a birth yet: what else there is to tell of it comes after. */
  isWaiting(timeline: TimelineId): boolean {
    return this.#waiting.some(({ births }) => births.some(({ id }) => id === timeline))
  }

  /**
   * Begins timelines at points that are durable; `numbered` is told each number at once. Resolves when a write quorum has
   * them on disk; rejects when the volume fails.
   */
  async bear(
    parents: readonly (BirthPlace | undefined)[],
    numbered?: (id: TimelineId) => void,
  ): Promise<readonly TimelineId[]> {
    assert(this.hasRoom(parents.length), 'no more births than later writers allow for')
    const births = parents.map((parent) => this.#number(parent))
    for (const { id } of births) numbered?.(id)
    this.#underWay += births.length
    try {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push({ births, resolve, reject })
        this.#schedule()
      })
    } finally {
      this.#underWay -= births.length
    }
    return births.map(({ id }) => id)
  }

  #number(parent: BirthPlace | undefined): TimelineBirth {
    const { timelines, wallMicros } = this.#around
    const birth: TimelineBirth = { id: timelines.nextId(), parent, createdMicros: wallMicros() }
    const base = parent?.lsn ?? LSN_ZERO
    const start = { birth, dropped: false, annulled: [], groups: FIRST_GROUP_ONLY }
    timelines.add({ ...start, vdl: base, tail: firstLsnAfter(base) })
    return birth
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#around.clock.soon(() => void this.#tell())
  }

  /** Tells nodes of all that wait; whoever comes meanwhile is told of next. */
  async #tell(): Promise<void> {
    const told = this.#waiting
    this.#waiting = []
    try {
      await this.#around.agreement.spread({
        kind: 'create-timelines',
        births: told.flatMap((each) => each.births),
      })
      for (const { resolve } of told) resolve()
    } catch (error) {
      for (const { reject } of told) reject(error)
    }
    this.#isScheduled = false
    if (this.#waiting.length > 0) this.#schedule()
  }
}
