// Generates the JavaScript that reads columns out of stored rows. For a table (a int4, b text) and the
// columns b, a:
//
//   const {view, bytes, start} = cell
//   if (view.getUint16(start, true) !== 0) return decodeOther(cell)
//   return [
//     (bytes[start + 2] & 2) !== 0 ? null : v0(bytes, start + 9, start + view.getUint16(start + 7, true)),
//     (bytes[start + 2] & 1) !== 0 ? null : view.getInt32(start + 3, true)
//   ]
//
// Only numbers of our own making enter the source; types and values enter through the scope.

import { must } from '../../storage/base/assert.ts'
import { int8FromWords } from './int8.ts'
import type { LayoutPlan, PlannedColumn, RowCell } from './row-layout.ts'
import { dateFromSlot, timestampFromWords } from './slot-codec.ts'
import type { Value } from './value.ts'

/** Collects what generated source refers to by name, and compiles it. */
export class DecoderScope {
  /** Whether rows have 32-bit end offsets. */
  readonly isWide: boolean
  readonly #names: string[] = []
  readonly #values: unknown[] = []

  constructor(isWide: boolean) {
    this.isWide = isWide
  }

  /** Makes a value available to the source; returns the name it has there. */
  bind(value: unknown): string {
    const known = this.#values.indexOf(value)
    if (known >= 0) return must(this.#names[known])
    const name = `v${this.#names.length}`
    this.#names.push(name)
    this.#values.push(value)
    return name
  }

  /** Compiles `cell => expression`; with `guard`, rows of another version go to its decodeOther. */
  compile<T>(
    expression: string,
    guard?: { readonly version: number; readonly decodeOther: (cell: RowCell) => T },
  ): (cell: RowCell) => T {
    const lines = ['const view = cell.view, bytes = cell.bytes, start = cell.start']
    if (guard !== undefined) {
      const other = this.bind(guard.decodeOther)
      lines.push(`if (view.getUint16(start, true) !== ${guard.version}) return ${other}(cell)`)
    }
    lines.push(`return ${expression}`)
    // eslint-disable-next-line no-new-func
    const factory = new Function(...this.#names, `'use strict'\nreturn (cell) => {\n${lines.join('\n')}\n}`)
    return factory(...this.#values) as (cell: RowCell) => T
  }
}

/** What sources of columns need of a scope: a name for a value, and which rows they are for. */
export type SourceScope = Pick<DecoderScope, 'bind' | 'isWide'>

/** An expression for a column of rows of this layout. */
export function columnSource(
  scope: SourceScope,
  plan: LayoutPlan,
  attnum: number,
  missing: ReadonlyMap<number, Value>,
): string {
  const column = plan.columns.find((candidate) => candidate.attnum === attnum)
  if (column === undefined) return scope.bind(missing.get(attnum) ?? null)
  const nullByte = 2 + (column.index >> 3)
  const isNull = `(bytes[start + ${nullByte}] & ${1 << (column.index & 7)}) !== 0`
  return `${isNull} ? null : ${valueSource(scope, plan, column)}`
}

function valueSource(scope: SourceScope, plan: LayoutPlan, column: PlannedColumn): string {
  const at = `start + ${column.place}`
  switch (column.type.rowSlot) {
    case 'bool':
      return `bytes[${at}] !== 0`
    case 'int2':
      return `view.getInt16(${at}, true)`
    case 'int4':
      return `view.getInt32(${at}, true)`
    case 'uint4':
      return `view.getUint32(${at}, true)`
    case 'float4':
      return `view.getFloat32(${at}, true)`
    case 'float8':
      return `view.getFloat64(${at}, true)`
    case 'int8':
      return `${scope.bind(int8FromWords)}(view.getInt32(${at} + 4, true), view.getUint32(${at}, true))`
    case 'date':
      return `${scope.bind(dateFromSlot)}(view.getInt32(${at}, true))`
    case 'timestamp':
      return `${scope.bind(timestampFromWords)}(view.getInt32(${at} + 4, true), view.getUint32(${at}, true))`
    case 'variable':
      return variableSource(scope, plan, column)
  }
}

function variableSource(scope: SourceScope, plan: LayoutPlan, { place, type }: PlannedColumn): string {
  const size = scope.isWide ? 4 : 2
  const endOf = (ordinal: number): string =>
    ordinal < 0
      ? `start + ${plan.endsOffset + plan.variableCount * size}`
      : `start + view.getUint${size * 8}(start + ${plan.endsOffset + ordinal * size}, true)`
  return `${scope.bind(type.decodeStored)}(bytes, ${endOf(place - 1)}, ${endOf(place)})`
}
