// The volume (door: volume.ts) over a quorum of storage nodes: joins the log writer, the logs, the reads and the nodes'
// comings and goings.
//
//   openVolume ─▶ recover ─▶ QuorumVolume ─┬─ LogWriter ─▶ NodeLink × 6
//                                          ├─ TimelineWriter per open timeline ◀─ SCLs
//                                          ├─ PageSource
//                                          └─ catchUp for a node that fell behind

import { assert, must } from '../base/assert.ts'
import type { Clock, Prng } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import {
  asTimelineId,
  type Epoch,
  formatLsn,
  type Lsn,
  LSN_ZERO,
  type PageNo,
  type TimelineId,
} from '../base/ids.ts'
import { firstLsnAfter } from '../message/lsn-grid.ts'
import type { NodeState, TimelineBirth } from '../message/message.ts'
import { catchUp, type CatchUpSurroundings, fillSegment } from './catch-up.ts'
import { LogWriter } from './log-writer.ts'
import { type NodeAddress, NodeError, NodeLink, type NodeRequest } from './node-link.ts'
import { PageSource } from './page-source.ts'
import { checkQuorum, type Quorum } from './quorum.ts'
import { alignNode, recover, type Recovered } from './recovery.ts'
import type { TimelinePlan } from './recovery-plan.ts'
import { type Deflate, TimelineWriter } from './timeline-log.ts'
import type { CommitPoint, TimelineInfo, TimelineLog, Volume, VolumeStatus } from './volume.ts'

export interface VolumeOptions {
  /** In the order in which they are preferred for writes; it should alternate zones. */
  readonly nodes: readonly NodeAddress[]
  readonly quorum: Quorum
  readonly clock: Clock
  readonly prng: Prng
  /** Identity that nodes get if they have none yet. */
  readonly newClusterId: string
  /** How to deflate large batches; undefined: not at all. */
  readonly deflate?: Deflate | undefined
  /** For transports that lose messages: repeat a request after so long. */
  readonly resendAfterMs?: number | undefined
}

const REJOIN_PAUSE_MS = 200
const CLOSE_PATIENCE_MS = 2000

/** Recovers the volume that these nodes hold, or begins a new one. Rejects with StorageError. */
export async function openVolume(options: VolumeOptions): Promise<Volume> {
  checkQuorum(options.quorum)
  assert(options.nodes.length === options.quorum.nodeCount, 'as many nodes as the quorum counts')
  const volume = new QuorumVolume(options)
  try {
    await volume.open()
    return volume
  } catch (error) {
    await volume.abandon()
    throw error
  }
}

/** A timeline on this side: its birth, its log, and whether anyone may still open it. */
interface TimelineEntry {
  readonly plan: TimelinePlan
  dropped: boolean
  readonly log: TimelineWriter
}

class QuorumVolume implements Volume {
  isNew = false
  readonly #options: VolumeOptions
  readonly #links: readonly NodeLink[]
  readonly #nodeIndex: ReadonlyMap<NodeLink, number>
  readonly #writer: LogWriter
  readonly #pages: PageSource
  readonly #timelines = new Map<TimelineId, TimelineEntry>()
  #clusterId = ''
  #lastTimeline = 0
  #lastWallMicros = 0
  #failure: StorageError | undefined
  #closed = false
  readonly #repairs = new Set<string>()

  constructor(options: VolumeOptions) {
    this.#options = options
    const settings = { clock: options.clock, resendAfterMs: options.resendAfterMs }
    this.#links = options.nodes.map(
      (address) =>
        new NodeLink(address, settings, {
          appended: (link, segments) => this.#appended(link, segments),
          lagging: (link) => void this.#rejoin(link),
          fenced: (error) => this.#fail(error),
          failed: (link) => this.#nodeFailed(link),
        }),
    )
    this.#nodeIndex = new Map(this.#links.map((link, index) => [link, index]))
    this.#writer = new LogWriter(this.#links, options.quorum.writeCount, options.clock)
    this.#pages = new PageSource({
      clock: options.clock,
      prng: options.prng,
      candidates: (request) => this.#candidates(request.timeline, request.lsn),
      damaged: (link, timeline, lsn) => void this.#repair(link, timeline, lsn),
    })
  }

  get volumeEpoch(): Epoch {
    return must(this.#links[0]).volumeEpoch
  }

  // --- opening

  async open(): Promise<void> {
    const { clock, quorum, newClusterId } = this.#options
    const recovered = await recover(this.#links, quorum, clock, newClusterId)
    this.#clusterId = recovered.clusterId
    this.isNew = recovered.plans.length === 0
    for (const plan of recovered.plans) this.#adopt(plan, this.#sclsAfter(plan, recovered))
    for (const [node, state] of recovered.joined) {
      const link = must(this.#links[node])
      const behind = state.damage !== undefined || this.#isBehind(node)
      link.mode = behind ? 'lagging' : 'live'
      link.accepting = !behind
    }
    await this.#reachQuorum()
    for (const link of this.#links) {
      if (link.mode === 'joining') link.lag()
      else if (link.mode === 'lagging') void this.#rejoin(link)
    }
  }

  #sclsAfter(plan: TimelinePlan, { joined }: Recovered): Lsn[] {
    return this.#links.map((_, node) => {
      const state = joined.get(node)
      return state === undefined ? LSN_ZERO : sclAfter(plan, state)
    })
  }

  #adopt(plan: TimelinePlan, scls: Lsn[]): TimelineEntry {
    const { birth, vdl, tail } = plan
    const base = birth.parent?.lsn ?? LSN_ZERO
    const start = { timeline: birth.id, base, vdl, tail, scls }
    const log = new TimelineWriter(start, {
      writeQuorum: this.#options.quorum.writeCount,
      deflate: this.#options.deflate,
      scheduleFlush: (each) => this.#writer.schedule(each),
      runReady: (each) => this.#writer.schedule(each),
      readPage: (each, page, lsn) => this.#readPage(each, page, lsn),
      wallMicros: () => this.#wallMicros(),
    })
    const entry: TimelineEntry = { plan, dropped: plan.dropped, log }
    this.#timelines.set(birth.id, entry)
    this.#lastTimeline = Math.max(this.#lastTimeline, birth.id)
    return entry
  }

  #isBehind(node: number): boolean {
    for (const { log } of this.#timelines.values()) if (must(log.scls[node]) < log.sentLast) return true
    return false
  }

  /** Before anything is served, a write quorum holds everything up to the VDL. */
  async #reachQuorum(): Promise<void> {
    const { quorum } = this.#options
    const around = this.#catchUpSurroundings()
    for (const { log } of this.#timelines.values()) {
      for (let attempt = 0; log.scls.filter((scl) => scl >= log.vdl).length < quorum.writeCount; attempt++) {
        let moved = false
        for (const [node, link] of this.#links.entries()) {
          if (link.mode !== 'lagging' || must(log.scls[node]) >= log.vdl) continue
          if (await fillSegment(around, node, log)) moved = true
        }
        if (!moved && attempt > 100)
          throw new StorageError('no-quorum', 'the log cannot be brought to a write quorum')
      }
    }
  }

  // --- nodes

  #catchUpSurroundings(): CatchUpSurroundings {
    return {
      clock: this.#options.clock,
      links: this.#links,
      positions: () => [...this.#timelines.values()].map(({ log }) => log),
      acknowledged: (node, timeline, scl) => this.#timelines.get(timeline)?.log.acknowledge(node, scl),
      isClosed: () => this.#closed,
    }
  }

  #appended(link: NodeLink, segments: readonly { timeline: TimelineId; scl: Lsn }[]): void {
    const node = must(this.#nodeIndex.get(link))
    for (const { timeline, scl } of segments) this.#timelines.get(timeline)?.log.acknowledge(node, scl)
    this.#writer.flush()
  }

  /** Fences, aligns and fills a node, over and over until it is live or gone. */
  async #rejoin(link: NodeLink): Promise<void> {
    const node = must(this.#nodeIndex.get(link))
    while (link.mode === 'lagging' && !this.#closed) {
      try {
        const answer = await link.request({ kind: 'fence', clusterId: this.#clusterId }, CLOSE_PATIENCE_MS)
        if (answer.kind !== 'state')
          throw new StorageError('io', `node ${link.id} answered a fence with ${answer.kind}`)
        const plans = [...this.#timelines.values()].map((entry) => ({
          ...entry.plan,
          dropped: entry.dropped,
        }))
        await alignNode(link, answer.state, plans)
        for (const { plan, log } of this.#timelines.values())
          log.acknowledge(node, sclAfter(plan, answer.state))
        if (await catchUp(this.#catchUpSurroundings(), node)) return this.#writer.flush()
      } catch (error) {
        if (!(error instanceof StorageError)) throw error
        if (error.kind === 'fenced') return this.#fail(error)
        link.error = error
      }
      await new Promise<void>((resolve) => void this.#options.clock.after(REJOIN_PAUSE_MS, resolve))
    }
  }

  #nodeFailed(link: NodeLink): void {
    if (this.#closed) return
    const left = this.#links.filter(({ mode }) => mode !== 'failed').length
    if (left >= this.#options.quorum.writeCount) return this.#writer.flush()
    const cause = must(link.error)
    const detail =
      'What was acknowledged is safe. Whether commits that were under way are durable is not known.'
    const message = `${left} of ${this.#options.quorum.nodeCount} storage nodes are left, ${this.#options.quorum.writeCount} are `
    this.#fail(
      new StorageError(
        cause.kind === 'io' ? 'no-quorum' : cause.kind,
        `${message}needed: ${cause.message}`,
        detail,
      ),
    )
  }

  #fail(error: StorageError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    for (const { log } of this.#timelines.values()) log.fail(error)
    this.#writer.stop()
  }

  /** Puts a damaged batch back from a peer that has it. */
  async #repair(link: NodeLink, timeline: TimelineId, lsn: Lsn): Promise<void> {
    const key = `${link.id}/${timeline}/${lsn}`
    if (this.#repairs.has(key)) return
    this.#repairs.add(key)
    try {
      for (const peer of this.#candidates(timeline, lsn)) {
        if (peer === link) continue
        const after = (lsn - 1) as Lsn
        const log = await peer.request({ kind: 'fetch-log', timeline, after, sizeMax: 1 }, CLOSE_PATIENCE_MS)
        const batch = log.kind === 'log' ? log.batches[0] : undefined
        if (batch === undefined) continue
        await link.request({ kind: 'repair', batch }, CLOSE_PATIENCE_MS)
        return
      }
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      link.error = error
    } finally {
      this.#repairs.delete(key)
    }
  }

  // --- the door

  timelines(): readonly TimelineInfo[] {
    return [...this.#timelines.values()].filter(({ dropped }) => !dropped).map(({ plan }) => plan.birth)
  }

  timeline(id: TimelineId): TimelineInfo | undefined {
    return this.#timelines.get(id)?.plan.birth
  }

  async createTimeline(parent: { timeline: TimelineId; lsn: Lsn } | undefined): Promise<TimelineId> {
    this.#checkUsable()
    const id = asTimelineId(++this.#lastTimeline)
    if (parent !== undefined) await this.#untilDurable(this.#entry(parent.timeline).log, parent.lsn)
    const birth: TimelineBirth = { id, parent, createdMicros: this.#wallMicros() }
    const base = parent?.lsn ?? LSN_ZERO
    const plan: TimelinePlan = { birth, dropped: false, vdl: base, tail: firstLsnAfter(base), annulled: [] }
    const scls = this.#links.map(() => LSN_ZERO)
    const entry = this.#adopt(plan, scls)
    await this.#onWriteQuorum({ kind: 'create-timeline', birth }, (node) => entry.log.acknowledge(node, base))
    return id
  }

  async dropTimeline(timeline: TimelineId): Promise<void> {
    this.#checkUsable()
    const entry = this.#entry(timeline)
    entry.dropped = true
    await this.#onWriteQuorum({ kind: 'drop-timeline', timeline }, () => undefined)
  }

  log(timeline: TimelineId): TimelineLog {
    return this.#entry(timeline).log
  }

  setReadFloor(timeline: TimelineId, lsn: Lsn): void {
    for (const link of this.#links) {
      if (link.mode === 'live')
        void link.request({ kind: 'read-floor', timeline, lsn }).catch(() => undefined)
    }
  }

  async commitAt(timeline: TimelineId, wallMicros: number, lsn?: Lsn): Promise<CommitPoint | undefined> {
    const { log } = this.#entry(timeline)
    const below = Math.min(lsn ?? log.vdl, log.vdl) as Lsn
    let error: unknown
    for (const link of this.#candidates(timeline, below)) {
      try {
        const request = { kind: 'find-time', timeline, wallMicros, below } as const
        const answer = await link.request(request, CLOSE_PATIENCE_MS)
        if (answer.kind !== 'time') continue
        return answer.lsn === LSN_ZERO ? undefined : { lsn: answer.lsn, wallMicros: answer.wallMicros }
      } catch (thrown) {
        error = thrown
      }
    }
    throw error ?? new StorageError('no-quorum', 'no storage node can say what the log held then')
  }

  status(): VolumeStatus {
    return {
      nodes: this.#links.map((link, node) => ({
        id: link.id,
        zone: link.zone,
        alive: link.mode !== 'failed' && link.mode !== 'joining',
        scl: this.#highestScl(node),
        error: link.mode === 'live' ? undefined : link.error?.message,
      })),
      batchesSent: this.#writer.batchesSent,
      messagesSent: this.#links.reduce((sum, link) => sum + link.messagesSent, 0),
      bytesSent: this.#writer.bytesSent,
      pagesRead: this.#pages.pagesRead,
    }
  }

  #highestScl(node: number): Lsn {
    let highest = LSN_ZERO
    for (const { log } of this.#timelines.values()) highest = Math.max(highest, log.scls[node] ?? 0) as Lsn
    return highest
  }

  async close(): Promise<void> {
    if (this.#closed) return
    const { clock } = this.#options
    const deadlineMs = clock.monotonicMs() + CLOSE_PATIENCE_MS
    while (this.#failure === undefined && !this.#isSettled() && clock.monotonicMs() < deadlineMs) {
      this.#writer.flushAll()
      await new Promise<void>((resolve) => void clock.after(1, resolve))
    }
    this.#closed = true
    this.#fail(new StorageError('closed', 'the volume is closed'))
    await Promise.all(this.#links.map((link) => link.close()))
  }

  /** Every live node holds everything that was appended. */
  #isSettled(): boolean {
    for (const { log } of this.#timelines.values()) {
      if (log.hasUnsent) return false
      for (const [node, link] of this.#links.entries()) {
        if (link.mode === 'live' && must(log.scls[node]) < log.sentLast) return false
      }
    }
    return true
  }

  /** Lets go of the nodes after an opening that failed. */
  async abandon(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#links.map((link) => link.close()))
  }

  // --- inside

  #checkUsable(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  #entry(timeline: TimelineId): TimelineEntry {
    const entry = this.#timelines.get(timeline)
    assert(entry !== undefined, 'the timeline exists')
    return entry
  }

  #wallMicros(): number {
    this.#lastWallMicros = Math.max(this.#lastWallMicros, this.#options.clock.wallMicros())
    return this.#lastWallMicros
  }

  #untilDurable(log: TimelineWriter, lsn: Lsn): Promise<void> {
    return new Promise((resolve, reject) => {
      log.onDurable(lsn, (error) => (error === undefined ? resolve() : reject(error)))
    })
  }

  /** Sends to every node; resolves when a write quorum of them did it. */
  #onWriteQuorum(request: NodeRequest, done: (node: number) => void): Promise<void> {
    const { writeCount } = this.#options.quorum
    return new Promise((resolve, reject) => {
      let agreed = 0
      let refused = 0
      for (const [node, link] of this.#links.entries()) {
        this.#insist(link, request).then(
          () => {
            done(node)
            if (++agreed === writeCount) resolve()
          },
          (error: unknown) => {
            if (++refused === this.#links.length - writeCount + 1) reject(error)
          },
        )
      }
    })
  }

  /** Makes a request until the node does it: one that is behind is brought up first. Rejects when it is gone. */
  async #insist(link: NodeLink, request: NodeRequest): Promise<void> {
    for (;;) {
      try {
        await link.request(request)
        return
      } catch (error) {
        const isBehind = error instanceof NodeError && error.answer.failure === 'behind'
        if (!isBehind || this.#closed) throw error
        link.lag()
      }
      await new Promise<void>((resolve) => void this.#options.clock.after(REJOIN_PAUSE_MS, resolve))
    }
  }

  /** Nodes whose segment of the timeline reaches `lsn`. */
  #candidates(timeline: TimelineId, lsn: Lsn): readonly NodeLink[] {
    const { log } = this.#entry(timeline)
    return this.#links.filter(({ mode }, node) => {
      if (mode !== 'live' && mode !== 'lagging') return false
      return must(log.scls[node]) >= Math.max(lsn, log.base)
    })
  }

  #readPage(log: TimelineWriter, page: PageNo, lsn: Lsn): Promise<Uint8Array> {
    assert(lsn <= log.vcl || lsn <= log.base, 'a read point is at or below the VCL')
    const at = `${log.timeline} at ${formatLsn(lsn)}`
    if (this.#closed)
      return Promise.reject(new StorageError('closed', `read of timeline ${at}: the volume is closed`))
    return this.#pages.read({ timeline: log.timeline, page, lsn })
  }
}

/** SCL of a node's segment once it was aligned with the plan. */
function sclAfter(plan: TimelinePlan, state: NodeState): Lsn {
  const held = state.timelines.find(({ timeline }) => timeline === plan.birth.id)
  const scl = held?.scl ?? plan.birth.parent?.lsn ?? LSN_ZERO
  const range = plan.annulled.find(({ above, upTo }) => scl > above && scl <= upTo)
  return range === undefined ? scl : range.above
}
