// The data type columns that many views of information_schema share: names, lengths, precisions (documentation,
// section 37.17). Domains show as the type below.

import { quoteIdentifier } from '../../functions/quote.ts'
import { sqlTypeName } from '../../functions/format-type.ts'
import type { Value } from '../../types/value.ts'
import type { Catalog } from '../catalog.ts'
import { staticName } from '../static-rows.ts'
import type { Fields } from './rows.ts'

const CHAR_OIDS: ReadonlySet<number> = new Set([1042, 1043])
const TEXT_OIDS: ReadonlySet<number> = new Set([25, 1042, 1043])
const BIT_OIDS: ReadonlySet<number> = new Set([1560, 1562])
/** Type oid: bits of its binary precision, or of float's mantissa. */
const BINARY_PRECISION: ReadonlyMap<number, number> = new Map([
  [21, 16],
  [23, 32],
  [20, 64],
  [700, 24],
  [701, 53],
])
const TIME_OIDS: ReadonlySet<number> = new Set([1083, 1114, 1184, 1266])
const NUMERIC_OID = 1700
const INTERVAL_OID = 1186
const DATE_OID = 1082
const DEFAULT_COLLATION = 100
const TEXT_OCTETS = 1073741824

interface Typed {
  readonly type: number
  readonly typmod: number
  readonly collation: number
}

/** The type below a domain, with the domain's modifier. */
export function underlying(catalog: Catalog, typed: Typed): Typed {
  const entry = catalog.typeEntry(typed.type)
  if (entry?.type.kind !== 'domain' || entry.domain === undefined) return typed
  return underlying(catalog, { ...typed, type: entry.domain.baseOid, typmod: entry.domain.typmod })
}

/** `integer`, `ARRAY`, `USER-DEFINED`. */
export function dataTypeName(catalog: Catalog, oid: number): string {
  const type = catalog.type(oid)
  if (type === undefined) return 'unknown'
  if (type.kind === 'array' && type.length === -1) return 'ARRAY'
  const sqlName = sqlTypeName(oid)
  if (sqlName !== undefined) return sqlName
  return catalog.typeEntry(oid)?.schemaOid === 11 ? quoteIdentifier(type.name) : 'USER-DEFINED'
}

/** Length, precision, interval, character set and collation columns. */
export function typeFacts(catalog: Catalog, typed: Typed): Fields {
  const { type, typmod, collation } = underlying(catalog, typed)
  return {
    character_maximum_length: maximumLength(type, typmod),
    character_octet_length: octetLength(type, typmod),
    numeric_precision: numericPrecision(type, typmod),
    numeric_precision_radix: type === NUMERIC_OID ? 10 : BINARY_PRECISION.has(type) ? 2 : null,
    numeric_scale: numericScale(type, typmod),
    datetime_precision: datetimePrecision(type, typmod),
    interval_type: null,
    interval_precision: null,
    ...collationFacts(catalog, collation),
  }
}

function collationFacts(catalog: Catalog, collation: number): Fields {
  if (collation === 0 || collation === DEFAULT_COLLATION) return {}
  return {
    collation_catalog: catalog.databaseName,
    collation_schema: 'pg_catalog',
    collation_name: staticName('pg_collation', collation, 'collname') ?? null,
  }
}

function maximumLength(type: number, typmod: number): Value {
  if (typmod < 0) return null
  if (CHAR_OIDS.has(type)) return typmod - 4
  return BIT_OIDS.has(type) ? typmod : null
}

function octetLength(type: number, typmod: number): Value {
  if (!TEXT_OIDS.has(type)) return null
  return typmod < 0 ? TEXT_OCTETS : (typmod - 4) * 4
}

function numericPrecision(type: number, typmod: number): Value {
  if (type === NUMERIC_OID) return typmod < 0 ? null : ((typmod - 4) >> 16) & 0xffff
  return BINARY_PRECISION.get(type) ?? null
}

function numericScale(type: number, typmod: number): Value {
  if (type === NUMERIC_OID) return typmod < 0 ? null : (typmod - 4) & 0x7ff
  return type === 20 || type === 21 || type === 23 ? 0 : null
}

function datetimePrecision(type: number, typmod: number): Value {
  if (type === DATE_OID) return 0
  if (TIME_OIDS.has(type)) return typmod < 0 ? 6 : typmod
  if (type === INTERVAL_OID) return typmod < 0 || (typmod & 0xffff) === 0xffff ? 6 : typmod & 0xffff
  return null
}

/** catalog, schema and name of a type, in columns that begin with `prefix`. */
export function typeNameFields(catalog: Catalog, oid: number, prefix: string): Fields {
  const entry = catalog.typeEntry(oid)
  if (entry === undefined) return {}
  return {
    [`${prefix}_catalog`]: catalog.databaseName,
    [`${prefix}_schema`]: catalog.schema(entry.schemaOid)?.name ?? null,
    [`${prefix}_name`]: entry.type.name,
  }
}
