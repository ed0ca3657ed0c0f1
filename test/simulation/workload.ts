// What clients do all the time: append, read, branch, go back to the past, drop, raise read floors, and go on writing
// with a writer that another has replaced.

import type { Lsn, PageNo } from '../../storage/base/ids.ts'
import { NO_PAGE } from '../../storage/base/ids.ts'
import { RECORD_SIZE_BYTES_MAX } from '../../storage/log/record.ts'
import type { Chance } from './chance.ts'
import type { TimelineModel } from './model.ts'
import type { World } from './world.ts'
import type { View, Writer } from './writer.ts'

/** Timelines that nobody writes to any more: the pasts that a backtrack left behind. */
const DROP_SHARE = 0.25
const BACKTRACK_SHARE = 0.3
const GHOST_EVERY_MS = 40
const READS_AT_ONCE_MAX = 20

export class Workload {
  readonly #world: World
  readonly #chance: Chance
  readonly #quiet = new Set<TimelineModel>()
  #isOn = true
  #readsUnderWay = 0

  constructor(world: World) {
    this.#world = world
    this.#chance = world.chance.stream('workload')
  }

  start(): void {
    const { plan } = this.#world
    this.#repeat(plan.appendEveryMs, () => this.#append())
    this.#repeat(plan.readEveryMs, () => this.#read())
    this.#repeat(plan.branchEveryMs, () => void this.#branch())
    this.#repeat(plan.floorEveryMs, () => this.#raiseFloor())
    this.#repeat(GHOST_EVERY_MS, () => this.#haunt())
  }

  stop(): void {
    this.#isOn = false
  }

  #repeat(meanMs: number, act: () => void): void {
    if (meanMs === Infinity) return
    this.#world.scheduler.after(this.#chance.wait(meanMs), undefined, () => {
      if (!this.#isOn) return
      act()
      this.#repeat(meanMs, act)
    })
  }

  /** A timeline to work on, if there is a writer; the first ones more often. */
  #pick(): { writer: Writer; timeline: TimelineModel } | undefined {
    const { writer, model } = this.#world
    const live = model.live().filter((timeline) => !this.#quiet.has(timeline))
    if (writer === undefined || !writer.isUsable || live.length === 0) return undefined
    const timeline = this.#chance.happens(0.5) ? live[0] : this.#chance.pick(live)
    return timeline === undefined ? undefined : { writer, timeline }
  }

  // --- writing

  #append(): void {
    const picked = this.#pick()
    if (picked === undefined) return
    const view = picked.writer.view(picked.timeline)
    if (view.isBusy) return
    const count = 1 + this.#chance.below(this.#chance.happens(0.1) ? 40 : 6)
    if (this.#chance.happens(0.1)) void this.#appendInSlices(picked.writer, view, count)
    else if (view.handle.hasRoom((count + 1) * RECORD_SIZE_BYTES_MAX))
      this.#appendMtr(picked.writer, view, count)
  }

  #appendMtr(writer: Writer, view: View, count: number): void {
    const hasCommit = this.#chance.happens(0.5)
    for (let at = 0; at < count; at++)
      if (!this.#appendChange(writer, view, !hasCommit && at === count - 1)) return
    if (hasCommit && !this.#appendCommit(writer, view)) return
    this.#finish(writer, view)
  }

  /** A wide transaction, appended slice by slice while others wait; its writer may die in the middle. */
  async #appendInSlices(writer: Writer, view: View, count: number): Promise<void> {
    view.isBusy = true
    const room = (count + 1) * RECORD_SIZE_BYTES_MAX
    if (!view.handle.hasRoom(room)) return void (view.isBusy = false)
    this.#world.coverage.count('append in slices')
    for (let at = 0; at < count; at++) {
      if (!this.#appendChange(writer, view, false)) return
      if (this.#chance.happens(0.2)) await this.#world.scheduler.pause(this.#chance.wait(8), writer.life)
      if (view.handle.tail !== view.fake.tail) return
    }
    if (!this.#appendCommit(writer, view)) return
    this.#finish(writer, view)
    view.isBusy = false
  }

  #appendChange(writer: Writer, view: View, endsMtr: boolean): boolean {
    const { plan, coverage } = this.#world
    // Pages come into use one after the other, as a database grows.
    const reach = Math.min(plan.pageCount, 2 + Math.floor(this.#world.progress * plan.pageCount * 1.5))
    const page = this.#chance.below(reach)
    if (page >= plan.pagesPerSegment * this.#world.groupCount()) coverage.count('growth')
    const bodyLength = this.#chance.happens(0.3) ? plan.bodyLength : 8
    return writer.append(view, view.fake.record({ page, endsMtr, bodyLength }), endsMtr)
  }

  #appendCommit(writer: Writer, view: View): boolean {
    const { scheduler, coverage } = this.#world
    const wallMicros = Math.round(scheduler.nowMs * 1000)
    if (!writer.append(view, view.fake.record({ page: NO_PAGE, commitMicros: wallMicros }), true))
      return false
    coverage.count('commit record')
    if (!writer.isStale) view.timeline.commits.push({ lsn: view.fake.last as Lsn, wallMicros })
    return true
  }

  #finish(writer: Writer, view: View): void {
    const lsn = view.fake.last as Lsn
    if (!writer.isStale) view.timeline.points.push(lsn)
    writer.awaitDurable(view, lsn)
  }

  /** A writer that was replaced does not know it, and goes on. */
  #haunt(): void {
    const ghosts = this.#world.ghosts().filter((ghost) => ghost.failure === undefined && ghost.views.size > 0)
    if (ghosts.length === 0) return
    const ghost = this.#chance.pick(ghosts)
    const view = this.#chance.pick([...ghost.views.values()])
    if (view.isBusy || !view.handle.hasRoom(RECORD_SIZE_BYTES_MAX * 4)) return
    if (this.#chance.happens(0.1)) void ghost.createTimeline({ parent: undefined })
    else this.#appendMtr(ghost, view, 1 + this.#chance.below(3))
  }

  // --- reading

  #read(): void {
    const picked = this.#pick()
    if (picked === undefined || this.#readsUnderWay >= READS_AT_ONCE_MAX) return
    const { timeline, writer } = picked
    const { vdl } = writer.view(timeline).handle
    const low = timeline.readableFrom
    if (vdl < low) return
    const page = this.#chance.below(this.#world.plan.pageCount) as PageNo
    const isOld = this.#chance.happens(0.1) && timeline.base < low
    const isLowest = this.#chance.happens(0.2)
    const lsn = (
      isOld
        ? this.#chance.between(timeline.base, low)
        : isLowest
          ? low
          : this.#chance.happens(0.4)
            ? vdl
            : this.#chance.between(low, vdl + 1)
    ) as Lsn
    this.#readsUnderWay++
    void this.#world.reads
      .check(writer, timeline, page, Math.floor(lsn) as Lsn)
      .finally(() => void this.#readsUnderWay--)
  }

  // --- timelines and floors

  async #branch(): Promise<void> {
    const { model, plan, coverage, writer } = this.#world
    if (writer === undefined || !writer.isUsable) return
    const live = model.live()
    if (live.length >= plan.timelineCountMax || (live.length > 2 && this.#chance.happens(DROP_SHARE)))
      return this.#drop(writer)
    const timeline = this.#chance.pick(live)
    if (this.#chance.happens(0.1)) return void (await writer.createTimeline({ parent: undefined }))
    const isBacktrack = this.#chance.happens(BACKTRACK_SHARE)
    const { vdl } = writer.view(timeline).handle
    // The newest point may not be durable yet: the branch waits for it.
    const newest = timeline.points.at(-1) ?? timeline.base
    const lsn = isBacktrack
      ? timeline.pointAtOrBelow(this.#chance.between(timeline.readableFrom, vdl + 1))
      : newest
    if (lsn < timeline.readableFrom) return
    const child = await writer.createTimeline({ parent: { timeline, lsn } })
    if (child === undefined) return
    coverage.count(timeline.parent === undefined ? 'branch' : 'branch of a branch')
    if (!isBacktrack) return
    coverage.count('backtrack')
    this.#quiet.add(timeline)
  }

  async #drop(writer: Writer): Promise<void> {
    const live = this.#world.model.live()
    const timeline = this.#chance.pick(live)
    if (live.length < 2 || timeline.pinned(writer).length > 0 || writer.view(timeline).isBusy) return
    await writer.dropTimeline(timeline)
  }

  #raiseFloor(): void {
    const picked = this.#pick()
    if (picked === undefined) return
    const { timeline, writer } = picked
    const { vdl } = writer.view(timeline).handle
    const highest = Math.min(vdl, timeline.pointAtOrBelow(vdl), ...timeline.pinned(writer))
    const low = timeline.readableFrom
    if (highest <= low) return
    const lsn = timeline.pointAtOrBelow(
      this.#chance.happens(0.5) ? highest : this.#chance.between(low, highest),
    )
    if (lsn <= timeline.floor) return
    timeline.floor = lsn
    writer.volume.setReadFloor(timeline.id, lsn)
    this.#world.coverage.count('read floor raised')
  }
}
