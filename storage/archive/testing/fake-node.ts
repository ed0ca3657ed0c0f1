// A node as an archiver sees it: segments of group 0 with their batches and images, in memory.

import type { Epoch, Lsn, PageNo, TimelineId } from '../../base/ids.ts'
import { FIRST_GROUP } from '../../base/ids.ts'
import { readBatchHeader } from '../../message/batch.ts'
import { type Configuration, SEGMENT_SIZE_BYTES_DEFAULT } from '../../message/configuration.ts'
import type {
  AnnulledRange,
  ImageCopy,
  NodeMessage,
  SegmentState,
  TimelineState,
} from '../../message/message.ts'
import { NO_BIRTHS } from '../../message/packed-births.ts'
import type { LocalNode, ReadRequest } from '../segment-reader.ts'

const EPOCH = 1 as Epoch

interface FakeSegment {
  readonly state: TimelineState
  annulled: readonly AnnulledRange[]
  batches: Buffer[]
  images: ImageCopy[]
  logAfter: Lsn
  moved: number
}

export class FakeNode implements LocalNode {
  readonly node: number
  readonly #clusterId: string
  readonly #segments = new Map<TimelineId, FakeSegment>()
  #sequence = 0

  constructor(node: number, clusterId = 'c1') {
    this.node = node
    this.#clusterId = clusterId
  }

  addTimeline(id: number, createdMicros: number, parent?: { timeline: number; lsn: number }): void {
    const timeline = id as TimelineId
    const at = parent && { timeline: parent.timeline as TimelineId, lsn: parent.lsn as Lsn }
    const state = { birth: { id: timeline, parent: at, createdMicros }, dropped: false, annulled: [] }
    const logAfter = (parent?.lsn ?? 0) as Lsn
    const moved = ++this.#sequence
    this.#segments.set(timeline, { state, annulled: [], batches: [], images: [], logAfter, moved })
  }

  append(id: number, batch: Buffer): void {
    const segment = this.#segment(id)
    segment.batches.push(batch)
    segment.moved = ++this.#sequence
  }

  annul(id: number, ranges: readonly AnnulledRange[]): void {
    const segment = this.#segment(id)
    segment.annulled = ranges
    segment.batches = segment.batches.filter((batch) => {
      const { first } = readBatchHeader(batch)
      return !ranges.some(({ above, upTo }) => first > above && first <= upTo)
    })
    segment.moved = ++this.#sequence
  }

  addImage(id: number, page: number, lsn: number, bytes: Buffer): void {
    this.#segment(id).images.push({ page: page as PageNo, lsn: lsn as Lsn, bytes })
  }

  collect(id: number, upTo: number): void {
    const segment = this.#segment(id)
    segment.batches = segment.batches.filter((batch) => readBatchHeader(batch).last > upTo)
    segment.logAfter = upTo as Lsn
  }

  #segment(id: number): FakeSegment {
    const segment = this.#segments.get(id as TimelineId)
    if (segment === undefined) throw new Error(`timeline ${id} was added before`)
    return segment
  }

  ask(request: ReadRequest): NodeMessage {
    const id = 0
    switch (request.kind) {
      case 'query':
        return {
          kind: 'state',
          id,
          state: { ...this.#identity(), born: NO_BIRTHS, timelines: [], dead: [], segments: [] },
        }
      case 'gossip': {
        const moved = [...this.#segments.values()].filter((segment) => segment.moved > request.since)
        const timelines = moved.map(({ state, annulled }) => ({ ...state, annulled }))
        const segments = moved.map((segment) => this.#state(segment))
        const news = { sequence: this.#sequence, born: NO_BIRTHS, timelines, segments }
        return { kind: 'gossip', id, ...news, ...this.#identity() }
      }
      case 'fetch-log': {
        const segment = this.#segment(request.timeline)
        const { logAfter } = segment
        if (request.after < logAfter) return failed('out-of-window')
        const behind = segment.batches.filter((batch) => readBatchHeader(batch).last > request.after)
        // Two at a time, so that runs are cut in several places.
        return { kind: 'log', id, batches: behind.slice(0, 2), scl: this.#state(segment).scl }
      }
      case 'fetch-images':
        return { kind: 'images', id, images: this.#segment(request.timeline).images, complete: true }
      default:
        throw new Error('no other request')
    }
  }

  #identity(): {
    protocol: number
    clusterId: string
    volumeEpoch: Epoch
    membershipEpoch: Epoch
    configuration: Configuration
    damage: undefined
  } {
    const member = { node: this.node, zone: 'az1', address: undefined, kind: 'full' as const }
    const others = [1, 2, 3].filter((node) => node !== this.node)
    const slots = [member, ...others.map((node) => ({ ...member, node }))].map((each) => ({
      member: each,
      candidate: undefined,
    }))
    const configuration: Configuration = {
      clusterId: this.#clusterId,
      membershipEpoch: EPOCH,
      geometryEpoch: EPOCH,
      segmentSizeBytes: SEGMENT_SIZE_BYTES_DEFAULT,
      quorum: { nodeCount: 3, writeCount: 2, readCount: 2, fullWriteCount: 0 },
      zonesAway: [],
      groups: [{ group: FIRST_GROUP, slots }],
      spares: [],
    }
    const clusterId = this.#clusterId
    return {
      protocol: 2,
      clusterId,
      volumeEpoch: EPOCH,
      membershipEpoch: EPOCH,
      configuration,
      damage: undefined,
    }
  }

  #state({ state, batches, logAfter }: FakeSegment): SegmentState {
    const last = batches.at(-1)
    const header = last && readBatchHeader(last)
    return {
      timeline: state.birth.id,
      group: FIRST_GROUP,
      scl: header?.last ?? logAfter,
      consistent: header?.consistent ?? logAfter,
      end: header?.end ?? logAfter,
      logAfter,
      birth: (state.birth.parent?.lsn ?? 0) as Lsn,
    }
  }
}

function failed(failure: 'out-of-window'): NodeMessage {
  return {
    kind: 'failed',
    id: 0,
    failure,
    message: 'collected',
    detail: undefined,
    damaged: undefined,
    fatal: false,
  }
}
