// The cluster: its roles and databases (on the cluster timeline), and the catalog of each database that is in use.
//
//   Cluster.open ──new volume──▶ bootstrap: timeline 1 (shared), template1 and its branches template0, postgres
//        │
//        ├── shared store ──▶ SharedCatalog: roles, databases
//        └── database(name) ──open timeline──▶ DatabaseCatalog ──▶ Catalog (current, of a read point, of a transaction)
//
// Invariant: a database's entry names its timeline; several entries never name the same one.

import { assert, AssertionError, must } from '../../storage/base/assert.ts'
import { CLUSTER_TIMELINE, type Lsn, LSN_ZERO, type TimelineId } from '../../storage/base/ids.ts'
import type { Database, Engine, Transaction, View } from '../../storage/engine/engine.ts'
import type { Volume } from '../../storage/volume/volume.ts'
import type { FunctionRegistry } from '../functions/function.ts'
import { bootstrapDatabases, bootstrapObjects, bootstrapRoles, TEMPLATE1_OID } from './bootstrap.ts'
import type { Catalog, DatabaseEntry, SharedCatalog } from './catalog.ts'
import { CatalogStore, ContentsCache } from './catalog-store.ts'
import type { Contents } from './contents.ts'
import type { PastPoint } from './past.ts'
import type { CatalogEditor } from './editor.ts'
import { stageObject, stageVersion } from './object-store.ts'
import { removeLeftovers } from './leftovers.ts'
import { SequenceValues } from './sequence-values.ts'
import { CatalogSnapshot, sharedSnapshot, type SharedSnapshot } from './snapshot.ts'
import type { StoredObject } from './stored-objects.ts'
import { settled } from './wait.ts'

export interface ClusterParts {
  readonly volume: Volume
  readonly engine: Engine
  readonly functions: FunctionRegistry
  /** Asked when the cluster is made: the verifier of the superuser's password, if it is to have one. */
  readonly firstPassword?: (() => string | undefined) | undefined
}

export class Cluster {
  readonly volume: Volume
  readonly engine: Engine
  readonly functions: FunctionRegistry
  /** Roles and databases. */
  readonly store: CatalogStore
  readonly #cache: ContentsCache
  readonly #databases = new Map<TimelineId, Promise<DatabaseCatalog>>()
  readonly #opened = new Map<TimelineId, DatabaseCatalog>()
  /** Timelines that have a number but may not be durable yet. */
  readonly #births = new Map<TimelineId, Promise<void>>()
  /** Catalogs of points of the past, as long as the engine or somebody else remembers the point. */
  readonly #past = new WeakMap<Database, DatabaseCatalog>()

  private constructor(parts: ClusterParts, store: CatalogStore, cache: ContentsCache) {
    this.volume = parts.volume
    this.engine = parts.engine
    this.functions = parts.functions
    this.store = store
    this.#cache = cache
    store.onChanged = (before, after): void => {
      if (before.kind !== 'database') return
      if (after === undefined) this.#databaseRemoved(before)
      else if (after.kind === 'database' && after.timeline !== before.timeline) this.onMoved?.(before, after)
    }
  }

  /** Called in the turn in which a database was dropped. */
  onDropped: ((entry: DatabaseEntry) => void) | undefined
  /** Called in the turn in which a database's name came to point to another timeline. */
  onMoved: ((before: DatabaseEntry, after: DatabaseEntry) => void) | undefined

  /** Opens the cluster; a new volume gets its roles, its databases and their catalogs first. */
  static async open(parts: ClusterParts): Promise<Cluster> {
    if (!isMade(parts.volume)) await bootstrap(parts)
    const cache = new ContentsCache()
    const database = await parts.engine.open(CLUSTER_TIMELINE)
    // Nobody reads the cluster's past.
    const store = await CatalogStore.open(database, new ContentsCache(1))
    const cluster = new Cluster(parts, store, cache)
    await cluster.#removeUnborn()
    cluster.#dropOrphans()
    return cluster
  }

  /** Entries whose timelines a crash kept from being born: their CREATE DATABASE was never answered. */
  async #removeUnborn(): Promise<void> {
    const unborn = [...this.shared.databases()].filter(
      ({ timeline }) => this.volume.timeline(timeline) === undefined,
    )
    if (unborn.length === 0) return
    const { database } = this.store
    const transaction = database.begin()
    const editor = this.store.edit({
      transaction,
      commandId: () => 0,
      snapshotOf: () => {
        throw new AssertionError('nobody looks at the catalog of a clean-up')
      },
    })
    for (const { oid } of unborn) await settled(() => editor.remove('database', oid))
    const lsn = await settled(() => transaction.commit())
    // Their numbers will be given out again: what named them must be gone for good.
    await new Promise<void>((resolve, reject) =>
      database.onDurable(lsn, (error) => (error === undefined ? resolve() : reject(error))),
    )
    editor.publish()
  }

  /** Timelines that no entry names: of a CREATE, DROP or BACKTRACK that a crash cut short. Nothing is under way yet. */
  #dropOrphans(): void {
    const named = new Set<TimelineId>([CLUSTER_TIMELINE])
    for (const entry of this.shared.databases()) {
      named.add(entry.timeline)
      for (const { timeline } of entry.past) named.add(timeline)
    }
    for (const { id } of this.volume.timelines()) if (!named.has(id)) this.dropTimeline(id)
  }

  /** Roles and databases as committed now. */
  get shared(): SharedSnapshot {
    return sharedSnapshot(this.store.current)
  }

  /** The catalog of a database: the same object for all its sessions. Opens its timeline on first use. */
  async database(entry: DatabaseEntry): Promise<DatabaseCatalog> {
    const { timeline } = entry
    let opening = this.#databases.get(timeline)
    if (opening === undefined) {
      opening = this.#open(entry)
      this.#databases.set(timeline, opening)
      opening.then(
        (opened) => this.#opened.set(timeline, opened),
        () => this.#databases.delete(timeline),
      )
    }
    return opening
  }

  /**
   * Begins a timeline. Its number is known at once; `born` resolves when it can be relied on, which whoever is told of it
   * waits for, and whoever opens it. An entry whose timeline was never born is taken back at the next start.
   */
  async beginTimeline(at: {
    timeline: TimelineId
    lsn: Lsn
  }): Promise<{ readonly timeline: TimelineId; readonly born: Promise<void> }> {
    let numbered: (id: TimelineId) => void = () => undefined
    const number = new Promise<TimelineId>((resolve) => {
      numbered = resolve
    })
    const created = this.volume.createTimeline(at, numbered)
    const timeline = await Promise.race([number, created])
    const born = created.then(() => undefined).finally(() => this.#births.delete(timeline))
    this.#births.set(timeline, born)
    born.catch(() => undefined) // whoever waits for it has it
    return { timeline, born }
  }

  /** The newest commit of a timeline, durable or not. */
  headOf(timeline: TimelineId): Lsn {
    const open = this.#opened.get(timeline)
    if (open !== undefined) return open.database.head
    return Math.max(this.volume.vdlOf(timeline), this.volume.timeline(timeline)?.parent?.lsn ?? 0) as Lsn
  }

  /** The oldest point of a timeline that a pinned view reads, or its head. */
  oldestReadPoint(timeline: TimelineId): Lsn {
    return this.#opened.get(timeline)?.database.oldestReadPoint ?? this.headOf(timeline)
  }

  /**
   * Where to branch off for a state that begins as `point`: on the ancestor that it belongs to, so that branches of branches
   * without changes of their own are no deeper than those are. Resolves when the point is durable.
   */
  async branchPoint(point: PastPoint): Promise<{ timeline: TimelineId; lsn: Lsn }> {
    const { lsn } = point
    const open = this.#opened.get(point.timeline)
    if (open !== undefined && lsn > open.database.vdl) {
      await new Promise<void>((resolve, reject) =>
        open.database.onDurable(lsn, (error) => (error === undefined ? resolve() : reject(error))),
      )
    }
    let { timeline } = point
    let parent = this.volume.timeline(timeline)?.parent
    while (parent !== undefined && lsn <= parent.lsn) {
      timeline = parent.timeline
      parent = this.volume.timeline(timeline)?.parent
    }
    return { timeline, lsn }
  }

  /** The catalog of a timeline that some database's entry names. */
  databaseOf(timeline: TimelineId): Promise<DatabaseCatalog> {
    const known = this.#databases.get(timeline)
    if (known !== undefined) return known
    const entry = [...this.shared.databases()].find((one) => one.timeline === timeline)
    return this.database(must(entry, 'a timeline of a database'))
  }

  /** The catalog of a database at a point of its past, read only. */
  async past(entry: DatabaseEntry, point: PastPoint): Promise<DatabaseCatalog> {
    const database = await this.engine.openPast(point.timeline, point.lsn)
    let catalog = this.#past.get(database)
    if (catalog === undefined) {
      catalog = new DatabaseCatalog(this, entry.oid, await CatalogStore.open(database, this.#cache))
      this.#past.set(database, catalog)
    }
    return catalog
  }

  /** The database if it is open. */
  openDatabase(timeline: TimelineId): Promise<DatabaseCatalog> | undefined {
    return this.#databases.get(timeline)
  }

  async #open(entry: DatabaseEntry): Promise<DatabaseCatalog> {
    await this.#births.get(entry.timeline)
    const database = await this.engine.open(entry.timeline)
    const store = await CatalogStore.open(database, this.#cache)
    await removeLeftovers(store)
    return new DatabaseCatalog(this, entry.oid, store)
  }

  /** A database's entry is gone: once that is durable, so are its timelines (what branches read of them stays). */
  #databaseRemoved(entry: DatabaseEntry): void {
    this.onDropped?.(entry)
    const timelines = [entry.timeline, ...entry.past.map(({ timeline }) => timeline)]
    const { database } = this.store
    database.onDurable(database.head, (error) => {
      if (error !== undefined) return
      for (const timeline of timelines) this.dropTimeline(timeline)
    })
  }

  /** Forgets a timeline that no entry names any more. */
  dropTimeline(timeline: TimelineId): void {
    this.forget(timeline)
    // One that could not be dropped costs space only; the next start finds it.
    void this.volume.dropTimeline(timeline).catch(() => undefined)
  }

  /** Closes a database that nobody uses; the next who asks for it opens it again. */
  async close(timeline: TimelineId): Promise<void> {
    this.#databases.delete(timeline)
    this.#opened.delete(timeline)
    await this.engine.closeDatabase(timeline)
  }

  /** Lets go of an open timeline that nobody uses. */
  forget(timeline: TimelineId): void {
    this.#databases.delete(timeline)
    this.#opened.delete(timeline)
    this.engine.release(timeline)
  }

  /** A transaction's changes of roles and databases; `transaction` is one on store.database. */
  edit(transaction: Transaction, commandId: () => number, session: DatabaseCatalog): CatalogEditor {
    return this.store.edit({
      transaction,
      commandId,
      snapshotOf: (contents) => session.catalogOf(session.store.current, sharedSnapshot(contents)),
    })
  }
}

/** One database's catalog in this process. */
export class DatabaseCatalog {
  readonly cluster: Cluster
  readonly oid: number
  readonly store: CatalogStore
  readonly sequences: SequenceValues
  #last: CatalogSnapshot | undefined

  constructor(cluster: Cluster, oid: number, store: CatalogStore) {
    this.cluster = cluster
    this.oid = oid
    this.store = store
    this.sequences = new SequenceValues(store.database)
  }

  get database(): Database {
    return this.store.database
  }

  /** The committed catalog of now, for a statement that reads at database.head. */
  get current(): Catalog {
    return this.catalogOf(this.store.current, this.cluster.shared)
  }

  /** The catalog at a read point of the past. May suspend. */
  at(view: View): Catalog {
    return this.catalogOf(this.store.at(view), this.cluster.shared)
  }

  /**
   * A transaction's changes; `transaction` is one on `database`, `shared` the roles and databases that it sees. See
   * CatalogEditor.
   */
  edit(transaction: Transaction, commandId: () => number, shared: () => SharedCatalog): CatalogEditor {
    return this.store.edit({
      transaction,
      commandId,
      snapshotOf: (contents) => this.catalogOf(contents, shared()),
    })
  }

  catalogOf(contents: Contents, shared: SharedCatalog): Catalog {
    const last = this.#last
    if (last?.contents === contents && last.shared === shared) return last
    const entry = shared.database(this.oid)
    const name = entry?.name ?? last?.databaseName ?? ''
    this.#last = new CatalogSnapshot(contents, shared, { oid: this.oid, name }, this.cluster.functions)
    return this.#last
  }
}

/** What makes a cluster writes to its timeline last: where a crash cut that short, it begins again. */
function isMade(volume: Volume): boolean {
  if (volume.timeline(CLUSTER_TIMELINE) === undefined) return !volume.isNew
  return volume.log(CLUSTER_TIMELINE).vdl > LSN_ZERO
}

async function bootstrap({ volume, engine, firstPassword }: ClusterParts): Promise<void> {
  const password = firstPassword?.()
  if (volume.timeline(CLUSTER_TIMELINE) === undefined) {
    const cluster = await volume.createTimeline(undefined)
    assert(cluster === CLUSTER_TIMELINE, 'the first timeline is the cluster’s')
  }
  const template1 = await volume.createTimeline(undefined)
  const template = await engine.open(template1)
  const lsn = await writeObjects(template, bootstrapObjects(), `${template1}.boot`)
  const template0 = await volume.createTimeline({ timeline: template1, lsn })
  const postgres = await volume.createTimeline({ timeline: template1, lsn })
  const databases = bootstrapDatabases({ template1, template0, postgres })
  must(databases.find((object) => object.oid === TEMPLATE1_OID))
  const objects = [...bootstrapRoles(password), ...databases]
  await writeObjects(await engine.open(CLUSTER_TIMELINE), objects, `${CLUSTER_TIMELINE}.boot`)
}

/** Commits first objects and waits until they are durable. */
async function writeObjects(
  database: Database,
  objects: readonly StoredObject[],
  version: string,
): Promise<Lsn> {
  const transaction = database.begin()
  stageVersion(transaction, version, 0)
  for (const object of objects) stageObject(transaction, object, 0)
  const lsn = await settled(() => transaction.commit())
  await new Promise<void>((resolve, reject) => {
    database.onDurable(lsn, (error) => (error === undefined ? resolve() : reject(error)))
  })
  return lsn
}
