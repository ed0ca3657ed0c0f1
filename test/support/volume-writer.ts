// A process that writes through an embedded volume until it is killed: test/volume-crash.test.ts starts it. It prints one line
// per acknowledged commit, `timeline lsn`, after `open <ms>` and before anything else `tail <lsn>`.

import { pino } from 'pino'

import { openEmbeddedVolume } from '../../server/nodes/embedded-volume.ts'
import { nodeEnv } from '../../server/node-env.ts'
import { must } from '../../storage/base/assert.ts'
import { FakeLog } from '../../storage/message/testing/fake-log.ts'

const [directory = '', nodes = '6,4,3', bodyLength = '200'] = process.argv.slice(2)
const [nodeCount = 6, writeCount = 4, readCount = 3] = nodes.split(',').map(Number)
const began = performance.now()
const volume = await openEmbeddedVolume({
  directory,
  quorum: { nodeCount, writeCount, readCount },
  clock: nodeEnv.clock,
  prng: nodeEnv.prng,
  log: pino({ level: 'error' }),
})
if (volume.isNew) {
  await volume.createTimeline(undefined)
  await volume.createTimeline(undefined)
}
process.stdout.write(`open ${Math.round(performance.now() - began)}\n`)

const writers = volume.timelines().map(({ id }) => {
  const fake = new FakeLog(id)
  const log = volume.log(id)
  fake.tail = log.tail
  fake.last = log.vdl
  return { fake, log }
})

function commit(writer: (typeof writers)[number], size: number): void {
  const { fake, log } = writer
  for (let record = 1; record <= size; record++) {
    const change =
      record === size
        ? { page: 0, commitMicros: nodeEnv.clock.wallMicros() }
        : { page: record % 50, bodyLength: Number(bodyLength) }
    const bytes = fake.record({ ...change, endsMtr: record === size })
    log.append(bytes, 0, bytes.length, record === size)
  }
  const lsn = log.tail - 48
  log.onDurable(lsn as never, (error) => {
    if (error !== undefined) throw error
    process.stdout.write(`${fake.timeline} ${lsn}\n`)
    const next = (): void => {
      if (log.hasRoom(100_000)) commit(writer, 1 + Math.floor(nodeEnv.prng.next() * 8))
      else void log.room().then(next)
    }
    setImmediate(next)
  })
}

for (let client = 0; client < 4; client++) commit(must(writers[client % 2]), 3)
