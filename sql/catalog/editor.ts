// One transaction's changes of a catalog. Every change is staged in the transaction's write set at once and kept here
// by object, so that the transaction sees it; commit publishes, abort forgets.
//
//   CatalogStore.current ──▶ contents() = current + changes ◀── put / remove      journal ◀── savepoints
//            ▲                                                       │
//            └───────────────── publish() after commit() ────────────┘
//
// Two transactions may change different objects at the same time: contents() lays this one's changes over whatever is
// current now. That they do not change the same object, or make two of one name, is what the locks are for: lockName
// before looking whether a name is free, lockObject before reading what is to be changed.

import { CATALOG_TREE, type Transaction } from '../../storage/engine/engine.ts'
import type { Catalog } from './catalog.ts'
import type { CatalogStore } from './catalog-store.ts'
import { changeId, type Contents, type StoredOf } from './contents.ts'
import { stageObject, stageRemoval, stageVersion } from './object-store.ts'
import { nameLockKey, objectKey, type StoredKind, type StoredObject } from './stored-objects.ts'

export interface EditorOptions {
  readonly transaction: Transaction
  /** Gives the id that the next write gets. */
  readonly commandId: () => number
  /** Sees contents as a Catalog: the database's name and the shared objects added. */
  readonly snapshotOf: (contents: Contents) => Catalog
}

interface JournalEntry {
  readonly id: string
  readonly hadChange: boolean
  readonly previous: StoredObject | undefined
}

let snapshotCount = 0

export class CatalogEditor {
  readonly store: CatalogStore
  readonly transaction: Transaction
  readonly #commandId: () => number
  readonly #snapshotOf: (contents: Contents) => Catalog
  #changes = new Map<string, StoredObject | undefined>()
  #journal: JournalEntry[] = []
  /** Tokens staged, with the journal's length then: what a rollback undoes. The last one counts. */
  readonly #versions: { readonly version: string; readonly at: number }[] = []
  #cached: { readonly base: Contents; readonly result: Contents } | undefined
  /** Changes that `#cached` does not have yet. */
  readonly #fresh = new Map<string, StoredObject | undefined>()

  constructor(store: CatalogStore, options: EditorOptions) {
    this.store = store
    this.transaction = options.transaction
    this.#commandId = options.commandId
    this.#snapshotOf = options.snapshotOf
  }

  get hasChanges(): boolean {
    return this.#changes.size > 0
  }

  /** What this transaction sees: the current catalog with its own changes. */
  contents(): Contents {
    const base = this.store.current
    if (this.#changes.size === 0) return base
    const cached = this.#cached
    if (cached?.base === base && this.#fresh.size === 0) return cached.result
    snapshotCount++
    const version = `${base.version}~${snapshotCount}`
    // Usually only the last changes are new; after another transaction's commit all are laid over its result.
    const result =
      cached?.base === base ? cached.result.derive(version, this.#fresh) : base.derive(version, this.#changes)
    this.#fresh.clear()
    this.#cached = { base, result }
    return result
  }

  /** The same as a Catalog. */
  snapshot(): Catalog {
    return this.#snapshotOf(this.contents())
  }

  object<K extends StoredKind>(kind: K, oid: number): StoredOf<K> | undefined {
    const id = changeId(kind, oid)
    if (this.#changes.has(id)) return this.#changes.get(id) as StoredOf<K> | undefined
    return this.store.current.object(kind, oid)
  }

  /** Waits until no other transaction is making an object of this name. May suspend; StorageError 'deadlock'. */
  lockName(
    space: 'relation' | 'type' | 'schema' | 'role' | 'database',
    schemaOid: number,
    name: string,
  ): void {
    this.transaction.lock(CATALOG_TREE, nameLockKey(space, schemaOid, name), 'update', 'wait')
  }

  /** Waits until no other transaction is changing this object. Look at it again afterwards. May suspend. */
  lockObject(kind: StoredKind, oid: number): void {
    this.transaction.lock(CATALOG_TREE, objectKey(kind, oid), 'update', 'wait')
  }

  /** A fresh oid. May suspend. */
  allocateOid(): number {
    return this.store.oids.allocate()
  }

  /** Adds an object or replaces the one of its kind and oid. May suspend, before anything changed. */
  put(object: StoredObject): void {
    this.#touchVersion()
    stageObject(this.transaction, object, this.#commandId())
    this.#change(changeId(object.kind, object.oid), object)
  }

  /** May suspend, before anything changed. */
  remove(kind: StoredKind, oid: number): void {
    this.#touchVersion()
    stageRemoval(this.transaction, kind, oid, this.#commandId())
    this.#change(changeId(kind, oid), undefined)
  }

  /** A place in the journal, to be taken with the transaction's savepoint. */
  mark(): number {
    return this.#journal.length
  }

  /** Undoes the changes since the savepoint. The transaction is rolled back to its own savepoint by its owner. */
  rollbackTo(savepoint: number): void {
    if (this.#journal.length === savepoint) return
    for (let entry = this.#journal.length; entry > savepoint; entry--) {
      const { id, hadChange, previous } = this.#journal[entry - 1] as JournalEntry
      if (hadChange) this.#changes.set(id, previous)
      else this.#changes.delete(id)
    }
    this.#journal.length = savepoint
    this.#cached = undefined
    this.#fresh.clear()
    while ((this.#versions.at(-1)?.at ?? -1) >= savepoint) this.#versions.pop()
  }

  /** Makes the changes everybody's. Call it in the same turn in which transaction.commit() returned. */
  publish(): void {
    const staged = this.#versions.at(-1)
    if (staged === undefined) return
    this.store.publish(staged.version, this.#changes)
    this.#changes = new Map()
    this.#versions.length = 0
    this.#journal = []
    this.#cached = undefined
    this.#fresh.clear()
  }

  #touchVersion(): void {
    if (this.#versions.length > 0) return
    const version = this.store.newVersion()
    stageVersion(this.transaction, version, this.#commandId())
    this.#versions.push({ version, at: this.#journal.length })
  }

  #change(id: string, next: StoredObject | undefined): void {
    this.#journal.push({ id, hadChange: this.#changes.has(id), previous: this.#changes.get(id) })
    this.#changes.set(id, next)
    this.#fresh.set(id, next)
  }
}
