// A writer: one opening of the volume, what it appended, and what its clients were told. And the succession of writers,
// of which one is rightful at a time.
//
//   open ─▶ recover ─▶ (settled) takeOver: the one before is stale from here on ─▶ append, acknowledge … ─▶ crash
//            │                        └─ it may live on and go on writing: nobody told it
//            └▶ a read quorum only: read, until it is settled (world.ts)
//
// When a writer has opened the volume and it is settled, what its predecessor's clients were told must be there, and what the model keeps
// above the VDL that it found never happened.

import { StorageError } from '../../storage/base/errors.ts'
import type { Lsn, TimelineId } from '../../storage/base/ids.ts'
import { LAL_BYTES } from '../../storage/base/limits.ts'
import type { FakeLog } from '../../storage/message/testing/fake-log.ts'
import type { TimelineLog, Volume } from '../../storage/volume/volume.ts'
import { type PendingBranch, type TimelineModel, Violation } from './model.ts'
import type { Address } from './network.ts'
import type { Life } from './scheduler.ts'
import type { World } from './world.ts'

/** A timeline as one writer sees it. */
export interface View {
  readonly timeline: TimelineModel
  readonly handle: TimelineLog
  /** Where this writer began. */
  readonly start: Lsn
  /** What this writer appended; the model's own log while the writer is the rightful one. */
  fake: FakeLog
  /** Somebody is in the middle of a mini-transaction. */
  isBusy: boolean
}

export class Writer {
  readonly address: Address
  readonly life: Life
  readonly volume: Volume
  readonly views: Map<TimelineId, View> = new Map()
  /** The VDLs that its successor found: it may learn late of what was durable by then, but of no more. */
  limits: ReadonlyMap<TimelineId, Lsn> | undefined
  /** It was told that nothing it writes will become durable. */
  failure: Error | undefined
  readonly #world: World

  constructor(world: World, address: Address, life: Life, volume: Volume) {
    this.#world = world
    this.address = address
    this.life = life
    this.volume = volume
  }

  get isStale(): boolean {
    return this.limits !== undefined
  }

  get isUsable(): boolean {
    return this.life.isAlive && !this.isStale && this.failure === undefined
  }

  view(timeline: TimelineModel): View {
    let view = this.views.get(timeline.id)
    if (view === undefined) {
      const handle = this.volume.log(timeline.id)
      view = { timeline, handle, start: handle.tail, fake: timeline.log, isBusy: false }
      this.views.set(timeline.id, view)
    }
    return view
  }

  /** Another writer opened the volume. */
  supersede(limits: ReadonlyMap<TimelineId, Lsn>, logs: ReadonlyMap<TimelineId, FakeLog>): void {
    this.limits = limits
    for (const [id, view] of this.views) view.fake = logs.get(id) ?? view.fake
  }

  /** Appends one record of a mini-transaction; false if this writer was told that it writes no more. */
  append(view: View, bytes: Buffer, endsMtr: boolean): boolean {
    try {
      view.handle.append(bytes, 0, bytes.length, endsMtr)
      return true
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      this.#failed(error)
      return false
    }
  }

  /** A client waits for the mini-transaction that ended at `lsn`. */
  awaitDurable({ timeline, handle }: View, lsn: Lsn): void {
    const world = this.#world
    handle.onDurable(lsn, (error) => {
      if (!this.life.isAlive) return
      if (error !== undefined) return this.#failed(error)
      world.scheduler.note('durable', timeline.id, lsn)
      if (handle.vdl < lsn)
        return world.violate(`timeline ${timeline.id}: ${lsn} acknowledged above VDL ${handle.vdl}`)
      if (this.limits !== undefined) {
        const limit = this.limits.get(timeline.id)
        if (limit !== undefined && lsn > limit)
          world.violate(`timeline ${timeline.id}: a fenced writer was acknowledged ${lsn}, above ${limit}`)
        return
      }
      if (lsn <= timeline.acknowledged)
        return world.violate(`timeline ${timeline.id}: ${lsn} acknowledged after ${timeline.acknowledged}`)
      timeline.acknowledged = lsn
      world.coverage.count('append acknowledged')
    })
  }

  /** The volume says so by itself, to whoever runs it. */
  fenced(error: StorageError): void {
    if (this.life.isAlive) this.#failed(error)
  }

  #failed(error: Error): void {
    if (!(error instanceof StorageError)) return this.#world.violate(String(error.stack))
    if (error.kind === 'fenced' && this.failure === undefined)
      this.#world.coverage.count('fenced writer noticed')
    this.failure ??= error
  }

  /** Creates a branch, or a root, and tells the model once it is sure. */
  async createTimeline(pending: PendingBranch): Promise<TimelineModel | undefined> {
    const { model } = this.#world
    model.pending.add(pending)
    const { parent } = pending
    const at = parent && { timeline: parent.timeline.id, lsn: parent.lsn }
    const unpin = parent?.timeline.pin(parent.lsn, this)
    try {
      const id = await this.volume.createTimeline(at)
      if (this.isStale) {
        if (!model.timelines.has(id)) throw new Violation(`a fenced writer created timeline ${id}`)
        return undefined
      }
      return model.born(id, pending)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      return undefined
    } finally {
      unpin?.()
    }
  }

  async dropTimeline(timeline: TimelineModel): Promise<void> {
    timeline.fate = 'dropping'
    try {
      await this.volume.dropTimeline(timeline.id)
      this.#world.coverage.count('drop')
      const isBack = this.isStale && this.#world.model.live().includes(timeline)
      if (isBack) this.#world.violate(`a fenced writer dropped timeline ${timeline.id}`)
      timeline.fate = 'dropped'
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
    }
  }

  /** Looks at every timeline's positions: called all along for the rightful writer. */
  check(): void {
    for (const { timeline, handle, start, fake } of this.views.values()) {
      if (timeline.fate !== 'live') continue
      const { vdl, vcl, tail } = handle
      const where = `timeline ${timeline.id}: VDL ${vdl}, VCL ${vcl}, tail ${tail}`
      if (vdl < timeline.vdl) throw new Violation(`${where}: the VDL went back from ${timeline.vdl}`)
      if (vdl > vcl || vcl >= tail) throw new Violation(`${where}: out of order`)
      if (tail !== fake.tail) throw new Violation(`${where}: the tail should be ${fake.tail}`)
      if (tail > Math.max(vcl, start) + LAL_BYTES) throw new Violation(`${where}: above the allocation limit`)
      if (!timeline.isPoint(vdl)) throw new Violation(`${where}: the VDL is inside a mini-transaction`)
      timeline.vdl = vdl
    }
  }
}

/** Holds the VDLs that an opening found against what clients were told; Violation. */
export function checkFound({ model }: World, { volume }: Writer): void {
  for (const timeline of model.live()) {
    if (volume.timeline(timeline.id) === undefined) throw new Violation(`timeline ${timeline.id} is lost`)
    checkRecovered(timeline, volume)
  }
}

/** A writer has opened the volume: holds what it found against what clients were told, and makes it the rightful one. */
export function takeOver(world: World, writer: Writer): void {
  const { model } = world
  const { volume } = writer
  const found = new Map(volume.timelines().map((info) => [info.id, info]))
  for (const timeline of model.timelines.values()) {
    const isThere = found.has(timeline.id)
    if (timeline.fate === 'live' && !isThere) throw new Violation(`timeline ${timeline.id} is lost`)
    if (timeline.fate === 'dropped' && isThere)
      throw new Violation(`timeline ${timeline.id} is back from the dead`)
    if (timeline.isUnwanted && isThere) void writer.dropTimeline(timeline)
    else if (timeline.fate === 'dropping') timeline.fate = isThere ? 'live' : 'dropped'
  }
  const limits = new Map<TimelineId, Lsn>()
  const logs = new Map<TimelineId, FakeLog>()
  for (const timeline of model.live()) {
    const { vdl, tail } = volume.log(timeline.id)
    limits.set(timeline.id, vdl)
    checkRecovered(timeline, volume)
    logs.set(timeline.id, timeline.takeOver(vdl, tail))
  }
  // Parents come before their children: ids grow.
  for (const { id, parent } of [...found.values()].sort((a, b) => a.id - b.id)) {
    if (model.timelines.has(id)) continue
    const pending = model.pendingOf(parent)
    if (pending === undefined) throw new Violation(`timeline ${id} was never asked for`)
    const timeline = model.born(id, pending)
    const { vdl, tail } = volume.log(id)
    if (vdl !== timeline.base)
      throw new Violation(`new timeline ${id} begins at ${vdl}, not at ${timeline.base}`)
    timeline.takeOver(vdl, tail)
    limits.set(id, vdl)
    // Nobody was told that it exists: its parent's past may have been given up meanwhile.
    timeline.isUnwanted = parent !== undefined && !model.get(parent.timeline).isNeeded(parent.lsn)
    if (timeline.isUnwanted) void writer.dropTimeline(timeline)
  }
  world.writer?.supersede(limits, logs)
}

function checkRecovered(timeline: TimelineModel, volume: Volume): void {
  const { vdl, tail } = volume.log(timeline.id)
  const where = `timeline ${timeline.id}: recovery found VDL ${vdl}`
  if (vdl < timeline.acknowledged) throw new Violation(`${where}, acknowledged was ${timeline.acknowledged}`)
  if (vdl < timeline.vdl) throw new Violation(`${where}, a writer had shown ${timeline.vdl}`)
  if (!timeline.isPoint(vdl)) throw new Violation(`${where}, which is no consistency point`)
  if (tail <= vdl) throw new Violation(`${where} and begins at ${tail}`)
  const { parent } = timeline
  if (parent === undefined || parent.timeline.fate !== 'live') return
  // Of the same opening: what the model knows of the parent is what was last looked at, which may be less.
  const found = volume.log(parent.timeline.id).vdl
  if (parent.lsn > found)
    throw new Violation(`timeline ${timeline.id} hangs at ${parent.lsn}, above its parent's VDL ${found}`)
}
