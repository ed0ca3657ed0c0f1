// Sequential scan: every cell of a table's tree through a compiled reader.

import type { Cursor, View } from '../../../storage/engine/engine.ts'
import type { TreeId } from '../../../storage/base/ids.ts'
import type { Operator } from '../operator.ts'
import type { Runtime } from '../runtime.ts'
import type { Row } from '../../types/value.ts'
import type { RowReader } from './row-reader.ts'

export class ScanOperator implements Operator {
  readonly #runtime: Runtime
  readonly #read: RowReader
  readonly #cursor: Cursor
  #isPositioned = false
  #isDone = false
  #count = 0
  /** The cursor stands on a cell that the checkpoint kept us from reading. */

  constructor(runtime: Runtime, tree: TreeId, read: RowReader, view: View = runtime.view) {
    this.#runtime = runtime
    this.#read = read
    this.#cursor = runtime.database.cursor(view, tree)
    runtime.own(this)
  }

  next(): Row | undefined {
    if (this.#isDone) return undefined
    const cursor = this.#cursor
    if (!this.#isPositioned) {
      cursor.seek(undefined, undefined)
      this.#isPositioned = true
    }
    const read = this.#read
    const runtime = this.#runtime
    for (;;) {
      if ((++this.#count & 255) === 0) runtime.context.checkpoint()
      if (!cursor.next()) {
        this.#isDone = true
        return undefined
      }
      const row = read(runtime, cursor.cell)
      if (row !== undefined) return row
    }
  }

  rescan(): void {
    this.#isPositioned = false
    this.#isDone = false
  }

  close(): void {
    this.#isDone = true
    this.#cursor.close()
  }
}
