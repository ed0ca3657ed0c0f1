// in_branch and as_of where they are not planned as scans (in a target list, in ROWS FROM): rows as records, one at a
// time.

import type { Cursor } from '../../../storage/engine/engine.ts'
import { tableOfRowType, tableThere } from '../../exec/open-place.ts'
import type { OtherPlace } from '../../functions/borealis.ts'
import type { Value } from '../../types/value.ts'
import type { SessionCore } from '../session-core.ts'
import type { Places } from './places.ts'
import { TableReader, TableShape } from './table-reader.ts'

const CHECKPOINT_MASK = 255

export class ScanRows implements IterableIterator<Value> {
  readonly #core: SessionCore
  readonly #places: Places
  readonly #rowType: number
  readonly #where: OtherPlace
  #scan: { readonly reader: TableReader; readonly cursor: Cursor } | undefined
  #count = 0

  constructor(core: SessionCore, places: Places, rowType: number, where: OtherPlace) {
    this.#core = core
    this.#places = places
    this.#rowType = rowType
    this.#where = where
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<Value> {
    const { reader, cursor } = (this.#scan ??= this.#begin())
    if ((++this.#count & CHECKPOINT_MASK) === 0) this.#core.checkpoint()
    if (!cursor.next()) return { done: true, value: undefined }
    return { done: false, value: reader.shape.record(reader.read(cursor.cell)) }
  }

  #begin(): { readonly reader: TableReader; readonly cursor: Cursor } {
    const { catalog } = this.#core
    const functionName = this.#where.branch === null ? 'as_of' : 'in_branch'
    const shape = new TableShape(tableOfRowType(catalog, this.#rowType, functionName), catalog)
    const place = this.#places.open(this.#where)
    const reader = new TableReader(shape, tableThere(shape.table, catalog, place), place)
    const cursor = place.view.database.cursor(place.view, reader.theirs.tree)
    cursor.seek(undefined, undefined)
    return { reader, cursor }
  }
}
