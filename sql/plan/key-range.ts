// Compiles an index match into the function that computes key ranges at run time, and into the key of a point lookup.
//
//   base = key of the equal columns         no further bound:    [base, prefixEnd(base))
//   ascending column   low  >= v: base+v    > v: prefixEnd(base+v)      high  < v: base+v    <= v: prefixEnd(base+v)
//   descending column  the two ends change places
//
// NULL in any part: no row. Integers of another width than the column's that do not fit it: no row for =, and for
// bounds either no row or no bound.

import { must } from '../../storage/base/assert.ts'
import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { KeyRange } from '../exec/operator/index-scan.ts'
import { keyColumnsOf } from '../exec/modify/index-key.ts'
import type { Runtime } from '../exec/runtime.ts'
import {
  compileKeyPrefixEncoder,
  type KeyColumn,
  type KeyPrefixEncoder,
  prefixEnd,
  writeNotNullPrefix,
} from '../types/key-codec.ts'
import type { Type } from '../types/type.ts'
import { ArrayValue, type Row, type Value } from '../types/value.ts'
import type { IndexMatch, KeyPart } from './index-match.ts'
import { EMPTY_LAYOUT, type OuterScope } from './layout.ts'
import type { Planner } from './planner.ts'

type Evaluate = (rt: Runtime, r: Row) => Value

const NO_ROW: Row = []
const NOTHING: readonly KeyRange[] = []

const INTEGER_LIMITS: Readonly<Record<string, readonly [number, number] | undefined>> = {
  int2: [-0x8000, 0x7fff],
  int4: [-0x8000_0000, 0x7fff_ffff],
}

/** -1, 0, 1: the integer lies below, in, above the column's range. */
function place(type: Type, value: Value): number {
  const limits = INTEGER_LIMITS[type.rowSlot]
  if (limits === undefined) return 0
  return (value as number) < limits[0] ? -1 : (value as number) > limits[1] ? 1 : 0
}

export type RangesFunction = (rt: Runtime, writer: ByteWriter) => readonly KeyRange[]

export function compileRanges(
  planner: Planner,
  match: IndexMatch,
  outer: OuterScope | undefined,
  descending: boolean,
): RangesFunction {
  const columns = keyColumnsOf(match.index, (oid) => planner.type(oid))
  const encode = compileKeyPrefixEncoder(columns)
  const compile = (part: KeyPart | 'null' | undefined): Evaluate | undefined =>
    part === undefined || part === 'null' ? undefined : planner.compileValue(part.expr, EMPTY_LAYOUT, outer)
  const equal = match.equal.map((part) => (part === 'null' ? undefined : compile(part)))
  const count = equal.length
  const values: Row = columns.map(() => null)
  const bounds = new BoundWriter(match, columns, encode, values, compile(match.low), compile(match.high))
  const list = compile(match.list)
  return (rt, writer) => {
    for (let i = 0; i < count; i++) {
      const evaluate = equal[i]
      const value = evaluate === undefined ? null : evaluate(rt, NO_ROW)
      if (evaluate !== undefined && (value === null || place((columns[i] as KeyColumn).type, value) !== 0))
        return NOTHING
      values[i] = value
    }
    if (list !== undefined)
      return listRanges(list(rt, NO_ROW), must(columns[count]), { encode, values, count, descending }, writer)
    return bounds.ranges(rt, writer)
  }
}

/** col = ANY(array): a range for each distinct element, in the order of the scan. */
function listRanges(
  array: Value,
  column: KeyColumn,
  key: {
    readonly encode: KeyPrefixEncoder
    readonly values: Row
    readonly count: number
    readonly descending: boolean
  },
  writer: ByteWriter,
): readonly KeyRange[] {
  if (!(array instanceof ArrayValue)) return NOTHING
  const lows = new Map<string, Buffer>()
  for (const element of array.elements) {
    if (element === null || place(column.type, element) !== 0) continue
    key.values[key.count] = element
    writer.reset()
    key.encode(key.values, key.count + 1, writer)
    const low = writer.copy()
    lows.set(low.toString('latin1'), low)
  }
  const sorted = [...lows.values()].sort(Buffer.compare)
  if (key.descending) sorted.reverse()
  return sorted.map((low) => ({ low, high: prefixEnd(low) }))
}

/** The one range of an equality prefix and two optional bounds. */
class BoundWriter {
  readonly #match: IndexMatch
  readonly #columns: readonly KeyColumn[]
  readonly #encode: KeyPrefixEncoder
  readonly #values: Row
  readonly #low: Evaluate | undefined
  readonly #high: Evaluate | undefined

  constructor(
    match: IndexMatch,
    columns: readonly KeyColumn[],
    encode: KeyPrefixEncoder,
    values: Row,
    low: Evaluate | undefined,
    high: Evaluate | undefined,
  ) {
    this.#match = match
    this.#columns = columns
    this.#encode = encode
    this.#values = values
    this.#low = low
    this.#high = high
  }

  ranges(rt: Runtime, writer: ByteWriter): readonly KeyRange[] {
    const count = this.#match.equal.length
    writer.reset()
    this.#encode(this.#values, count, writer)
    const base = writer.copy()
    if (this.#low === undefined && this.#high === undefined) {
      return base.length === 0
        ? [{ low: undefined, high: undefined }]
        : [{ low: base, high: prefixEnd(base) }]
    }
    const column = must(this.#columns[count])
    const low = this.#low?.(rt, NO_ROW)
    const high = this.#high?.(rt, NO_ROW)
    if (low === null || high === null) return NOTHING
    if (low !== undefined && place(column.type, low) > 0) return NOTHING
    if (high !== undefined && place(column.type, high) < 0) return NOTHING
    const lowKey = low === undefined || place(column.type, low) !== 0 ? undefined : this.#key(low, writer)
    const highKey = high === undefined || place(column.type, high) !== 0 ? undefined : this.#key(high, writer)
    writer.reset()
    writer.raw(base)
    writeNotNullPrefix(column, writer)
    const all = writer.copy()
    const above = (key: Buffer | undefined, inclusive: boolean): Buffer | undefined =>
      key === undefined ? undefined : inclusive ? key : prefixEnd(key)
    const below = (key: Buffer | undefined, inclusive: boolean): Buffer | undefined =>
      key === undefined ? undefined : inclusive ? prefixEnd(key) : key
    const { low: lowBound, high: highBound } = this.#match
    const isLowInclusive = lowBound?.inclusive === true
    const isHighInclusive = highBound?.inclusive === true
    const allEnd = all.length === 0 ? undefined : prefixEnd(all)
    const allStart = all.length === 0 ? undefined : all
    if (column.descending) {
      const start = highKey === undefined ? allStart : above(highKey, isHighInclusive)
      return [{ low: start, high: lowKey === undefined ? allEnd : below(lowKey, isLowInclusive) }]
    }
    const start = lowKey === undefined ? allStart : above(lowKey, isLowInclusive)
    return [{ low: start, high: highKey === undefined ? allEnd : below(highKey, isHighInclusive) }]
  }

  #key(value: Value, writer: ByteWriter): Buffer {
    const count = this.#match.equal.length
    this.#values[count] = value
    writer.reset()
    this.#encode(this.#values, count + 1, writer)
    return writer.copy()
  }
}

/** Writes the key of a full match on a unique index; false: no row can match. */
export function compilePointKey(
  planner: Planner,
  match: IndexMatch,
  outer: OuterScope | undefined,
): (rt: Runtime, writer: ByteWriter) => boolean {
  const columns = keyColumnsOf(match.index, (oid) => planner.type(oid))
  const encode = compileKeyPrefixEncoder(columns)
  const compiler = planner.compiler([], outer)
  const { builder } = compiler
  const lines: string[] = []
  match.equal.forEach((part, i) => {
    if (part === 'null') throw new Error('a point lookup has no NULL')
    lines.push(`const v${i} = ${compiler.value(part.expr).source}`, `if (v${i} === null) return false`)
    const limits = INTEGER_LIMITS[must(columns[i]).type.rowSlot]
    if (part.fit === 'integer' && limits !== undefined) {
      lines.push(`if (v${i} < ${limits[0]} || v${i} > ${limits[1]}) return false`)
    }
  })
  const [only] = columns
  if (
    only !== undefined &&
    columns.length === 1 &&
    !only.nullable &&
    !only.descending &&
    only.type.encodeKey !== undefined
  ) {
    lines.push(`${builder.bind(only.type.encodeKey)}(v0, writer)`)
  } else {
    lines.push(
      `${builder.bind(encode)}([${match.equal.map((_, i) => `v${i}`).join(', ')}], ${columns.length}, writer)`,
    )
  }
  return builder.build('rt, writer', `${lines.join('\n')}\nreturn true`)
}
