// Micro benchmarks of the engine without storage: point lookups, scans, small commits, a load of a million rows. Run with
// `npx tsx storage/engine/engine.bench.ts [rows]`. The volume swallows the log. Figures are CPU time.

import { LSN_ZERO, type Lsn, type PageNo, type TimelineId } from '../base/ids.ts'
import { runSuspendable } from '../base/suspend.ts'
import { SeededPrng, testClock } from '../base/testing/test-env.ts'
import { MemoryVolume } from '../volume/memory-volume.ts'
import type { TimelineInfo, TimelineLog, Volume } from '../volume/volume.ts'
import { createEngine } from './create-engine.ts'

const TIMELINE = 1 as TimelineId

class SwallowedLog implements TimelineLog {
  readonly timeline: TimelineId = TIMELINE
  vdl: Lsn = LSN_ZERO
  vcl: Lsn = LSN_ZERO
  tail: Lsn = 8 as Lsn
  private readonly sink = Buffer.alloc(16_384)

  hasRoom(): boolean {
    return true
  }

  async room(): Promise<void> {}

  append(record: Uint8Array, offset: number, length: number, endsMtr: boolean): void {
    this.sink.set(record.subarray(offset, offset + length))
    if (endsMtr) this.vdl = this.vcl = this.tail
    this.tail = (this.tail + length) as Lsn
  }

  onDurable(_lsn: Lsn, callback: () => void): void {
    callback()
  }

  async readPage(page: PageNo): Promise<Uint8Array> {
    throw new Error(`page ${page} was evicted`)
  }
}

const log = new SwallowedLog()
const INFO: TimelineInfo = { id: TIMELINE, parent: undefined, createdMicros: 0 }

/** A volume of one timeline whose log is swallowed. */
class BenchVolume extends MemoryVolume {
  override timelines(): readonly TimelineInfo[] {
    return [INFO]
  }

  override timeline(): TimelineInfo {
    return INFO
  }

  override log(): TimelineLog {
    return log
  }
}

const volume: Volume = new BenchVolume({ clock: testClock })

/** CPU time of the process: the machine may be busy with other things. */
function now(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function report(name: string, startMs: number, count: number, bytes?: number): void {
  const ms = now() - startMs
  const each = (ms * 1e6) / count
  const size = bytes === undefined ? '' : `, ${(bytes / count).toFixed(1)} bytes each`
  console.log(
    `${name.padEnd(36)} ${ms.toFixed(1).padStart(9)} ms ${each.toFixed(0).padStart(8)} ns each${size}`,
  )
}

async function main(): Promise<void> {
  const rows = Number(process.argv[2] ?? 1_000_000)
  const engine = createEngine({ volume, clock: testClock, poolSizeBytes: 512 << 20 })
  const database = await engine.open(TIMELINE)
  const key = Buffer.alloc(8)
  const row = Buffer.alloc(100, 'r')

  const load = database.begin()
  const tree = load.createTree()
  let start = now()
  for (let i = 0; i < rows; i++) {
    key.writeUInt32BE(i, 4)
    row.writeInt32LE(i, 40)
    load.put(tree, key, row, 0)
  }
  report('stage rows in key order', start, rows)
  start = now()
  await runSuspendable(() => load.commit())
  report('commit them', start, rows, log.tail)

  const view = database.view()
  for (let round = 0; round < 4; round++) {
    const cursor = database.cursor(view, tree)
    cursor.seek(undefined, undefined)
    start = now()
    let sum = 0
    while (cursor.next()) sum += cursor.cell.view.getInt32(cursor.cell.start + 40, true)
    report(`scan, sum of a column (${sum})`, start, rows)
  }

  const prng = new SeededPrng(1)
  const lookups = 500_000
  for (let round = 0; round < 4; round++) {
    start = now()
    for (let i = 0; i < lookups; i++) {
      key.writeUInt32BE(prng.below(rows), 4)
      if (database.get(view, tree, key) === undefined) throw new Error('a row is missing')
    }
    report('point lookup', start, lookups)
  }

  const updates = 200_000
  for (let round = 0; round < 4; round++) {
    const before = log.tail
    start = now()
    for (let i = 0; i < updates; i++) {
      const transaction = database.begin()
      key.writeUInt32BE(prng.below(rows), 4)
      row.writeInt32LE(i, 40)
      transaction.put(tree, key, row, 0)
      transaction.commit()
    }
    report('update of one row, committed', start, updates, log.tail - before)
  }

  // The shape of a TPC-B transaction: three rows updated and one added, in four trees.
  const others = database.begin()
  const trees = [tree, others.createTree(), others.createTree(), others.createTree()]
  for (let i = 0; i < 1000; i++) {
    key.writeUInt32BE(i, 4)
    for (const other of trees.slice(1, 3)) others.put(other, key, row, 0)
  }
  await runSuspendable(() => others.commit())
  for (let round = 0; round < 4; round++) {
    start = now()
    for (let i = 0; i < updates; i++) {
      const transaction = database.begin()
      for (const [j, one] of trees.entries()) {
        transaction.lockTable(one, 3, 'wait')
        key.writeUInt32BE(j === 0 ? prng.below(rows) : j < 3 ? prng.below(1000) : round * updates + i, 4)
        row.writeInt32LE(i, 40)
        if (j < 3) transaction.lock(one, key, 'no-key-update', 'wait')
        transaction.put(one, key, row, 0)
      }
      transaction.commit()
    }
    report('3 updates, 1 insert, 7 locks', start, updates)
  }
  console.log(engine.status(), `${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`)
}

await main()
