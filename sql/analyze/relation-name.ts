// Names of relations: through the search path, or in a schema that is named.

import type { Relation } from '../catalog/catalog.ts'
import type { RangeVar } from '../parse/ast.ts'
import type { Analysis } from './analysis.ts'
import type { Scope } from './scope.ts'

/** The relation, or undefined if there is none. @throws SqlError 0A000 for another database's. */
export function findRelation(analysis: Analysis, name: RangeVar): Relation | undefined {
  const { catalog, context } = analysis
  const { catalogname, schemaname, relname = '' } = name
  if (catalogname !== undefined && catalogname !== catalog.databaseName) {
    const shown = `${catalogname}.${schemaname}.${relname}`
    throw analysis.error(
      '0A000',
      `cross-database references are not implemented: "${shown}"`,
      name.location ?? 0,
    )
  }
  if (schemaname !== undefined) {
    const schema = catalog.schemaByName(schemaname)
    return schema === undefined ? undefined : catalog.relationByName(schema.oid, relname)
  }
  for (const schemaOid of context.searchPath) {
    const relation = catalog.relationByName(schemaOid, relname)
    if (relation !== undefined) return relation
  }
  return undefined
}

/** The relation. @throws SqlError 42P01, with a hint when a WITH query of that name cannot be seen from here. */
export function requireRelation(scope: Scope, name: RangeVar): Relation {
  const { analysis } = scope
  const relation = findRelation(analysis, name)
  if (relation !== undefined) return relation
  const { schemaname, relname = '' } = name
  const shown = schemaname === undefined ? relname : `${schemaname}.${relname}`
  const message = `relation "${shown}" does not exist`
  const isFuture = schemaname === undefined && isFutureCte(scope, relname)
  throw analysis.error(
    '42P01',
    message,
    name.location ?? 0,
    isFuture
      ? {
          detail: `There is a WITH item named "${relname}", but it cannot be referenced from this part of the query.`,
          hint: 'Use WITH RECURSIVE, or re-order the WITH items to remove forward references.',
        }
      : {},
  )
}

function isFutureCte(scope: Scope, name: string): boolean {
  for (let level: Scope | undefined = scope; level !== undefined; level = level.outer) {
    if (level.futureCtes.includes(name)) return true
  }
  return false
}

/** Relations that cannot be read as tables. */
export function refuseUnreadable(analysis: Analysis, relation: Relation, location: number): void {
  if (relation.kind === 'index') {
    throw analysis.error('42809', `cannot open relation "${relation.name}"`, location, {
      detail: 'This operation is not supported for indexes.',
    })
  }
  if (relation.kind === 'table' && relation.isCompositeType) {
    throw analysis.error('42809', `cannot open relation "${relation.name}"`, location, {
      detail: 'This operation is not supported for composite types.',
    })
  }
}
