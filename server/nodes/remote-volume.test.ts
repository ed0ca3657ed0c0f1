// How a server meets its storage nodes, where that ends before a volume is opened. (With nodes that answer:
// test/volume/topology.test.ts.)

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'

import { testClock, SeededPrng } from '../../storage/base/testing/test-env.ts'
import { NodeListener } from './node-listener.ts'
import { DEFAULT_OPTIONS } from '../options/options.ts'
import { openRemoteVolume } from './remote-volume.ts'

const log = pino({ level: 'silent' })
const NOBODY = '127.0.0.1:1'
const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const each of undo.splice(0).toReversed()) await each()
})

/** Opens a volume of one node at an address, for a server that remembers a cluster or does not. */
function open(address: string, clusterId: string | undefined): Promise<unknown> {
  const data = mkdtempSync(join(tmpdir(), 'borealis-remote-'))
  undo.push(() => rmSync(data, { recursive: true, force: true }))
  const memory = { clusterId, nodes: [{ address, node: 1, zone: 'az1' }] }
  if (clusterId !== undefined) writeFileSync(join(data, 'cluster.json'), JSON.stringify(memory))
  const quorum = { nodeCount: 1, writeCount: 1, readCount: 1 }
  const options = { ...DEFAULT_OPTIONS, data, quorum, storage: [address] }
  return openRemoteVolume(options, { clock: testClock, prng: new SeededPrng(1), log })
}

test('where no node of a known cluster answers, that is what is said, not that they are empty', async () => {
  await expect(open(NOBODY, 'known')).rejects.toThrow('none of the storage nodes of cluster known answers')
})

test('a new volume needs all of its nodes', async () => {
  await expect(open(NOBODY, undefined)).rejects.toThrow('a new volume needs all of its storage nodes')
})

test('empty nodes are not taken for the volume that is known', async () => {
  const listener = await NodeListener.open({
    host: '127.0.0.1',
    port: 0,
    security: { secret: undefined, tls: undefined },
    clock: testClock,
    log,
    self: () => ({ clusterId: '', node: 1, zone: 'az1' }),
    handle: () => expect.unreachable('nothing is asked of it'),
  })
  undo.push(() => listener.close())
  await expect(open(`127.0.0.1:${listener.port}`, 'known')).rejects.toThrow(
    /the storage nodes are empty, but .* belongs to cluster known/,
  )
})
