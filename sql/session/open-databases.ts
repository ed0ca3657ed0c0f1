// The databases that are in use: one handle for each, shared by all its sessions; and handles of points of their past.
//
//   entry ──▶ handle of its timeline                                  kept while the server runs
//   (name, when) ──resolve──▶ (timeline, LSN) ──▶ handle of the past   kept while somebody uses it

import type { Clock } from '../../storage/base/env.ts'
import type { TimelineId } from '../../storage/base/ids.ts'
import type { Database } from '../../storage/engine/engine.ts'
import type { DatabaseEntry } from '../catalog/catalog.ts'
import type { Cluster, DatabaseCatalog } from '../catalog/cluster.ts'
import { type PastPoint, resolveWhen } from '../catalog/past.ts'
import type { When } from '../functions/when.ts'
import { SqlError } from '../types/sql-error.ts'
import type { DatabaseHandle } from './database-handle.ts'

export interface OpenDatabasesParts {
  readonly catalogs: Cluster
  readonly clock: Clock
  /** Makes the handle of a catalog that was opened. */
  open(catalogs: DatabaseCatalog): DatabaseHandle
}

export class OpenDatabases {
  readonly #parts: OpenDatabasesParts
  readonly #handles = new Map<TimelineId, Promise<DatabaseHandle>>()
  readonly #past = new WeakMap<Database, DatabaseHandle>()

  constructor(parts: OpenDatabasesParts) {
    this.#parts = parts
  }

  /** The handle of a database's present: the same object at every call. */
  open(entry: DatabaseEntry): Promise<DatabaseHandle> {
    let opening = this.#handles.get(entry.timeline)
    if (opening === undefined) {
      opening = this.#parts.catalogs.database(entry).then((catalogs) => this.#parts.open(catalogs))
      this.#handles.set(entry.timeline, opening)
      opening.catch(() => this.#handles.delete(entry.timeline))
    }
    return opening
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
}
