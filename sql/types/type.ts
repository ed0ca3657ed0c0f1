// What the rest of sql knows of a data type. Built-in types are constants in the registry; arrays, domains,
// enums and composites are made from catalog rows. One Type object per (database, oid); compare types by oid.

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Value } from './value.ts'

/** The settings of a session that text input and output depend on. */
export interface TypeContext {
  readonly timeZone: string
  readonly dateStyle: {
    readonly style: 'ISO' | 'SQL' | 'Postgres' | 'German'
    readonly order: 'MDY' | 'DMY' | 'YMD'
  }
  readonly intervalStyle: 'postgres' | 'postgres_verbose' | 'sql_standard' | 'iso_8601'
  readonly extraFloatDigits: number
  readonly byteaOutput: 'hex' | 'escape'
  /** Wall time of the transaction's start, Int8 microseconds since 2000-01-01 UTC ('now', 'today'). */
  readonly transactionMicros: number
  /**
   * Types and names that only a catalog can resolve: elements of arrays, reg* names, enum labels, composite
   * fields.
   */
  readonly lookup: TypeLookup
}

export interface TypeLookup {
  type(oid: number): Type
  /**
   * regclass, regproc, regtype, ... : name <-> oid. `kind` is the reg type's name. Throws SqlError when not
   * found.
   */
  regNameToOid(kind: string, name: string): number
  regOidToName(kind: string, oid: number): string
  /** Throws SqlError 23502 or 23514 when the domain refuses the value. */
  checkDomain(oid: number, value: Value): void
}

export type TypeKind = 'base' | 'array' | 'composite' | 'domain' | 'enum' | 'pseudo' | 'range' | 'multirange'

/**
 * How a value of the type lies in a stored row: a fixed slot of so many bytes, or bytes of its own length.
 * 'date' and 'timestamp' are int4 and int8 whose lowest and highest values stand for -Infinity and Infinity.
 */
export type RowSlot =
  | 'bool'
  | 'int2'
  | 'int4'
  | 'uint4'
  | 'int8'
  | 'float4'
  | 'float8'
  | 'date'
  | 'timestamp'
  | 'variable'

export interface Type {
  readonly oid: number
  readonly name: string
  readonly kind: TypeKind
  /** pg_type.typlen: bytes, -1 variable, -2 C string. */
  readonly length: number
  /**
   * pg_type.typcategory and typispreferred: they decide which implicit cast wins (documentation, section
   * 10.2).
   */
  readonly category: string
  readonly isPreferred: boolean
  readonly elementOid: number
  readonly arrayOid: number
  /** Domain: the type below. */
  readonly baseOid: number
  readonly isCollatable: boolean
  readonly delimiter: string

  /**
   * Text input; SqlError 22P02 and friends. `typmod` -1: none. Does not apply length coercion that a cast
   * would do.
   */
  input(text: string, typmod: number, context: TypeContext): Value
  output(value: NonNullable<Value>, context: TypeContext): string
  /** Binary input of bytes [start, end); SqlError 22P03 / 08P01. The bytes are not kept. */
  receive(bytes: Buffer, start: number, end: number, typmod: number, context: TypeContext): Value
  /** Binary output, without the length word. */
  send(value: NonNullable<Value>, writer: ByteWriter, context: TypeContext): void
  /**
   * Text output straight into the writer (no length word): what DataRow needs, with no string in between if
   * possible.
   */
  writeText(value: NonNullable<Value>, writer: ByteWriter, context: TypeContext): void

  /** <0, 0, >0 in the type's default btree order; undefined for types without one (json, xml). */
  readonly compare: ((a: NonNullable<Value>, b: NonNullable<Value>) => number) | undefined
  /** A Map key equal exactly for values that are equal; undefined where the type has no equality. */
  readonly hashKey: ((value: NonNullable<Value>) => string | number | bigint | boolean) | undefined

  /**
   * Order-preserving bytes: memcmp of keys orders as compare does; self-delimiting. undefined: cannot be
   * indexed.
   */
  readonly encodeKey: ((value: NonNullable<Value>, writer: ByteWriter) => void) | undefined

  readonly rowSlot: RowSlot
  /**
   * The bytes of a value on its own: of 'variable' columns in a row, and of any type inside arrays and
   * records.
   */
  encodeStored(value: NonNullable<Value>, writer: ByteWriter): void
  decodeStored(bytes: Buffer, start: number, end: number): Value

  /** varchar(10) -> typmod; SqlError for a type that takes none. */
  typmodIn(args: readonly string[]): number
  /** pg_type.typmodout: '(10)', '(3) without time zone', ' year to month'; '' for none. */
  typmodOut(typmod: number): string
  /** Length coercion of a cast or an assignment (22001 when `explicit` is false and data would be lost). */
  applyTypmod(value: NonNullable<Value>, typmod: number, explicit: boolean): Value
}
