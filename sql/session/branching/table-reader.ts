// Rows of a table as it is in another place, in the shape of ours: columns by name, what is missing NULL, and the
// identity by which rows of two places are compared.
//
//   cell there ─decode─▶ their columns ─by name─▶ our live columns ─▶ RecordValue of our row type
//
// Identity: the primary key's encoding, if we have one and both sides have its columns; else the whole row's encoding, so
// that a changed row is one that went and one that came.

import { must } from '../../../storage/base/assert.ts'
import { ByteWriter } from '../../../storage/base/byte-writer.ts'
import type { Cell } from '../../../storage/engine/engine.ts'
import type { Catalog, Index, Table } from '../../catalog/catalog.ts'
import { liveColumns, matchColumns, type OpenPlace } from '../../exec/open-place.ts'
import { keyColumnsOf } from '../../exec/modify/index-key.ts'
import { compileKeyEncoder } from '../../types/key-codec.ts'
import type { TypeContext } from '../../types/type.ts'
import { RecordValue, type Row, type Value } from '../../types/value.ts'

/** Our side of a comparison: the table whose shape everything gets. */
export class TableShape {
  readonly table: Table
  readonly catalog: Catalog
  /** Live columns, as indexes of table.columns. */
  readonly live: readonly number[]
  readonly primaryKey: Index | undefined
  readonly #description: { readonly names: readonly string[]; readonly types: readonly number[] }
  readonly #writer = new ByteWriter()
  /** Where the newest layout's columns lie in a row of live columns. */
  readonly #stored: readonly number[]
  readonly #encodeKey: ((row: Row) => string) | undefined

  constructor(table: Table, catalog: Catalog) {
    this.table = table
    this.catalog = catalog
    this.live = liveColumns(table)
    const columns = this.live.map((at) => must(table.columns[at]))
    this.#description = { names: columns.map(({ name }) => name), types: columns.map(({ type }) => type) }
    this.primaryKey = table.indexes.find((index) => index.isPrimary)
    this.#stored = must(table.layouts.at(-1)).columns.map((at) => this.live.indexOf(at))
    this.#encodeKey = this.primaryKey && this.#keyEncoder(this.primaryKey)
  }

  /** Positions of the primary key's columns in a row of live columns; empty without one. */
  get keyPositions(): readonly number[] {
    return this.primaryKey?.columns.map(({ column }) => this.live.indexOf(column)) ?? []
  }

  record(row: Row): RecordValue {
    return new RecordValue(this.table.rowTypeOid, row, this.#description)
  }

  /** Names a row among those of its table; rows of two places with one identity are versions of one row. */
  identity(row: Row): string {
    if (this.#encodeKey === undefined || this.keyPositions.some((at) => row[at] === null))
      return this.bytes(row)
    return this.#encodeKey(row)
  }

  /** The row's stored form: equal for equal rows. */
  bytes(row: Row): string {
    const writer = this.#writer
    writer.reset()
    this.table.codec.encode(
      this.#stored.map((at) => (at < 0 ? null : (row[at] as Value))),
      writer,
    )
    return writer.bytes.toString('latin1', 0, writer.length)
  }

  #keyEncoder(index: Index): (row: Row) => string {
    const columns = keyColumnsOf(index, (oid) => must(this.catalog.type(oid)))
    const encode = compileKeyEncoder(columns)
    const writer = new ByteWriter()
    const positions = index.columns.map(({ column }) => this.live.indexOf(column))
    return (row) => {
      writer.reset()
      encode(
        positions.map((at) => row[at] as Value),
        writer,
      )
      return writer.bytes.toString('latin1', 0, writer.length)
    }
  }
}

type Converter = (value: NonNullable<Value>) => Value

/** Decodes the rows of one table into a shape. */
export class TableReader {
  readonly shape: TableShape
  readonly theirs: Table
  readonly place: Pick<OpenPlace, 'catalog' | 'databaseName' | 'view'>
  readonly #decode: (cell: Cell) => Row

  /** Which of the shape's live columns are there. */
  readonly has: readonly boolean[]

  /**
   * SqlError 42804 for a column whose type is another one there. With a context to convert values in (a merge), they are
   * converted, and columns that are not there have the value that adding them would give.
   */
  constructor(
    shape: TableShape,
    theirs: Table,
    place: Pick<OpenPlace, 'catalog' | 'databaseName' | 'view'>,
    conversion?: TypeContext,
  ) {
    this.shape = shape
    this.theirs = theirs
    this.place = place
    const columns = matchColumns(shape.table, shape.catalog, theirs, place, conversion !== undefined)
    this.has = columns.map((at) => at >= 0)
    const present = columns.filter((at) => at >= 0)
    const decode = theirs.codec.compileDecoder(present.map((at) => must(theirs.columns[at]).number))
    const converters = conversion === undefined ? [] : this.#converters(columns, conversion)
    const missing = conversion === undefined ? [] : this.#missing(columns, conversion)
    if (present.length === columns.length && converters.every((one) => one === undefined))
      this.#decode = decode
    else {
      const positions = columns.map((at) => (at < 0 ? -1 : present.indexOf(at)))
      this.#decode = (cell) => {
        const row = decode(cell)
        return positions.map((at, i) => {
          if (at < 0) return missing[i] ?? null
          const value = row[at] as Value
          return value === null ? null : (converters[i]?.(value) ?? value)
        })
      }
    }
  }

  /** What ALTER TABLE ADD COLUMN gave to the rows that were there: those of a side that has not got the column yet. */
  #missing(columns: readonly number[], context: TypeContext): Row {
    const { table, catalog, live } = this.shape
    return columns.map((at, i) => {
      const { missing, type, typmod } = must(table.columns[must(live[i])])
      return at >= 0 || missing === undefined
        ? null
        : must(catalog.type(type)).input(missing, typmod, context)
    })
  }

  /** Through text, as an assignment of unlike types would go; undefined for columns of one type. */
  #converters(columns: readonly number[], context: TypeContext): readonly (Converter | undefined)[] {
    const { table, catalog, live } = this.shape
    return columns.map((at, i) => {
      const ours = must(table.columns[must(live[i])])
      const theirs = at < 0 ? undefined : must(this.theirs.columns[at])
      if (theirs === undefined || theirs.type === ours.type) return undefined
      const from = must(this.place.catalog.type(theirs.type))
      const to = must(catalog.type(ours.type))
      return (value) => to.input(from.output(value, context), ours.typmod, context)
    })
  }

  read(cell: Cell): Row {
    return this.#decode(cell)
  }
}
