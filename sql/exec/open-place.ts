// A database, or a point of its past, that a statement reads beside its own: what in_branch, as_of and their kin are
// given by the session.
//
//   (branch, when) ──session──▶ OpenPlace{catalog, view} ──▶ table of the same name ──▶ its columns, by name
//
// What is read there is durable: nothing that comes from another database has to be waited for.

import { must } from '../../storage/base/assert.ts'
import type { View } from '../../storage/engine/engine.ts'
import type { Catalog, Column, Table } from '../catalog/catalog.ts'
import { SqlError } from '../types/sql-error.ts'

export interface OpenPlace {
  readonly databaseName: string
  /** As it was there and then. */
  readonly catalog: Catalog
  /** Pinned until the statement ends. */
  readonly view: View
  /** Throws 42501 unless the session's role may read the table there. */
  requireSelect(table: Table): void
}

/** The table whose row type this is. SqlError 42809 for other types. */
export function tableOfRowType(catalog: Catalog, rowType: number, functionName: string): Table {
  const entry = catalog.typeEntry(rowType)
  const relation = entry === undefined ? undefined : catalog.relation(entry.relationOid)
  if (relation?.kind === 'table' && !relation.isCompositeType && relation.virtual === undefined)
    return relation
  throw new SqlError('42809', `the first argument of borealis.${functionName} does not name a table`, {
    detail: `Its type is ${entry?.type.name ?? 'unknown'}.`,
    hint: `Pass a NULL of the table's row type: borealis.${functionName}(NULL::my_table, ...).`,
  })
}

/** The table of the same schema and name there. SqlError 42P01; 42501 when it may not be read. */
export function tableThere(ours: Table, catalog: Catalog, place: OpenPlace): Table {
  const found = findTableThere(ours, catalog, place.catalog)
  if (found === undefined) {
    const name = qualifiedName(ours, catalog)
    throw new SqlError('42P01', `relation "${name}" does not exist in database "${place.databaseName}"`)
  }
  place.requireSelect(found)
  return found
}

/** The table of the same schema and name in another catalog. */
export function findTableThere(ours: Table, catalog: Catalog, there: Catalog): Table | undefined {
  const schema = there.schemaByName(must(catalog.schema(ours.schemaOid)).name)
  const relation = schema === undefined ? undefined : there.relationByName(schema.oid, ours.name)
  return relation?.kind === 'table' && !relation.isCompositeType ? relation : undefined
}

export function qualifiedName(table: Pick<Table, 'schemaOid' | 'name'>, catalog: Catalog): string {
  return `${catalog.schema(table.schemaOid)?.name ?? '?'}.${table.name}`
}

/** The columns that a row of the table has, as indexes of Table.columns. */
export function liveColumns(table: Table): readonly number[] {
  return table.columns.flatMap((column, i) => (column.isDropped ? [] : [i]))
}

/**
 * For each live column of `ours` the index of the column of that name in `theirs`, or -1 where it has none. SqlError 42804
 * where the type is another one, unless values are converted.
 */
export function matchColumns(
  ours: Table,
  catalog: Catalog,
  theirs: Table,
  place: Pick<OpenPlace, 'catalog' | 'databaseName'>,
  isConverted = false,
): readonly number[] {
  if (ours === theirs) return liveColumns(ours)
  return liveColumns(ours).map((at) => {
    const column = must(ours.columns[at])
    const index = theirs.columns.findIndex((one) => !one.isDropped && one.name === column.name)
    const other = theirs.columns[index]
    if (other === undefined || isConverted || sameType(column, catalog, other, place.catalog)) return index
    throw new SqlError('42804', `column "${column.name}" of relation "${ours.name}" has another type there`, {
      detail:
        `It is ${typeName(column, catalog)} here and ` +
        `${typeName(other, place.catalog)} in database "${place.databaseName}".`,
    })
  })
}

/** Types that users made may have the same oid in two branches and be different ones: their names count too. */
function sameType(a: Column, catalog: Catalog, b: Column, there: Catalog): boolean {
  return a.type === b.type && typeName(a, catalog) === typeName(b, there)
}

function typeName(column: Column, catalog: Catalog): string {
  const entry = catalog.typeEntry(column.type)
  if (entry === undefined) return `type ${column.type}`
  const schema = catalog.schema(entry.schemaOid)?.name ?? 'pg_catalog'
  return schema === 'pg_catalog' ? entry.type.name : `${schema}.${entry.type.name}`
}
