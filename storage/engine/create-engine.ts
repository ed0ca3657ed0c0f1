// The engine: one buffer pool, and the timelines that were opened over one volume.

import { must } from '../base/assert.ts'
import type { Clock, Prng } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import { formatLsn, type Lsn, LSN_ZERO, type TimelineId } from '../base/ids.ts'
import { suspend } from '../base/suspend.ts'
import type { Volume } from '../volume/volume.ts'
import type { CommitRecord } from '../message/message.ts'
import type { Database, Divergence, Engine, EngineStatus, LockOwner, View } from './engine.ts'
import { PageSpace } from './page-space.ts'
import { PastDatabase } from './past-database.ts'
import { Pool } from './pool.ts'
import { TimelineDatabase } from './timeline-database.ts'
import { divergence, ownerOf, type TimelinePoint } from './timeline-path.ts'

export interface EngineOptions {
  readonly volume: Volume
  readonly clock: Clock
  /** Bound of the buffer pool's pages. Memory is taken as it is needed, 16 MB at a time. */
  readonly poolSizeBytes: number
  /** Tests: page accesses suspend at random, although nothing is missing. */
  readonly chaos?: Prng | undefined
}

/** Points of the past that are remembered; an idle one is some hundred bytes. */
const PAST_COUNT_MAX = 4096

export function createEngine(options: EngineOptions): Engine {
  return new PooledEngine(options)
}

class PooledEngine implements Engine {
  private readonly options: EngineOptions
  private readonly pool: Pool
  private readonly spaces = new Map<TimelineId, PageSpace>()
  private readonly databases = new Map<TimelineId, Promise<TimelineDatabase>>()
  private readonly opened = new Map<TimelineId, TimelineDatabase>()
  /** By `timeline@lsn`, the one used last at the end. */
  private readonly past = new Map<string, PastDatabase>()
  private closed = false

  constructor(options: EngineOptions) {
    this.options = options
    this.pool = new Pool(options.poolSizeBytes)
  }

  async open(timeline: TimelineId): Promise<Database> {
    if (this.closed) throw new StorageError('closed', 'the engine is closed')
    let database = this.databases.get(timeline)
    if (database === undefined) {
      database = this.openDatabase(timeline)
      this.databases.set(timeline, database)
      database.catch(() => this.databases.delete(timeline))
    }
    return database
  }

  async openPast(timeline: TimelineId, lsn: Lsn): Promise<Database> {
    if (this.closed) throw new StorageError('closed', 'the engine is closed')
    const key = `${timeline}@${lsn}`
    let past = this.past.get(key)
    if (past !== undefined) this.past.delete(key)
    else {
      const space = this.space(timeline)
      if (lsn > space.head) {
        const detail = `The newest commit of timeline ${timeline} is at ${formatLsn(space.head)}.`
        throw new StorageError('out-of-window', `LSN ${formatLsn(lsn)} lies in the future`, detail)
      }
      if (lsn > space.vdl) await this.untilDurable(space, lsn)
      past = this.past.get(key) ?? new PastDatabase(timeline, space.home(lsn), lsn)
    }
    this.past.set(key, past)
    if (this.past.size > PAST_COUNT_MAX) this.past.delete(must(this.past.keys().next().value))
    return past
  }

  divergence(from: View, to: View): Promise<Divergence | undefined> {
    return divergence(this.options.volume, pointOf(from), pointOf(to))
  }

  commitOf(view: View, lsn: Lsn): Promise<CommitRecord | undefined> {
    const { volume } = this.options
    return volume.commitOf(ownerOf(volume, pointOf(view), lsn), lsn)
  }

  async commitAtOrBelow(view: View, lsn: Lsn): Promise<Lsn> {
    const { volume } = this.options
    const owner = ownerOf(volume, pointOf(view), lsn)
    const commit = await volume.commitAt(owner, Number.MAX_SAFE_INTEGER, lsn)
    return commit?.lsn ?? LSN_ZERO
  }

  private untilDurable(space: PageSpace, lsn: Lsn): Promise<void> {
    return new Promise((resolve, reject) => {
      space.onDurable(lsn, (error) => (error === undefined ? resolve() : reject(error)))
    })
  }

  lockOwner(database: Database, processId = 0): LockOwner {
    if (database instanceof PastDatabase) return database.lockOwner(processId)
    return must(this.opened.get(database.timeline), 'an open database').lockOwner(processId)
  }

  async closeDatabase(timeline: TimelineId): Promise<void> {
    await this.opened.get(timeline)?.close()
    this.release(timeline)
  }

  release(timeline: TimelineId): void {
    this.databases.delete(timeline)
    this.opened.delete(timeline)
    this.forgetSpace(timeline)
  }

  /** Pages that branches share stay; they go with the last branch. */
  private forgetSpace(timeline: TimelineId): void {
    const space = this.spaces.get(timeline)
    if (space === undefined || space.branchCount > 0 || this.databases.has(timeline)) return
    space.clear()
    this.spaces.delete(timeline)
    this.options.volume.release(timeline)
    for (const [key, past] of this.past) if (past.timeline === timeline) this.past.delete(key)
    const parent = this.options.volume.timeline(timeline)?.parent
    if (parent === undefined) return
    must(this.spaces.get(parent.timeline), 'the space of a parent').branchCount--
    this.forgetSpace(parent.timeline)
  }

  status(): EngineStatus {
    const { pool } = this
    let commits = 0
    for (const database of this.opened.values()) commits += database.commits
    return {
      poolPages: pool.pages,
      poolPagesMax: pool.pagesMax,
      poolHits: pool.hits,
      poolMisses: pool.misses,
      versionPages: pool.versionPages,
      commits,
    }
  }

  async close(): Promise<void> {
    this.closed = true
    await Promise.all([...this.opened.values()].map((database) => database.close()))
    this.past.clear()
    this.databases.clear()
    this.opened.clear()
    for (const space of this.spaces.values()) space.clear()
    this.spaces.clear()
  }

  private async openDatabase(timeline: TimelineId): Promise<TimelineDatabase> {
    const { volume, clock } = this.options
    const space = this.space(timeline)
    const database = new TimelineDatabase(space, clock)
    const info = must(volume.timeline(timeline))
    await database.open(info.parent === undefined && space.log.vdl === LSN_ZERO)
    this.opened.set(timeline, database)
    return database
  }

  /** The pages of a timeline. An ancestor's space exists as soon as a descendant is open, whether it is open or not. */
  private space(timeline: TimelineId): PageSpace {
    const known = this.spaces.get(timeline)
    if (known !== undefined) return known
    const { volume, clock } = this.options
    const info = volume.timeline(timeline)
    if (info === undefined) throw new StorageError('io', `timeline ${timeline} does not exist`)
    const parent = info.parent && { space: this.space(info.parent.timeline), lsn: info.parent.lsn }
    const space = new PageSpace({
      pool: this.pool,
      log: volume.log(timeline),
      clock,
      parent,
      onAccess: this.onAccess(),
    })
    if (parent !== undefined) parent.space.branchCount++
    this.spaces.set(timeline, space)
    return space
  }

  private onAccess(): (() => void) | undefined {
    const { chaos } = this.options
    return chaos && suspendNowAndThen(chaos)
  }
}

/**
 * Suspends at the access after a random gap. Gaps grow, so that a step with many accesses, which begins again each time,
 * comes to its end; then they are short again.
 */
function suspendNowAndThen(prng: Prng): () => void {
  let gapMax = 2
  let left = 1
  return () => {
    if (--left > 0) return
    gapMax = gapMax > 2000 ? 2 : gapMax * 1.3
    left = 1 + Math.floor(prng.next() * gapMax)
    suspend(Promise.resolve())
  }
}

function pointOf(view: View): TimelinePoint {
  return { timeline: view.database.timeline, lsn: view.readLsn }
}
