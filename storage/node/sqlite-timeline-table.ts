// The timelines of a SQLite store (sqlite-segment-store.ts): their births, ranges and ends, and the numbers that are dead.
// What changes something is called within a transaction.

import { type Lsn, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import type { AnnulledRange, IdRange } from '../message/message.ts'
import type { DeadNumbers, StoredTimeline } from './segment-store.ts'
import type { MetaRow, NodeStatements, TimelineRow } from './sqlite-statements.ts'

const NO_RANGES: readonly AnnulledRange[] = []

export class TimelineTable {
  readonly #sql: NodeStatements

  constructor(sql: NodeStatements) {
    this.#sql = sql
  }

  *all(): Generator<StoredTimeline, void> {
    const ranges = new Map<TimelineId, AnnulledRange[]>()
    for (const row of this.#sql.annulled.iterate()) {
      const { timeline, above, up_to: upTo } = row as { timeline: TimelineId; above: Lsn; up_to: Lsn }
      const list = ranges.get(timeline)
      if (list === undefined) ranges.set(timeline, [{ above, upTo }])
      else list.push({ above, upTo })
    }
    for (const row of this.#sql.timelines.iterate() as IterableIterator<TimelineRow>) {
      const [id, parent, lsn, createdMicros, dropped, whole] = row
      const birth = {
        id,
        parent: parent === null ? undefined : { timeline: parent, lsn: lsn ?? LSN_ZERO },
        createdMicros,
      }
      yield { birth, dropped: dropped !== 0, isWhole: whole !== 0, annulled: ranges.get(id) ?? NO_RANGES }
    }
  }

  /** One that is there already stays as it is. */
  put(timelines: readonly StoredTimeline[]): void {
    for (const { birth, dropped, isWhole, annulled } of timelines) {
      const { id, parent, createdMicros } = birth
      const origin = [parent?.timeline ?? null, parent?.lsn ?? null]
      const put = this.#sql.putTimeline.run(id, ...origin, createdMicros, dropped ? 1 : 0, isWhole ? 1 : 0)
      if (put.changes > 0) this.annul(id, annulled)
    }
  }

  /** Replaces the annulled ranges of a timeline. */
  annul(timeline: TimelineId, ranges: readonly AnnulledRange[]): void {
    this.#sql.deleteAnnulled.run(timeline)
    for (const range of ranges) this.#sql.putAnnulled.run(timeline, range.above, range.upTo)
  }

  dead(): DeadNumbers {
    const { dead_epoch: epoch } = this.#sql.meta.get() as MetaRow
    return { epoch, ranges: this.#sql.dead.all() as IdRange[] }
  }

  bury({ epoch, ranges }: DeadNumbers): void {
    this.#sql.clearDead.run(0, Number.MAX_SAFE_INTEGER)
    this.#sql.setDeadEpoch.run(epoch)
    for (const { from, to } of ranges) {
      this.#sql.putDead.run(from, to)
      this.#sql.dropTimelines.run(from, to)
    }
  }

  revive(timeline: TimelineId): void {
    this.#sql.reviveTimeline.run(timeline)
  }

  drop(timeline: TimelineId): void {
    const around = this.#sql.deadAround.get(timeline - 1, timeline + 1) as {
      from: number | null
      to: number | null
    }
    const from = Math.min(around.from ?? timeline, timeline)
    const to = Math.max(around.to ?? timeline, timeline)
    this.#sql.clearDead.run(from, to)
    this.#sql.putDead.run(from, to)
    this.#sql.dropTimelines.run(timeline, timeline)
  }

  forget(timeline: TimelineId): void {
    this.#sql.deleteAnnulled.run(timeline)
    this.#sql.deleteSegments.run(timeline)
    this.#sql.forgetTimeline.run(timeline)
  }
}
