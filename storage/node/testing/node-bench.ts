// A storage node in the test's own thread, on either store, spoken to by plain calls.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'

import { must } from '../../base/assert.ts'
import { asEpoch, type Lsn, type PageNo, type TimelineId } from '../../base/ids.ts'
import type { NodeMessage, TimelineBirth, VolumeMessage } from '../../message/message.ts'
import { applyFakeRecord } from '../../message/testing/fake-log.ts'
import { MemorySegmentStore } from '../memory-segment-store.ts'
import type { SegmentStore } from '../segment-store.ts'
import { SqliteSegmentStore } from '../sqlite-segment-store.ts'
import { StorageNode } from '../storage-node.ts'

/** Compares pages by their head: a whole page is slow to print and to compare. */
export function expectPage(actual: Buffer, expected: Buffer, message?: string): void {
  expect(actual.subarray(0, 16).toString('hex'), message).toBe(expected.subarray(0, 16).toString('hex'))
  expect(actual.equals(expected), message).toBe(true)
}

/** A place for a store that outlives the node on it. */
export interface StoreHome {
  readonly name: string
  open(): SegmentStore
  remove(): void
}

export function memoryHome(): StoreHome {
  const store = new MemorySegmentStore()
  return { name: 'memory', open: () => store, remove: () => undefined }
}

export function sqliteHome(
  limits: { readonly sizeBytesMax?: number | undefined } = {},
): StoreHome & { readonly path: string } {
  const directory = mkdtempSync(join(tmpdir(), 'borealis-node-'))
  const path = join(directory, 'segments.sqlite')
  return {
    name: 'sqlite',
    path,
    open: () => new SqliteSegmentStore(path, limits),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** Fields of a request that matter to a test. */
type Request = VolumeMessage extends infer M
  ? M extends VolumeMessage
    ? Omit<M, 'id' | 'volumeEpoch' | 'membershipEpoch'> & { volumeEpoch?: number | undefined }
    : never
  : never

export class NodeBench {
  node: StorageNode
  store: SegmentStore
  epoch = 1
  readonly #home: StoreHome

  constructor(home: StoreHome) {
    this.#home = home
    this.store = home.open()
    this.node = new StorageNode(this.store, applyFakeRecord)
    this.call({ kind: 'fence', clusterId: 'test', writer: 'w' })
  }

  /** As after a crash: a new node on what the store holds. */
  reopen(): void {
    this.store.close()
    this.store = this.#home.open()
    this.node = new StorageNode(this.store, applyFakeRecord)
  }

  call(request: Request): NodeMessage {
    const { volumeEpoch = this.epoch, ...rest } = request
    const message = {
      ...rest,
      id: 1,
      volumeEpoch: asEpoch(volumeEpoch),
      membershipEpoch: asEpoch(0),
    } as VolumeMessage
    const answers: NodeMessage[] = []
    this.node.handle(message, (answer) => answers.push(answer))
    return must(answers[0])
  }

  create(timeline: number, parent?: { timeline: number; lsn: number }): NodeMessage {
    const birth = { id: timeline, parent, createdMicros: 5 } as unknown as TimelineBirth
    return this.call({ kind: 'create-timelines', births: [birth] })
  }

  /** Appends batches in one message; returns the SCL of the first one's timeline. */
  append(...batches: Buffer[]): number {
    const answer = this.call({ kind: 'append', batches })
    if (answer.kind !== 'appended') throw new Error(JSON.stringify(answer))
    return must(answer.segments[0]).scl
  }

  read(timeline: number, page: number, lsn: number): Buffer {
    const answer = this.call({
      kind: 'read-page',
      timeline: timeline as TimelineId,
      page: page as PageNo,
      lsn: lsn as Lsn,
    })
    if (answer.kind !== 'page') throw new Error(JSON.stringify(answer))
    return Buffer.from(answer.image)
  }
}
