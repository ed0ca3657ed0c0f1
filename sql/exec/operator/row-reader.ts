// Generates the functions that turn a stored cell into a row of just the columns asked for.
//
//   read(rt, cell):  decode what the filter needs ─▶ filter ─▶ decode the rest ─▶ [outputs]      undefined: filtered out
//
// Rows of an older layout take the slow way through the codec's own decoder. Nothing in here may suspend: the cell is
// gone after a suspension. Filters that might are put into an operator of their own.

import { copyBytes } from '../../../storage/base/bytes.ts'
import type { Cell } from '../../../storage/engine/engine.ts'
import type { Table } from '../../catalog/catalog.ts'
import type { RelationId } from '../../tree/expr.ts'
import { unsupported } from '../../types/sql-error.ts'
import { RecordValue, type Row, type Value } from '../../types/value.ts'
import type { ExpressionCompiler } from '../expression/compiler.ts'
import type { Fragment } from '../expression/source.ts'
import type { Runtime } from '../runtime.ts'

/** Decodes, filters and projects one cell; undefined when the filter refuses it. */
export type RowReader = (rt: Runtime, cell: Cell) => Row | undefined

const WHOLE_ROW = -100
const ROW_KEY = -101
const ROW_LSN = -102

/** The columns of one table's cell, as source; decoded into variables when first asked for. */
export class CellColumns {
  readonly #table: Table
  readonly #compiler: () => ExpressionCompiler
  /** Column index by entry column: TableFrom.tableColumns. */
  readonly #tableColumns: readonly number[]
  readonly #declared = new Map<number, string>()
  #pending: { readonly name: string; readonly attnum: number }[] = []
  #statements: string[] = []
  #attnums: number[] = []

  constructor(table: Table, tableColumns: readonly number[], compiler: () => ExpressionCompiler) {
    this.#table = table
    this.#tableColumns = tableColumns
    this.#compiler = compiler
  }

  /** A column of the entry, system and planner columns included. */
  column(column: number, rowType: number): Fragment {
    const { builder } = this.#compiler()
    const table = this.#table
    if (column >= 0) return this.#stored(this.#tableColumns[column] ?? -1)
    switch (column) {
      case WHOLE_ROW:
        return { source: this.#wholeRow(rowType), nullable: false, simple: false }
      case ROW_KEY:
        return { source: `${builder.bind(copyKey)}(cell)`, nullable: false, simple: false }
      case ROW_LSN:
        return { source: 'cell.lsn', nullable: false, simple: true }
      case -6:
        return { source: String(table.oid), nullable: false, simple: true }
      case -1:
        if (table.clusterKey !== undefined)
          throw unsupported('ctid of a table that is stored by its primary key')
        return { source: `${builder.bind(tidOf)}(cell)`, nullable: false, simple: false }
      case -2:
        return { source: `${builder.bind(transactionIdOf)}(cell)`, nullable: false, simple: false }
      default:
        return { source: '0', nullable: false, simple: true }
    }
  }

  /** Statements that decode what was asked for since the last call. */
  flush(): string {
    const { builder } = this.#compiler()
    const { codec } = this.#table
    const scope = { bind: (value: unknown): string => builder.bind(value), isWide: false }
    const lines = this.#pending.map(({ name, attnum }) => {
      const position = this.#attnums.indexOf(attnum)
      return `const ${name} = other !== undefined ? other[${position}] : ${codec.newestColumnSource(scope, attnum)}`
    })
    this.#pending = []
    this.#statements.push(...lines)
    return lines.join('\n')
  }

  /** The statements before the first flush's. Call it last: it knows all columns then. */
  prologue(): string {
    const { builder } = this.#compiler()
    const { codec } = this.#table
    if (this.#attnums.length === 0) return ''
    const decode = builder.bind(codec.compileDecoder(this.#attnums))
    return [
      'const view = cell.view, bytes = cell.bytes, start = cell.start',
      `const other = view.getUint16(start, true) === ${codec.version} ? undefined : ${decode}(cell)`,
    ].join('\n')
  }

  #stored(tableColumn: number): Fragment {
    const column = this.#table.columns[tableColumn]
    if (column === undefined) throw unsupported('a column of this kind')
    let name = this.#declared.get(column.number)
    if (name === undefined) {
      name = `c${column.number}`
      this.#declared.set(column.number, name)
      this.#pending.push({ name, attnum: column.number })
      this.#attnums.push(column.number)
    }
    return { source: name, nullable: !column.notNull, simple: true }
  }

  #wholeRow(rowType: number): string {
    const { builder } = this.#compiler()
    const live = this.#table.columns.filter((column) => !column.isDropped)
    const decode = this.#table.codec.compileDecoder(live.map((column) => column.number))
    const shape = { names: live.map((column) => column.name), types: live.map((column) => column.type) }
    const make = (cell: Cell): Value => new RecordValue(rowType, decode(cell), shape)
    return `${builder.bind(make)}(cell)`
  }
}

export function copyKey(cell: Cell): Buffer {
  const copy = Buffer.allocUnsafe(cell.keyEnd - cell.keyStart)
  copyBytes(cell.keyBytes, cell.keyStart, cell.keyEnd, copy, 0)
  return copy
}

/** Row ids as tids: pages of 2^16 rows. */
function tidOf(cell: Cell): string {
  const high = cell.keyBytes.readUInt32BE(cell.keyStart)
  const low = cell.keyBytes.readUInt32BE(cell.keyStart + 4)
  const id = high * 0x1_0000_0000 + low
  return `(${Math.floor(id / 0x10000)},${id % 0x10000})`
}

/** xmin: the commit's LSN folded into 32 bits, never below 3 (the first normal transaction id). */
function transactionIdOf(cell: Cell): number {
  return Math.max(3, cell.lsn % 0x1_0000_0000)
}

export interface ReaderParts {
  /** Source of the filter as a condition; '' for none. Evaluated before outputs are decoded. */
  readonly filter: string
  readonly filterColumns: string
  readonly outputs: readonly string[]
  readonly outputColumns: string
  readonly prologue: string
}

/** Puts the parts together. */
export function buildReader(compiler: ExpressionCompiler, parts: ReaderParts): RowReader {
  const body = [
    parts.prologue,
    parts.filterColumns,
    parts.filter === '' ? '' : `if (!(${parts.filter})) return undefined`,
    parts.outputColumns,
    `return [${parts.outputs.join(', ')}]`,
  ]
  return compiler.builder.build<RowReader>('rt, cell', body.filter((line) => line !== '').join('\n'))
}

export type { RelationId }
