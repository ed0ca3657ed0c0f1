// What time does to databases: branches whose TTL has passed are dropped, history older than borealis.retention is given up.
//
//   twice a second  expired branches: sessions ended, entry removed; databases long idle: closed
//   every 10 s      timelines that a backtrack left, once their retention has passed: forgotten
//                   of every other timeline the read floor: nobody reads below it, so storage may collect what is older
//
// A floor is the newest commit at the beginning of the retention, or the oldest point that somebody reads, whichever is
// older. Nothing here is urgent: what fails is tried again at the next round.

import { AssertionError } from '../../storage/base/assert.ts'
import type { Clock } from '../../storage/base/env.ts'
import { StorageError } from '../../storage/base/errors.ts'
import type { Lsn, TimelineId } from '../../storage/base/ids.ts'
import type { DatabaseEntry } from '../catalog/catalog.ts'
import type { CatalogEditor } from '../catalog/editor.ts'
import type { Cluster } from '../catalog/cluster.ts'
import { commitAt, retentionMicros } from '../catalog/past.ts'
import { settled } from '../catalog/wait.ts'
import type { OpenDatabases } from './open-databases.ts'
import type { SessionCore } from './session-core.ts'

const EXPIRY_ROUND_MS = 500
const RETENTION_ROUND_MS = 10_000
/** Timelines whose floor is looked for in one round: each may ask a storage node. */
const FLOORS_PER_ROUND = 500

export interface DatabaseKeeperParts {
  readonly catalogs: Cluster
  readonly databases: OpenDatabases
  readonly sessions: ReadonlyMap<number, SessionCore>
  readonly clock: Clock
  /** Told of what failed and will be tried again. */
  readonly warn: (error: unknown) => void
}

export class DatabaseKeeper {
  readonly #parts: DatabaseKeeperParts
  #stopTimer: () => void = () => undefined
  #isStopped = false
  #running: Promise<void> = Promise.resolve()
  #nextRetentionMs: number
  /** The catalog of the cluster that `#nextExpiryMicros` was found in. */
  #knownVersion = ''
  #nextExpiryMicros = Infinity
  /** Floors that storage was told. */
  readonly #floors = new Map<TimelineId, Lsn>()

  constructor(parts: DatabaseKeeperParts) {
    this.#parts = parts
    this.#nextRetentionMs = parts.clock.monotonicMs() + RETENTION_ROUND_MS
    this.#schedule()
  }

  /** No more rounds; resolves when the one under way is over. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#stopTimer()
    await this.#running
  }

  #schedule(): void {
    if (this.#isStopped) return
    this.#stopTimer = this.#parts.clock.after(EXPIRY_ROUND_MS, () => {
      this.#running = this.#round().then(() => this.#schedule())
    })
  }

  async #round(): Promise<void> {
    const { clock, warn } = this.#parts
    try {
      this.#parts.databases.closeIdle()
      await this.dropExpired()
      if (clock.monotonicMs() < this.#nextRetentionMs) return
      this.#nextRetentionMs = clock.monotonicMs() + RETENTION_ROUND_MS
      await this.keepRetention()
    } catch (error) {
      if (!(error instanceof StorageError && error.kind === 'closed')) warn(error)
    }
  }

  /** Drops the databases whose time is over. */
  async dropExpired(): Promise<void> {
    const { catalogs, clock, databases, sessions } = this.#parts
    const { shared } = catalogs
    const { version } = catalogs.store.current
    if (version !== this.#knownVersion) {
      this.#knownVersion = version
      this.#nextExpiryMicros = Infinity
      for (const { expiresMicros = Infinity } of shared.databases())
        this.#nextExpiryMicros = Math.min(this.#nextExpiryMicros, expiresMicros)
    }
    const now = clock.wallMicros()
    if (now < this.#nextExpiryMicros) return
    for (const entry of [...shared.databases()]) {
      if (this.#isStopped) return
      if ((entry.expiresMicros ?? Infinity) > now) continue
      await databases.closeSessions(sessions, entry.oid)
      await this.#change(entry, async (editor, current) => {
        if ((current.expiresMicros ?? Infinity) > now) return
        await settled(() => editor.remove('database', entry.oid))
        if (editor.object('comments', entry.oid) !== undefined)
          await settled(() => editor.remove('comments', entry.oid))
      })
    }
  }

  /**
   * Forgets abandoned timelines whose retention has passed, and tells storage the floors of the others. Of the cluster's own
   * timeline nobody asks the past.
   */
  async keepRetention(): Promise<void> {
    const { catalogs, clock } = this.#parts
    const { database } = catalogs.store
    catalogs.volume.setReadFloor(database.timeline, database.oldestReadPoint)
    const inUse = this.#readPoints()
    let budget = FLOORS_PER_ROUND
    for (const entry of [...catalogs.shared.databases()]) {
      if (this.#isStopped) return
      const from = clock.wallMicros() - retentionMicros(entry)
      // Nothing of a young branch is old, and there are thousands.
      if (entry.past.length === 0 && (entry.branch?.createdMicros ?? 0) > from) continue
      const isOver = ({ timeline, untilMicros }: DatabaseEntry['past'][number]): boolean =>
        untilMicros < from && !inUse.has(timeline)
      const over = entry.past.filter(isOver)
      if (over.length > 0) {
        await this.#change(entry, async (editor, current) => {
          const past = current.past.filter((each) => !isOver(each))
          await settled(() => editor.put({ ...current, kind: 'database', past }))
        })
        for (const { timeline } of over) catalogs.dropTimeline(timeline)
      }
      for (const timeline of [entry.timeline, ...entry.past.map((each) => each.timeline)]) {
        if (over.some((each) => each.timeline === timeline)) continue
        if (budget > 0 && (await this.#setFloor(timeline, from, inUse))) budget--
      }
    }
  }

  /** The oldest point that a session reads of each timeline's past. */
  #readPoints(): Map<TimelineId, Lsn> {
    const points = new Map<TimelineId, Lsn>()
    for (const session of this.#parts.sessions.values()) {
      const { database } = session.reading
      if (!database.isPast) continue
      const known = points.get(database.timeline)
      if (known === undefined || database.head < known) points.set(database.timeline, database.head)
    }
    return points
  }

  /** True when storage was asked something. */
  async #setFloor(
    timeline: TimelineId,
    fromMicros: number,
    inUse: ReadonlyMap<TimelineId, Lsn>,
  ): Promise<boolean> {
    const { catalogs } = this.#parts
    const { volume } = catalogs
    const { parent, createdMicros = 0 } = volume.timeline(timeline) ?? {}
    // All of its own log is younger than the beginning of the retention.
    if (createdMicros > fromMicros) return false
    const base = parent?.lsn ?? 0
    const known = this.#floors.get(timeline) ?? base
    if (known >= catalogs.headOf(timeline)) return false
    const commit = await commitAt(catalogs, timeline, fromMicros)
    const read = Math.min(catalogs.oldestReadPoint(timeline), inUse.get(timeline) ?? Infinity)
    const floor = Math.min(commit?.lsn ?? base, read) as Lsn
    if (floor > known) {
      volume.setReadFloor(timeline, floor)
      this.#floors.set(timeline, floor)
    }
    return true
  }

  /** A transaction on one database's entry, if it is still there. */
  async #change(
    entry: DatabaseEntry,
    change: (editor: CatalogEditor, current: DatabaseEntry) => Promise<void>,
  ): Promise<void> {
    const { store } = this.#parts.catalogs
    const transaction = store.database.begin()
    const editor = store.edit({
      transaction,
      commandId: () => 0,
      snapshotOf: () => {
        throw new AssertionError('nobody looks at the catalog of a clean-up')
      },
    })
    try {
      await settled(() => editor.lockObject('database', entry.oid))
      const current = editor.object('database', entry.oid)
      if (current !== undefined) await change(editor, current)
      await settled(() => transaction.commit())
      editor.publish()
    } finally {
      transaction.abort()
    }
  }
}
