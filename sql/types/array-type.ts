// Arrays over any element type: one behaviour made from the element's Type.
//
//   binary (PostgreSQL's)   i32 dimensions | i32 has nulls | i32 element oid
//                           | (i32 length, i32 lower bound) each | (i32 size or -1, bytes) each element
//   stored (ours)           u8 dimensions | (i32 length, i32 lower bound) each | (i32 size or -1, bytes) each
//   key                     01 and the element's key, or 02 for NULL, each; 00; dimensions; their bounds

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import { DIMENSIONS_MAX, formatArrayLiteral, parseArrayLiteral, tooManyDimensions } from './array-text.ts'
import type { Behaviour } from './define-type.ts'
import { insufficientData } from './input-errors.ts'
import { writeKeyInt4 } from './key-bytes.ts'
import { SqlError } from './sql-error.ts'
import type { Type, TypeContext } from './type.ts'
import { ArrayValue, type Value } from './value.ts'

/** The behaviour of the array type over `element`. */
export function arrayBehaviour(element: Type): Behaviour<ArrayValue> {
  const { compare, hashKey, encodeKey } = element
  return {
    input(text, typmod, context) {
      const { elements, dimensions, lowerBounds } = parseArrayLiteral(text, element.delimiter)
      const values = elements.map((item) => (item === null ? null : element.input(item, typmod, context)))
      return new ArrayValue(element.oid, values, dimensions, lowerBounds)
    },
    output(value, context) {
      const elements = value.elements.map((item) => (item === null ? null : element.output(item, context)))
      const { dimensions, lowerBounds } = value
      return formatArrayLiteral({ elements, dimensions, lowerBounds }, element.delimiter)
    },
    receive: (bytes, start, end, typmod, context) =>
      receiveArray(element, { bytes, start, end }, typmod, context),
    send: (value, writer, context) => sendArray(element, value, writer, context),
    compare: compare && ((a, b) => compareArrays(compare, a, b)),
    hashKey: hashKey && ((value) => hashArray(hashKey, value)),
    encodeKey: encodeKey && ((value, writer) => encodeArrayKey(encodeKey, value, writer)),
    encodeStored: (value, writer) => encodeStoredArray(element, value, writer),
    decodeStored: (bytes, start) => decodeStoredArray(element, bytes, start),
    typmodIn: element.typmodIn,
    typmodOut: element.typmodOut,
    applyTypmod: (value, typmod, explicit) => applyElementTypmod(element, value, typmod, explicit),
  }
}

function applyElementTypmod(element: Type, value: ArrayValue, typmod: number, explicit: boolean): ArrayValue {
  if (typmod < 0) return value
  const elements = value.elements.map((item) =>
    item === null ? null : element.applyTypmod(item, typmod, explicit),
  )
  return new ArrayValue(value.elementOid, elements, value.dimensions, value.lowerBounds)
}

interface Span {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

function receiveArray(
  element: Type,
  { bytes, start, end }: Span,
  typmod: number,
  context: TypeContext,
): ArrayValue {
  if (end - start < 12) throw insufficientData()
  const dimensionCount = bytes.readInt32BE(start)
  if (dimensionCount < 0) throw new SqlError('22P03', `invalid number of dimensions: ${dimensionCount}`)
  if (dimensionCount > DIMENSIONS_MAX) throw tooManyDimensions(dimensionCount)
  const flags = bytes.readInt32BE(start + 4)
  if (flags !== 0 && flags !== 1) throw new SqlError('22P03', 'invalid array flags')
  const elementOid = bytes.readUInt32BE(start + 8)
  if (elementOid !== element.oid) throw wrongElementType(elementOid, element, context)
  const dimensions: number[] = []
  const lowerBounds: number[] = []
  let at = start + 12
  if (end - at < dimensionCount * 8) throw insufficientData()
  for (let i = 0; i < dimensionCount; i++, at += 8) {
    dimensions.push(bytes.readInt32BE(at))
    lowerBounds.push(bytes.readInt32BE(at + 4))
  }
  const count = dimensionCount === 0 ? 0 : dimensions.reduce((product, length) => product * length, 1)
  if (dimensions.some((length) => length < 0) || count > (end - at) / 4) throw insufficientData()
  const elements: Value[] = []
  for (let i = 0; i < count; i++) {
    if (end - at < 4) throw insufficientData()
    const size = bytes.readInt32BE(at)
    at += 4
    if (size < -1 || size > end - at) throw insufficientData()
    elements.push(size < 0 ? null : element.receive(bytes, at, at + size, typmod, context))
    at += Math.max(size, 0)
  }
  if (at !== end) throw new SqlError('22P03', 'incorrect binary data format')
  return count === 0
    ? new ArrayValue(element.oid, [])
    : new ArrayValue(element.oid, elements, dimensions, lowerBounds)
}

function wrongElementType(oid: number, element: Type, context: TypeContext): SqlError {
  const expected = `${element.oid} (${context.lookup.regOidToName('regtype', element.oid)})`
  const actual = `${oid} (${context.lookup.regOidToName('regtype', oid)})`
  return new SqlError('42804', `binary data has array element type ${actual} instead of expected ${expected}`)
}

function sendArray(element: Type, value: ArrayValue, writer: ByteWriter, context: TypeContext): void {
  writer.int32(value.dimensions.length)
  writer.int32(value.elements.includes(null) ? 1 : 0)
  writer.int32(element.oid)
  value.dimensions.forEach((length, i) => {
    writer.int32(length)
    writer.int32(value.lowerBounds[i] as number)
  })
  writeElements(value, writer, (item) => element.send(item, writer, context))
}

/** Each element with its size in front, -1 for NULL. */
function writeElements(
  value: ArrayValue,
  writer: ByteWriter,
  write: (item: NonNullable<Value>) => void,
): void {
  for (const item of value.elements) {
    const at = writer.length
    writer.int32(-1)
    if (item === null) continue
    write(item)
    writer.setInt32(at, writer.length - at - 4)
  }
}

type Compare = NonNullable<Type['compare']>

/** Elements first (NULL above all), then their count, then the dimensions, then the lower bounds. */
function compareArrays(compare: Compare, a: ArrayValue, b: ArrayValue): number {
  const count = Math.min(a.elements.length, b.elements.length)
  for (let i = 0; i < count; i++) {
    const x = a.elements[i] ?? null
    const y = b.elements[i] ?? null
    if (x === null || y === null) {
      if (x !== y) return x === null ? 1 : -1
      continue
    }
    const order = compare(x, y)
    if (order !== 0) return order
  }
  return (
    a.elements.length - b.elements.length ||
    a.dimensions.length - b.dimensions.length ||
    compareNumbers(a.dimensions, b.dimensions) ||
    compareNumbers(a.lowerBounds, b.lowerBounds)
  )
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) {
    const order = (a[i] as number) - (b[i] as number)
    if (order !== 0) return order
  }
  return 0
}

function hashArray(hashKey: NonNullable<Type['hashKey']>, value: ArrayValue): string {
  let key = `${value.dimensions.join()};${value.lowerBounds.join()}`
  for (const item of value.elements) {
    if (item === null) {
      key += ';N'
    } else {
      const part = String(hashKey(item))
      key += `;${part.length}:${part}`
    }
  }
  return key
}

function encodeArrayKey(
  encodeKey: NonNullable<Type['encodeKey']>,
  value: ArrayValue,
  writer: ByteWriter,
): void {
  for (const item of value.elements) {
    writer.uint8(item === null ? 2 : 1)
    if (item !== null) encodeKey(item, writer)
  }
  writer.uint8(0)
  writer.uint8(value.dimensions.length)
  for (const length of value.dimensions) writeKeyInt4(length, writer)
  for (const lower of value.lowerBounds) writeKeyInt4(lower, writer)
}

function encodeStoredArray(element: Type, value: ArrayValue, writer: ByteWriter): void {
  writer.uint8(value.dimensions.length)
  value.dimensions.forEach((length, i) => {
    writer.int32(length)
    writer.int32(value.lowerBounds[i] as number)
  })
  writeElements(value, writer, (item) => element.encodeStored(item, writer))
}

function decodeStoredArray(element: Type, bytes: Buffer, start: number): ArrayValue {
  const dimensionCount = bytes[start] as number
  const dimensions: number[] = []
  const lowerBounds: number[] = []
  let count = dimensionCount === 0 ? 0 : 1
  let at = start + 1
  for (let i = 0; i < dimensionCount; i++, at += 8) {
    const length = bytes.readInt32BE(at)
    dimensions.push(length)
    lowerBounds.push(bytes.readInt32BE(at + 4))
    count *= length
  }
  const elements: Value[] = []
  for (let i = 0; i < count; i++) {
    const size = bytes.readInt32BE(at)
    at += 4
    elements.push(size < 0 ? null : element.decodeStored(bytes, at, at + size))
    if (size > 0) at += size
  }
  return new ArrayValue(element.oid, elements, dimensions, lowerBounds)
}
