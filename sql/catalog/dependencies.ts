// Who depends on whom among the objects of a database: pg_depend, computed from the objects themselves.
//
//   dependent ──kind──▶ referenced
//     normal     DROP of the referenced is refused, or cascades with a notice (a view on a table)
//     auto       the dependent goes silently with it (an index with its column)
//     internal   the dependent is a part of it; it cannot be dropped on its own (a constraint's index)
//
// An object is addressed as in pg_depend: class (the catalog it has its row in), oid, and column number or 0.

import { CLASS_OID, FIRST_CREATED_OID } from './bootstrap.ts'
import type { Catalog, Column, Dependency, Table, View } from './catalog.ts'

export type DependencyKind = 'normal' | 'auto' | 'internal'

export interface DependencyEdge {
  readonly dependent: Dependency
  readonly referenced: Dependency
  readonly kind: DependencyKind
}

export function addressOf(classOid: number, objectOid: number, subId = 0): Dependency {
  return { classOid, objectOid, subId }
}

export function addressKey({ classOid, objectOid, subId }: Dependency): string {
  return `${classOid}.${objectOid}.${subId}`
}

const relationAddress = (oid: number, column = 0): Dependency => addressOf(CLASS_OID.pg_class, oid, column)

function edge(dependent: Dependency, referenced: Dependency, kind: DependencyKind): DependencyEdge {
  return { dependent, referenced, kind }
}

/** Every edge between objects that users made (and from them to built-in schemas). */
export function* dependencyEdges(catalog: Catalog): Iterable<DependencyEdge> {
  for (const relation of catalog.relations()) {
    if (relation.oid < FIRST_CREATED_OID) continue
    const self = relationAddress(relation.oid)
    const inSchema = edge(self, addressOf(CLASS_OID.pg_namespace, relation.schemaOid), 'normal')
    switch (relation.kind) {
      case 'table':
        if (relation.isCompositeType) {
          const type = addressOf(CLASS_OID.pg_type, relation.rowTypeOid)
          yield edge(self, type, 'internal')
          yield edge(type, addressOf(CLASS_OID.pg_namespace, relation.schemaOid), 'normal')
        } else {
          yield inSchema
          yield edge(addressOf(CLASS_OID.pg_type, relation.rowTypeOid), self, 'internal')
        }
        yield* tableEdges(catalog, relation)
        break
      case 'view':
        yield inSchema
        yield edge(addressOf(CLASS_OID.pg_type, relation.rowTypeOid), self, 'internal')
        yield* viewEdges(catalog, relation)
        break
      case 'sequence':
        yield inSchema
        if (relation.ownedByTable !== 0) {
          const kind = isIdentitySequence(catalog, relation.ownedByTable, relation.ownedByColumn)
            ? 'internal'
            : 'auto'
          yield edge(self, relationAddress(relation.ownedByTable, relation.ownedByColumn), kind)
        }
        break
      case 'index':
        break
    }
  }
  yield* typeEdges(catalog)
}

function isIdentitySequence(catalog: Catalog, tableOid: number, columnNumber: number): boolean {
  const table = catalog.relation(tableOid)
  if (table?.kind !== 'table') return false
  return table.columns.find((column) => column.number === columnNumber)?.identity !== undefined
}

function* tableEdges(catalog: Catalog, table: Table): Iterable<DependencyEdge> {
  const column = (index: number): Dependency => relationAddress(table.oid, table.columns[index]?.number ?? 0)
  for (const [i, item] of table.columns.entries()) {
    if (item.isDropped) continue
    yield* columnTypeEdges(catalog, table.oid, item)
    if (item.defaultOid === 0) continue
    const address = addressOf(CLASS_OID.pg_attrdef, item.defaultOid)
    yield edge(address, column(i), 'auto')
    for (const needed of item.defaultDependencies)
      yield edge(address, needed, item.generated && needed.objectOid === table.oid ? 'auto' : 'normal')
  }
  for (const check of table.checks) {
    const address = addressOf(CLASS_OID.pg_constraint, check.oid)
    yield edge(address, relationAddress(table.oid), 'auto')
    for (const needed of check.dependencies)
      yield edge(address, needed, needed.objectOid === table.oid ? 'auto' : 'normal')
  }
  for (const key of table.foreignKeys) {
    const address = addressOf(CLASS_OID.pg_constraint, key.oid)
    for (const index of key.columns) yield edge(address, column(index), 'auto')
    const target = catalog.relation(key.referencedOid)
    if (target?.kind === 'table') {
      for (const index of key.referencedColumns) {
        yield edge(address, relationAddress(target.oid, target.columns[index]?.number ?? 0), 'normal')
      }
    }
    yield edge(address, relationAddress(key.indexOid), 'normal')
  }
  for (const index of table.indexes) {
    const self = relationAddress(index.oid)
    const keyColumns = [...index.columns.map((item) => item.column), ...index.included].filter(
      (item) => item >= 0,
    )
    if (index.constraintOid !== 0) {
      const constraint = addressOf(CLASS_OID.pg_constraint, index.constraintOid)
      yield edge(self, constraint, 'internal')
      for (const item of keyColumns) yield edge(constraint, column(item), 'auto')
      continue
    }
    if (keyColumns.length === 0) yield edge(self, relationAddress(table.oid), 'auto')
    for (const item of keyColumns) yield edge(self, column(item), 'auto')
    for (const needed of index.dependencies)
      yield edge(self, needed, needed.objectOid === table.oid ? 'auto' : 'normal')
  }
}

function* viewEdges(catalog: Catalog, view: View): Iterable<DependencyEdge> {
  const rule = addressOf(CLASS_OID.pg_rewrite, view.oid)
  yield edge(rule, relationAddress(view.oid), 'internal')
  for (const needed of view.dependencies) yield edge(rule, needed, 'normal')
  for (const column of view.columns) yield* columnTypeEdges(catalog, view.oid, column)
}

function* columnTypeEdges(catalog: Catalog, relationOid: number, column: Column): Iterable<DependencyEdge> {
  const type = createdTypeOf(catalog, column.type)
  if (type === 0) return
  yield edge(relationAddress(relationOid, column.number), addressOf(CLASS_OID.pg_type, type), 'normal')
}

/** The created type that a column of this type depends on (an array's is its element); 0: a built-in one. */
function createdTypeOf(catalog: Catalog, oid: number): number {
  if (oid < FIRST_CREATED_OID) return 0
  const type = catalog.type(oid)
  return type?.kind === 'array' ? type.elementOid : oid
}

function* typeEdges(catalog: Catalog): Iterable<DependencyEdge> {
  for (const entry of catalog.types()) {
    const { type } = entry
    if (type.oid < FIRST_CREATED_OID) continue
    const self = addressOf(CLASS_OID.pg_type, type.oid)
    if (type.kind === 'array') yield edge(self, addressOf(CLASS_OID.pg_type, type.elementOid), 'internal')
    if (type.kind === 'enum' || type.kind === 'domain') {
      yield edge(self, addressOf(CLASS_OID.pg_namespace, entry.schemaOid), 'normal')
    }
    if (entry.domain === undefined) continue
    const base = createdTypeOf(catalog, entry.domain.baseOid)
    if (base !== 0) yield edge(self, addressOf(CLASS_OID.pg_type, base), 'normal')
    for (const check of entry.domain.checks)
      yield edge(addressOf(CLASS_OID.pg_constraint, check.oid), self, 'auto')
  }
}
