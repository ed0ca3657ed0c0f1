// Batches whose bytes follow from their numbers, for tests of a store, which does not look into them.

import { asTimelineId, FIRST_GROUP, type Lsn } from '../../storage/base/ids.ts'
import type { StoredBatch } from '../../storage/node/segment-store.ts'
import { Seeded } from './seeded.ts'

const SIZE_BYTES_MAX = 60_000

export function storedBatch(number: number): StoredBatch {
  const chance = new Seeded(number)
  const length = chance.below(4) === 0 ? chance.below(SIZE_BYTES_MAX) : chance.below(2000)
  const bytes = Buffer.alloc(length + 1, number)
  return { timeline: asTimelineId(1), group: FIRST_GROUP, first: number as Lsn, bytes }
}
