// The groups of pages in which a timeline has segments, as its writer knows them.
//
//   opened at `after` ─▶ batches, each of which continues the one before (`sent`) ─▶ SCL of each node, by its place

import { must } from '../base/assert.ts'
import { FIRST_GROUP, type GroupNo, type Lsn, LSN_ZERO } from '../base/ids.ts'

/** A group with a segment of the timeline: it holds nothing of that at or below `after`, a consistency point. */
export interface OpenGroup {
  readonly group: GroupNo
  readonly after: Lsn
}

/** The segments of a timeline that was never written beyond the first group. */
export const FIRST_GROUP_ONLY: readonly OpenGroup[] = [{ group: FIRST_GROUP, after: LSN_ZERO }]

/** Where one segment of the log stands on each node, by place. */
export interface SegmentStanding {
  readonly group: GroupNo
  readonly scls: readonly Lsn[]
}

export interface Track extends OpenGroup {
  /** What the next batch of the group continues: the last one that was sent, or where it was opened. */
  sent: Lsn
  /** SCL of each node, by its place. */
  readonly scls: Lsn[]
}

/** What the next batch of the group, which ends at `last`, continues. */
export function continuation(tracks: readonly Track[], group: GroupNo, last: Lsn): Lsn {
  const track = must(
    tracks.find((each) => each.group === group),
    'the group is open',
  )
  const { sent } = track
  track.sent = last
  return sent
}

/** Whether every node of a set of places (as bits) stands at this LSN or above in all groups. */
export function isLevel(tracks: readonly Track[], places: number, lsn: Lsn): boolean {
  return tracks.every(({ scls }) => {
    for (let place = 0; place < 32 - Math.clz32(places); place++)
      if ((places & (1 << place)) !== 0 && (scls[place] ?? LSN_ZERO) < lsn) return false
    return true
  })
}
