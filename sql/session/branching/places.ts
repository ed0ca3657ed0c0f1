// The databases and points of the past that one statement reads beside its own. Each is opened once for a statement, so
// that everything the statement reads of it is one state; all are let go when the statement ends.
//
//   open(branch, when) ──first time──▶ promise of a handle ──suspend──▶ handle, view (pinned), catalog ──▶ OpenPlace
//
// A present is read at what is durable of it, so the answer never waits for another database's log. Nothing is missed by
// that: a commit is acknowledged only when it is durable.

import type { Lsn } from '../../../storage/base/ids.ts'
import { must } from '../../../storage/base/assert.ts'
import { suspend } from '../../../storage/base/suspend.ts'
import type { View } from '../../../storage/engine/engine.ts'
import type { Catalog, Table } from '../../catalog/catalog.ts'
import { hasPrivilege as hasAclPrivilege } from '../../catalog/acl.ts'
import type { OpenPlace } from '../../exec/open-place.ts'
import type { OtherPlace } from '../../functions/borealis.ts'
import { NOW, type When } from '../../functions/when.ts'
import { SqlError } from '../../types/sql-error.ts'
import type { DatabaseHandle } from '../database-handle.ts'
import { hasPrivilege } from '../privileges.ts'
import type { SessionCore } from '../session-core.ts'

/** What the statement itself reads. */
export interface OwnState {
  readonly view: View
  readonly catalog: Catalog
}

interface Opening {
  /** Resolves when `handle` is set. */
  arrived: Promise<void> | undefined
  handle: DatabaseHandle | undefined
  present: DatabaseHandle | undefined
  view: View | undefined
  place: ServicePlace | undefined
}

interface PlaceParts {
  readonly handle: DatabaseHandle
  /** Of the database's present: rights are those of now, also for the past. */
  readonly present: Catalog
  readonly view: View
  readonly catalog: Catalog
}

class Place implements OpenPlace {
  readonly databaseName: string
  readonly catalog: Catalog
  readonly view: View
  readonly handle: DatabaseHandle
  readonly #core: SessionCore
  readonly #present: Catalog

  constructor(core: SessionCore, { handle, present, view, catalog }: PlaceParts) {
    this.#core = core
    this.#present = present
    this.handle = handle
    this.databaseName = catalog.databaseName
    this.catalog = catalog
    this.view = view
  }

  /** A table that is gone by now has the rights of then: a right that was taken away must not be had by going back. */
  requireSelect(table: Table): void {
    const { roleOid, isSuperuser } = this.#core
    if (isSuperuser) return
    const now = this.#present.relation(table.oid)
    const catalog = now?.kind === 'table' ? this.#present : this.catalog
    const relation = now?.kind === 'table' ? now : table
    const schema = catalog.schema(relation.schemaOid)
    if (schema !== undefined) {
      const { acl, ownerOid } = schema
      const question = { acl, ownerOid, type: 'n', roleOid, privilege: 'U' } as const
      if (!hasAclPrivilege(catalog.shared, question))
        throw new SqlError('42501', `permission denied for schema ${schema.name}`)
    }
    if (!hasPrivilege(catalog, roleOid, relation, 'r'))
      throw new SqlError('42501', `permission denied for table ${relation.name}`)
  }
}

/** A place that the services of this folder work with: they know the engine behind it. */
export type ServicePlace = OpenPlace & { readonly handle: DatabaseHandle }

export class Places {
  readonly #core: SessionCore
  /** The statement itself: what its own database's present is, with its own writes. Undefined: what is committed. */
  readonly #own: (() => OwnState) | undefined
  readonly #openings = new Map<string, Opening>()

  constructor(core: SessionCore, own: (() => OwnState) | undefined) {
    this.#core = core
    this.#own = own
  }

  /** SqlError 3D000 and 42501, and those of databaseAt. May suspend. */
  open({ branch, when }: OtherPlace): ServicePlace {
    const core = this.#core
    const name = branch ?? core.catalog.databaseName
    const point = when ?? NOW
    if (this.#own !== undefined && point.kind === 'now' && name === core.catalog.databaseName) {
      const { view, catalog } = this.#own()
      return new Place(core, { handle: core.handle, present: catalog, view, catalog })
    }
    const key = `${keyOf(point)} ${name}`
    let opening = this.#openings.get(key)
    if (opening === undefined) {
      opening = this.#begin(name, point)
      this.#openings.set(key, opening)
    }
    return (opening.place ??= this.#finish(opening))
  }

  /** A point of the session's own database whose handle is known already. May suspend. */
  at(handle: DatabaseHandle): ServicePlace {
    const key = `handle ${handle.database.timeline} ${handle.database.head}`
    let opening = this.#openings.get(key)
    if (opening === undefined) {
      opening = { handle, present: this.#core.handle, view: undefined, place: undefined, arrived: undefined }
      this.#openings.set(key, opening)
    }
    return (opening.place ??= this.#finish(opening))
  }

  #begin(name: string, when: When): Opening {
    this.#requireConnect(name)
    const opening: Opening = {
      handle: undefined,
      present: undefined,
      view: undefined,
      place: undefined,
      arrived: undefined,
    }
    const { databases } = this.#core.backend
    const present = databases.databaseAt(name, NOW)
    const handle = when.kind === 'now' ? present : databases.databaseAt(name, when)
    opening.arrived = Promise.all([handle, present]).then((found) => {
      ;[opening.handle, opening.present] = found
    })
    opening.arrived.catch(() => undefined) // whoever waits for it has the error
    return opening
  }

  /** The handle is there: a view of what is durable, and the catalog of that moment. May suspend. */
  #finish(opening: Opening): ServicePlace {
    const { handle } = opening
    if (handle === undefined) return suspend(must(opening.arrived))
    const { database } = handle
    if (opening.view === undefined) {
      opening.view = database.view(Math.min(database.head, database.vdl) as Lsn)
      database.pin(opening.view)
    }
    const catalog = handle.catalogs.at(opening.view)
    return new Place(this.#core, {
      handle,
      present: opening.present?.catalog ?? catalog,
      view: opening.view,
      catalog,
    })
  }

  #requireConnect(name: string): void {
    const { catalog, roleOid, isSuperuser } = this.#core
    const entry = catalog.shared.databaseByName(name)
    if (entry === undefined) throw new SqlError('3D000', `database "${name}" does not exist`)
    if (isSuperuser) return
    const { acl, ownerOid } = entry
    const question = { acl, ownerOid, type: 'd', roleOid, privilege: 'c' } as const
    if (hasAclPrivilege(catalog.shared, question)) return
    throw new SqlError('42501', `permission denied for database "${name}"`, {
      detail: 'User does not have CONNECT privilege.',
    })
  }

  close(): void {
    for (const { handle, view } of this.#openings.values())
      if (view !== undefined) handle?.database.unpin(view)
    this.#openings.clear()
  }
}

function keyOf(when: When): string {
  return when.kind === 'now' ? 'now' : when.kind === 'lsn' ? `lsn ${when.lsn}` : `at ${when.wallMicros}`
}
