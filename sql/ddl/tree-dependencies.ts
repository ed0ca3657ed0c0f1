// What a bound expression or query names: tables and views with their columns, created types, sequences in regclass
// constants. A view inside counts as itself: what it rests on is its own affair.

import { CLASS_OID, FIRST_CREATED_OID } from '../catalog/bootstrap.ts'
import type { Catalog, Dependency, Table } from '../catalog/catalog.ts'
import { addressKey, addressOf } from '../catalog/dependencies.ts'
import type { RelationId } from '../tree/expr.ts'
import type { SubqueryFrom, TableFrom } from '../tree/query.ts'
import { REGCLASS_OID } from '../types/oids.ts'
import { visitTree } from './tree-walk.ts'

/** Attnums of a view's or table's entry columns, in entry order. */
interface Entry {
  readonly oid: number
  readonly numbers: readonly number[]
}

/** `table`: what columns without an entry in the tree belong to, by index among its live columns. */
export function dependenciesOf(catalog: Catalog, tree: unknown, table?: Table): Dependency[] {
  const found = new Map<string, Dependency>()
  const add = (classOid: number, oid: number, subId = 0): void => {
    if (oid < FIRST_CREATED_OID) return
    const address = addressOf(classOid, oid, subId)
    found.set(addressKey(address), address)
  }
  const entries = entriesOf(catalog, tree)
  const own = table?.columns.filter((column) => !column.isDropped).map((column) => column.number)
  visitTree(tree, (node) => {
    addTypes(catalog, node, add)
    switch (node['kind']) {
      case 'table':
        add(CLASS_OID.pg_class, (node as unknown as TableFrom).table.oid)
        return undefined
      case 'subquery':
        // A subquery in FROM has a view's oid when it is one; one in an expression has a test.
        if (typeof node['viewOid'] !== 'number') return undefined
        add(CLASS_OID.pg_class, node['viewOid'])
        return false
      case 'column': {
        const index = node['column'] as number
        const entry = entries.get(node['relation'] as RelationId)
        if (entry !== undefined)
          add(CLASS_OID.pg_class, entry.oid, index < 0 ? 0 : (entry.numbers[index] ?? 0))
        else if (own !== undefined && table !== undefined && index >= 0)
          add(CLASS_OID.pg_class, table.oid, own[index] ?? 0)
        return undefined
      }
      case 'constant':
        if (node['type'] === REGCLASS_OID && typeof node['value'] === 'number')
          add(CLASS_OID.pg_class, node['value'])
        return undefined
      case 'next-value':
        add(CLASS_OID.pg_class, node['sequenceOid'] as number)
        return undefined
      default:
        return undefined
    }
  })
  return [...found.values()]
}

function addTypes(
  catalog: Catalog,
  node: Record<string, unknown>,
  add: (classOid: number, oid: number) => void,
): void {
  const oid = node['type']
  if (typeof oid !== 'number' || oid < FIRST_CREATED_OID) return
  // A column's type is the column's own dependency.
  if (node['kind'] === 'column' || node['kind'] === 'whole-row') return
  const type = catalog.type(oid)
  const named = type?.kind === 'array' ? type.elementOid : oid
  const relation = catalog.typeEntry(named)?.relationOid ?? 0
  if (relation === 0) add(CLASS_OID.pg_type, named)
  else add(CLASS_OID.pg_class, relation)
}

function entriesOf(catalog: Catalog, tree: unknown): ReadonlyMap<RelationId, Entry> {
  const entries = new Map<RelationId, Entry>()
  visitTree(tree, (node) => {
    if (node['kind'] === 'table') {
      const { id, table, tableColumns } = node as unknown as TableFrom
      entries.set(id, { oid: table.oid, numbers: tableColumns.map((at) => table.columns[at]?.number ?? 0) })
    }
    if (node['kind'] === 'subquery' && typeof node['viewOid'] === 'number') {
      const { id, viewOid } = node as unknown as SubqueryFrom
      const view = catalog.relation(viewOid ?? 0)
      const numbers = view?.kind === 'view' ? view.columns.map((column) => column.number) : []
      entries.set(id, { oid: viewOid ?? 0, numbers })
      return false
    }
    return undefined
  })
  return entries
}
