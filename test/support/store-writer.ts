// A process that writes into a node's store until it is killed, in and out of the way the store has for much at once:
// test/store-crash.test.ts starts it. It prints the number of the newest batch once it is durable.

import { asTimelineId, FIRST_GROUP, type Lsn, type PageNo } from '../../storage/base/ids.ts'
import { PAGE_SIZE_BYTES } from '../../storage/base/limits.ts'
import { SqliteSegmentStore } from '../../storage/node/sqlite-segment-store.ts'
import { Seeded } from './seeded.ts'
import { storedBatch } from './stored-batch.ts'

const [path = '', from = '1', seed = '1'] = process.argv.slice(2)
const chance = new Seeded(Number(seed))
const store = new SqliteSegmentStore(path)
const segment = { timeline: asTimelineId(1), group: FIRST_GROUP }
let number = Number(from)
process.stdout.write('open\n')
for (;;) {
  store.expectMuch(chance.below(2) === 0)
  for (let portion = 0; portion < 10; portion++) {
    const batches = Array.from({ length: 1 + chance.below(20) }, () => storedBatch(number++))
    store.append(batches)
    process.stdout.write(`${number - 1}\n`)
    const page = chance.below(500)
    const bytes = Buffer.alloc(PAGE_SIZE_BYTES, page)
    store.putImages([{ ...segment, page: page as PageNo, lsn: number as Lsn, bytes }])
    if (chance.below(4) === 0) store.checkpoint(store.position(), [])
    store.housekeep(chance.below(2) === 0)
  }
}
