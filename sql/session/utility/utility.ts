// Utility statements: everything that is not planned. One file a family; each handler is named here under the tag of its
// parse tree node. DDL is executed by sql/ddl.
//
//   parsed ──▶ UtilityStatement (a PortalStatement) ──open──▶ handler ──▶ tag, perhaps rows
//
// A handler may suspend and is then called again from its start, so it changes nothing before its last wait; one that
// cannot keep to that (DDL) is async and is awaited as a whole.

import { must } from '../../../storage/base/assert.ts'
import { type Node, type NodeTag, tagOf } from '../../parse/ast.ts'
import type { ParsedStatement } from '../../parse/parse.ts'
import type { OutputColumn } from '../../exec/execution.ts'
import { SqlError } from '../../types/sql-error.ts'
import type { Row } from '../../types/value.ts'
import type { CopyIn } from '../copy/copy-in.ts'
import { analysisContext, isPlanned, makePlan } from '../planning.ts'
import type { Portal, PortalSource, PortalStatement } from '../portal.ts'
import type { PreparedStatement } from '../prepared-statement.ts'
import type { SessionCore } from '../session-core.ts'
import { copyStatement } from './copy-statement.ts'
import { closeCursor, declareCursor, fetchColumns, fetchCursor } from './cursor-statement.ts'
import { ddlStatement } from './ddl-statement.ts'
import { discardStatement } from './discard-statement.ts'
import { explainColumns, explainStatement } from './explain-statement.ts'
import { listenStatement, notifyStatement, unlistenStatement } from './notify-statement.ts'
import {
  deallocateStatement,
  executeColumns,
  executeStatement,
  prepareStatement,
} from './prepare-statement.ts'
import { constraintsStatement, setStatement, showColumns, showStatement } from './set-statement.ts'
import { TransactionCommand } from './transaction-statement.ts'

export interface UtilityResult {
  readonly tag: string
  readonly rows?: readonly Row[] | undefined
  /** COPY FROM STDIN: what takes the data; the tag is written at its end. */
  readonly copyIn?: CopyIn | undefined
  /** A statement to run in place of this one (EXECUTE). */
  readonly delegate?: PortalStatement | undefined
}

export interface UtilityCall {
  readonly core: SessionCore
  readonly parsed: ParsedStatement
  readonly parameters: Row
  readonly parameterTypes: readonly number[]
  readonly portal: Portal
  readonly bindPrepared: BindPrepared
}

/** Makes a prepared statement ready to run: what EXECUTE runs may be a planned statement or another utility statement. */
export type BindPrepared = (
  core: SessionCore,
  statement: PreparedStatement,
  parameters: Row,
) => PortalStatement

type Handler = (call: UtilityCall) => UtilityResult | Promise<UtilityResult>

const HANDLERS: Partial<Record<NodeTag, Handler>> = {
  VariableSetStmt: setStatement,
  VariableShowStmt: showStatement,
  ConstraintsSetStmt: constraintsStatement,
  PrepareStmt: prepareStatement,
  ExecuteStmt: executeStatement,
  DeallocateStmt: deallocateStatement,
  DeclareCursorStmt: declareCursor,
  FetchStmt: fetchCursor,
  ClosePortalStmt: closeCursor,
  ExplainStmt: explainStatement,
  CopyStmt: copyStatement,
  ListenStmt: listenStatement,
  NotifyStmt: notifyStatement,
  UnlistenStmt: unlistenStatement,
  DiscardStmt: discardStatement,
}

/** Statements that a read-only transaction may run. */
const READ_ONLY_TAGS: ReadonlySet<string> = new Set([
  'VariableSetStmt',
  'VariableShowStmt',
  'ConstraintsSetStmt',
  'PrepareStmt',
  'ExecuteStmt',
  'DeallocateStmt',
  'DeclareCursorStmt',
  'FetchStmt',
  'ClosePortalStmt',
  'ExplainStmt',
  'CopyStmt',
  'ListenStmt',
  'NotifyStmt',
  'UnlistenStmt',
  'DiscardStmt',
  'LockStmt',
  'CheckPointStmt',
])

/** Columns of a utility statement's rows, as Describe tells them before it runs; undefined: it returns none. */
export function utilityColumns(
  core: SessionCore,
  parsed: ParsedStatement,
): readonly OutputColumn[] | undefined {
  const { node } = parsed
  if ('VariableShowStmt' in node) return showColumns(core, node.VariableShowStmt)
  if ('ExplainStmt' in node) return explainColumns(node.ExplainStmt)
  if ('FetchStmt' in node) return fetchColumns(core, node.FetchStmt)
  if ('ExecuteStmt' in node) return executeColumns(core, node.ExecuteStmt)
  return undefined
}

/** Of a statement that holds a query, the types that its analysis finds; others take what was declared. May suspend. */
export function utilityParameterTypes(
  core: SessionCore,
  parsed: ParsedStatement,
  declared: readonly number[],
): readonly number[] {
  const held = parsed.text.includes('$') ? heldQuery(parsed) : undefined
  if (held === undefined) return declared
  return makePlan(core, held, analysisContext(core, declared)).plan.parameterTypes
}

function heldQuery(parsed: ParsedStatement): ParsedStatement | undefined {
  const { node } = parsed
  let query: Node | undefined
  if ('ExplainStmt' in node) query = node.ExplainStmt.query
  else if ('DeclareCursorStmt' in node) query = node.DeclareCursorStmt.query
  else if ('CreateTableAsStmt' in node) query = node.CreateTableAsStmt.query
  else if ('SelectStmt' in node) {
    const { intoClause: _, ...rest } = node.SelectStmt
    query = { SelectStmt: rest }
  }
  if (query === undefined) return undefined
  const inner: ParsedStatement = { ...parsed, node: query, tag: must(tagOf(query)) }
  return isPlanned(inner) ? inner : undefined
}

export interface BoundUtility {
  readonly parsed: ParsedStatement
  readonly parameters: Row
  readonly parameterTypes: readonly number[]
}

export function utilityStatement(
  core: SessionCore,
  bound: BoundUtility,
  bindPrepared: BindPrepared,
): PortalStatement {
  if (bound.parsed.tag === 'TransactionStmt') return new TransactionCommand(core, bound.parsed)
  return new UtilityStatement(core, bound, bindPrepared)
}

class UtilityStatement implements PortalStatement {
  readonly isDescribed = false
  readonly isEmpty = false
  readonly #core: SessionCore
  readonly #bound: BoundUtility
  readonly #bindPrepared: BindPrepared
  #columns: readonly OutputColumn[] | undefined
  #result: UtilityResult | undefined
  #pending: Promise<UtilityResult> | undefined

  constructor(core: SessionCore, bound: BoundUtility, bindPrepared: BindPrepared) {
    this.#core = core
    this.#bound = bound
    this.#bindPrepared = bindPrepared
  }

  get columns(): readonly OutputColumn[] | undefined {
    const delegate = this.#result?.delegate
    if (delegate !== undefined) return delegate.columns
    return (this.#columns ??= utilityColumns(this.#core, this.#bound.parsed))
  }

  get countsAffected(): boolean {
    return this.#result?.delegate?.countsAffected ?? false
  }

  get copyIn(): (() => CopyIn) | undefined {
    const copy = this.#result?.copyIn
    return copy === undefined ? undefined : () => copy
  }

  tag(rowCount: number): string {
    const result = this.#result
    return result?.delegate === undefined ? (result?.tag ?? '') : result.delegate.tag(rowCount)
  }

  open(portal: Portal): PortalSource {
    const result = this.#run(portal)
    if (result.delegate !== undefined) return result.delegate.open(portal)
    let rows: readonly Row[] | undefined = result.rows
    return {
      next: () => {
        const batch = rows
        rows = undefined
        return batch
      },
      rowCount: result.rows?.length ?? 0,
      close: () => undefined,
    }
  }

  /** The handler's result; suspends while an async one runs. */
  #run(portal: Portal): UtilityResult {
    if (this.#result !== undefined) return this.#result
    const core = this.#core
    if (this.#pending !== undefined) return core.turns.suspendOnTask(this.#pending)
    const { tag } = this.#bound.parsed
    if (core.isReadOnly && !READ_ONLY_TAGS.has(tag)) {
      throw new SqlError(
        '25006',
        `cannot execute ${tag.replace(/Stmt$/, '').toUpperCase()} in a read-only transaction`,
      )
    }
    const handler = HANDLERS[tag] ?? ddlStatement
    const made = handler({
      core,
      ...this.#bound,
      portal,
      bindPrepared: this.#bindPrepared,
    })
    if (!(made instanceof Promise)) return (this.#result = made)
    this.#pending = made
    return core.turns.suspendOnTask(made.then((result) => (this.#result = result)))
  }
}
