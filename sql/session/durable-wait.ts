// What a session waits for before its answer leaves: that its commit, and what it has shown, is durable.
//
//   answer in the sink ─▶ VDL behind it? ─no─▶ wait ─▶ durable: the answer leaves
//                                               └────▶ cancelled, timed out, fenced, closed: 08007, without the answer
//
// A commit that is in the log cannot be called back: if nobody knows whether it will be durable, the client is told just
// that (SQLSTATE 08007, transaction_resolution_unknown), and never that it was rolled back.

import type { Lsn } from '../../storage/base/ids.ts'
import { StorageError } from '../../storage/base/errors.ts'
import type { Database } from '../../storage/engine/engine.ts'
import { SqlError } from '../types/sql-error.ts'
import type { SessionCore } from './session-core.ts'

/** Resolves when both LSNs are durable. May be cancelled, and times out as the statement does. Rejects with SqlError. */
export async function untilDurable(core: SessionCore, lsn: Lsn, clusterLsn: Lsn): Promise<void> {
  const { transaction, database, turns, sink } = core
  const { cluster } = core.backend
  const isCommit = transaction.commitLsn > database.vdl || transaction.clusterCommitLsn > cluster.vdl
  try {
    if (lsn > database.vdl) await turns.wait(durable(database, lsn))
    if (clusterLsn > cluster.vdl) await turns.wait(durable(cluster, clusterLsn))
  } catch (error) {
    if (!isCommit) throw error
    sink.retractComplete()
    throw outcomeUnknown(error)
  } finally {
    turns.stopTimeout()
  }
}

function durable(database: Database, lsn: Lsn): Promise<void> {
  return new Promise((resolve, reject) =>
    database.onDurable(lsn, (error) => (error === undefined ? resolve() : reject(error))),
  )
}

/** What a client is told whose commit may or may not take effect. */
export function outcomeUnknown(error: unknown): unknown {
  const isKnown = error instanceof StorageError || error instanceof SqlError
  if (!isKnown) return error
  const isFatal = error instanceof StorageError || error.severity === 'FATAL'
  return new SqlError(
    '08007',
    `the outcome of the transaction is not known: ${error.message}`,
    {
      detail:
        'It was committed, but storage has not acknowledged it. It may be durable, now or later, or lost.',
      hint: 'Look whether it took effect before you repeat it.',
    },
    isFatal ? 'FATAL' : 'ERROR',
  )
}
