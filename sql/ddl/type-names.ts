// Types and collations by the names in a parse tree, as DDL resolves them against the catalog of its transaction.

import type { CollateClause, TypeName } from 'libpg-query'
import { resolveTypeName } from '../analyze/type-name.ts'
import { PG_CATALOG_OID } from '../catalog/bootstrap.ts'
import type { TypeEntry } from '../catalog/catalog.ts'
import { stringsOf } from '../parse/ast.ts'
import { SqlError } from '../types/sql-error.ts'
import type { DdlWork } from './work.ts'

export interface ResolvedType {
  readonly oid: number
  readonly typmod: number
}

/** The type a TypeName means; 42704 at its position when there is none. */
export function resolveType(work: DdlWork, typeName: TypeName): ResolvedType {
  if (typeName.setof === true) throw work.error('42601', 'SETOF is not allowed here', typeName.location)
  if (typeName.pct_type === true) return columnTypeOf(work, stringsOf(typeName.names), typeName)
  return resolveTypeName(work.analysis(), typeName)
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
  const relation = work.findRelation({
    relname: table ?? '',
    ...(schema === undefined ? {} : { schemaname: schema }),
  })
  if (relation === undefined || relation.kind === 'index' || relation.kind === 'sequence') {
    throw work.error('42P01', `relation "${names.slice(0, -1).join('.')}" does not exist`, typeName.location)
  }
  const found = relation.columns.find((item) => item.name === column && !item.isDropped)
  if (found === undefined) {
    throw work.error('42703', `column "${column}" of relation "${table}" does not exist`, typeName.location)
  }
  work.notice(
    `type reference ${names.join('.')}%TYPE converted to ${work.catalog.type(found.type)?.name ?? ''}`,
  )
  return { oid: found.type, typmod: found.typmod }
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
