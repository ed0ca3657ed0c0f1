// What a SQL value is at run time. One representation per type, chosen so that the common ones are JavaScript
// primitives that compare with === and need no allocation.
//
//   type                                   representation
//   bool                                   boolean
//   int2, int4, oid, xid, cid, reg*        number (oid and reg*: 0..2^32-1)
//   int8, money                            Int8: a safe integer is ALWAYS a number, all else ALWAYS a bigint
//   float4, float8                         number (float4 rounded by Math.fround)
//   xid8                                   like Int8, but unsigned: 0..2^64-1
//   numeric                                Numeric (numeric.ts)
//   text, varchar, bpchar, name, "char",
//   json, xml, unknown, cstring, enum      string (bpchar padded; json as it was typed; enum: its label)
//   jsonb                                  string: the canonical text PostgreSQL prints
//   uuid, inet, cidr, macaddr, pg_lsn...   string in canonical text form
//   bytea                                  Buffer
//   date                                   number of days since 2000-01-01; +-Infinity
//   time                                   number of microseconds since midnight
//   timetz                                 TimeTz
//   timestamp, timestamptz                 Int8 microseconds since 2000-01-01 (timestamptz: UTC); +-Infinity
//   interval                               Interval
//   bit, varbit                            string of 0 and 1
//   arrays, int2vector, oidvector          ArrayValue
//   record, composite                      RecordValue
//   void                                   ''
//   NULL of any type                       null
//
// Values are immutable: whoever made one never changes it.

import type { Interval } from './interval.ts'
import type { Numeric } from './numeric.ts'

export type Int8 = number | bigint

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | Numeric
  | Interval
  | TimeTz
  | ArrayValue
  | RecordValue

/** A row inside the executor. Operators share rows: nobody changes one that it did not make. */
export type Row = Value[]

export class TimeTz {
  /** Microseconds since midnight, local to the zone. */
  readonly micros: number
  /** Seconds WEST of UTC, PostgreSQL's sign. */
  readonly zoneSeconds: number

  constructor(micros: number, zoneSeconds: number) {
    this.micros = micros
    this.zoneSeconds = zoneSeconds
  }
}

/** An array of any dimension, elements in row-major order. An empty array has no dimension. */
export class ArrayValue {
  readonly elementOid: number
  readonly elements: readonly Value[]
  readonly dimensions: readonly number[]
  readonly lowerBounds: readonly number[]

  constructor(
    elementOid: number,
    elements: readonly Value[],
    dimensions: readonly number[] = elements.length === 0 ? [] : [elements.length],
    lowerBounds: readonly number[] = dimensions.map(() => 1),
  ) {
    this.elementOid = elementOid
    this.elements = elements
    this.dimensions = dimensions
    this.lowerBounds = lowerBounds
  }
}

/** A composite or anonymous record value. */
export class RecordValue {
  /** The composite type, or 2249 for an anonymous record. */
  readonly typeOid: number
  readonly fields: readonly Value[]
  readonly fieldNames: readonly string[]
  readonly fieldTypes: readonly number[]

  constructor(
    typeOid: number,
    fields: readonly Value[],
    description: { readonly names: readonly string[]; readonly types: readonly number[] },
  ) {
    this.typeOid = typeOid
    this.fields = fields
    this.fieldNames = description.names
    this.fieldTypes = description.types
  }
}

/** Brings an exact integer into Int8's one form. The caller has checked the range of int8. */
export function int8(value: bigint): Int8 {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value
}
