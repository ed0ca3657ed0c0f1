// What runs: the door between the session and the executor.
//
// A PreparedPlan is made once per statement text and catalog version and shared by all sessions. It is started with an
// ExecutionContext, which gives an Execution; the session pulls batches of rows from it until it is done. Everything is
// synchronous; whatever must wait suspends (storage/base/suspend.ts) and next() is called again.

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Transaction, View } from '../../storage/engine/engine.ts'
import type { Catalog, ServerState } from '../catalog/catalog.ts'
import type { OtherPlace } from '../functions/borealis.ts'
import type { FunctionContext } from '../functions/function.ts'
import type { SqlNotice } from '../types/sql-error.ts'
import type { TypeContext } from '../types/type.ts'
import type { Row, Value } from '../types/value.ts'
import type { OpenPlace } from './open-place.ts'

/** What one run of a statement may use. Made by the session for each run. */
export interface ExecutionContext {
  readonly catalog: Catalog
  readonly server: ServerState
  /** Functions' context: settings, clocks, services. */
  readonly functions: FunctionContext
  /** $1.. and lifted literals, already of the plan's parameter types. */
  readonly parameters: Row
  /** Reads. The session set readLsn, transaction and commandId; the executor advances nothing but seenLsn. */
  readonly view: View
  /** Present for statements that change data or lock rows; the session began it. */
  readonly transaction: Transaction | undefined
  /** Isolation: 'read committed' re-reads a row that changed under a lock wait; the others fail with 40001. */
  readonly isolation: 'read committed' | 'repeatable read' | 'serializable'
  /** Command id that this statement's writes get; its own reads see only lower ones. */
  readonly commandId: number
  /**
   * Called by scans once per page or batch: throws 57014 when the statement was cancelled or timed out, and suspends when
   * its turn is over.
   */
  checkpoint(): void
  notice(notice: SqlNotice): void
  /** A command id above every one used so far, for work that must see this statement's writes (FK checks at its end). */
  nextCommandId(): number
  /** Memory that sorts, hashes and materialisations may take, bytes (work_mem); above it they spill or fail clearly. */
  readonly workMemBytes: number
  /** Deferred constraint checks queue here; the session runs them at COMMIT or SET CONSTRAINTS IMMEDIATE. */
  deferCheck(check: DeferredCheck): void
  /** Whether a deferrable constraint is deferred now (SET CONSTRAINTS); absent: as the constraint was declared. */
  isDeferred?(constraintOid: number): boolean | undefined
  /** A database or a point of the past to read beside this one. Absent where there is no server. May suspend. */
  open?(place: OtherPlace): OpenPlace
  /** Count rows and time of every plan node, for EXPLAIN ANALYZE. */
  readonly instrument?: boolean | undefined
}

export interface DeferredCheck {
  readonly constraintOid: number
  /** Throws the constraint's SqlError if it does not hold. May suspend. */
  run(context: ExecutionContext): void
}

export interface OutputColumn {
  readonly name: string
  readonly type: number
  readonly typmod: number
  readonly tableOid: number
  readonly columnNumber: number
}

export interface PreparedPlan {
  /** Columns of the rows it returns; undefined for statements without a result (INSERT without RETURNING). */
  readonly columns: readonly OutputColumn[] | undefined
  readonly parameterTypes: readonly number[]
  readonly command: 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE'
  /** Needs a Transaction: it changes data, locks rows or calls nextval. */
  readonly writes: boolean
  /** Tables it touches with the lock mode it needs (1 ACCESS SHARE, 2 ROW SHARE, 3 ROW EXCLUSIVE). */
  readonly tables: readonly { readonly oid: number; readonly mode: 1 | 2 | 3 }[]
  /** Privileges to check before each run: relation, columns, letters (r a w d). */
  readonly privileges: readonly { readonly relation: number; readonly privilege: string }[]
  /** A constant of it cannot be computed (1/0): thrown before it runs, at Bind already. undefined: none. */
  readonly foldError: unknown
  start(context: ExecutionContext): Execution
  /** EXPLAIN's tree in PostgreSQL's text form; `execution` adds ANALYZE's figures. */
  explain(options: ExplainOptions, catalog: Catalog, execution?: Execution): ExplainNode
}

export interface ExplainOptions {
  readonly analyze: boolean
  readonly verbose: boolean
  readonly costs: boolean
  readonly buffers: boolean
  readonly timing: boolean
}

/** Pages that something read: found in the buffer pool, fetched from storage. */
export interface BufferUse {
  readonly hit: number
  readonly read: number
}

/** What the planner expects of a plan node. */
export interface Estimate {
  /** Rows that come out. */
  readonly rows: number
  /** PostgreSQL's units: one sequential page read is 1. */
  readonly startup: number
  readonly total: number
  /** Bytes of a row. */
  readonly width: number
}

/** What a plan node reads or changes. */
export interface ExplainTarget {
  /** rows: nothing that has a name of its own, a VALUES list for one. */
  readonly kind: 'relation' | 'cte' | 'function' | 'rows'
  readonly name: string
  readonly alias: string
  readonly index?: string | undefined
}

/** How a node of EXPLAIN's tree serves its parent, in PostgreSQL's words. */
export type ExplainRole = 'Outer' | 'Inner' | 'Member' | 'InitPlan' | 'SubPlan'

/** What a run measured of a node; times are ms. */
export interface ExplainFigures {
  readonly startMs: number
  readonly totalMs: number
  readonly rows: number
  /** 0: never executed. */
  readonly loops: number
}

/** One plan node for EXPLAIN, in any of its formats. */
export interface ExplainNode {
  /** The kind of node in the words of the text format, `Hash Left Join`. */
  readonly label: string
  readonly target?: ExplainTarget | undefined
  /** undefined: the root. */
  readonly role?: ExplainRole | undefined
  /** Of a subplan or a WITH query: `SubPlan 1`. */
  readonly name?: string | undefined
  /** undefined: costs are off. */
  readonly estimate?: Estimate | undefined
  /** Of a run, averaged over its loops. */
  readonly actual?: ExplainFigures | undefined
  readonly properties: readonly (readonly [string, string | number | boolean | readonly string[]])[]
  readonly children: readonly ExplainNode[]
  /** Of EXPLAIN (ANALYZE, BUFFERS). */
  readonly buffers?: BufferUse | undefined
}

export interface Execution {
  /**
   * The next batch of result rows, or undefined when the statement is done. May suspend; then call again. Statements
   * without result do all their work in the first call.
   */
  next(): readonly Row[] | undefined
  /** Rows inserted, updated, deleted or returned: the number in the command tag. */
  readonly rowCount: number
  /** Frees cursors; idempotent. Call it when the portal is closed or the statement failed. */
  close(): void
}

/** Writes result rows as DataRow columns: compiled per plan and result formats by the executor. */
export type RowEncoder = (row: Row, writer: ByteWriter, context: TypeContext) => void

export type { Row, Value }
