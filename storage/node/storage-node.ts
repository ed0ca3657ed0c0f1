// A storage node: answers the volume's and its peers' messages from its SegmentStore. Single-threaded, synchronous, driven
// by messages from one side and by its background (./background.ts) from the other.
//
//   append ─▶ check epochs, checksums ─▶ store.append (one durable write) ─▶ answer ─▶ index pages in memory
//
// Invariants. Nothing is acknowledged before it is on disk. Once fenced with epoch e, nothing below e is ever accepted.
// A disk that failed once while writing is not written to again until the node is restarted: its state is unknown.

import { unreachable } from '../base/assert.ts'
import { StorageError } from '../base/errors.ts'
import { type Epoch, FIRST_GROUP, formatLsn, type GroupNo, type Lsn, type PageNo } from '../base/ids.ts'
import { type BatchHeader, readBatchHeader, verifyBatch } from '../message/batch.ts'
import type { Configuration } from '../message/configuration.ts'
import { IdSet } from '../message/id-set.ts'
import type { NodeMessage, SegmentKey, VolumeMessage } from '../message/message.ts'
import type { Reply } from '../message/transport.ts'
import { changedPages, commitOf } from './changed-pages.ts'
import { CommitTimes } from './commit-times.ts'
import { fetchImages, fetchLog } from './fetch.ts'
import { asBuffer, LogIntake } from './log-intake.ts'
import { Membership } from './membership.ts'
import { NodeFigures, sizesOf, stateOf, statisticsOf } from './node-report.ts'
import { type ApplyRecord, DamagedBatch, PageReader } from './page-reader.ts'
import { ReadPoints } from './read-points.ts'
import { Refusal } from './refusal.ts'
import type { Segment } from './segment.ts'
import { DamagedImage, type SegmentStore } from './segment-store.ts'
import { type Timeline, Timelines } from './timeline.ts'
import { TimelineRegister } from './timeline-register.ts'

type Message<Kind extends VolumeMessage['kind']> = Extract<VolumeMessage, { kind: Kind }>

export interface NodeOptions {
  /** The number under which the configuration knows it; 0: it keeps all groups, as a full member. */
  readonly number?: number | undefined
  /** Something that grows from one life of the node to the next: wall time, say. */
  readonly life?: number | undefined
}

export class StorageNode {
  readonly store: SegmentStore
  readonly timelines: Timelines
  readonly points: ReadPoints
  readonly reader: PageReader
  readonly commits: CommitTimes
  readonly intake: LogIntake
  readonly register: TimelineRegister
  readonly figures: NodeFigures = new NodeFigures()
  /** Batches and images that were found damaged and that only a peer can mend. */
  readonly damagedBatches: Map<string, SegmentKey & { readonly lsn: Lsn }> = new Map()
  readonly damagedImages: Map<string, DamagedImage['image']> = new Map()
  /** Timelines of which something may have become useless. */
  readonly collectable: Set<Timeline> = new Set()
  /** Segments whose images a peer has just asked for: they are not collected meanwhile. */
  readonly copied: Set<Segment> = new Set()
  membership: Membership
  /** Much is being written, in large portions: what follows from it is written in large portions, too. */
  isFilling = false
  #failed: StorageError | undefined
  /** Damage of the log's end, by the segment whose SCL it keeps down. */
  readonly #damage = new Map<Segment, { readonly lsn: Lsn; readonly why: string }>()

  /** Reads what the store holds: marks, and the log since the last checkpoint. Throws StorageError. */
  constructor(store: SegmentStore, apply: ApplyRecord, options: NodeOptions = {}) {
    this.store = store
    this.membership = new Membership(options.number ?? 0, store.configuration())
    this.timelines = new Timelines(options.life ?? 1, new IdSet(store.dead().ranges))
    this.points = new ReadPoints(this.timelines)
    this.reader = new PageReader(store, this.timelines, this.points, apply)
    this.commits = new CommitTimes(store, this.reader, this.timelines, this.points)
    this.intake = new LogIntake({
      store,
      timelines: this.timelines,
      reader: this.reader,
      segmentOf: (header) => this.#segment(header),
      keepsPages: (group) => this.membership.kindOf(group) === 'full',
      write: (work) => this.write(work),
    })
    this.register = new TimelineRegister(this)
    for (const stored of store.timelines()) this.timelines.add(stored)
    const marked: Segment[] = []
    for (const stored of store.segments()) {
      const segment = this.timelines.get(stored.timeline)?.make(stored.group, stored)
      if (segment !== undefined && stored.mark?.hasGap === true) marked.push(segment)
    }
    for (const { segment, lsn, why } of this.intake.reload(marked)) this.#damage.set(segment, { lsn, why })
  }

  /** Whether background work may write. */
  get isWritable(): boolean {
    return this.#failed === undefined
  }

  /** Marks the node as failed for writing. */
  fail(error: StorageError): void {
    this.#failed ??= error
  }

  /** Names a damaged batch because of which this node holds less than it says, or says less than it once acknowledged. */
  damage(): string | undefined {
    for (const [segment, { lsn }] of this.#damage) {
      const isGone = segment.owner.dropped || segment.isAnnulled(lsn)
      if (isGone || segment.scl >= lsn) this.#damage.delete(segment)
    }
    return this.#damage.values().next().value?.why ?? this.#missing()
  }

  /** What was found damaged above all that is known to be durable: it may be that no peer has it, nor ever will. */
  #missing(): string | undefined {
    for (const { timeline, group, lsn } of this.damagedBatches.values()) {
      const segment = this.timelines.peek(timeline)?.peek(group)
      if (segment === undefined || segment.owner.dropped || segment.isAnnulled(lsn)) continue
      if (lsn > segment.vdl && lsn <= segment.scl)
        return `${this.store.where}: log of timeline ${timeline} is damaged at ${formatLsn(lsn)}`
    }
    return undefined
  }

  /** Handles one message and answers it exactly once, before it returns. */
  handle(message: VolumeMessage, reply: Reply): void {
    try {
      this.#checkEpochs(message)
      this.#dispatch(message, reply)
    } catch (error) {
      reply(this.#failure(message.id, error))
    }
  }

  #dispatch(message: VolumeMessage, reply: Reply): void {
    const { id } = message
    switch (message.kind) {
      case 'append':
        return this.#append(message, reply)
      case 'read-page':
        return this.#readPage(message, reply)
      case 'fetch-log':
        return reply({ kind: 'log', id, ...this.#fetchLog(message) })
      case 'fetch-images':
        return reply({ kind: 'images', id, ...this.#fetchImages(message) })
      case 'gossip':
        return reply({ kind: 'gossip', id, ...this.#gossip(message) })
      case 'find-time':
      case 'time-of': {
        const timeline = this.register.known(message.timeline)
        const isTimeKnown = message.kind === 'find-time'
        const below = isTimeKnown ? message.below : message.lsn
        const wallMicros = isTimeKnown ? message.wallMicros : Infinity
        return reply({ kind: 'time', id, ...this.commits.find(timeline, { below, wallMicros }) })
      }
      case 'sizes':
        return reply({ kind: 'sizes', id, sizes: sizesOf(this, message.timelines) })
      case 'changed-pages':
        return reply({ kind: 'changed-pages', id, ...this.#changedPages(message) })
      case 'find-commit': {
        const first = this.register.known(message.timeline).segment(FIRST_GROUP)
        const commit = first && commitOf(this.store, this.reader, first, message.lsn)
        return reply({ kind: 'commit', id, commit })
      }
      case 'statistics':
        return reply({ kind: 'statistics', id, statistics: statisticsOf(this) })
      case 'query':
      case 'fence':
        if (message.kind === 'fence') this.#fence(message)
        return this.#tellState(id, reply)
      default:
        this.#change(message)
        return reply({ kind: 'done', id })
    }
  }

  #tellState(id: number, reply: Reply): void {
    const state = stateOf(this)
    reply({ kind: 'state', id, state }, state.born.length > 0 ? state.born.buffer : undefined)
  }

  #change(
    message: Exclude<
      VolumeMessage,
      Message<
        | 'append'
        | 'read-page'
        | 'fetch-log'
        | 'fetch-images'
        | 'gossip'
        | 'find-time'
        | 'time-of'
        | 'changed-pages'
        | 'find-commit'
        | 'sizes'
        | 'statistics'
        | 'query'
        | 'fence'
      >
    >,
  ): void {
    if (message.kind !== 'shut-down' && message.kind !== 'inject') this.checkWritable()
    switch (message.kind) {
      case 'configure':
        return this.#configure(message.configuration, message.volumeEpoch)
      case 'truncate':
        return this.register.truncate(message.annulled)
      case 'settle-timelines':
        return this.register.settle(message)
      case 'create-timelines':
        return this.register.create(message.births)
      case 'drop-timeline':
        return this.register.drop(message.timeline)
      case 'open-segment':
        return this.register.open(message)
      case 'repair':
        return this.repair(asBuffer(message.batch))
      case 'read-floors':
        this.register.raiseFloors(message.floors)
        return this.register.end(message.ended)
      case 'inject':
      case 'shut-down':
        // The business of whoever runs the node (./node-process.ts).
        return
      default:
        return unreachable(message)
    }
  }

  #checkEpochs(message: VolumeMessage): void {
    const { kind, volumeEpoch, membershipEpoch } = message
    if (kind === 'query' || kind === 'fence' || kind === 'gossip') return
    const known = this.store.identity().volumeEpoch
    this.#checkNotOlder(volumeEpoch, known)
    if (volumeEpoch > known) {
      throw new Refusal('behind', `node knows volume epoch ${known} and was not told of newer ones`)
    }
    if (kind === 'configure' || kind === 'fetch-log' || kind === 'fetch-images') return
    const configured = this.membershipEpoch
    if (membershipEpoch < configured) {
      const message = `the members of the volume have changed (epoch ${configured}, yours ${membershipEpoch})`
      throw new Refusal('fenced', message)
    }
  }

  get membershipEpoch(): Epoch {
    return this.membership.configuration?.membershipEpoch ?? (0 as Epoch)
  }

  #checkNotOlder(sent: Epoch, known: Epoch): void {
    if (sent < known)
      throw new Refusal('fenced', `another writer has opened the volume (epoch ${known}, yours ${sent})`)
  }

  checkWritable(): void {
    if (this.#failed !== undefined) throw this.#failed
  }

  #fence(message: Message<'fence'>): void {
    this.checkWritable()
    const known = this.store.identity()
    const { clusterId, volumeEpoch, writer } = message
    this.#checkNotOlder(volumeEpoch, known.volumeEpoch)
    if (known.clusterId !== '' && known.clusterId !== clusterId) {
      const message = `${this.store.where} belongs to cluster ${known.clusterId}, not ${clusterId}`
      throw new Refusal('fenced', message)
    }
    if (known.clusterId === clusterId && known.volumeEpoch === volumeEpoch) {
      if (known.writer === writer) return
      throw new Refusal('fenced', `another writer is opening the volume (epoch ${volumeEpoch})`)
    }
    this.write(() => {
      this.#forgetGaps()
      this.store.setIdentity({ ...known, clusterId, volumeEpoch, writer })
    })
  }

  /**
   * What an older writer sent above a gap was never acknowledged, and nothing may be attached to it by a newer one. What was
   * annulled up there stays: chains of pages lead through it.
   */
  #forgetGaps(): void {
    for (const segment of [...this.intake.gaps]) {
      const waiting: Lsn[] = []
      this.store.visitHeaders(segment, segment.scl, (head) => {
        const header = readBatchHeader(head)
        if (segment.lastOf(header) > segment.scl && !segment.isVoid(header)) waiting.push(header.first)
        return true
      })
      for (const first of waiting) this.store.dropLog(segment, (first - 1) as Lsn, first, Infinity)
      segment.pending = undefined
      this.intake.moved(segment)
    }
  }

  #configure(configuration: Configuration, volumeEpoch: Epoch): void {
    const identity = this.store.identity()
    const known = this.membershipEpoch
    if (configuration.membershipEpoch < known) {
      const message = `the members of the volume have changed (epoch ${known}, yours ${configuration.membershipEpoch})`
      throw new Refusal('fenced', message)
    }
    if (configuration.membershipEpoch === known && identity.joinedEpoch === volumeEpoch) return
    this.write(() => this.store.setConfiguration(configuration, { ...identity, joinedEpoch: volumeEpoch }))
    this.membership = new Membership(this.membership.node, configuration)
  }

  #append(message: Message<'append'>, reply: Reply): void {
    this.checkWritable()
    const taken = this.intake.take(message.batches)
    const segments = taken.segments.map(({ timeline, group, scl }) => ({ timeline, group, scl }))
    reply({ kind: 'appended', id: message.id, segments })
    this.intake.index(taken)
  }

  /** Puts back a batch from a peer's copy. */
  repair(bytes: Buffer): void {
    verifyBatch(bytes, 'repair')
    const { timeline, group, first } = readBatchHeader(bytes)
    this.write(() => this.store.replaceBatch({ timeline, group, first, bytes }))
    this.reader.forget()
  }

  #readPage({ id, timeline, page, lsn }: Message<'read-page'>, reply: Reply): void {
    const group = this.membership.groupOf(page)
    if (!this.membership.keeps(group) || this.membership.kindOf(group) === 'tail') {
      throw new Refusal('behind', `this node keeps no pages of group ${group}`)
    }
    const owner = this.register.known(timeline)
    if (!this.points.isNeeded(owner)) {
      throw new StorageError('out-of-window', `timeline ${timeline} was dropped`)
    }
    this.checkReach(owner.birth.id, group, lsn)
    const image = this.#resolve(owner.birth.id, group, page, lsn)
    const own =
      image.byteOffset === 0 && image.byteLength === image.buffer.byteLength ? image : Uint8Array.from(image)
    const bytes = new Uint8Array(own.buffer as ArrayBuffer)
    reply({ kind: 'page', id, image: bytes }, bytes.buffer)
  }

  #resolve(id: SegmentKey['timeline'], group: GroupNo, page: PageNo, lsn: Lsn): Buffer {
    try {
      return this.reader.read(this.register.known(id), group, page, lsn)
    } catch (error) {
      this.noteDamage(error)
      throw error
    }
  }

  /** Remembers damage that was met, so that a peer may be asked. */
  noteDamage(error: unknown): void {
    if (error instanceof DamagedBatch) {
      const { timeline, group, lsn } = error.batch
      this.damagedBatches.set(`${timeline}/${group}/${lsn}`, error.batch)
    } else if (error instanceof DamagedImage) {
      const { timeline, group, page, lsn } = error.image
      this.damagedImages.set(`${timeline}/${group}/${page}/${lsn}`, error.image)
    }
  }

  /** Refuses a read that this node's log, or that of an ancestor, does not reach. */
  checkReach(timeline: SegmentKey['timeline'], group: GroupNo, lsn: Lsn): void {
    let at = this.register.known(timeline)
    let reach = lsn
    for (;;) {
      const segment = at.peek(group)
      const isBorn = segment === undefined && group === FIRST_GROUP
      const scl = isBorn ? at.base : segment?.scl
      if (scl !== undefined && reach > (segment?.start.birth ?? at.base) && scl < reach) {
        const message = `timeline ${at.birth.id} is complete to ${formatLsn(scl)} only`
        throw new Refusal('behind', message)
      }
      const { parent } = at.birth
      if (parent === undefined) return
      reach = Math.min(reach, parent.lsn) as Lsn
      at = this.register.known(parent.timeline)
    }
  }

  /** Of all groups of the timeline that are kept here. */
  #changedPages(message: Message<'changed-pages'>): ReturnType<typeof changedPages> {
    const timeline = this.register.known(message.timeline)
    timeline.segment(FIRST_GROUP)
    const segments = timeline.segments.filter(({ group }) => this.membership.keeps(group))
    for (const { scl } of segments) {
      if (scl >= message.upTo) continue
      throw new Refusal('behind', `timeline ${message.timeline} is complete to ${formatLsn(scl)} only`)
    }
    return changedPages(this.store, segments, message)
  }

  #fetchLog(message: Message<'fetch-log'>): ReturnType<typeof fetchLog> {
    try {
      return fetchLog(this.store, this.#segment(message), message)
    } catch (error) {
      this.noteDamage(error)
      throw error
    }
  }

  #fetchImages(message: Message<'fetch-images'>): ReturnType<typeof fetchImages> {
    const segment = this.#segment(message)
    if (this.points.isBroken(segment.owner)) {
      throw new Refusal('behind', `what children of timeline ${message.timeline} read may be missing here`)
    }
    this.copied.add(segment)
    return fetchImages(this.store, segment, message)
  }

  #gossip({ since, known }: Message<'gossip'>): Omit<Answer<'gossip'>, 'kind' | 'id'> {
    const { sequence, born, timelines, segments } = this.timelines.changesSince(since, known)
    return {
      // A node that was fenced, but not told what that recovery decided, may hold what never happened.
      volumeEpoch: this.store.identity().joinedEpoch,
      membershipEpoch: this.membershipEpoch,
      sequence,
      born,
      timelines,
      segments: segments.map((segment) => segment.state()),
    }
  }

  #segment(key: SegmentKey | BatchHeader): Segment {
    const timeline = this.register.known(key.timeline)
    const segment = this.membership.keeps(key.group) ? timeline.segment(key.group) : undefined
    if (segment === undefined)
      throw new Refusal('behind', `group ${key.group} of timeline ${key.timeline} is not open here`)
    return segment
  }

  /** Runs a write; a disk error makes the node refuse all writes from then on. */
  write(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (error instanceof StorageError) this.fail(error)
      throw error
    }
  }

  #failure(id: number, error: unknown): NodeMessage {
    const damaged = error instanceof DamagedBatch ? error.batch : undefined
    const fatal = error === this.#failed
    if (error instanceof StorageError || error instanceof Refusal) {
      const { kind: failure, message } = error
      const detail = error instanceof StorageError ? error.detail : undefined
      return { kind: 'failed', id, failure, message, detail, damaged, fatal }
    }
    throw error
  }
}

type Answer<Kind extends NodeMessage['kind']> = Extract<NodeMessage, { kind: Kind }>
