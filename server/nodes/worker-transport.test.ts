// Nodes that share a thread come and go one by one; the thread goes with the last of them.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'

import { asEpoch } from '../../storage/base/ids.ts'
import type { NodeMessage } from '../../storage/message/message.ts'
import { WorkerGroup, type WorkerTransport } from './worker-transport.ts'

const directory = mkdtempSync(join(tmpdir(), 'borealis-threads-'))
const open = new Set<WorkerTransport>()

afterEach(async () => {
  for (const transport of open) await transport.close()
  open.clear()
  rmSync(directory, { recursive: true, force: true })
})

function newGroup(): (node: number) => WorkerTransport {
  mkdirSync(directory, { recursive: true })
  const group = new WorkerGroup({ nodeCount: 2, archive: undefined })
  return (node) => {
    const path = join(directory, `${node}.sqlite`)
    const hotPath = join(directory, 'az1-hot')
    const place = { node, path, zone: 'az1', hotPath, regionCount: 2, region: node - 1 }
    const transport = group.start(place)
    open.add(transport)
    return transport
  }
}

function ask(transport: WorkerTransport): Promise<NodeMessage> {
  return new Promise((resolve, reject) => {
    transport.onMessage(resolve)
    transport.onClose(reject)
    transport.send({ kind: 'query', id: 7, volumeEpoch: asEpoch(0), membershipEpoch: asEpoch(0) })
  })
}

test('a node that is let go of leaves its neighbour alone, and can begin anew', async () => {
  const start = newGroup()
  const [first, second] = [start(1), start(2)]
  await Promise.all([first.ready(), second.ready()])
  expect(await ask(first)).toMatchObject({ kind: 'state', id: 7 })
  await first.close()
  open.delete(first)
  expect(first.hasEnded).toBe(true)
  expect(await ask(second)).toMatchObject({ kind: 'state', id: 7 })
  const again = start(1)
  await again.ready()
  expect(await ask(again)).toMatchObject({ kind: 'state', id: 7 })
  expect(await ask(second)).toMatchObject({ kind: 'state', id: 7 })
})

test('a node that cannot open its file is refused alone', async () => {
  const start = newGroup()
  writeFileSync(join(directory, '1.sqlite'), 'this is not a database, '.repeat(300))
  const [first, second] = [start(1), start(2)]
  await expect(first.ready()).rejects.toThrow('1.sqlite')
  await second.ready()
  expect(await ask(second)).toMatchObject({ kind: 'state', id: 7 })
})

test('a thread that is asked to shut all its nodes down ends, and another one takes its place', async () => {
  const start = newGroup()
  const [first, second] = [start(1), start(2)]
  await Promise.all([first.ready(), second.ready()])
  for (const each of [first, second]) {
    const done = new Promise<NodeMessage>((resolve) => each.onMessage(resolve))
    each.send({ kind: 'shut-down', id: 9, volumeEpoch: asEpoch(0), membershipEpoch: asEpoch(0) })
    expect(await done).toEqual({ kind: 'done', id: 9 })
  }
  await Promise.all([first.close(), second.close()])
  const again = start(1)
  await again.ready()
  expect(await ask(again)).toMatchObject({ kind: 'state', id: 7 })
})
