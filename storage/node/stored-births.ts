// Births of timelines as bytes, for the hot log (hot-log.ts): what a node has on disk before it says that a branch exists.
//
//   offset size  field      meaning, of each birth
//        0    4  id         of the timeline
//        4    4  parent     0: a root
//        8    8  lsn        where it branched off its parent
//       16    8  created    microseconds since 1970
//       24    8  whole      1 or 0 (StoredTimeline.isWhole)
//
// All integers little-endian. Only timelines of which nothing else is to be told can be written so.

import { putU32, putU64, u32, u64 } from '../base/bytes.ts'
import type { Lsn, TimelineId } from '../base/ids.ts'
import type { StoredTimeline } from './segment-store.ts'

const BIRTH_SIZE_BYTES = 32

/** Whether there is more to tell of a timeline than that it was born. */
export function isJustBorn({ dropped, annulled }: StoredTimeline): boolean {
  return !dropped && annulled.length === 0
}

export function encodeBirths(timelines: readonly StoredTimeline[]): Buffer {
  const bytes = Buffer.alloc(timelines.length * BIRTH_SIZE_BYTES)
  timelines.forEach(({ birth, isWhole }, index) => {
    const at = index * BIRTH_SIZE_BYTES
    putU32(bytes, at, birth.id)
    putU32(bytes, at + 4, birth.parent?.timeline ?? 0)
    putU64(bytes, at + 8, birth.parent?.lsn ?? 0)
    putU64(bytes, at + 16, birth.createdMicros)
    putU32(bytes, at + 24, isWhole ? 1 : 0)
  })
  return bytes
}

export function decodeBirths(bytes: Buffer): readonly StoredTimeline[] {
  const timelines: StoredTimeline[] = []
  for (let at = 0; at < bytes.length; at += BIRTH_SIZE_BYTES) {
    const parent = u32(bytes, at + 4) as TimelineId
    timelines.push({
      birth: {
        id: u32(bytes, at) as TimelineId,
        parent: parent === 0 ? undefined : { timeline: parent, lsn: u64(bytes, at + 8) as Lsn },
        createdMicros: u64(bytes, at + 16),
      },
      dropped: false,
      isWhole: u32(bytes, at + 24) === 1,
      annulled: [],
    })
  }
  return timelines
}
