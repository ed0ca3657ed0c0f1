// Removes objects from the catalog, one kind after another, once the list of what goes is known (drop-plan.ts).

import { CATALOG_TREE } from '../../storage/engine/engine.ts'
import { CLASS_OID } from '../catalog/bootstrap.ts'
import type { Dependency, Sequence, Table } from '../catalog/catalog.ts'
import { addressKey } from '../catalog/dependencies.ts'
import { sequenceKey } from '../catalog/sequence-values.ts'
import type { StoredTable } from '../catalog/stored-objects.ts'
import { settled } from '../catalog/wait.ts'
import { dropComments } from './comment.ts'
import { removeColumn } from './remove-column.ts'
import { rekeyByRowId } from './rewrite-table.ts'
import { type DdlWork, LOCK } from './work.ts'

/**
 * Removes everything on the list, which has dependents behind what they depend on; parts of a whole that is on it too need
 * nothing of their own. Dependents go first: a table cannot be looked at when the type of its column is gone.
 */
export async function removeObjects(work: DdlWork, doomed: readonly Dependency[]): Promise<void> {
  const going = new Set(doomed.map(addressKey))
  const isWhole = (classOid: number, objectOid: number): boolean =>
    going.has(addressKey({ classOid, objectOid, subId: 0 }))
  await lockTables(work, doomed)
  for (const address of doomed.toReversed()) await removeObject(work, address, isWhole)
}

async function lockTables(work: DdlWork, doomed: readonly Dependency[]): Promise<void> {
  const oids = new Set<number>()
  for (const { classOid, objectOid } of doomed) {
    if (classOid !== CLASS_OID.pg_class) continue
    const relation = work.catalog.relation(objectOid)
    if (relation === undefined) continue
    oids.add(relation.kind === 'index' ? relation.tableOid : relation.oid)
  }
  for (const oid of [...oids].sort((a, b) => a - b)) await work.lockTable(oid, LOCK.accessExclusive)
}

type IsWhole = (classOid: number, objectOid: number) => boolean

async function removeObject(work: DdlWork, address: Dependency, isWhole: IsWhole): Promise<void> {
  const { classOid, objectOid, subId } = address
  switch (classOid) {
    case CLASS_OID.pg_class:
      if (subId !== 0) await removeColumn(work, objectOid, subId)
      else await removeRelation(work, objectOid, isWhole)
      return
    case CLASS_OID.pg_type:
      if (work.editor.object('type', objectOid) !== undefined) await work.remove('type', objectOid)
      break
    case CLASS_OID.pg_namespace:
      if (work.editor.object('schema', objectOid) !== undefined) await work.remove('schema', objectOid)
      for (const entry of work.catalog.defaultPrivileges()) {
        if (entry.schemaOid === objectOid) await work.remove('default-privileges', entry.oid)
      }
      break
    case CLASS_OID.pg_constraint:
      await removeConstraint(work, objectOid)
      break
    case CLASS_OID.pg_attrdef:
      await removeDefault(work, objectOid)
      break
    default:
  }
  await dropComments(work, classOid, objectOid)
}

async function removeRelation(work: DdlWork, oid: number, isWhole: IsWhole): Promise<void> {
  await dropComments(work, CLASS_OID.pg_class, oid)
  const relation = work.catalog.relation(oid)
  switch (relation?.kind) {
    case 'table':
      await removeTable(work, relation)
      return
    case 'index':
      // A table takes its indexes with it.
      if (isWhole(CLASS_OID.pg_class, relation.tableOid)) return
      await work.remove('index', oid)
      if (relation.isClustered) await rekeyByRowId(work, relation.tableOid)
      else work.transaction.dropTree(relation.tree)
      return
    case 'sequence':
      await removeSequence(work, relation)
      return
    case 'view':
      await work.remove('view', oid)
      return
    default:
  }
}

async function removeTable(work: DdlWork, table: Table): Promise<void> {
  for (const index of table.indexes) {
    if (!index.isClustered) work.transaction.dropTree(index.tree)
    await dropComments(work, CLASS_OID.pg_class, index.oid)
    await work.remove('index', index.oid)
  }
  if (!table.isCompositeType) work.transaction.dropTree(table.tree)
  await work.remove('table', table.oid)
}

export async function removeSequence(work: DdlWork, sequence: Sequence): Promise<void> {
  await work.remove('sequence', sequence.oid)
  const key = sequenceKey(sequence.oid, sequence.generation)
  const { commandId } = work.execution()
  await settled(() => work.transaction.lock(CATALOG_TREE, key, 'update', 'wait'))
  work.transaction.delete(CATALOG_TREE, key, commandId)
  const owner = work.editor.object('table', sequence.ownedByTable)
  if (owner === undefined) return
  await work.put({
    ...owner,
    columns: owner.columns.map((column) =>
      column.sequenceOid === sequence.oid ? { ...column, sequenceOid: 0 } : column,
    ),
  })
}

async function removeConstraint(work: DdlWork, oid: number): Promise<void> {
  for (const table of tablesOf(work)) {
    const checks = table.checks.filter((check) => check.oid !== oid)
    const foreignKeys = table.foreignKeys.filter((key) => key.oid !== oid)
    if (checks.length === table.checks.length && foreignKeys.length === table.foreignKeys.length) continue
    await work.lockTable(table.oid, LOCK.accessExclusive)
    await work.put({ ...work.storedTable(table.oid), checks, foreignKeys })
    return
  }
  // Of a domain; a key's constraint goes with its index.
  for (const type of work.editor.contents().all('type')) {
    const { domain } = type
    if (domain?.checks.some((check) => check.oid === oid) !== true) continue
    await work.put({
      ...type,
      domain: { ...domain, checks: domain.checks.filter((check) => check.oid !== oid) },
    })
    return
  }
}

async function removeDefault(work: DdlWork, oid: number): Promise<void> {
  for (const table of tablesOf(work)) {
    if (!table.columns.some((column) => column.defaultOid === oid)) continue
    const columns = table.columns.map((column) =>
      column.defaultOid === oid
        ? { ...column, default: undefined, defaultOid: 0, defaultDependencies: [], generated: false }
        : column,
    )
    await work.put({ ...work.storedTable(table.oid), columns })
    return
  }
}

function tablesOf(work: DdlWork): readonly StoredTable[] {
  return [...work.editor.contents().all('table')]
}
