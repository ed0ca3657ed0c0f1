// Makes an index object with its tree, filled from the rows that are there.

import type { Dependency, Index, IndexColumn } from '../catalog/catalog.ts'
import { SqlError } from '../types/sql-error.ts'
import { buildIndex } from './index-build.ts'
import type { DdlWork } from './work.ts'

export type IndexColumnDraft = IndexColumn

export interface IndexDraft {
  readonly name: string
  readonly columns: readonly IndexColumnDraft[]
  readonly included: readonly number[]
  readonly unique: boolean
  readonly isPrimary: boolean
  readonly isClustered: boolean
  readonly nullsNotDistinct: boolean
  readonly deferrable: boolean
  readonly initiallyDeferred: boolean
  /** 0: a plain index. */
  readonly constraintOid: number
  readonly method: string
  readonly predicate: string | undefined
  readonly options: readonly string[]
  readonly dependencies: readonly Dependency[]
  /** The table is known to have no rows. */
  readonly isEmpty: boolean
}

/** Makes the index; its name is locked and free. Returns its oid. 23505 when rows contradict a unique one. */
export async function defineIndex(work: DdlWork, tableOid: number, draft: IndexDraft): Promise<number> {
  const table = work.table(tableOid)
  for (const column of draft.columns) checkIndexable(work, column, draft)
  const { isEmpty, ...rest } = draft
  const index: Index = {
    kind: 'index',
    oid: await work.newOid(),
    schemaOid: table.schemaOid,
    ownerOid: table.ownerOid,
    acl: undefined,
    persistence: table.persistence,
    tableOid,
    tree: draft.isClustered ? table.tree : work.transaction.createTree(),
    ...rest,
  }
  await work.put(index)
  if (!isEmpty) await buildIndex(work, work.table(tableOid), index)
  return index.oid
}

function checkIndexable(work: DdlWork, column: IndexColumnDraft, draft: IndexDraft): void {
  const type = work.catalog.type(column.type)
  const base = type?.kind === 'domain' ? work.catalog.type(type.baseOid) : type
  if (base?.encodeKey !== undefined) return
  const name = base?.name ?? String(column.type)
  throw new SqlError(
    '42704',
    `data type ${name} has no default operator class for access method "${draft.method}"`,
    {
      hint: 'You must specify an operator class for the index or define a default operator class for the data type.',
    },
  )
}
