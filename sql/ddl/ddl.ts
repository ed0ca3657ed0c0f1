// The door of DDL: what the session gives a utility statement that changes or maintains catalog objects, and what it
// gets back. `executeDdl` is in execute.ts.
//
//   session ──parse tree, DdlContext──▶ executeDdl ──▶ changes staged in the transaction and in its CatalogEditor
//      ▲                                                             │
//      └── commit(): transaction.commit(), then editor.publish() ◀───┘
//
// Statements are async functions: they run in small steps that may each suspend (see catalog/wait.ts), so the session
// awaits them instead of calling again. A statement that fails leaves the session to roll back, to its savepoint in a
// block, as after any other error.

import type { DatabaseEntry, SharedCatalog } from '../catalog/catalog.ts'
import type { CatalogEditor } from '../catalog/editor.ts'
import type { Cluster, DatabaseCatalog } from '../catalog/cluster.ts'
import type { ExecutionContext } from '../exec/execution.ts'
import type { FunctionContext } from '../functions/function.ts'
import type { Node } from '../parse/ast.ts'
import type { SourceText } from '../parse/source-text.ts'
import type { SqlNotice } from '../types/sql-error.ts'
import type { Row } from '../types/value.ts'

/** The statement as parseSql gives it. */
export interface DdlStatement {
  readonly node: Node
  /** For error positions. */
  readonly source: SourceText
  readonly text: string
}

/** What statements about whole databases ask of those who have them open. */
export interface DatabaseControl {
  /**
   * Ends all other sessions of a database (DROP DATABASE ... WITH (FORCE)) and resolves when they are gone, or after five
   * seconds, as PostgreSQL does: the caller looks again.
   */
  closeSessions(databaseOid: number): Promise<void>
  /** The statement is answered only when this has resolved too. */
  answerAfter(settled: Promise<void>): void
  /** Opens the timeline that an entry will name once it is committed. */
  prepare(entry: DatabaseEntry): Promise<void>
}

export interface DdlContext {
  readonly cluster: Cluster
  readonly databases: DatabaseControl
  readonly database: DatabaseCatalog
  /** The transaction's catalog edit; the session makes it, with the engine's transaction, at the first call. */
  editor(): CatalogEditor
  /** The same for roles and databases, with a transaction on cluster.store.database. */
  sharedEditor(): CatalogEditor
  /** Roles and databases as the transaction sees them. */
  sharedCatalog(): SharedCatalog
  /** current_user and session_user. */
  readonly roleOid: number
  readonly sessionRoleOid: number
  /** In BEGIN ... COMMIT, or behind other statements of one message: what must stand alone is refused (25001). */
  readonly isTransactionBlock: boolean
  readonly functions: FunctionContext
  /** $1.. of CREATE TABLE AS and its kin; empty otherwise. */
  readonly parameters: Row
  readonly parameterTypes?: readonly number[] | undefined
  /**
   * A context to read and write with: a fresh command id, a view at the newest commit that also sees what this
   * transaction wrote before, the catalog as the editor sees it. Its `transaction` is there.
   */
  execution(): ExecutionContext
  notice(notice: SqlNotice): void
  /** Call between batches of work: throws 57014 when cancelled, suspends when the turn is over. */
  checkpoint(): void
  /** Calls a step that takes a lock until it does not suspend: 55P03 when a wait is longer than lock_timeout. */
  locked<T>(step: () => T): Promise<T>
}

export interface DdlResult {
  /** CommandComplete's tag: 'CREATE TABLE', 'SELECT 3', ... */
  readonly tag: string
}

/** The schema of a session's temporary tables. */
export function temporarySchemaName(processId: number): string {
  return `pg_temp_${processId}`
}
