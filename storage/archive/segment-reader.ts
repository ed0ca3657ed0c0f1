// How the archiver reads its node: requests of the node's own protocol, answered on the spot.

import { StorageError } from '../base/errors.ts'
import type { GroupNo, Lsn, PageNo } from '../base/ids.ts'
import { readBatchHeader } from '../message/batch.ts'
import type { Configuration } from '../message/configuration.ts'
import { birthAt, birthCount, bornState } from '../message/packed-births.ts'
import type {
  ImageCopy,
  NodeMessage,
  SegmentKey,
  SegmentState,
  TimelineState,
  VolumeMessage,
} from '../message/message.ts'

type Body<Message> = Message extends VolumeMessage
  ? Omit<Message, 'id' | 'volumeEpoch' | 'membershipEpoch'>
  : never

/** What an archiver asks of its node. */
export type ReadRequest = Body<
  Extract<VolumeMessage, { kind: 'gossip' | 'fetch-log' | 'fetch-images' | 'query' }>
>

/** The node, at hand: it answers before the call returns. */
export interface LocalNode {
  readonly node: number
  ask(request: ReadRequest): NodeMessage
}

/** What moved since a sequence number. */
export interface Movement {
  readonly sequence: number
  readonly timelines: readonly TimelineState[]
  readonly segments: readonly SegmentState[]
}

export class SegmentReader {
  readonly #local: LocalNode

  constructor(local: LocalNode) {
    this.#local = local
  }

  get node(): number {
    return this.#local.node
  }

  configuration(): Configuration | undefined {
    const answer = this.#local.ask({ kind: 'query' })
    return answer.kind === 'state' ? answer.state.configuration : refuse(answer)
  }

  movement(since: number): Movement {
    const answer = this.#local.ask({ kind: 'gossip', since, known: 0 })
    if (answer.kind !== 'gossip') return refuse(answer)
    const { sequence, born, timelines, segments } = answer
    const states = Array.from({ length: birthCount(born) }, (_, index) => bornState(birthAt(born, index)))
    return { sequence, timelines: [...states, ...timelines], segments }
  }

  /** Some batches behind `after`, about `sizeMax` bytes; empty at the end. */
  log(segment: SegmentKey, after: Lsn, sizeMax: number): readonly Buffer[] {
    const { timeline, group } = segment
    const answer = this.#local.ask({ kind: 'fetch-log', timeline, group, after, sizeMax })
    if (answer.kind !== 'log') return refuse(answer)
    return answer.batches.map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  }

  images(
    segment: SegmentKey,
    after: { page: PageNo; lsn: Lsn } | undefined,
    sizeMax: number,
  ): { readonly images: readonly ImageCopy[]; readonly complete: boolean } {
    const { timeline, group } = segment
    const answer = this.#local.ask({ kind: 'fetch-images', timeline, group, after, sizeMax })
    return answer.kind === 'images' ? answer : refuse(answer)
  }
}

/** Up to where a run of batches makes a segment complete. */
export function reachOf(batches: readonly Buffer[], after: Lsn): Lsn {
  const last = batches.at(-1)
  return last === undefined ? after : readBatchHeader(last).last
}

/** Groups whose segments the node has as a full member. */
export function groupsOf(configuration: Configuration, node: number): readonly GroupNo[] {
  return configuration.groups
    .filter(({ slots }) => slots.some(({ member }) => member.node === node && member.kind === 'full'))
    .map(({ group }) => group)
}

function refuse(answer: NodeMessage): never {
  if (answer.kind !== 'failed') throw new StorageError('io', `the node answered a read with ${answer.kind}`)
  const kind = answer.failure === 'behind' ? 'io' : answer.failure
  throw new StorageError(kind, answer.message, answer.detail)
}
