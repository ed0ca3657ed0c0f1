// Types and collations by the names in a parse tree, as DDL resolves them against the catalog of its transaction.

import type { CollateClause, TypeName } from 'libpg-query'
import { PG_CATALOG_OID } from '../catalog/bootstrap.ts'
import type { TypeEntry } from '../catalog/catalog.ts'
import { nodeAs, stringsOf } from '../parse/ast.ts'
import type { Type } from '../types/type.ts'
import { SqlError } from '../types/sql-error.ts'
import type { DdlWork } from './work.ts'

export interface ResolvedType {
  readonly oid: number
  readonly typmod: number
}

/** The type a TypeName means; 42704 at its position when there is none. */
export function resolveType(work: DdlWork, typeName: TypeName): ResolvedType {
  const names = stringsOf(typeName.names)
  if (typeName.setof === true) throw work.error('42601', 'SETOF is not allowed here', typeName.location)
  if (typeName.pct_type === true) return columnTypeOf(work, names, typeName)
  const entry = findType(work, names)
  if (entry === undefined) {
    throw work.error('42704', `type "${names.join('.')}" does not exist`, typeName.location)
  }
  const typmod = typmodOf(work, entry.type, typeName)
  const dimensions = typeName.arrayBounds ?? []
  if (dimensions.length === 0) return { oid: entry.type.oid, typmod }
  if (entry.type.arrayOid === 0) {
    throw work.error('42704', `could not find array type for data type ${entry.type.name}`, typeName.location)
  }
  return { oid: entry.type.arrayOid, typmod }
}

/** A type by its (qualified) name. */
export function findType(work: DdlWork, names: readonly string[]): TypeEntry | undefined {
  const { catalog } = work
  const name = names.at(-1) ?? ''
  const schemaName = names.at(-2)
  if (schemaName !== undefined) {
    const schema = work.findSchema(schemaName)
    if (schema === undefined) throw new SqlError('3F000', `schema "${schemaName}" does not exist`)
    return catalog.typeByName(schema.oid, name)
  }
  for (const schema of work.searchPath()) {
    const entry = catalog.typeByName(schema.oid, name)
    if (entry !== undefined) return entry
  }
  return catalog.typeByName(PG_CATALOG_OID, name)
}

function columnTypeOf(work: DdlWork, names: readonly string[], typeName: TypeName): ResolvedType {
  const [column, table, schema] = names.toReversed()
  const relation = work.findRelation({ relname: table ?? '', ...(schema === undefined ? {} : { schemaname: schema }) })
  if (relation === undefined || relation.kind === 'index' || relation.kind === 'sequence') {
    throw work.error('42P01', `relation "${names.slice(0, -1).join('.')}" does not exist`, typeName.location)
  }
  const found = relation.columns.find((item) => item.name === column && !item.isDropped)
  if (found === undefined) {
    throw work.error('42703', `column "${column}" of relation "${table}" does not exist`, typeName.location)
  }
  work.notice(`type reference ${names.join('.')}%TYPE converted to ${work.catalog.type(found.type)?.name ?? ''}`)
  return { oid: found.type, typmod: found.typmod }
}

function typmodOf(work: DdlWork, type: Type, typeName: TypeName): number {
  const nodes = typeName.typmods ?? []
  if (nodes.length === 0) return typeName.typemod ?? -1
  const args = nodes.map((node) => {
    const constant = nodeAs(node, 'A_Const')
    if (constant?.ival !== undefined) return String(constant.ival.ival ?? 0)
    if (constant?.fval !== undefined) return constant.fval.fval ?? ''
    if (constant?.sval !== undefined) return constant.sval.sval ?? ''
    const column = nodeAs(node, 'ColumnRef')
    if (column !== undefined) return stringsOf(column.fields).join('.')
    throw work.error('42601', 'type modifiers must be simple constants or identifiers', typeName.location)
  })
  try {
    return type.typmodIn(args)
  } catch (error) {
    if (!(error instanceof SqlError) || error.fields.position !== undefined) throw error
    throw new SqlError(error.code, error.message, { ...error.fields, position: work.source.positionOf(typeName.location) })
  }
}

const COLLATIONS: Readonly<Record<string, number>> = {
  default: 100,
  C: 950,
  POSIX: 951,
  ucs_basic: 12340,
  'C.utf8': 12341,
  'C.UTF-8': 12341,
}

/** The collation of a column: the named one, or its type's default; 0 for types without. */
export function resolveCollation(work: DdlWork, clause: CollateClause | undefined, typeOid: number): number {
  const type = work.catalog.type(typeOid)
  if (clause === undefined) {
    if (type?.isCollatable !== true) return 0
    return type.name === 'name' ? 950 : 100
  }
  if (type?.isCollatable !== true) {
    throw work.error('42804', `collations are not supported by type ${type?.name ?? ''}`, clause.location)
  }
  return collationNamed(work, stringsOf(clause.collname), clause.location)
}

export function collationNamed(work: DdlWork, names: readonly string[], location?: number): number {
  const oid = COLLATIONS[names.at(-1) ?? '']
  if (oid === undefined) {
    throw work.error('42704', `collation "${names.join('.')}" for encoding "UTF8" does not exist`, location)
  }
  return oid
}
