// Type names as SQL writes them: format_type(), and the output of regtype. Built-in types that the grammar knows have
// SQL's names, everything else its own, quoted and qualified as the lookup sees fit.
//
//   format_type(1043, 14) ──▶ character varying(10)      format_type(1007, null) ──▶ integer[]

import {
  BIT_OID,
  BOOL_OID,
  BPCHAR_OID,
  CHAR_OID,
  FLOAT4_OID,
  FLOAT8_OID,
  INT2_OID,
  INT4_OID,
  INT8_OID,
  INTERVAL_OID,
  NUMERIC_OID,
  TIMESTAMPTZ_OID,
  TIMESTAMP_OID,
  TIMETZ_OID,
  TIME_OID,
  VARBIT_OID,
  VARCHAR_OID,
} from '../types/oids.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Type, TypeLookup } from '../types/type.ts'

const sqlNames: ReadonlyMap<number, string> = new Map([
  [BOOL_OID, 'boolean'],
  [CHAR_OID, '"char"'],
  [FLOAT4_OID, 'real'],
  [FLOAT8_OID, 'double precision'],
  [INT2_OID, 'smallint'],
  [INT4_OID, 'integer'],
  [INT8_OID, 'bigint'],
  [NUMERIC_OID, 'numeric'],
  [INTERVAL_OID, 'interval'],
  [TIME_OID, 'time without time zone'],
  [TIMETZ_OID, 'time with time zone'],
  [TIMESTAMP_OID, 'timestamp without time zone'],
  [TIMESTAMPTZ_OID, 'timestamp with time zone'],
  [VARBIT_OID, 'bit varying'],
  [VARCHAR_OID, 'character varying'],
])

/** SQL's name of a built-in type that has one of its own, without any length. */
export function sqlTypeName(oid: number): string | undefined {
  if (oid === BIT_OID) return 'bit'
  return oid === BPCHAR_OID ? 'character' : sqlNames.get(oid)
}

function typeOrNothing(lookup: TypeLookup, oid: number): Type | undefined {
  try {
    return lookup.type(oid)
  } catch (error) {
    if (error instanceof SqlError) return undefined
    throw error
  }
}

/**
 * format_type(oid, typmod). A null typmod means that none is known; -1 that the type has none, which for char and bit
 * is not what SQL's char and bit mean, hence their internal names. '-' for oid 0, '???' for an unknown one.
 */
export function formatType(lookup: TypeLookup, oid: number, typmod: number | null): string {
  if (oid === 0) return '-'
  const type = typeOrNothing(lookup, oid)
  if (type === undefined) return '???'
  if (type.kind === 'array' && type.length === -1) return `${formatType(lookup, type.elementOid, typmod)}[]`
  const suffix = typmod === null || typmod < 0 ? '' : type.typmodOut(typmod)
  if (oid === BPCHAR_OID || oid === BIT_OID) {
    if (typmod !== null && typmod < 0) return oid === BIT_OID ? '"bit"' : 'bpchar'
    return `${sqlTypeName(oid) ?? ''}${suffix}`
  }
  const name = sqlNames.get(oid)
  if (name === undefined) return `${lookup.regOidToName('regtype', oid)}${suffix}`
  // time(3) with time zone: the precision stands behind the first word, and typmodOut gives the words too, or not.
  const zone = /^(time|timestamp)( with(?:out)? time zone)$/.exec(name)
  if (zone === null || suffix === '') return `${name}${suffix}`
  return suffix.endsWith('zone') ? `${zone[1]}${suffix}` : `${zone[1]}${suffix}${zone[2]}`
}
