// Index keys: the values of several columns as bytes whose memcmp is the index's order.
//
//   per column    bytes
//   not nullable  the value's key (key-bytes.ts)
//   nullable      01 and the value's key; for NULL 02 (NULLS LAST) or 00 (NULLS FIRST)
//   descending    the value's key with all bits flipped; the marker stays, so NULLS FIRST means what it says
//
// Values' keys are self-delimiting, so columns follow each other without separators, and the key of the first
// k columns is a prefix of the whole: `prefixEnd` of it bounds the range of all keys that begin with those
// values.

import { must } from '../../storage/base/assert.ts'
import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import { KEY_SIZE_BYTES_MAX } from '../../storage/base/limits.ts'
import { SqlError } from './sql-error.ts'
import type { Type } from './type.ts'
import type { Row, Value } from './value.ts'

export interface KeyColumn {
  readonly type: Type
  readonly descending: boolean
  readonly nullsFirst: boolean
  readonly nullable: boolean
}

const NULL_FIRST = 0x00
const NOT_NULL = 0x01
const NULL_LAST = 0x02

type ValueEncoder = (value: Value, writer: ByteWriter) => void

/** Appends the key of `values` (one for each column, in order) to a writer. */
export type KeyEncoder = (values: Row, writer: ByteWriter) => void

/** Appends the key of the first `count` columns: a bound of a range. */
export type KeyPrefixEncoder = (values: Row, count: number, writer: ByteWriter) => void

function valueEncoder({ type, descending, nullsFirst, nullable }: KeyColumn): ValueEncoder {
  const encode = type.encodeKey
  if (encode === undefined) {
    throw new SqlError(
      '42704',
      `data type ${type.name} has no default operator class for access method "btree"`,
      {
        hint:
          'You must specify an operator class for the index or define ' +
          'a default operator class for the data type.',
      },
    )
  }
  const encodeValue = descending
    ? (value: NonNullable<Value>, writer: ByteWriter): void => {
        const start = writer.length
        encode(value, writer)
        invert(writer.bytes, start, writer.length)
      }
    : encode
  if (!nullable)
    return (value, writer) => encodeValue(must(value, 'a key column that cannot be NULL'), writer)
  return (value, writer) => {
    writer.uint8(value === null ? (nullsFirst ? NULL_FIRST : NULL_LAST) : NOT_NULL)
    if (value !== null) encodeValue(value, writer)
  }
}

function invert(bytes: Buffer, start: number, end: number): void {
  for (let at = start; at < end; at++) bytes[at] = ~(bytes[at] as number)
}

/** A function that encodes whole keys of these columns; 42704 for a type without an order. */
export function compileKeyEncoder(columns: readonly KeyColumn[]): KeyEncoder {
  const encoders = columns.map(valueEncoder)
  const [first, second] = encoders
  if (first !== undefined && encoders.length === 1)
    return (values, writer) => first(values[0] as Value, writer)
  if (first !== undefined && second !== undefined && encoders.length === 2) {
    return (values, writer) => {
      first(values[0] as Value, writer)
      second(values[1] as Value, writer)
    }
  }
  return (values, writer) => {
    for (let i = 0; i < encoders.length; i++) (encoders[i] as ValueEncoder)(values[i] as Value, writer)
  }
}

/** A function that encodes the first columns of a key. */
export function compileKeyPrefixEncoder(columns: readonly KeyColumn[]): KeyPrefixEncoder {
  const encoders = columns.map(valueEncoder)
  return (values, count, writer) => {
    for (let i = 0; i < count; i++) (encoders[i] as ValueEncoder)(values[i] as Value, writer)
  }
}

/**
 * Appends what the keys of all non-NULL values of a column begin with, behind the prefix of the columns
 * before it: the low bound of IS NOT NULL and of an open comparison. prefixEnd of the result is the high
 * bound.
 */
export function writeNotNullPrefix(column: KeyColumn, writer: ByteWriter): void {
  if (column.nullable) writer.uint8(NOT_NULL)
}

/** The first key above all keys that begin with `prefix`; undefined when there is none. */
export function prefixEnd(prefix: Uint8Array): Buffer | undefined {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  if (length === 0) return undefined
  const end = Buffer.from(prefix.subarray(0, length))
  end[length - 1] = (end[length - 1] as number) + 1
  return end
}

/** 54000: what to answer when a key is above KEY_SIZE_BYTES_MAX (PostgreSQL's limit is 2704). */
export function keyTooLarge(sizeBytes: number, indexName: string): SqlError {
  return new SqlError(
    '54000',
    `index row size ${sizeBytes} exceeds maximum ${KEY_SIZE_BYTES_MAX} for index "${indexName}"`,
    {
      hint:
        'Values larger than 1/3 of a buffer page cannot be indexed.\n' +
        'Consider a function index of an MD5 hash of the value, or use full text indexing.',
    },
  )
}
