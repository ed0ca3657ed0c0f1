// A node that is filled from a backup instead of by a volume: the same StorageNode on the same store, spoken to by the
// same messages, and images put beside them. When it is finished it looks like a node whose cluster was shut down.
//
//   fresh store ─▶ fenced, configured ─▶ timelines, segments, log, images ─▶ finish(): everything indexed, closed

import { assert } from '../base/assert.ts'
import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import { asEpoch, FIRST_GROUP, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import type { RestoreTarget } from '../archive/restore.ts'
import type { Configuration } from '../message/configuration.ts'
import type {
  AnnulledRange,
  ImageCopy,
  SegmentKey,
  SegmentState,
  TimelineBirth,
  VolumeMessage,
} from '../message/message.ts'
import { applyRecord } from '../page/apply.ts'
import { Background } from './background.ts'
import type { PageImage, SegmentStore } from './segment-store.ts'
import { StorageNode } from './storage-node.ts'

const VOLUME_EPOCH = asEpoch(1)
const WRITER = 'restore'
/** Images are stored so many at a time. */
const IMAGES_AT_ONCE = 64

type Body<Message> = Message extends VolumeMessage
  ? Omit<Message, 'id' | 'volumeEpoch' | 'membershipEpoch'>
  : never

export class RestoredNode implements RestoreTarget {
  readonly #node: StorageNode
  readonly #configuration: Configuration
  readonly #background: Background
  #images: PageImage[] = []

  /** Begins a cluster on an empty store. Throws StorageError 'not-writable' if something is there already. */
  constructor(store: SegmentStore, number: number, configuration: Configuration, clock: Clock) {
    if (store.identity().clusterId !== '') {
      throw new StorageError(
        'not-writable',
        `${store.where} holds a cluster already; restore into a new directory`,
      )
    }
    this.#node = new StorageNode(store, applyRecord, { number })
    this.#background = new Background(this.#node, clock)
    this.#configuration = configuration
    this.#send({ kind: 'fence', clusterId: configuration.clusterId, writer: WRITER })
    this.#send({ kind: 'configure', configuration })
  }

  putTimeline(birth: TimelineBirth): void {
    this.#send({ kind: 'create-timelines', births: [birth] })
  }

  dropTimeline(timeline: TimelineId): void {
    this.#send({ kind: 'drop-timeline', timeline })
  }

  /** What lies below the log's beginning comes as images: nothing is known to be empty but what is the parent's. */
  beginSegment({ timeline: id, group, logAfter: after }: SegmentState): void {
    const timeline = this.#node.register.known(id)
    if (group === FIRST_GROUP && after <= timeline.base) return
    const segment = timeline.segment(group) ?? timeline.make(group)
    const commits = group === FIRST_GROUP ? [{ at: after, lsn: LSN_ZERO, wallMicros: 0 }] : []
    this.#node.register.begin(segment, { birth: timeline.base, after, commits })
  }

  putImages({ timeline, group }: SegmentKey, images: readonly ImageCopy[]): void {
    for (const { page, lsn, bytes } of images) {
      const own = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      this.#images.push({ timeline, group, page, lsn, bytes: own })
    }
    if (this.#images.length >= IMAGES_AT_ONCE) this.#storeImages()
  }

  #storeImages(): void {
    this.#node.store.putImages(this.#images)
    this.#images = []
  }

  append(batches: readonly Buffer[]): void {
    this.#send({ kind: 'append', batches })
    this.#node.store.housekeep(false)
  }

  annul(timeline: TimelineId, ranges: readonly AnnulledRange[]): void {
    this.#send({ kind: 'truncate', annulled: [{ timeline, ranges }] })
  }

  /** Everything is there: closes the store. */
  finish(): void {
    this.#storeImages()
    this.close()
  }

  close(): void {
    this.#background.settle()
    this.#background.stop()
    this.#node.store.close()
  }

  #send(body: Body<VolumeMessage>): void {
    const { membershipEpoch } = this.#configuration
    const message = { ...body, id: 0, volumeEpoch: VOLUME_EPOCH, membershipEpoch } as VolumeMessage
    let isAnswered = false
    this.#node.handle(message, (answer) => {
      isAnswered = true
      if (answer.kind !== 'failed') return
      const kind = answer.failure === 'behind' ? 'io' : answer.failure
      throw new StorageError(kind, `restoring failed: ${answer.message}`, answer.detail)
    })
    assert(isAnswered, 'a node answers at once')
  }
}
