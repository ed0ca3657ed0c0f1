// One database in use: what all its sessions share. Made at the first connection and kept while the server runs; it
// holds no page and no timer, so an idle one costs a few hundred bytes beside its cached plans.

import type { Clock, Prng } from '../../storage/base/env.ts'
import type { Database, Engine, LockOwner } from '../../storage/engine/engine.ts'
import type { Volume } from '../../storage/volume/volume.ts'
import type { Catalog, ServerState } from '../catalog/catalog.ts'
import type { Cluster, DatabaseCatalog } from '../catalog/cluster.ts'
import type { TypeLookup } from '../types/type.ts'
import { ExportedSnapshots } from './exported-snapshots.ts'
import type { checkPrivileges } from './privileges.ts'
import type { Notifications } from './notifications.ts'
import type { OpenDatabases } from './open-databases.ts'
import { BackendState } from './server-state.ts'
import type { SessionCore } from './session-core.ts'
import { CatalogLookup } from './type-lookup.ts'
import type { Operations } from './volume-services.ts'

/** What all sessions of the process share. */
export interface SharedBackend {
  readonly engine: Engine
  readonly volume: Volume
  readonly clock: Clock
  readonly prng: Prng
  /** The cluster timeline, for roles and databases. */
  readonly cluster: Database
  readonly catalogs: Cluster
  readonly databases: OpenDatabases
  readonly sessions: Map<number, SessionCore>
  /** Settings that the server's command line decides (port, max_connections, ...), canonical text by lower-case name. */
  readonly serverSettings: ReadonlyMap<string, string>
  readonly operations: Operations
  readonly startMicros: number
  readonly checkPrivileges: typeof checkPrivileges
}

export class DatabaseHandle {
  readonly backend: SharedBackend
  readonly catalogs: DatabaseCatalog
  readonly oid: number
  readonly listeners: Set<Notifications> = new Set()
  readonly sessions: Set<SessionCore> = new Set()
  readonly exportedSnapshots: ExportedSnapshots = new ExportedSnapshots()
  /** When the last session left, monotonic milliseconds. */
  idleSinceMs: number
  /** Called when the last session has left; set once no new one can come. */
  onUnused: (() => void) | undefined
  /** Advisory locks held by sessions, by process id. */
  readonly lockOwners: Map<number, LockOwner> = new Map()

  constructor(backend: SharedBackend, catalogs: DatabaseCatalog) {
    this.backend = backend
    this.catalogs = catalogs
    this.oid = catalogs.oid
    this.idleSinceMs = backend.clock.monotonicMs()
  }

  get database(): Database {
    return this.catalogs.database
  }

  get catalog(): Catalog {
    return this.catalogs.current
  }

  get name(): string {
    return this.catalog.databaseName
  }

  serverState(core: SessionCore): ServerState {
    return new BackendState(core)
  }

  lookup(core: SessionCore): TypeLookup {
    return new CatalogLookup(core)
  }

  lockOwner(core: SessionCore): LockOwner {
    let owner = this.lockOwners.get(core.processId)
    if (owner === undefined) {
      owner = this.backend.engine.lockOwner(this.database, core.processId)
      this.lockOwners.set(core.processId, owner)
    }
    return owner
  }

  sessionClosed(core: SessionCore): void {
    core.notifications.close()
    this.leave(core)
    this.backend.sessions.delete(core.processId)
  }

  /** A session works here no more: it was closed, or its database was moved to another timeline. */
  leave(core: SessionCore): void {
    this.lockOwners.get(core.processId)?.unlockAll()
    this.lockOwners.delete(core.processId)
    this.sessions.delete(core)
    if (this.sessions.size > 0) return
    this.idleSinceMs = this.backend.clock.monotonicMs()
    this.onUnused?.()
  }
}
