// A node's store is killed with -9 while it goes in and out of its way of writing much at once: what it said to be
// durable is there when it is opened again, and SQLite finds nothing wrong.

import Database from 'better-sqlite3'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { asTimelineId, FIRST_GROUP, type Lsn } from '../storage/base/ids.ts'
import { SqliteSegmentStore } from '../storage/node/sqlite-segment-store.ts'
import { storedBatch } from './support/stored-batch.ts'

const WRITER = fileURLToPath(new URL('support/store-writer.ts', import.meta.url))
const TSX = createRequire(import.meta.url).resolve('tsx')
const ROUNDS = 4
const KILL_AFTER_MS = 150
const KILL_AFTER_STEP_MS = 170

/** Runs the writer and kills it a while after it began. Returns the highest number that it called durable. */
async function writeAndKill(path: string, from: number, round: number): Promise<number> {
  const args = ['--import', TSX, WRITER, path, String(from), String(round)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    if (output === '') setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS + round * KILL_AFTER_STEP_MS)
    output += chunk.toString()
  })
  await new Promise((resolve) => child.once('close', resolve))
  expect(child.signalCode).toBe('SIGKILL')
  const numbers = output.split('\n').slice(1, -1).map(Number)
  return numbers.at(-1) ?? from - 1
}

test('kill -9 while much is written loses nothing that was durable', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'borealis-store-'))
  const path = join(directory, 'segments.sqlite')
  const segment = { timeline: asTimelineId(1), group: FIRST_GROUP }
  let durable = 0
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      durable = await writeAndKill(path, durable + 1, round)
      const store = new SqliteSegmentStore(path)
      for (let number = 1; number <= durable; number++) {
        const { bytes } = storedBatch(number)
        expect(store.batchAt(segment, number as Lsn)?.equals(bytes), `batch ${number} of ${durable}`).toBe(
          true,
        )
      }
      // What was being written when it died may be there as well: the next round begins behind it.
      while (store.batchAfter(segment, durable as Lsn) !== undefined) durable++
      store.close()
      const db = new Database(path)
      expect(db.pragma('integrity_check', { simple: true })).toBe('ok')
      db.close()
    }
    expect(durable).toBeGreaterThan(ROUNDS * 20)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}, 60_000)
