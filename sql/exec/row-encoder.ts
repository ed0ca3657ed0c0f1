// Result rows on the wire: compiles, for the columns and formats of a portal, the function that writes a DataRow's
// columns. Each is an int32 length (-1: NULL) and its bytes.
//
//   int4 as text        digits straight into the buffer
//   everything else     room for the length, Type.writeText or Type.send, then the length

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Type } from '../types/type.ts'
import type { RowEncoder } from './execution.ts'

export interface EncodedColumn {
  readonly type: Type
  /** 0 text, 1 binary. */
  readonly format: number
}

const SMALL_INTEGERS: ReadonlySet<string> = new Set(['int2', 'int4'])
const TEXTS: ReadonlySet<string> = new Set(['text', 'varchar'])

/** Writes a non-negative or negative 32-bit integer in decimal, with its length word. */
function writeInteger(value: number, writer: ByteWriter): void {
  writer.reserve(15)
  const { bytes } = writer
  const start = writer.length + 4
  let rest = value < 0 ? -value : value
  let digits = rest < 10 ? 1 : rest < 100 ? 2 : rest < 1000 ? 3 : digitCount(rest)
  if (value < 0) {
    bytes[start] = 45
    digits++
  }
  let at = start + digits
  do {
    const next = Math.floor(rest / 10)
    bytes[--at] = 48 + rest - next * 10
    rest = next
  } while (rest > 0)
  bytes[start - 4] = 0
  bytes[start - 3] = 0
  bytes[start - 2] = 0
  bytes[start - 1] = digits
  writer.length = start + digits
}

function digitCount(value: number): number {
  let count = 4
  for (let limit = 10_000; value >= limit; limit *= 10) count++
  return count
}

function writeNull(writer: ByteWriter): void {
  writer.int32(-1)
}

/** The end of a value that began at `start` (behind its length word). */
function closeValue(writer: ByteWriter, start: number): void {
  writer.setInt32(start - 4, writer.length - start)
}

/** The encoder for rows of these columns; settings of the session's context matter to text output. */
export function compileRowEncoder(columns: readonly EncodedColumn[]): RowEncoder {
  const names = ['writeInteger', 'writeNull', 'closeValue']
  const values: unknown[] = [writeInteger, writeNull, closeValue]
  const lines = columns.flatMap(({ type, format }, i) => {
    names.push(`y${i}`)
    values.push(type)
    return [`v = r[${i}]`, `if (v === null) writeNull(w)`, `else ${writeSource(type, format, i)}`]
  })
  const body = `'use strict'\nreturn (r, w, c) => {\nlet v, s\n${lines.join('\n')}\n}`
  // eslint-disable-next-line no-new-func
  const factory = new Function(...names, body)
  return factory(...values) as RowEncoder
}

function writeSource(type: Type, format: number, i: number): string {
  if (format === 0 && SMALL_INTEGERS.has(type.rowSlot) && (type.name === 'int4' || type.name === 'int2')) {
    return 'writeInteger(v, w)'
  }
  const opened = 'w.int32(0); s = w.length'
  if (format === 0 && TEXTS.has(type.name)) return `{ ${opened}; w.utf8(v); closeValue(w, s) }`
  const write = format === 0 ? 'writeText' : 'send'
  return `{ ${opened}; y${i}.${write}(v, w, c); closeValue(w, s) }`
}
