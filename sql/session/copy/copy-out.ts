// COPY TO STDOUT under way: rows of a portal as CopyData messages, one a row. Resumable.

import { must } from '../../../storage/base/assert.ts'
import type { Type } from '../../types/type.ts'
import type { Portal } from '../portal.ts'
import type { SessionCore } from '../session-core.ts'
import type { CopyOptions } from './copy-options.ts'
import { type FieldPrinter, fieldPrinter } from './field-printer.ts'

/** Signature, flags, header extension length (documentation: COPY, "Binary Format"). */
export const BINARY_HEADER: Buffer = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')

export class CopyOut {
  rowCount = 0
  readonly #core: SessionCore
  readonly #portal: Portal
  readonly #options: CopyOptions
  #print: FieldPrinter | undefined
  #types: readonly Type[] = []
  #isStarted = false

  constructor(core: SessionCore, portal: Portal, options: CopyOptions) {
    this.#core = core
    this.#portal = portal
    this.#options = options
  }

  /** Sends everything. May suspend; then call again. */
  run(): void {
    const { sink } = this.#core
    if (!this.#isStarted) this.#start()
    for (;;) {
      if (sink.isFull) this.#core.flushRows(this.#portal)
      const row = this.#portal.nextRow()
      if (row === undefined) break
      sink.beginCopyData()
      if (this.#options.format === 'binary') this.#binaryRow(row)
      else this.#textRow(row)
      sink.endCopyData()
      this.rowCount++
    }
    if (this.#options.format === 'binary') {
      sink.beginCopyData()
      sink.writer.int16(-1)
      sink.endCopyData()
    }
    sink.copyDone()
  }

  #start(): void {
    const core = this.#core
    const { sink } = core
    this.#portal.prefetch()
    const columns = must(this.#portal.statement.columns)
    this.#types = columns.map((column) => core.context.lookup.type(column.type))
    const names = columns.map((column) => column.name)
    const isBinary = this.#options.format === 'binary'
    sink.copyOut(
      isBinary ? 1 : 0,
      columns.map(() => (isBinary ? 1 : 0)),
    )
    this.#isStarted = true
    if (isBinary) {
      sink.beginCopyData()
      sink.writer.raw(BINARY_HEADER)
      sink.endCopyData()
      return
    }
    this.#print = fieldPrinter(this.#options, names)
    if (this.#options.header === 'none') return
    sink.beginCopyData()
    this.#fields(names)
    sink.endCopyData()
  }

  #fields(texts: readonly (string | null)[]): void {
    const { writer } = this.#core.sink
    const delimiter = this.#options.delimiter.charCodeAt(0)
    const print = must(this.#print)
    texts.forEach((text, i) => {
      if (i > 0) writer.uint8(delimiter)
      print(text, i, writer)
    })
    writer.uint8(10)
  }

  #textRow(row: ReturnType<Portal['nextRow']>): void {
    const { context } = this.#core
    this.#fields(
      must(row).map((value, i) => (value === null ? null : must(this.#types[i]).output(value, context))),
    )
  }

  #binaryRow(row: ReturnType<Portal['nextRow']>): void {
    const { context, sink } = this.#core
    const { writer } = sink
    const values = must(row)
    writer.int16(values.length)
    values.forEach((value, i) => {
      if (value === null) {
        writer.int32(-1)
        return
      }
      const at = writer.length
      writer.int32(0)
      must(this.#types[i]).send(value, writer, context)
      writer.setInt32(at, writer.length - at - 4)
    })
  }
}
