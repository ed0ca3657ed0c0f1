// A session whose database was moved to another point of its history (ALTER DATABASE ... BACKTRACK_TO) stays connected.
//
//   idle                 it is on the new timeline at once
//   in a transaction     the transaction cannot go on: 40001 at its next statement (or commit); then it is on the new one
//   running a statement  the statement is stopped with 40001, a transaction block waits for its ROLLBACK
//   making the move      its own statement is just committing: it changes over at the end of that
//
// Invariant: nothing is committed on the old timeline after the move; a commit that had begun to be applied belongs to the
// abandoned history, and its session is told 40001.

import type { Lsn } from '../../storage/base/ids.ts'
import { parseSql } from '../parse/parse.ts'
import { SqlError } from '../types/sql-error.ts'
import type { DatabaseHandle } from './database-handle.ts'
import type { SessionCore } from './session-core.ts'

export class SessionMove {
  readonly #core: SessionCore
  #to: DatabaseHandle | undefined
  /** Why its transaction cannot go on; undefined when nothing is to be done. */
  reason: SqlError | undefined

  constructor(core: SessionCore) {
    this.#core = core
  }

  /** The database points elsewhere as of a commit of the cluster's timeline. Never suspends, never fails. */
  begin(to: DatabaseHandle, reason: SqlError, clusterLsn: Lsn): void {
    const core = this.#core
    this.#to = to
    this.reason = reason
    core.clusterSeenLsn = clusterLsn
    if (core.transaction.isPublishing) return
    if (core.transaction.isIdle) this.finish()
    else if (core.turns.isRunning) core.turns.cancel(reason)
  }

  /** The transaction is over: from here on the session works on the new timeline. */
  finish(): void {
    const core = this.#core
    const to = this.#to
    this.#to = undefined
    this.reason = undefined
    if (to === undefined) return
    const from = core.handle
    core.handle = to
    to.sessions.add(core)
    core.notifications.moved(from, to)
    from.leave(core)
    core.forgetPlans()
    core.seenLsn = 0 as Lsn
    core.transaction.forgetCommit()
  }

  /** Throws the reason unless the message may still be answered: what ends the transaction. */
  check(text: string): void {
    const { reason } = this
    if (reason === undefined || this.#core.transaction.isFailed || endsTransaction(text)) return
    throw reason
  }
}

function endsTransaction(text: string): boolean {
  try {
    return parseSql(text)[0]?.tag === 'TransactionStmt'
  } catch (error) {
    if (error instanceof SqlError) return false
    throw error
  }
}
