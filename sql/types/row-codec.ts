// The stored row: how the columns of a table lie in the value of a cell. A table has several layouts over its
// life, because ALTER TABLE ADD or DROP COLUMN only adds a layout: a row keeps the layout it was written
// with, and columns that its layout lacks are answered with their missing value.
//
//   offset             size          field                                               all little-endian
//   0                  2             layout version; bit 15: WIDE
//   2                  ceil(n / 8)   null bitmap: bit i of the layout's column i, 1 = NULL
//   ...                sum of slots  a slot for each fixed-width column, in order, zeroes when NULL
//                                      bool 1, int2 2, int4/uint4/float4/date 4, int8/float8/timestamp 8
//   ...                v * 2         end of each variable column, in bytes from offset 0 (WIDE: v * 4)
//   ...                              the variable columns' bytes, in order; NULL has none
//
// All offsets but those of variable bytes are constants of the layout. Decoders and encoders are therefore
// generated: straight-line JavaScript for exactly the columns asked for.
//
// Invariants: the last layout is the newest, and the only one rows are written in; versions ascend; a
// column's type never changes under its attnum (ALTER COLUMN TYPE rewrites the table).

import { must } from '../../storage/base/assert.ts'
import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import { columnSource, DecoderScope, type SourceScope } from './row-decoder.ts'
import { compileEncoder } from './row-encoder.ts'
import { type LayoutPlan, planLayout, type RowCell, type RowLayout, WIDE_FLAG } from './row-layout.ts'
import type { Row, Value } from './value.ts'

export type RowDecoder = (cell: RowCell) => Row
export type ColumnReader = (cell: RowCell) => Value

/**
 * Encodes and decodes the rows of one table. Stateless but for compiled functions: share it, keep it with the
 * table.
 */
export class TableCodec {
  readonly #plans: readonly LayoutPlan[]
  readonly #newest: LayoutPlan
  readonly #missing: ReadonlyMap<number, Value>

  /**
   * Writes a row in the newest layout. `values[i]` belongs to the newest layout's column i; all are given.
   * Appends to the writer and leaves what was there.
   */
  readonly encode: (values: Row, writer: ByteWriter) => void

  /**
   * `missing`: by attnum, what a row of a layout without the column has there (pg_attribute.attmissingval).
   */
  constructor(layouts: readonly RowLayout[], missing: ReadonlyMap<number, Value> = new Map()) {
    this.#plans = layouts.map(planLayout)
    this.#newest = must(this.#plans.at(-1), 'a table has a layout')
    this.#missing = missing
    this.encode = compileEncoder(this.#newest)
  }

  /** A function that decodes the columns with these attnums, in this order, of a row of any layout. */
  compileDecoder(attnums: readonly number[]): RowDecoder {
    return this.#compile<Row>((scope, plan) => {
      const sources = attnums.map((attnum) => columnSource(scope, plan, attnum, this.#missing))
      return `[${sources.join(', ')}]`
    })
  }

  /** A function that reads one column, for filters that run before a row is made. */
  compileColumnReader(attnum: number): ColumnReader {
    return this.#compile<Value>((scope, plan) => columnSource(scope, plan, attnum, this.#missing))
  }

  /** The layout version that `encode` writes: the two little-endian bytes a row of it begins with. */
  get version(): number {
    return this.#newest.version
  }

  /**
   * For generated code that fuses reading with other work: an expression for a column of a row whose first
   * two bytes are `version`, over the names `bytes`, `view` and `start` of its cell.
   */
  newestColumnSource(scope: SourceScope, attnum: number): string {
    return columnSource(scope, this.#newest, attnum, this.#missing)
  }

  /** Compiles an expression over the newest layout, with a lazily compiled way out for rows of older ones. */
  #compile<T>(express: (scope: DecoderScope, plan: LayoutPlan) => string): (cell: RowCell) => T {
    const older = new Map<number, (cell: RowCell) => T>()
    const decodeOther = (cell: RowCell): T => {
      const header = cell.view.getUint16(cell.start, true)
      let decode = older.get(header)
      if (decode === undefined) {
        const plan = this.#plans.find(({ version }) => version === (header & ~WIDE_FLAG))
        const scope = new DecoderScope((header & WIDE_FLAG) !== 0)
        decode = scope.compile<T>(express(scope, must(plan, 'a row is of a known layout')))
        older.set(header, decode)
      }
      return decode(cell)
    }
    const scope = new DecoderScope(false)
    return scope.compile<T>(express(scope, this.#newest), { version: this.#newest.version, decodeOther })
  }
}
