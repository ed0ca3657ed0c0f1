// COPY FROM STDIN under way: bytes to fields, fields to values, values to rows of the table.
//
//   data(message) ──▶ FieldScanner ──▶ line ──▶ row of values ──▶ CopyWriter (checks, keys, write set)
//                        (binary: BinaryScanner)      └─ kept while the write must wait; then tried again
//
// Resumable: after a suspension the same call goes on with the row it had.

import { must } from '../../../storage/base/assert.ts'
import { copyBytes } from '../../../storage/base/bytes.ts'
import { SqlError } from '../../types/sql-error.ts'
import type { Type } from '../../types/type.ts'
import type { Row, Value } from '../../types/value.ts'
import { INT4_OID, INT8_OID } from '../../types/oids.ts'
import { shortInteger } from '../bind-parameters.ts'
import type { SessionCore } from '../session-core.ts'
import { BinaryScanner } from './binary-scanner.ts'
import type { CopyOptions } from './copy-options.ts'
import type { CopyTarget } from './copy-target.ts'
import { CopyWriter } from './copy-writer.ts'
import { FieldScanner } from './field-scanner.ts'

/** The last field of a column that was read as text, and its value: many columns repeat themselves. */
interface LastField {
  readonly bytes: Buffer
  /** -1: nothing is remembered. */
  length: number
  value: Value
}

interface InputColumn {
  readonly name: string
  readonly type: Type
  readonly typmod: number
  readonly isShortInteger: boolean
  readonly isForcedNotNull: boolean
  readonly isForcedNull: boolean
  readonly last: LastField
}

/** Longer fields are not compared with the last. */
const LAST_FIELD_SIZE_BYTES_MAX = 64

export class CopyIn {
  rowCount = 0
  /** Part of a simple query, which goes on after it. */
  readonly isSimple: boolean
  readonly #core: SessionCore
  readonly #target: CopyTarget
  readonly #options: CopyOptions
  readonly #columns: readonly InputColumn[]
  readonly #writer: CopyWriter
  readonly #fields: FieldScanner
  readonly #binary: BinaryScanner | undefined
  /** Read but not yet written. */
  #row: Row | undefined
  #column: string | undefined
  #isPushed = false
  #isHeaderDone: boolean
  #isFinished = false

  constructor(core: SessionCore, target: CopyTarget, options: CopyOptions, isSimple: boolean) {
    this.#core = core
    this.#target = target
    this.#options = options
    this.isSimple = isSimple
    this.#columns = target.columns.map((index) => this.#inputColumn(index))
    this.#requireColumns('FORCE_NOT_NULL', options.forceNotNull)
    this.#requireColumns('FORCE_NULL', options.forceNull)
    this.#writer = new CopyWriter(core, target)
    this.#fields = new FieldScanner(options)
    this.#binary = options.format === 'binary' ? new BinaryScanner() : undefined
    this.#isHeaderDone = options.header === 'none'
  }

  #requireColumns(option: string, names: readonly string[]): void {
    const { table } = this.#target
    for (const name of names) {
      if (!table.columns.some((column) => !column.isDropped && column.name === name))
        throw new SqlError('42703', `column "${name}" of relation "${table.name}" does not exist`)
      if (!this.#columns.some((column) => column.name === name))
        throw new SqlError('42P10', `${option} column "${name}" not referenced by COPY`)
    }
  }

  #inputColumn(index: number): InputColumn {
    const column = must(this.#target.table.columns[index])
    const type = this.#core.context.lookup.type(column.type)
    return {
      name: column.name,
      type,
      typmod: column.typmod,
      isShortInteger: column.type === INT4_OID || column.type === INT8_OID,
      isForcedNotNull: this.#options.forceNotNull.includes(column.name),
      isForcedNull: this.#options.forceNull.includes(column.name),
      last: { bytes: Buffer.alloc(LAST_FIELD_SIZE_BYTES_MAX), length: -1, value: null },
    }
  }

  /** Takes one CopyData message. May suspend; then call again with the same message. */
  data(message: Buffer, start: number, end: number): void {
    if (!this.#isPushed) {
      const scanner = this.#binary ?? this.#fields
      scanner.push(message, start, end)
      this.#isPushed = true
    }
    this.#consume()
    this.#isPushed = false
    const scanner = this.#binary ?? this.#fields
    scanner.release()
  }

  /** The client has sent everything. May suspend; then call again. */
  finish(): void {
    if (!this.#isFinished) {
      this.#fields.finish()
      this.#isFinished = true
    }
    this.#consume()
    this.#binary?.finish()
    this.#writer.finish()
    this.#core.finishCopy()
  }

  /** PostgreSQL's CONTEXT line. */
  where(): string {
    const line = `COPY ${this.#target.table.name}, line ${this.#lineNumber()}`
    return this.#column === undefined ? line : `${line}, column ${this.#column}`
  }

  #lineNumber(): number {
    return this.#binary?.rowNumber ?? this.#fields.lineNumber
  }

  #consume(): void {
    try {
      for (;;) {
        this.#row ??= this.#binary === undefined ? this.#readLine() : this.#readBinary(this.#binary)
        if (this.#row === undefined) return
        this.#writer.write(this.#row)
        this.#row = undefined
        this.rowCount++
        if ((this.rowCount & 255) === 0) this.#core.checkpoint()
      }
    } catch (thrown) {
      throw this.#withContext(thrown)
    }
  }

  #readLine(): Row | undefined {
    const fields = this.#fields
    if (!fields.nextLine()) return undefined
    if (!this.#isHeaderDone) {
      this.#isHeaderDone = true
      if (this.#options.header === 'match') this.#checkHeader()
      if (!fields.nextLine()) return undefined
    }
    return this.#lineValues()
  }

  #lineValues(): Row {
    const fields = this.#fields
    const columns = this.#columns
    const { context } = this.#core
    const count = fields.fieldCount
    if (count > columns.length && !(columns.length === 0 && count === 1)) {
      throw new SqlError('22P04', 'extra data after last expected column')
    }
    const row = new Array<Value>(columns.length)
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i] as InputColumn
      if (i >= count) throw new SqlError('22P04', `missing data for column "${column.name}"`)
      if (fields.isNull[i] === true && !column.isForcedNotNull) {
        row[i] = null
        continue
      }
      const start = fields.starts[i] as number
      const end = fields.ends[i] as number
      if (column.isShortInteger) {
        const value = shortInteger(fields.bytes, start, end)
        if (value !== undefined) {
          row[i] = value
          continue
        }
      }
      const { last } = column
      if (last.length === end - start && !column.isForcedNull && isSame(last, fields.bytes, start)) {
        row[i] = last.value
        continue
      }
      const text = fields.field(i)
      if (column.isForcedNull && fields.isNull[i] !== true && text === this.#options.nullText) {
        row[i] = null
        continue
      }
      this.#column = `${column.name}: "${text}"`
      const value = this.#coerced(column.type.input(text, column.typmod, context), column)
      this.#column = undefined
      row[i] = value
      if (end - start > LAST_FIELD_SIZE_BYTES_MAX) continue
      last.length = end - start
      copyBytes(fields.bytes, start, end, last.bytes, 0)
      last.value = value
    }
    return row
  }

  #coerced(value: Value, column: InputColumn): Value {
    return value === null || column.typmod < 0 ? value : column.type.applyTypmod(value, column.typmod, false)
  }

  #readBinary(scanner: BinaryScanner): Row | undefined {
    if (!scanner.nextRow(this.#columns.length)) return undefined
    const { context } = this.#core
    return this.#columns.map((column, i) => {
      const start = must(scanner.starts[i])
      const end = must(scanner.ends[i])
      if (end < start) return null
      return this.#coerced(column.type.receive(scanner.bytes, start, end, column.typmod, context), column)
    })
  }

  #checkHeader(): void {
    const fields = this.#fields
    this.#columns.forEach((column, i) => {
      const name = i < fields.fieldCount ? fields.field(i) : ''
      if (name === column.name) return
      throw new SqlError(
        '22P04',
        `column name mismatch in header line field ${i + 1}: got "${name}", expected "${column.name}"`,
      )
    })
  }

  /** Errors tell the line they are about; whatever else was thrown (a suspension) stays as it is. */
  #withContext(thrown: unknown): unknown {
    if (!(thrown instanceof SqlError) || thrown.fields.where !== undefined) return thrown
    return new SqlError(
      thrown.code,
      thrown.message,
      { ...thrown.fields, where: this.where() },
      thrown.severity,
    )
  }
}

function isSame({ bytes: last, length }: LastField, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < length; i++) if (last[i] !== bytes[start + i]) return false
  return true
}
