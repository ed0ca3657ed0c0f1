// Generates the JavaScript that writes rows of one layout; the layout's table is in row-codec.ts. Like the
// decoder it is straight-line code: one statement a column. Rows above 64 KiB are written like others, then
// widened.

import { must } from '../../storage/base/assert.ts'
import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import { int8High, int8Low } from './int8.ts'
import { type LayoutPlan, type PlannedColumn, SLOT_SIZE_BYTES, WIDE_FLAG } from './row-layout.ts'
import { dateToSlot, float4Bits, float8High, float8Low, timestampHigh, timestampLow } from './slot-codec.ts'
import type { Row } from './value.ts'

/** What generated encoders call. */
const scope = {
  int8High,
  int8Low,
  float4Bits,
  float8High,
  float8Low,
  dateToSlot,
  timestampHigh,
  timestampLow,
  widen,
}

/** A function that appends a row of this layout to a writer; values in the order of its columns. */
export function compileEncoder(plan: LayoutPlan): (values: Row, writer: ByteWriter) => void {
  const { columns, endsOffset, variableCount } = plan
  const fixedSize = endsOffset + variableCount * 2
  const bitmap = Array.from({ length: Math.ceil(columns.length / 8) }, (_, i) => i)
  const variable = columns.filter(({ type }) => type.rowSlot === 'variable')
  const lines = [
    `writer.reserve(${fixedSize})`,
    'const base = writer.length',
    'let bytes = writer.bytes',
    'let value',
    ...bitmap.map((i) => `let nulls${i} = 0`),
    `bytes[base] = ${plan.version & 0xff}`,
    `bytes[base + 1] = ${plan.version >> 8}`,
    ...columns.filter(({ type }) => type.rowSlot !== 'variable').flatMap(fixedLines),
    `writer.length = base + ${fixedSize}`,
    'let end = 0',
    ...variable.flatMap((column) => variableLines(column, endsOffset + column.place * 2)),
    ...bitmap.map((i) => `bytes[base + ${2 + i}] = nulls${i}`),
  ]
  if (variable.length > 0) lines.push('if (end > 0xffff) widen(writer, base, plan, ends)')
  const names = [...Object.keys(scope), 'plan', 'ends', ...variable.map(({ index }) => `encode${index}`)]
  const bound = [...Object.values(scope), plan, new Array<number>(variableCount).fill(0)]
  const encoders = variable.map(({ type }) => type.encodeStored)
  const factory = new Function(...names, `'use strict'\nreturn (values, writer) => {\n${lines.join('\n')}\n}`)
  return factory(...bound, ...encoders) as (values: Row, writer: ByteWriter) => void
}

/** A statement that notes the column as NULL. */
function nullSource({ index }: PlannedColumn): string {
  return `nulls${index >> 3} |= ${1 << (index & 7)}`
}

function fixedLines(column: PlannedColumn): string[] {
  const size = SLOT_SIZE_BYTES[column.type.rowSlot]
  return [
    `value = values[${column.index}]`,
    `if (value === null) { ${nullSource(column)}; ${storeSource(column.place, '0', size)} }`,
    `else { ${slotSource(column)} }`,
  ]
}

/** A variable column; its end offset lies at `at`. */
function variableLines(column: PlannedColumn, at: number): string[] {
  return [
    `value = values[${column.index}]`,
    `if (value === null) ${nullSource(column)}`,
    `else { encode${column.index}(value, writer); bytes = writer.bytes }`,
    'end = writer.length - base',
    `bytes[base + ${at}] = end`,
    `bytes[base + ${at + 1}] = end >> 8`,
    `ends[${column.place}] = end`,
  ]
}

/** Statements that store `value` into a fixed slot. */
function slotSource({ place, type }: PlannedColumn): string {
  const words = (low: string, high: string): string => {
    const stores = [storeSource(place, 'low', 4), storeSource(place + 4, 'high', 4)]
    return `const high = ${high}, low = ${low}; ${stores.join('; ')}`
  }
  switch (type.rowSlot) {
    case 'bool':
      return `bytes[base + ${place}] = value ? 1 : 0`
    case 'int2':
    case 'int4':
    case 'uint4':
      return storeSource(place, 'value', SLOT_SIZE_BYTES[type.rowSlot])
    case 'date':
      return `const days = dateToSlot(value); ${storeSource(place, 'days', 4)}`
    case 'float4':
      return `const bits = float4Bits(value); ${storeSource(place, 'bits', 4)}`
    case 'float8':
      return words('float8Low()', 'float8High(value)')
    case 'int8':
      return words('int8Low(value)', 'int8High(value)')
    case 'timestamp':
      return words('timestampLow(value)', 'timestampHigh(value)')
    case 'variable':
      return ''
  }
}

function storeSource(place: number, name: string, size: number): string {
  const stores = Array.from({ length: size }, (_, i) => {
    const byte = name === '0' ? '0' : `${name} >> ${i * 8}`
    return `bytes[base + ${place + i}] = ${byte}`
  })
  return stores.join('; ')
}

/** Turns a row just written with 16-bit end offsets, which overflowed, into a WIDE one. */
function widen(writer: ByteWriter, base: number, plan: LayoutPlan, ends: readonly number[]): void {
  const extra = plan.variableCount * 2
  writer.reserve(extra)
  const { bytes } = writer
  const variableAt = base + plan.endsOffset + extra
  bytes.copyWithin(variableAt + extra, variableAt, writer.length)
  writer.length += extra
  for (let i = 0; i < plan.variableCount; i++) {
    bytes.writeUInt32LE(must(ends[i]) + extra, base + plan.endsOffset + i * 4)
  }
  bytes.writeUInt16LE(plan.version | WIDE_FLAG, base)
}
