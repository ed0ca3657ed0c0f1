// What a log stands in: what it shares with all other logs of its volume, and where it begins.

import type { GroupNo, Lsn, PageNo } from '../base/ids.ts'
import type { AnnulledRange, TimelineBirth } from '../message/message.ts'
import type { OpenGroup } from './open-group.ts'
import type { Gauge } from './quorum.ts'
import type { TimelineWriter } from './timeline-log.ts'
import type { Deflate } from './volume-options.ts'

/** What all logs of a volume share; the volume changes its fields when nodes come and go. */
export interface LogSurroundings {
  readonly deflate: Deflate | undefined
  /** Fixed once the volume is recovered. */
  pagesPerGroup: number
  /** What makes a write. */
  quorum: Gauge
  /** Whether as many nodes are live as make a write: while not, nobody has room. */
  hasQuorum: boolean
  /** Places of the nodes whose segments' standing is known, as bits. */
  known: number
  /** From now on the SCLs of this log are tracked one by one. */
  tracked(log: TimelineWriter): void
  monotonicMs(): number
  /** There is something to send at the end of this turn. */
  scheduleFlush(log: TimelineWriter): void
  /** The log's first record in a group is to be sent: opens its segment and calls `opened`. */
  openGroup(log: TimelineWriter, group: GroupNo): void
  readPage(log: TimelineWriter, page: PageNo, lsn: Lsn): Promise<Uint8Array>
  /** Wall time for the next batch, microseconds; never goes back. */
  wallMicros(): number
}

/** Where a log stands when the volume opens it. */
export interface LogStart {
  readonly birth: TimelineBirth
  readonly dropped: boolean
  readonly annulled: readonly AnnulledRange[]
  readonly groups: readonly OpenGroup[]
  readonly vdl: Lsn
  readonly tail: Lsn
}
