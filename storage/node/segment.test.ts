// Where a segment stands that was opened above the point at which a recovery cut the log later.

import { expect, test } from 'vitest'

import { asTimelineId, type GroupNo, type Lsn } from '../base/ids.ts'
import type { AnnulledRange } from '../message/message.ts'
import { Segment } from './segment.ts'
import { Timeline } from './timeline.ts'

const GROUP = 1 as GroupNo
const RANGE: AnnulledRange = { above: 1000 as Lsn, upTo: 50_000 as Lsn }
const START = { birth: 1760 as Lsn, after: 1760 as Lsn, commits: [] }

function timelineWith(annulled: readonly AnnulledRange[]): Timeline {
  const birth = { id: asTimelineId(1), parent: undefined, createdMicros: 1 }
  return new Timeline({ birth, dropped: false, isWhole: true, annulled })
}

test('a segment that was opened above a cut begins at the cut, also when the node opens again', () => {
  const timeline = timelineWith([])
  const segment = new Segment(timeline, GROUP)
  segment.begin(START)
  expect(segment.scl).toBe(1760)
  timeline.annulled = [RANGE]
  segment.truncate()
  expect([segment.start.birth, segment.start.after, segment.scl]).toEqual([1000, 1000, 1000])
  const again = new Segment(timelineWith([RANGE]), GROUP, { start: START, mark: segment.mark() })
  expect([again.start.birth, again.start.after, again.scl]).toEqual([1000, 1000, 1000])
  const unmarked = new Segment(timelineWith([RANGE]), GROUP, { start: START, mark: undefined })
  expect(unmarked.scl).toBe(1000)
})

test('one that begins below the cut or above the annulled range stays as it was', () => {
  for (const after of [1000, 50_001]) {
    const start = { birth: 0 as Lsn, after: after as Lsn, commits: [] }
    const segment = new Segment(timelineWith([RANGE]), GROUP, { start, mark: undefined })
    expect(segment.start).toBe(start)
  }
})
