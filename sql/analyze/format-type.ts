// Types as PostgreSQL prints them: SQL's names for those that have one, else the catalog's, qualified unless the search
// path finds them (the function format_type; documentation, section 9.26.3).

import type { Catalog } from '../catalog/catalog.ts'
import { quoteIdentifier, quoteQualified } from '../parse/identifier.ts'
import {
  BIT_OID,
  BOOL_OID,
  BPCHAR_OID,
  FLOAT4_OID,
  FLOAT8_OID,
  INT2_OID,
  INT4_OID,
  INT8_OID,
  INTERVAL_OID,
  NUMERIC_OID,
  TIMESTAMP_OID,
  TIMESTAMPTZ_OID,
  TIMETZ_OID,
  TIME_OID,
  VARBIT_OID,
  VARCHAR_OID,
} from '../types/oids.ts'

/** How a type's name and modifier go together: the modifier stands after the first part. */
const SQL_NAMES: ReadonlyMap<number, readonly [string, string]> = new Map([
  [BIT_OID, ['bit', '']],
  [BOOL_OID, ['boolean', '']],
  [BPCHAR_OID, ['character', '']],
  [FLOAT4_OID, ['real', '']],
  [FLOAT8_OID, ['double precision', '']],
  [INT2_OID, ['smallint', '']],
  [INT4_OID, ['integer', '']],
  [INT8_OID, ['bigint', '']],
  [NUMERIC_OID, ['numeric', '']],
  [INTERVAL_OID, ['interval', '']],
  [TIME_OID, ['time', ' without time zone']],
  [TIMETZ_OID, ['time', ' with time zone']],
  [TIMESTAMP_OID, ['timestamp', ' without time zone']],
  [TIMESTAMPTZ_OID, ['timestamp', ' with time zone']],
  [VARBIT_OID, ['bit varying', '']],
  [VARCHAR_OID, ['character varying', '']],
])

/** What naming objects depends on. `searchPath` as in AnalysisContext. */
export interface NamingContext {
  readonly catalog: Catalog
  readonly searchPath: readonly number[]
}

/**
 * A type's name with its modifier. `typmod` undefined: no modifier is meant (format_type_be); -1: the type is meant
 * without one, which matters for bit and char alone (format_type_with_typemod).
 */
export function formatType(naming: NamingContext, oid: number, typmod?: number): string {
  const { catalog } = naming
  const type = catalog.type(oid)
  if (type === undefined) return oid === 0 ? '-' : '???'
  // Vectors have an element type too, but are no "true" arrays.
  if (type.kind === 'array' && type.length === -1) return `${formatType(naming, type.elementOid, typmod)}[]`
  const sqlName = SQL_NAMES.get(oid)
  if (sqlName === undefined || (typmod === -1 && (oid === BPCHAR_OID || oid === BIT_OID))) {
    const name =
      sqlName === undefined ? qualifiedTypeName(naming, oid, type.name) : quoteIdentifier(type.name)
    return typmod === undefined || typmod < 0 ? name : name + type.typmodOut(typmod)
  }
  const modifier = typmod === undefined || typmod < 0 ? '' : type.typmodOut(typmod)
  // For times, typmodOut gives '(3) without time zone' or just '(3)'; both are accepted.
  const closing = modifier.indexOf(')') + 1
  return `${sqlName[0]}${closing === 0 ? modifier : modifier.slice(0, closing)}${sqlName[1]}`
}

function qualifiedTypeName(naming: NamingContext, oid: number, name: string): string {
  const entry = naming.catalog.typeEntry(oid)
  if (entry === undefined) return quoteIdentifier(name)
  for (const schemaOid of withSystemSchema(naming)) {
    const found = naming.catalog.typeByName(schemaOid, name)
    if (found !== undefined) {
      if (found.type.oid === oid) return quoteIdentifier(name)
      break
    }
  }
  return quoteQualified(naming.catalog.schema(entry.schemaOid)?.name, name)
}

/** pg_catalog is always searched: first, unless the path names it. */
export function withSystemSchema({ catalog, searchPath }: NamingContext): readonly number[] {
  const system = catalog.schemaByName('pg_catalog')?.oid
  return system === undefined || searchPath.includes(system) ? searchPath : [system, ...searchPath]
}
