// The two kinds of transactions of a SQLite store: durable ones end with an fsync, derived ones are carried along by the
// next. A transaction that copies batches out of the hot log tells it so once it is committed.

import type Database from 'better-sqlite3'

import type { HotLog } from './hot-log.ts'
import { translateSqliteError } from './sqlite-schema.ts'
import type { NodeStatements } from './sqlite-statements.ts'

/** A guess at the pages that a transaction of derived data writes. */
const DERIVED_PAGES = 32

export class SqliteTransactions {
  /** About how many pages SQLite's WAL got since it was last copied back. */
  walPages = 0
  /** Durable changes so far. */
  fsyncs = 0
  /** SQLite runs without its WAL, where what is not made durable at once might not survive whole. */
  isEachDurable = false
  readonly #db: Database.Database
  readonly #sql: NodeStatements
  readonly #hot: HotLog
  readonly #where: string

  constructor(db: Database.Database, sql: NodeStatements, hot: HotLog, where: string) {
    this.#db = db
    this.#sql = sql
    this.#hot = hot
    this.#where = where
  }

  /** On disk when it returns. If `work` moves part of the hot log, it returns how far; it writes something then. */
  durable(work: () => unknown): void {
    this.fsyncs++
    this.#run(work, true)
  }

  /** On disk some time. As `durable` otherwise. */
  derived(work: () => unknown): void {
    if (this.isEachDurable) return this.durable(work)
    this.walPages += DERIVED_PAGES
    this.#db.pragma('synchronous = NORMAL')
    try {
      this.#run(work, false)
    } finally {
      this.#db.pragma('synchronous = FULL')
    }
  }

  #run(work: () => unknown, durably: boolean): void {
    try {
      this.#sql.begin.run()
      const upTo = work()
      this.#sql.commit.run()
      if (typeof upTo === 'number') this.#hot.moved(upTo, durably)
    } catch (error) {
      if (this.#db.inTransaction) this.#sql.rollback.run()
      throw translateSqliteError(error, this.#where)
    }
  }
}
