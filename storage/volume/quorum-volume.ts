// The volume (door: volume.ts) over a quorum of storage nodes: joins its parts.
//
//   openVolume ─▶ recover ─▶ QuorumVolume ─┬─ Members: a NodeLink each ◀─ Joining: fence, align, live
//                                          ├─ Timelines: a TimelineWriter each ─▶ LogWriter ─▶ NodeLinks ─▶ SCLs
//                                          ├─ Agreement: births, drops, segments, configurations at a write quorum
//                                          ├─ Growth, Reconfiguration, Replacement
//                                          ├─ PageSource, log questions, segment statuses: reads
//                                          └─ Watch: twice a second
//
// A volume is settled when a write quorum holds what recovery found (./refill.ts). Before that nothing is written but what
// recovery decided, nothing is born, and no floor is raised: another recovery may find otherwise.

import { assert } from '../base/assert.ts'
import { StorageError } from '../base/errors.ts'
import { type Epoch, formatLsn, type Lsn, LSN_ZERO, type PageNo, type TimelineId } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'
import type { Configuration, Member } from '../message/configuration.ts'
import type { CommitRecord, Fault, TimelineSize } from '../message/message.ts'
import { Agreement } from './agreement.ts'
import { type BirthPoint, Births, BIRTHS_MAX } from './births.ts'
import { Growth } from './growth.ts'
import { Joining } from './joining.ts'
import { askAny, askChangedPages, askCommitOf } from './log-questions.ts'
import { LogWriter } from './log-writer.ts'
import { Members } from './members.ts'
import type { AppendedSegment, NodeLink } from './node-link.ts'
import { PageSource } from './page-source.ts'
import { Patience } from './patience.ts'
import { checkQuorum, Gauge } from './quorum.ts'
import { Reconfiguration } from './reconfiguration.ts'
import { recover, type Recovered } from './recovery.ts'
import { refill } from './refill.ts'
import { Repairs } from './repairs.ts'
import { Replacement } from './replacement.ts'
import { segmentStatuses } from './segment-statuses.ts'
import type { LogSurroundings } from './log-surroundings.ts'
import type { TimelineWriter } from './timeline-log.ts'
import { Timelines } from './timelines.ts'
import type { CommitPoint, SegmentStatus, TimelineInfo, TimelineLog, Volume, VolumeStatus } from './volume.ts'
import { DEAD_AFTER_MS, QUORUM_TIMEOUT_MS, type VolumeOptions } from './volume-options.ts'
import { Watch } from './watch.ts'

const CLOSE_PATIENCE_MS = 2000
/** An opening for which a write quorum was fenced waits this long until it is settled; then it can be read. */
const OPEN_PATIENCE_MS = 10_000
/** Openings that meet another writer's opening, or log that turns out to be damaged, are tried again so often. */
const ATTEMPTS_MAX = 3
const TRIED_AGAIN: ReadonlySet<StorageError['kind']> = new Set(['fenced', 'corrupt'])

/** Recovers the volume that these nodes hold, or begins a new one. Rejects with StorageError. */
export async function openVolume(options: VolumeOptions): Promise<Volume> {
  checkQuorum(options.quorum)
  for (let attempt = 1; ; attempt++) {
    const volume = new QuorumVolume(options)
    try {
      await volume.open()
      return volume
    } catch (error) {
      await volume.abandon()
      const again = error instanceof StorageError && TRIED_AGAIN.has(error.kind) && attempt < ATTEMPTS_MAX
      if (!again) throw error
    }
  }
}

class QuorumVolume implements Volume {
  isNew = false
  readonly #options: VolumeOptions
  readonly #surroundings: LogSurroundings
  readonly #timelines: Timelines
  readonly #members: Members
  readonly #writer: LogWriter
  readonly #pages: PageSource
  readonly #repairs: Repairs
  readonly #agreement: Agreement
  readonly #patience: Patience
  readonly #births: Births
  readonly #joining: Joining
  readonly #reconfiguration: Reconfiguration
  readonly #replacement: Replacement
  readonly #growth: Growth
  readonly #watch: Watch
  #lastWallMicros = 0
  /** Recovery has told what the volume holds: nodes may join. */
  #isPlanned = false
  #isSettled = false
  readonly #settled: Promise<void>
  #settle: (error?: StorageError) => void = () => undefined
  #failure: StorageError | undefined
  #isClosed = false

  constructor(options: VolumeOptions) {
    const { clock, prng } = options
    const timeoutMs = options.quorumTimeoutMs ?? QUORUM_TIMEOUT_MS
    this.#options = options
    this.#settled = new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error))
    })
    this.#settled.catch(() => undefined) // whoever waits for it is told
    this.#surroundings = this.#logSurroundings()
    const timelines = (this.#timelines = new Timelines(this.#surroundings))
    const settings = { clock, resendAfterMs: options.resendAfterMs, reach: options.reach }
    const writer = Math.floor(prng.next() * 2 ** 52).toString(36)
    const members = (this.#members = new Members(writer, settings, {
      appended: (link, segments) => this.#appended(link, segments),
      joining: (link) => this.#nodeJoining(link),
      fenced: (error) => this.#fail(error),
      failed: () => this.#refresh(),
    }))
    this.#writer = new LogWriter(clock)
    this.#pages = new PageSource({
      clock,
      prng,
      candidates: ({ timeline, lsn }) =>
        this.#holders(timeline, lsn).filter(({ member }) => member.kind === 'full'),
      damaged: (link, segment, lsn) => void this.#repairs.repair(link, segment, lsn),
    })
    this.#repairs = new Repairs(({ timeline }, lsn) => this.#holders(timeline, lsn))
    const agreement = (this.#agreement = new Agreement(members))
    const patience = (this.#patience = new Patience(() => clock.monotonicMs()))
    const surroundings = this.#surroundings
    const ended = (timeline: TimelineId): void => this.#watch.setEnded(timeline)
    this.#births = new Births({ timelines, agreement, patience, surroundings, ended })
    this.#joining = new Joining(
      { members, timelines, agreement, clock },
      {
        readable: () => this.#refresh(),
        live: (link) => this.#nodeLive(link),
        fenced: (error) => this.#fail(error),
        isClosed: () => this.#isClosed || this.#failure !== undefined,
      },
    )
    const reconfiguration = (this.#reconfiguration = new Reconfiguration(
      { members, timelines, agreement, clock, timeoutMs },
      {
        changed: () => this.#refresh(),
        left: (link) => this.#nodeLeft(link),
        entered: (link) => void this.#joining.join(link),
      },
    ))
    const deadAfterMs = options.deadAfterMs ?? DEAD_AFTER_MS
    this.#replacement = new Replacement({ members, timelines, reconfiguration, clock, deadAfterMs })
    this.#growth = new Growth({ members, timelines, agreement, reconfiguration })
    this.#watch = new Watch(
      { members, timelines, clock, patience, quorumTimeoutMs: timeoutMs },
      {
        tend: () => void this.#replacement.tend(),
        stuck: (link) => this.#sendAgain(link),
        hasQuorum: () => surroundings.hasQuorum,
        isSettled: () => this.isSettled,
      },
    )
  }

  #logSurroundings(): LogSurroundings {
    const { clock, deflate } = this.#options
    return {
      deflate,
      pagesPerGroup: Infinity,
      quorum: new Gauge([], () => 0),
      hasQuorum: false,
      known: 0,
      tracked: (log) => void this.#timelines.tracked.add(log),
      monotonicMs: () => clock.monotonicMs(),
      scheduleFlush: (log) => this.#writer.schedule(log),
      openGroup: (log, group) => void this.#growth.open(log, group),
      readPage: (log, page, lsn) => this.#readPage(log, page, lsn),
      wallMicros: () => this.#wallMicros(),
    }
  }

  get volumeEpoch(): Epoch {
    return this.#members.volumeEpoch
  }

  get configuration(): Configuration {
    return this.#members.configuration
  }

  // --- opening

  async open(): Promise<void> {
    const members = this.#members
    const recovered = await recover(members, this.#options)
    this.#surroundings.pagesPerGroup = members.configuration.segmentSizeBytes / PAGE_SIZE_BYTES
    this.#timelines.addBorn(recovered.born)
    for (const start of recovered.logs) this.#timelines.add(start)
    this.isNew = this.#timelines.isEmpty
    const isAllKnown = recovered.isComplete || this.isNew
    this.#timelines.skipTo(recovered.lastId + (isAllKnown ? 0 : BIRTHS_MAX))
    this.#isPlanned = true
    this.#refresh()
    this.#joining.open(members.targets, recovered.fenced)
    this.#watch.start()
    await this.#untilServing(recovered)
    if (this.#failure !== undefined) throw this.#failure
  }

  /** With a write quorum: until it is settled. Without: at once, for reading; writes wait until there is one. */
  async #untilServing({ fenced }: Recovered): Promise<void> {
    const refilled = this.#refill()
    const places = [...fenced.keys()].reduce((mask, { place }) => mask | (1 << place), 0)
    if (!this.#members.quorum.holds(places)) return
    await Promise.race([refilled, this.#pause(OPEN_PATIENCE_MS)])
  }

  async #refill(): Promise<void> {
    const { clock } = this.#options
    while (!this.#isOver && !this.#members.quorum.holds(this.#members.live)) await this.#pause(1)
    try {
      const [members, timelines] = [this.#members, this.#timelines]
      const isClosed = (): boolean => this.#isOver
      await refill({ members, timelines, clock, isClosed, poll: () => this.#watch.pollAll() })
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      return this.#fail(error)
    }
    if (this.#isOver) return
    this.#isSettled = true
    this.#options.onStep?.('settled')
    this.#settle()
    this.#watch.tellEnded(this.#members.targets)
    this.#refresh()
  }

  get isSettled(): boolean {
    return this.#isSettled
  }

  untilSettled(): Promise<void> {
    return this.#settled
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#failure !== undefined
  }

  // --- nodes

  #appended(link: NodeLink, segments: readonly AppendedSegment[]): void {
    for (const { timeline, group, scl } of segments)
      this.#timelines.peek(timeline)?.acknowledge(link.place, group, scl)
    this.#writer.flush()
  }

  #nodeJoining(link: NodeLink): void {
    this.#refresh()
    if (this.#isPlanned && !this.#isOver) void this.#joining.join(link)
  }

  #nodeLive(link: NodeLink): void {
    this.#options.onStep?.('live', link.id)
    this.#watch.joined(link)
    this.#sendAgain(link)
    this.#refresh()
  }

  /** Batches that a node may miss and that perhaps nobody else has: all links can lose them at once. */
  #sendAgain(link: NodeLink): void {
    for (const log of this.#timelines.tracked) {
      for (const batch of log.missing(link.place)) {
        if (link.isCrowded) return
        batch.retain()
        link.enqueue(batch)
      }
    }
  }

  #nodeLeft(link: NodeLink): void {
    this.#timelines.forgetPlace(link.place)
    this.#agreement.forgetPlace(link.place)
    this.#joining.forgetPlace(link.place)
    void this.#members.retire(link)
  }

  /** Nodes came or went, or rules changed. */
  #refresh(): void {
    const members = this.#members
    const around = this.#surroundings
    const had = around.hasQuorum
    around.quorum = members.quorum
    around.known = members.known
    around.hasQuorum = this.#isSettled && !this.#isOver && members.quorum.holds(members.live)
    this.#writer.target(members.targets, members.quorum)
    if (!this.#isSettled) return
    this.#timelines.advance()
    this.#agreement.reconsider()
    this.#patience.look()
    if (around.hasQuorum && !had) for (const log of this.#timelines.logs()) log.wakeRooms()
    this.#writer.flush()
  }

  /** For good: another writer took over, or the volume is closed. */
  #fail(error: StorageError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    if (error.kind === 'fenced') this.#options.onFenced?.(error)
    this.#surroundings.hasQuorum = false
    this.#reconfiguration.fail(error)
    this.#agreement.fail(error)
    this.#patience.fail(error)
    this.#settle(error)
    this.#timelines.fail(error)
    this.#joining.wake()
    this.#writer.stop()
    this.#watch.stop()
  }

  // --- timelines

  timelines(): readonly TimelineInfo[] {
    return this.#timelines.living()
  }

  timeline(id: TimelineId): TimelineInfo | undefined {
    return this.#timelines.birthOf(id)
  }

  async createTimeline(parent: BirthPoint, numbered?: (id: TimelineId) => void): Promise<TimelineId> {
    this.#checkAlive()
    const [id] = await this.#births.create([parent], numbered)
    assert(id !== undefined, 'one parent, one child')
    return id
  }

  async createTimelines(parents: readonly BirthPoint[]): Promise<readonly TimelineId[]> {
    this.#checkAlive()
    return this.#births.create(parents)
  }

  async dropTimeline(timeline: TimelineId): Promise<void> {
    this.#checkAlive()
    await this.#births.drop(timeline)
  }

  #checkAlive(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  log(timeline: TimelineId): TimelineLog {
    return this.#timelines.log(timeline)
  }

  release(timeline: TimelineId): void {
    this.#timelines.release(timeline)
  }

  vdlOf(timeline: TimelineId): Lsn {
    return this.#timelines.vdlOf(timeline)
  }

  setReadFloor(timeline: TimelineId, lsn: Lsn): void {
    this.#watch.setReadFloor(timeline, lsn)
  }

  // --- questions

  async commitAt(timeline: TimelineId, wallMicros: number, lsn?: Lsn): Promise<CommitPoint | undefined> {
    const vdl = this.#timelines.vdlOf(timeline)
    const below = Math.min(lsn ?? vdl, vdl) as Lsn
    const request = { kind: 'find-time', timeline, wallMicros, below } as const
    const found = await askAny(this.#holders(timeline, below), request, (answer) =>
      answer.kind === 'time' ? answer : undefined,
    )
    return found.lsn === LSN_ZERO ? undefined : { lsn: found.lsn, wallMicros: found.wallMicros }
  }

  changedPages(timeline: TimelineId, above: Lsn, upTo: Lsn): Promise<ReadonlySet<PageNo>> {
    return askChangedPages(() => this.#holders(timeline, upTo), timeline, above, upTo)
  }

  commitOf(timeline: TimelineId, lsn: Lsn): Promise<CommitRecord | undefined> {
    return askCommitOf(this.#holders(timeline, this.#timelines.vdlOf(timeline)), timeline, lsn)
  }

  async timeAtLsn(timeline: TimelineId, lsn: Lsn): Promise<number> {
    const commit = await this.commitAt(timeline, Number.MAX_SAFE_INTEGER, lsn)
    return commit?.wallMicros ?? 0
  }

  async sizes(timelines: readonly TimelineId[]): Promise<readonly TimelineSize[]> {
    if (timelines.length === 0) return []
    const full = this.#members.targets.filter(({ member, mode }) => member.kind === 'full' && mode === 'live')
    return askAny(full, { kind: 'sizes', timelines }, (answer) =>
      answer.kind === 'sizes' ? answer.sizes : undefined,
    )
  }

  segments(): Promise<readonly SegmentStatus[]> {
    return segmentStatuses(this.#members, (link) => this.#watch.isAlive(link))
  }

  /** Nodes whose segments of the timeline reach `lsn`, and those of its ancestors as far as they are seen from there. */
  #holders(timeline: TimelineId, lsn: Lsn): readonly NodeLink[] {
    return this.#members.targets.filter(
      ({ isReadable, place }) => isReadable && this.#timelines.isHeld(place, timeline, lsn),
    )
  }

  #readPage(log: TimelineWriter, page: PageNo, lsn: Lsn): Promise<Uint8Array> {
    assert(lsn <= log.vcl || lsn <= log.base, 'a read point is at or below the VCL')
    const at = `${log.timeline} at ${formatLsn(lsn)}`
    if (this.#isClosed)
      return Promise.reject(new StorageError('closed', `read of timeline ${at}: the volume is closed`))
    // Beyond the last group nothing was ever written, on any timeline.
    const group = Math.floor(page / this.#surroundings.pagesPerGroup)
    if (group >= this.configuration.groups.length) return Promise.resolve(new Uint8Array(PAGE_SIZE_BYTES))
    return this.#pages.read({ timeline: log.timeline, page, lsn })
  }

  // --- members

  replaceNode(node: number, spare: Member): Promise<void> {
    return this.#replacement.replace(node, spare)
  }

  revertReplacement(node: number): Promise<void> {
    return this.#replacement.revert(node)
  }

  addSpare(spare: Member): Promise<void> {
    return this.#replacement.addSpare(spare)
  }

  setZoneAway(zone: string, away: boolean): Promise<void> {
    return this.#replacement.setZoneAway(zone, away)
  }

  async inject(node: number, fault: Fault): Promise<void> {
    const link = this.#members.link(node)
    if (link === undefined) throw new StorageError('unsuitable', `there is no storage node ${node}`)
    await link.request({ kind: 'inject', fault }, CLOSE_PATIENCE_MS)
  }

  // --- the whole

  status(): VolumeStatus {
    const { links, configuration, targets } = this.#members
    return {
      nodes: targets.map((link) => ({
        id: link.id,
        zone: link.zone,
        alive: link.mode === 'live',
        scl: this.#timelines.highestScl(link.place),
        error: link.mode === 'live' ? undefined : link.error?.message,
      })),
      batchesSent: this.#writer.batchesSent,
      messagesSent: links.reduce((sum, link) => sum + link.messagesSent, 0),
      appendsSent: links.reduce((sum, link) => sum + link.appendsSent, 0),
      messagesReceived: links.reduce((sum, link) => sum + link.messagesReceived, 0),
      bytesSent: this.#writer.bytesSent,
      pagesRead: this.#pages.pagesRead,
      hedgedReads: this.#pages.hedgedReads,
      membershipEpoch: configuration.membershipEpoch,
      geometryEpoch: configuration.geometryEpoch,
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    const { clock } = this.#options
    const deadlineMs = clock.monotonicMs() + CLOSE_PATIENCE_MS
    while (this.#failure === undefined && !this.#isLevel() && clock.monotonicMs() < deadlineMs) {
      this.#writer.flushAll()
      await this.#pause(1)
    }
    this.#isClosed = true
    this.#fail(new StorageError('closed', 'the volume is closed'))
    await Promise.all(this.#members.links.map((link) => link.close()))
  }

  /** Every live node holds everything that was appended. */
  #isLevel(): boolean {
    for (const log of this.#timelines.tracked) {
      if (log.hasUnsent) return false
      for (const { mode, place } of this.#members.targets) {
        if (mode === 'live' && log.reach(place) < log.sentLast) return false
      }
    }
    return true
  }

  /** Lets go of the nodes after an opening that failed. */
  async abandon(): Promise<void> {
    this.#isClosed = true
    this.#fail(new StorageError('closed', 'the volume did not open'))
    await Promise.all(this.#members.links.map((link) => link.abandon()))
  }

  // --- inside

  #wallMicros(): number {
    this.#lastWallMicros = Math.max(this.#lastWallMicros, this.#options.clock.wallMicros())
    return this.#lastWallMicros
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.after(ms, resolve))
  }
}
