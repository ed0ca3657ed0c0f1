// Real processes, real disks: a process that writes through an embedded volume is killed with -9, and every commit that it had
// printed as acknowledged must be there when the directory is opened again.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'

import { type EmbeddedVolumeOptions, openEmbeddedVolume } from '../server/nodes/embedded-volume.ts'
import { nodeEnv } from '../server/node-env.ts'
import type { TimelineId } from '../storage/base/ids.ts'
import { DEFAULT_QUORUM, type Quorum } from '../storage/volume/quorum.ts'

const WRITER = fileURLToPath(new URL('support/volume-writer.ts', import.meta.url))
const TSX = createRequire(import.meta.url).resolve('tsx')
const made: string[] = []

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'borealis-volume-'))
  made.push(directory)
  return directory
}

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

function options(directory: string, quorum: Quorum): EmbeddedVolumeOptions {
  return { directory, quorum, clock: nodeEnv.clock, prng: nodeEnv.prng, log: pino({ level: 'silent' }) }
}

/** Runs a writer until it acknowledged `count` commits, then kills it. Returns the highest LSN of each timeline. */
async function writeAndKill(directory: string, quorum: Quorum, count: number): Promise<Map<number, number>> {
  const { nodeCount, writeCount, readCount } = quorum
  const sizes = `${nodeCount},${writeCount},${readCount}`
  const child: ChildProcess = spawn(process.execPath, ['--import', TSX, WRITER, directory, sizes], {
    stdio: 'pipe',
  })
  const highest = new Map<number, number>()
  let acknowledged = 0
  let rest = ''
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  child.stdout?.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (!/^\d+ \d+$/.test(line)) continue
      const [timeline = 0, lsn = 0] = line.split(' ').map(Number)
      highest.set(timeline, Math.max(highest.get(timeline) ?? 0, lsn))
      acknowledged++
    }
    if (acknowledged >= count) child.kill('SIGKILL')
  })
  await new Promise((resolve) => child.once('close', resolve))
  expect(errors).toBe('')
  expect(acknowledged).toBeGreaterThanOrEqual(count)
  return highest
}

test.each([
  ['six nodes', DEFAULT_QUORUM, 2],
  ['one node', { nodeCount: 1, writeCount: 1, readCount: 1 }, 2],
] as const)(
  'kill -9 of a writer over %s loses nothing acknowledged',
  async (_, quorum, rounds) => {
    const directory = temporaryDirectory()
    for (let round = 0; round < rounds; round++) {
      const acknowledged = await writeAndKill(directory, quorum, 400 + round * 150)
      const volume = await openEmbeddedVolume(options(directory, quorum))
      for (const [timeline, lsn] of acknowledged) {
        expect(volume.log(timeline as TimelineId).vdl).toBeGreaterThanOrEqual(lsn)
      }
      expect((await volume.commitAt(1 as TimelineId, nodeEnv.clock.wallMicros()))?.lsn).toBe(
        volume.log(1 as TimelineId).vdl,
      )
      await volume.close()
    }
  },
  60_000,
)

test('a second opener is refused by name, in this process and in another, and let in afterwards', async () => {
  const directory = temporaryDirectory()
  const small = { nodeCount: 1, writeCount: 1, readCount: 1 }
  const volume = await openEmbeddedVolume(options(directory, small))
  await expect(openEmbeddedVolume(options(directory, small))).rejects.toMatchObject({
    kind: 'locked',
    message: `data directory ${directory} is in use by process ${process.pid}`,
  })
  const child = spawn(process.execPath, ['--import', TSX, WRITER, directory, '1,1,1'], { stdio: 'pipe' })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  expect(await new Promise((resolve) => child.once('close', resolve))).not.toBe(0)
  expect(errors).toContain(`data directory ${directory} is in use by process ${process.pid}`)
  // One that comes while the first is on its way out waits for it.
  const waiting = openEmbeddedVolume(options(directory, small))
  await volume.close()
  const again = await waiting
  await again.close()
})

test('a directory is opened with the number of nodes that it was made for', async () => {
  const directory = temporaryDirectory()
  const small = { nodeCount: 1, writeCount: 1, readCount: 1 }
  const volume = await openEmbeddedVolume(options(directory, small))
  await volume.close()
  await expect(openEmbeddedVolume(options(directory, DEFAULT_QUORUM))).rejects.toMatchObject({
    kind: 'version',
    message: `data directory ${directory} was created for 1 storage nodes and cannot be opened with 6`,
  })
})

test.each(['/proc/borealis-data', import.meta.filename])('%s is refused by name', async (directory) => {
  const small = { nodeCount: 1, writeCount: 1, readCount: 1 }
  await expect(openEmbeddedVolume(options(directory, small))).rejects.toMatchObject({
    kind: 'not-writable',
    message: expect.stringContaining(`data directory ${directory} cannot be written`) as string,
  })
})
