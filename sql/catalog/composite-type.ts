// Row types: a composite's text, binary and stored forms, made from those of its fields.
//
//   text    (a,"b c",,"say ""x""")          an absent field is NULL, an empty one is ""
//   binary  i32 count | (i32 type oid, i32 size or -1, bytes) each
//   stored  u16 count | (i32 size or -1, bytes) each: a later ALTER TYPE ... ADD ATTRIBUTE reads as NULL

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Behaviour } from '../types/define-type.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Type, TypeContext } from '../types/type.ts'
import { RecordValue, type Value } from '../types/value.ts'

export interface CompositeField {
  readonly name: string
  readonly type: Type
  readonly typmod: number
}

const malformed = (text: string, detail: string): SqlError =>
  new SqlError('22P02', `malformed record literal: "${text}"`, { detail })

/** Splits '(a,"b",)' into its fields; null for absent ones. */
export function parseRecordText(text: string): (string | null)[] {
  let at = 0
  const space = /\s/
  while (at < text.length && space.test(text.charAt(at))) at++
  if (text.charAt(at) !== '(') throw malformed(text, 'Missing left parenthesis.')
  at++
  const fields: (string | null)[] = []
  for (;;) {
    let field = ''
    let isQuoted = false
    let isPresent = false
    for (;;) {
      const char = text.charAt(at)
      if (char === '') throw malformed(text, 'Unexpected end of input.')
      if (!isQuoted && (char === ',' || char === ')')) break
      isPresent = true
      at++
      if (char === '\\') {
        if (at >= text.length) throw malformed(text, 'Unexpected end of input.')
        field += text.charAt(at++)
      } else if (char !== '"') field += char
      else if (isQuoted && text.charAt(at) === '"') {
        field += '"'
        at++
      } else isQuoted = !isQuoted
    }
    fields.push(isPresent ? field : null)
    if (text.charAt(at++) === ')') break
  }
  while (at < text.length && space.test(text.charAt(at))) at++
  if (at < text.length) throw malformed(text, 'Junk after right parenthesis.')
  return fields
}

/** One field of a record's text, quoted where PostgreSQL quotes. */
export function quoteRecordField(text: string): string {
  return text === '' || /["\\(),\s]/.test(text)
    ? `"${text.replaceAll(/["\\]/g, (char) => char + char)}"`
    : text
}

/** A field that is NULL, which a domain may refuse. */
function absent(type: Type, context: TypeContext): null {
  if (type.kind === 'domain') context.lookup.checkDomain(type.oid, null)
  return null
}

export function compositeBehaviour(oid: number, fields: readonly CompositeField[]): Behaviour<RecordValue> {
  const description = { names: fields.map(({ name }) => name), types: fields.map(({ type }) => type.oid) }
  const types = fields.map(({ type }) => type)
  const record = (values: readonly Value[]): RecordValue => new RecordValue(oid, values, description)
  return {
    input(text, _typmod, context) {
      const parts = parseRecordText(text)
      if (fields.length === 0 && parts.length === 1 && parts[0] === null) return record([])
      if (parts.length !== fields.length) {
        throw malformed(text, parts.length < fields.length ? 'Too few columns.' : 'Too many columns.')
      }
      return record(
        parts.map((part, i) =>
          part === null
            ? absent(types[i] as Type, context)
            : (types[i] as Type).input(part, fields[i]?.typmod ?? -1, context),
        ),
      )
    },
    output(value, context) {
      const parts = value.fields.map((field, i) =>
        field === null ? '' : quoteRecordField((types[i] as Type).output(field, context)),
      )
      return `(${parts.join(',')})`
    },
    receive(bytes, start, _end, _typmod, context) {
      const count = bytes.readInt32BE(start)
      if (count !== types.length) {
        throw new SqlError('42804', `wrong number of columns: ${count}, expected ${types.length}`)
      }
      let at = start + 4
      return record(
        types.map((type, i) => {
          const size = bytes.readInt32BE(at + 4)
          at += 8
          if (size < 0) return absent(type, context)
          at += size
          return type.receive(bytes, at - size, at, fields[i]?.typmod ?? -1, context)
        }),
      )
    },
    send(value, writer, context) {
      writer.int32(types.length)
      types.forEach((type, i) => {
        writer.int32(type.oid)
        withLength(value.fields[i] ?? null, writer, (field) => type.send(field, writer, context))
      })
    },
    compare: types.every((type) => type.compare)
      ? (a, b) => compareFields(types, a.fields, b.fields)
      : undefined,
    hashKey: types.every((type) => type.hashKey) ? (value) => hashFields(types, value.fields) : undefined,
    encodeStored(value, writer) {
      writer.int16(types.length)
      types.forEach((type, i) => {
        withLength(value.fields[i] ?? null, writer, (field) => type.encodeStored(field, writer))
      })
    },
    decodeStored: (bytes, start) => record(decodeFields(types, bytes, start)),
  }
}

function withLength(field: Value, writer: ByteWriter, write: (field: NonNullable<Value>) => void): void {
  if (field === null) {
    writer.int32(-1)
    return
  }
  const at = writer.length
  writer.int32(0)
  write(field)
  writer.setInt32(at, writer.length - at - 4)
}

function decodeFields(types: readonly Type[], bytes: Buffer, start: number): Value[] {
  const count = bytes.readUInt16BE(start)
  let at = start + 2
  return types.map((type, i) => {
    if (i >= count) return null
    const size = bytes.readInt32BE(at)
    at += 4
    if (size < 0) return null
    at += size
    return type.decodeStored(bytes, at - size, at)
  })
}

/** Field by field; NULLs last, as in a btree. */
function compareFields(types: readonly Type[], a: readonly Value[], b: readonly Value[]): number {
  for (const [i, type] of types.entries()) {
    const left = a[i] ?? null
    const right = b[i] ?? null
    if (left === null || right === null) {
      if (left !== right) return left === null ? 1 : -1
      continue
    }
    const order = type.compare?.(left, right) ?? 0
    if (order !== 0) return order
  }
  return 0
}

function hashFields(types: readonly Type[], fields: readonly Value[]): string {
  const parts = types.map((type, i) => {
    const field = fields[i] ?? null
    if (field === null) return 'n'
    const hash = type.hashKey?.(field)
    return `${typeof hash}${String(hash)}`
  })
  return JSON.stringify(parts)
}
