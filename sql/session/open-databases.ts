// The databases that are in use: one handle for each, shared by all its sessions; and handles of points of their past.
//
//   entry ──▶ handle of its timeline                                  kept while the server runs
//   (name, when) ──resolve──▶ (timeline, LSN) ──▶ handle of the past   kept while somebody uses it

import { must } from '../../storage/base/assert.ts'
import type { Clock } from '../../storage/base/env.ts'
import type { TimelineId } from '../../storage/base/ids.ts'
import type { Database } from '../../storage/engine/engine.ts'
import type { DatabaseEntry } from '../catalog/catalog.ts'
import type { Cluster, DatabaseCatalog } from '../catalog/cluster.ts'
import { type PastPoint, resolveWhen } from '../catalog/past.ts'
import type { When } from '../functions/when.ts'
import { SqlError } from '../types/sql-error.ts'
import type { SessionCore } from './session-core.ts'
import { terminated } from './session-services.ts'
import type { DatabaseControl } from '../ddl/ddl.ts'
import type { DatabaseHandle } from './database-handle.ts'

/** How long DROP DATABASE ... WITH (FORCE) waits for the sessions it ended. */
const CLOSE_PATIENCE_MS = 5000

/** So many databases without sessions stay open, and any for so long. */
const IDLE_COUNT_MAX = 128
const IDLE_MS = 10_000

export interface OpenDatabasesParts {
  readonly catalogs: Cluster
  readonly clock: Clock
  /** Makes the handle of a catalog that was opened. */
  open(catalogs: DatabaseCatalog): DatabaseHandle
}

export class OpenDatabases {
  readonly #parts: OpenDatabasesParts
  readonly #handles = new Map<TimelineId, Promise<DatabaseHandle>>()
  readonly #opened = new Map<TimelineId, DatabaseHandle>()
  /** Timelines that a backtrack under way will move sessions to. */
  readonly #prepared = new Set<TimelineId>()
  readonly #closing = new Map<TimelineId, Promise<void>>()
  readonly #past = new WeakMap<Database, DatabaseHandle>()

  constructor(parts: OpenDatabasesParts) {
    this.#parts = parts
    parts.catalogs.onMoved = (before, after): void => this.#move(before, after)
    parts.catalogs.onDropped = (entry): void => this.#forget(entry.timeline)
  }

  /** The handle of a database's present: the same object at every call. */
  open(entry: DatabaseEntry): Promise<DatabaseHandle> {
    let opening = this.#handles.get(entry.timeline)
    if (opening === undefined) {
      opening = this.#open(entry)
      this.#handles.set(entry.timeline, opening)
      opening.then(
        (handle) => this.#opened.set(entry.timeline, handle),
        () => this.#handles.delete(entry.timeline),
      )
    }
    return opening
  }

  async #open(entry: DatabaseEntry): Promise<DatabaseHandle> {
    await this.#closing.get(entry.timeline)
    return this.#parts.open(await this.#parts.catalogs.database(entry))
  }

  /** Closes databases that have long been idle, so that of thousands of branches those in use are open. */
  closeIdle(): void {
    if (this.#opened.size <= IDLE_COUNT_MAX) return
    const now = this.#parts.clock.monotonicMs()
    const idle = [...this.#opened]
      .filter(([timeline, handle]) => {
        const isIdle = handle.sessions.size === 0 && now - handle.idleSinceMs > IDLE_MS
        return isIdle && !this.#prepared.has(timeline)
      })
      .toSorted(([, a], [, b]) => a.idleSinceMs - b.idleSinceMs)
    for (const [timeline] of idle.slice(0, this.#opened.size - IDLE_COUNT_MAX)) {
      this.#forget(timeline)
      // What fails here fails for whoever opens it next, too.
      const closing = this.#parts.catalogs.close(timeline).catch(() => undefined)
      this.#closing.set(timeline, closing)
      void closing.then(() => this.#closing.delete(timeline))
    }
  }

  /**
   * The handle of a database as of `when`: the present's for 'now', else a read-only one (its database's isPast is true).
   * SqlError 3D000 if there is no such database, 22023 and 72000 for points that cannot be had. Whoever lets a user in
   * asks for the right to connect first.
   */
  async databaseAt(name: string, when: When): Promise<DatabaseHandle> {
    const { catalogs, clock } = this.#parts
    const entry = catalogs.shared.databaseByName(name)
    if (entry === undefined) throw new SqlError('3D000', `database "${name}" does not exist`)
    if (when.kind === 'now') return this.open(entry)
    return this.pastOf(entry, await resolveWhen(catalogs, entry, when, clock.wallMicros()))
  }

  /** The handle of a point of the past that was resolved before. */
  async pastOf(entry: DatabaseEntry, point: PastPoint): Promise<DatabaseHandle> {
    const catalogs = await this.#parts.catalogs.past(entry, point)
    let handle = this.#past.get(catalogs.database)
    if (handle === undefined) {
      handle = this.#parts.open(catalogs)
      this.#past.set(catalogs.database, handle)
    }
    return handle
  }

  /** What DDL statements of a session may ask. */
  controlFor(core: SessionCore): DatabaseControl {
    return {
      closeSessions: (oid) => this.closeSessions(core.backend.sessions, oid, core),
      answerAfter: (settled) => {
        core.answerAfter = settled
      },
      prepare: async (entry) => {
        this.#prepared.add(entry.timeline)
        await this.open(entry)
      },
    }
  }

  /** Ends the sessions of a database, and waits until they are gone, or for as long as PostgreSQL does. */
  async closeSessions(
    sessions: ReadonlyMap<number, SessionCore>,
    databaseOid: number,
    except?: SessionCore,
  ): Promise<void> {
    const { clock } = this.#parts
    const deadlineMs = clock.monotonicMs() + CLOSE_PATIENCE_MS
    const isThere = (session: SessionCore): boolean =>
      session.handle.oid === databaseOid && session !== except && sessions.has(session.processId)
    let left = [...sessions.values()].filter(isThere)
    for (const session of left) session.terminate(terminated())
    while (left.length > 0 && clock.monotonicMs() < deadlineMs) {
      await new Promise<void>((resolve) => void clock.after(1, resolve))
      left = left.filter(isThere)
    }
  }

  /** A database's name points to another timeline: its sessions change over. In the turn of the commit that says so. */
  #move(before: DatabaseEntry, after: DatabaseEntry): void {
    const from = this.#opened.get(before.timeline)
    const to = must(this.#opened.get(after.timeline), 'the timeline was opened before')
    this.#prepared.delete(after.timeline)
    this.#forget(before.timeline)
    if (from === undefined) return
    const target = after.past.at(-1)?.target ?? ''
    const reason = new SqlError(
      '40001',
      `database "${after.name}" was moved to another point of its history`,
      {
        detail: `ALTER DATABASE BACKTRACK_TO '${target}' was executed while the transaction was under way.`,
        hint: 'The transaction might succeed if retried.',
      },
    )
    const { catalogs } = this.#parts
    const { head } = catalogs.store.database
    for (const session of [...from.sessions]) session.move.begin(to, reason, head)
    const { database } = from
    const release = (): void => database.onDurable(database.head, () => catalogs.forget(before.timeline))
    from.onUnused = release
    if (from.sessions.size === 0) release()
  }

  #forget(timeline: TimelineId): void {
    this.#handles.delete(timeline)
    this.#opened.delete(timeline)
  }
}
