// The catalog of one open timeline in this process: its current contents, the contents of read points in the past, and
// its oids. One for each Database; the cluster's own timeline has one too (its objects are roles and databases).
//
//   open ──load──▶ current ──publish(version, changes)──▶ current'      past read point ──at(view)──▶ cache by version

import { suspend } from '../../storage/base/suspend.ts'
import type { Database, View } from '../../storage/engine/engine.ts'
import type { Changes, Contents } from './contents.ts'
import { CatalogEditor, type EditorOptions } from './editor.ts'
import { loadContents, readVersion } from './object-store.ts'
import { OidAllocator } from './oid-allocator.ts'
import type { StoredKind, StoredObject } from './stored-objects.ts'
import { settled } from './wait.ts'

/** Dead references are looked for when there are so many entries. */
const SWEEP_SIZE_MIN = 1024

/**
 * Loaded contents by version token. One for the process: branches of one parent share what they have not changed. What
 * somebody uses is always found; of the rest, some that were used last are kept.
 */
export class ContentsCache {
  readonly #byVersion = new Map<string, WeakRef<Contents>>()
  readonly #kept = new Set<Contents>()
  readonly #keptMax: number
  #sweepSize = SWEEP_SIZE_MIN

  constructor(keptMax = 64) {
    this.#keptMax = keptMax
  }

  get(version: string): Contents | undefined {
    const contents = this.#byVersion.get(version)?.deref()
    if (contents !== undefined) this.#keep(contents)
    return contents
  }

  add(contents: Contents): Contents {
    const known = this.get(contents.version)
    if (known !== undefined) return known
    this.#byVersion.set(contents.version, new WeakRef(contents))
    if (this.#byVersion.size > this.#sweepSize) this.#sweep()
    this.#keep(contents)
    return contents
  }

  /** A Set keeps the order of insertion: the first has not been used for longest. */
  #keep(contents: Contents): void {
    this.#kept.delete(contents)
    this.#kept.add(contents)
    if (this.#kept.size <= this.#keptMax) return
    const [oldest] = this.#kept
    if (oldest !== undefined) this.#kept.delete(oldest)
  }

  #sweep(): void {
    for (const [version, reference] of this.#byVersion)
      if (reference.deref() === undefined) this.#byVersion.delete(version)
    this.#sweepSize = Math.max(SWEEP_SIZE_MIN, this.#byVersion.size * 2)
  }
}

export class CatalogStore {
  readonly database: Database
  readonly oids: OidAllocator
  readonly #cache: ContentsCache
  #current: Contents
  /** Called for every object whose change or removal (`after` undefined) was committed. */
  onChanged: ((before: StoredObject, after: StoredObject | undefined) => void) | undefined
  readonly #loading = new Map<string, Promise<Contents>>()

  private constructor(database: Database, cache: ContentsCache, current: Contents) {
    this.database = database
    this.oids = new OidAllocator(database)
    this.#cache = cache
    this.#current = current
  }

  /** Loads the newest catalog of a timeline, or takes it from the cache. */
  static async open(database: Database, cache: ContentsCache): Promise<CatalogStore> {
    const view = database.view()
    const version = await settled(() => readVersion(view))
    const contents = cache.get(version) ?? cache.add(await loadContents(database, view.readLsn))
    return new CatalogStore(database, cache, contents)
  }

  /** The newest committed catalog: what a statement that reads at database.head sees. */
  get current(): Contents {
    return this.#current
  }

  /** The catalog as of a read point. May suspend, while it is loaded. */
  at(view: View): Contents {
    const version = readVersion(this.database.view(view.readLsn))
    if (version === this.#current.version) return this.#current
    const known = this.#cache.get(version)
    if (known !== undefined) return known
    let loading = this.#loading.get(version)
    if (loading === undefined) {
      loading = this.#load(version, view)
      this.#loading.set(version, loading)
    }
    return suspend(loading)
  }

  async #load(version: string, view: View): Promise<Contents> {
    try {
      return this.#cache.add(await loadContents(this.database, view.readLsn))
    } finally {
      this.#loading.delete(version)
    }
  }

  edit(options: EditorOptions): CatalogEditor {
    return new CatalogEditor(this, options)
  }

  /** A token that no other version anywhere in the cluster has. May suspend. */
  newVersion(): string {
    return `${this.database.timeline}.${this.oids.allocate()}`
  }

  /** For CatalogEditor.publish. */
  publish(version: string, changes: Changes): void {
    const before = this.#current
    this.#current = this.#cache.add(before.derive(version, changes))
    if (this.onChanged === undefined) return
    for (const [id, after] of changes) {
      const [kind, oid] = id.split(':') as [StoredKind, string]
      const previous = before.object(kind, Number(oid))
      if (previous !== undefined) this.onChanged(previous, after)
    }
  }
}
