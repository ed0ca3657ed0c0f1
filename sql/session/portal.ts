// A portal: a bound statement that is being run, a cursor over its rows. Made by Bind, by each statement of a simple
// query, and by DECLARE CURSOR.
//
//   made ──first fetch──▶ started ──rows run out──▶ done ──▶ closed
//                            │ row limit reached: keeps its batch, its view pinned, and goes on at the next fetch
//
// Invariant: rows leave in order and once. `fetch` may suspend at any point and is then called again.

import type { View } from '../../storage/engine/engine.ts'
import type { OutputColumn } from '../exec/execution.ts'
import { SqlError } from '../types/sql-error.ts'
import type { CopyIn } from './copy/copy-in.ts'
import type { Row } from '../types/value.ts'
import type { ResultForm } from './result-format.ts'

/** What a portal runs: an executor's Execution, or the result of a utility statement. */
export interface PortalSource {
  next(): readonly Row[] | undefined
  readonly rowCount: number
  close(): void
}

export interface PortalStatement {
  /** May change while `open` runs, when the plan had to be made anew. */
  readonly columns: readonly OutputColumn[] | undefined
  /** `columns` is at hand: asking for it does not suspend. */
  readonly isDescribed: boolean
  /** The empty statement of the extended protocol. */
  readonly isEmpty: boolean
  /** The tag counts affected rows (INSERT ... RETURNING), not the rows sent. */
  readonly countsAffected: boolean
  /** Set by COPY FROM STDIN once it was opened: what takes the data. */
  readonly copyIn: (() => CopyIn) | undefined
  /** The command tag once everything has run. */
  tag(rowCount: number): string
  /** Begins the run: takes the snapshot, locks tables. May suspend. */
  open(portal: Portal): PortalSource
}

export class Portal {
  readonly name: string
  readonly statement: PortalStatement
  readonly parameters: Row
  readonly resultFormats: readonly number[]
  /** The view its run reads, so that the session can pin it while the portal stays open. */
  view: View | undefined
  isPinned = false
  /** Number of savepoints when it was made: ROLLBACK TO closes what is younger. */
  savepointDepth = 0
  /** WITH HOLD: survives its transaction, once its rows were materialised. */
  isHoldable = false
  /** SCROLL: rows are kept so that FETCH may go back. */
  readonly isScrollable: boolean
  readonly text: string
  isDone = false
  /** Rows produced by this portal so far. */
  position = 0
  /** Where FETCH stands: 0 before the first row, then the number of the row last fetched. */
  cursorAt = 0
  /** Made by DECLARE CURSOR. */
  readonly isCursor: boolean
  /** How its rows leave, and the columns that it was made for; see resultForm. */
  form: ResultForm | undefined
  formColumns: readonly OutputColumn[] | undefined
  /** For a utility statement that keeps something across its suspensions. */
  scratch: unknown
  #source: PortalSource | undefined
  #batch: readonly Row[] | undefined
  #batchAt = 0
  readonly #kept: Row[] = []
  #isMaterialised = false
  #last: Row | undefined

  constructor(
    name: string,
    statement: PortalStatement,
    options: {
      readonly parameters: Row
      readonly resultFormats?: readonly number[] | undefined
      readonly isScrollable?: boolean | undefined
      readonly text?: string | undefined
      readonly isCursor?: boolean | undefined
    },
  ) {
    this.name = name
    this.statement = statement
    this.parameters = options.parameters
    this.resultFormats = options.resultFormats ?? []
    this.isScrollable = options.isScrollable ?? false
    this.text = options.text ?? ''
    this.isCursor = options.isCursor ?? false
  }

  get isStarted(): boolean {
    return this.#source !== undefined
  }

  /** Number of rows the run affected or returned, for the tag. */
  get rowCount(): number {
    return this.#source?.rowCount ?? 0
  }

  /** The next row, or undefined at the end. May suspend. */
  nextRow(): Row | undefined {
    for (;;) {
      const batch = this.#batch
      if (batch !== undefined && this.#batchAt < batch.length) {
        this.position++
        return batch[this.#batchAt++]
      }
      if (this.isDone) return undefined
      this.#source ??= this.statement.open(this)
      const next = this.#source.next()
      this.#batchAt = 0
      this.#batch = next
      if (next === undefined) this.isDone = true
    }
  }

  /** Runs up to the first batch, so that the statement is known to start well. May suspend. */
  prefetch(): void {
    if (this.#source !== undefined || this.isDone) return
    this.#source = this.statement.open(this)
    this.#batch = this.#source.next()
    this.#batchAt = 0
    if (this.#batch === undefined) this.isDone = true
  }

  /** Whether nothing is left, as far as is known without running on. */
  get isExhausted(): boolean {
    return this.isDone && (this.#batch === undefined || this.#batchAt >= this.#batch.length)
  }

  /** FETCH: the row with a number, counted from 1; undefined behind the last. May suspend. */
  rowAt(position: number): Row | undefined {
    if (!this.#keepsRows) {
      if (position > this.position) {
        let row = this.nextRow()
        while (row !== undefined && this.position < position) row = this.nextRow()
        this.#last = row
        return row
      }
      if (position === this.position && position === this.cursorAt && this.#last !== undefined)
        return this.#last
      throw new SqlError('55000', 'cursor can only scan forward', {
        hint: 'Declare it with SCROLL option to enable backward scan.',
      })
    }
    while (this.#kept.length < position) {
      const row = this.nextRow()
      if (row === undefined) return undefined
      this.#kept.push(row)
    }
    return this.#kept[position - 1]
  }

  get #keepsRows(): boolean {
    return this.isScrollable || this.#isMaterialised
  }

  /** Rows kept so far. */
  get keptCount(): number {
    return this.#kept.length
  }

  /** Reads all rows that are left into memory: what a holdable cursor does at commit. May suspend. */
  materialise(): void {
    if (!this.#isMaterialised && !this.isScrollable) {
      // Rows that went by are not there any more: keep the numbering.
      this.#kept.length = this.position
      this.#isMaterialised = true
    }
    for (let row = this.nextRow(); row !== undefined; row = this.nextRow()) this.#kept.push(row)
  }

  close(): void {
    this.#source?.close()
    this.#batch = undefined
    this.isDone = true
  }
}
