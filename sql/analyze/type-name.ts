// Type names: `varchar(10)`, `pg_catalog.int4[]`, `"my schema"."Mood"` to type oid and modifier.

import { must } from '../../storage/base/assert.ts'
import type { TypeEntry } from '../catalog/catalog.ts'
import type { Node, TypeName } from '../parse/ast.ts'
import { nodeAs, stringsOf } from '../parse/ast.ts'
import type { Analysis } from './analysis.ts'
import { arrayTypeOf } from './type-rules.ts'

export interface TypeReference {
  readonly oid: number
  readonly typmod: number
}

/** @throws SqlError 42704 no such type, 42601 bad modifiers, 0A000 for %TYPE. */
export function resolveTypeName(analysis: Analysis, typeName: TypeName): TypeReference {
  const location = typeName.location ?? 0
  if (typeName.pct_type === true) {
    throw analysis.error('0A000', '%TYPE references are not supported', location)
  }
  const names = stringsOf(typeName.names)
  const entry = findType(analysis, names, location)
  if (entry === undefined) throw typeDoesNotExist(analysis, typeName)
  const element = entry.type.oid
  const oid = (typeName.arrayBounds ?? []).length > 0 ? arrayTypeOf(analysis, element) : element
  if (oid === 0) throw typeDoesNotExist(analysis, typeName)
  const modifiers = typeName.typmods ?? []
  if (modifiers.length === 0) return { oid, typmod: typeName.typemod ?? -1 }
  const args = modifiers.map((node) => modifierText(analysis, node, location))
  return { oid, typmod: analysis.at(location, () => analysis.type(element).typmodIn(args)) }
}

/** As resolveTypeName, for names without modifiers (GRANT, COMMENT, function arguments). */
export function findType(
  analysis: Analysis,
  names: readonly string[],
  location: number,
): TypeEntry | undefined {
  const { catalog, context } = analysis
  const name = must(names.at(-1))
  if (names.length > 3) {
    throw analysis.error(
      '42601',
      `improper qualified name (too many dotted names): ${names.join('.')}`,
      location,
    )
  }
  if (names.length === 3 && names[0] !== catalog.databaseName) {
    throw analysis.error(
      '0A000',
      `cross-database references are not implemented: ${names.join('.')}`,
      location,
    )
  }
  if (names.length > 1) {
    const schemaName = must(names.at(-2))
    const schema = catalog.schemaByName(schemaName)
    if (schema === undefined) throw analysis.error('3F000', `schema "${schemaName}" does not exist`, location)
    return catalog.typeByName(schema.oid, name)
  }
  for (const schemaOid of context.searchPath) {
    const entry = catalog.typeByName(schemaOid, name)
    if (entry !== undefined) return entry
  }
  return undefined
}

function typeDoesNotExist(analysis: Analysis, typeName: TypeName): Error {
  const suffix = (typeName.arrayBounds ?? []).length > 0 ? '[]' : ''
  const shown = stringsOf(typeName.names).join('.') + suffix
  return analysis.error('42704', `type "${shown}" does not exist`, typeName.location ?? 0)
}

/** Modifiers are constants or single identifiers; typmodIn gets their text. */
function modifierText(analysis: Analysis, node: Node, location: number): string {
  const value = nodeAs(node, 'A_Const')
  if (value?.ival !== undefined) return String(value.ival.ival ?? 0)
  if (value?.fval !== undefined) return value.fval.fval ?? '0'
  if (value?.sval !== undefined) return value.sval.sval ?? ''
  const fields = nodeAs(node, 'ColumnRef')?.fields ?? []
  const name = nodeAs(fields[0], 'String')?.sval
  if (fields.length === 1 && name !== undefined) return name
  throw analysis.error('42601', 'type modifiers must be simple constants or identifiers', location)
}
