// Records and composite types (documentation, section 8.16): (1,"a b",) in text; column count, then oid, size
// and bytes of each column in binary. An anonymous record (record) can be written but not read.
//
//   stored    u32 type oid | u16 columns | (u32 oid, name, 00, i32 size or -1, bytes) each
//   key       per column 01 and its key, or 02 for NULL

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Behaviour } from './define-type.ts'
import { insufficientData, isSpace } from './input-errors.ts'
import { SqlError, unsupported } from './sql-error.ts'
import type { Type, TypeContext } from './type.ts'
import { RecordValue, type Value } from './value.ts'

export interface RecordField {
  readonly name: string
  readonly type: Type
  readonly typmod: number
}

/** What finds types when no context is at hand (comparison, storage). */
export type TypeResolver = (oid: number) => Type | undefined

const RECORD_OID = 2249

function resolve(find: TypeResolver, oid: number): Type {
  const type = find(oid)
  if (type === undefined) throw unsupported(`comparison of records with a column of type ${oid}`)
  return type
}

/** Behaviour of the pseudo-type record. */
export function recordBehaviour(find: TypeResolver): Behaviour<RecordValue> {
  const refuse = (): never => {
    throw new SqlError('0A000', 'input of anonymous composite types is not implemented')
  }
  return { ...sharedBehaviour(find), input: refuse, receive: refuse }
}

/** Behaviour of a composite type with these columns. */
export function compositeBehaviour(
  oid: number,
  fields: readonly RecordField[],
  find: TypeResolver,
): Behaviour<RecordValue> {
  const description = { names: fields.map(({ name }) => name), types: fields.map(({ type }) => type.oid) }
  const own = (typeOid: number): Type | undefined =>
    fields.find(({ type }) => type.oid === typeOid)?.type ?? find(typeOid)
  return {
    ...sharedBehaviour(own),
    input(text, _typmod, context) {
      const columns = parseRecord(text, fields.length)
      const values = fields.map(({ type, typmod }, i) => {
        const column = columns[i] ?? null
        return column === null ? null : type.input(column, typmod, context)
      })
      return new RecordValue(oid, values, description)
    },
    receive: (bytes, start, end, _typmod, context) => {
      const values = receiveColumns(fields, { bytes, start, end }, context)
      return new RecordValue(oid, values, description)
    },
  }
}

function sharedBehaviour(find: TypeResolver): Omit<Behaviour<RecordValue>, 'input' | 'receive'> {
  return {
    output: formatRecord,
    send: sendRecord,
    compare: (a, b) => compareRecords(find, a, b),
    hashKey: (value) => hashRecord(find, value),
    encodeKey: (value, writer) => encodeRecordKey(find, value, writer),
    encodeStored: (value, writer) => encodeStoredRecord(find, value, writer),
    decodeStored: (bytes, start) => decodeStoredRecord(find, bytes, start),
  }
}

function malformed(text: string, detail: string): SqlError {
  return new SqlError('22P02', `malformed record literal: "${text}"`, { detail })
}

/** The columns' texts of a record literal, null for NULL. */
function parseRecord(text: string, count: number): (string | null)[] {
  let at = 0
  const skipSpace = (): void => {
    while (isSpace(text.charCodeAt(at))) at++
  }
  skipSpace()
  if (text[at] !== '(') throw malformed(text, 'Missing left parenthesis.')
  at++
  const columns: (string | null)[] = []
  for (let i = 0; i < count; i++) {
    if (i > 0) {
      if (text[at] !== ',') throw malformed(text, 'Too few columns.')
      at++
    }
    if (text[at] === ',' || text[at] === ')') {
      columns.push(null)
      continue
    }
    const column = scanColumn(text, at)
    columns.push(column.value)
    at = column.end
  }
  if (text[at] === ',') throw malformed(text, 'Too many columns.')
  if (text[at] !== ')') throw malformed(text, 'Unexpected end of input.')
  at++
  skipSpace()
  if (at < text.length) throw malformed(text, 'Junk after right parenthesis.')
  return columns
}

/** One column's text: quotes anywhere, doubled quotes inside them, backslashes before anything. */
function scanColumn(text: string, start: number): { value: string; end: number } {
  let value = ''
  let inQuotes = false
  for (let at = start; ; at++) {
    const character = text[at]
    if (character === undefined) throw malformed(text, 'Unexpected end of input.')
    if (!inQuotes && (character === ',' || character === ')')) return { value, end: at }
    if (character === '\\') {
      if (++at >= text.length) throw malformed(text, 'Unexpected end of input.')
      value += text[at]
    } else if (character !== '"') {
      value += character
    } else if (inQuotes && text[at + 1] === '"') {
      value += '"'
      at++
    } else {
      inQuotes = !inQuotes
    }
  }
}

function needsQuotes(text: string): boolean {
  return text === '' || /["\\(), \t-\r]/.test(text)
}

function formatRecord(value: RecordValue, context: TypeContext): string {
  const columns = value.fields.map((field, i) => {
    if (field === null) return ''
    const text = context.lookup.type(value.fieldTypes[i] as number).output(field, context)
    return needsQuotes(text) ? `"${text.replace(/["\\]/g, '$&$&')}"` : text
  })
  return `(${columns.join(',')})`
}

interface Span {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

function receiveColumns(
  fields: readonly RecordField[],
  { bytes, start, end }: Span,
  context: TypeContext,
): Value[] {
  if (end - start < 4) throw insufficientData()
  const count = bytes.readInt32BE(start)
  if (count !== fields.length) {
    throw new SqlError('42804', `wrong number of columns: ${count}, expected ${fields.length}`)
  }
  let at = start + 4
  const values = fields.map(({ type, typmod }, i) => {
    if (end - at < 8) throw insufficientData()
    const oid = bytes.readUInt32BE(at)
    if (oid !== type.oid) {
      const name = (typeOid: number): string =>
        `${typeOid} (${context.lookup.regOidToName('regtype', typeOid)})`
      const types = `type ${name(oid)} instead of expected ${name(type.oid)}`
      const problem = `binary data has ${types} in record column ${i + 1}`
      throw new SqlError('42804', problem)
    }
    const size = bytes.readInt32BE(at + 4)
    at += 8
    if (size < -1 || size > end - at) throw insufficientData()
    const value = size < 0 ? null : type.receive(bytes, at, at + size, typmod, context)
    at += Math.max(size, 0)
    return value
  })
  if (at !== end) throw new SqlError('22P03', 'incorrect binary data format')
  return values
}

function sendRecord(value: RecordValue, writer: ByteWriter, context: TypeContext): void {
  writer.int32(value.fields.length)
  value.fields.forEach((field, i) => {
    const oid = value.fieldTypes[i] as number
    writer.int32(oid)
    writeSized(writer, field, (present) => context.lookup.type(oid).send(present, writer, context))
  })
}

/** A size word, -1 for NULL, then what `write` writes. */
function writeSized(writer: ByteWriter, value: Value, write: (present: NonNullable<Value>) => void): void {
  const at = writer.length
  writer.int32(-1)
  if (value === null) return
  write(value)
  writer.setInt32(at, writer.length - at - 4)
}

/** Column by column, NULL above all; the types must agree. */
function compareRecords(find: TypeResolver, a: RecordValue, b: RecordValue): number {
  const count = Math.min(a.fields.length, b.fields.length)
  for (let i = 0; i < count; i++) {
    const oid = a.fieldTypes[i] as number
    const type = resolve(find, oid)
    if (oid !== b.fieldTypes[i]) {
      const other = resolve(find, b.fieldTypes[i] as number)
      const types = `${type.name} and ${other.name}`
      const problem = `cannot compare dissimilar column types ${types} at record column ${i + 1}`
      throw new SqlError('42804', problem)
    }
    const x = a.fields[i] ?? null
    const y = b.fields[i] ?? null
    if (x === null || y === null) {
      if (x !== y) return x === null ? 1 : -1
      continue
    }
    if (type.compare === undefined) {
      throw new SqlError('42883', `could not identify a comparison function for type ${type.name}`)
    }
    const order = type.compare(x, y)
    if (order !== 0) return order
  }
  if (a.fields.length !== b.fields.length) {
    throw new SqlError('42804', 'cannot compare record types with different numbers of columns')
  }
  return 0
}

function hashRecord(find: TypeResolver, value: RecordValue): string {
  let key = ''
  value.fields.forEach((field, i) => {
    if (field === null) {
      key += 'N;'
      return
    }
    const type = resolve(find, value.fieldTypes[i] as number)
    if (type.hashKey === undefined) {
      throw new SqlError('42883', `could not identify a hash function for type ${type.name}`)
    }
    const part = String(type.hashKey(field))
    key += `${part.length}:${part};`
  })
  return key
}

function encodeRecordKey(find: TypeResolver, value: RecordValue, writer: ByteWriter): void {
  value.fields.forEach((field, i) => {
    writer.uint8(field === null ? 2 : 1)
    if (field === null) return
    const type = resolve(find, value.fieldTypes[i] as number)
    if (type.encodeKey === undefined) {
      throw new SqlError('42883', `could not identify a comparison function for type ${type.name}`)
    }
    type.encodeKey(field, writer)
  })
}

function encodeStoredRecord(find: TypeResolver, value: RecordValue, writer: ByteWriter): void {
  writer.int32(value.typeOid)
  writer.int16(value.fields.length)
  value.fields.forEach((field, i) => {
    const oid = value.fieldTypes[i] as number
    writer.int32(oid)
    writer.utf8(value.fieldNames[i] ?? '')
    writer.uint8(0)
    writeSized(writer, field, (present) => resolve(find, oid).encodeStored(present, writer))
  })
}

function decodeStoredRecord(find: TypeResolver, bytes: Buffer, start: number): RecordValue {
  const typeOid = bytes.readUInt32BE(start) || RECORD_OID
  const count = bytes.readUInt16BE(start + 4)
  const names: string[] = []
  const types: number[] = []
  const fields: Value[] = []
  let at = start + 6
  for (let i = 0; i < count; i++) {
    const oid = bytes.readUInt32BE(at)
    const nameEnd = bytes.indexOf(0, at + 4)
    names.push(bytes.toString('utf8', at + 4, nameEnd))
    types.push(oid)
    const size = bytes.readInt32BE(nameEnd + 1)
    at = nameEnd + 5
    fields.push(size < 0 ? null : resolve(find, oid).decodeStored(bytes, at, at + size))
    at += Math.max(size, 0)
  }
  return new RecordValue(typeOid, fields, { names, types })
}
