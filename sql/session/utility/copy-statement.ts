// COPY (documentation: COPY): table or query to the client, the client's data into a table.

import { must } from '../../../storage/base/assert.ts'
import { type Node, type NodeOf, tagOf } from '../../parse/ast.ts'
import type { ParsedStatement } from '../../parse/parse.ts'
import { SqlError, unsupported } from '../../types/sql-error.ts'
import { CopyIn } from '../copy/copy-in.ts'
import { copyOptions, type CopyOption, type CopyOptions } from '../copy/copy-options.ts'
import { CopyOut } from '../copy/copy-out.ts'
import { copyColumnNames, copyTarget } from '../copy/copy-target.ts'
import type { CachedStatement } from '../plan-cache.ts'
import { makePlan } from '../planning.ts'
import { Portal } from '../portal.ts'
import type { SessionCore } from '../session-core.ts'
import { constantText, listTexts } from './arguments.ts'
import { PlannedStatement } from '../planned-statement.ts'
import type { UtilityCall, UtilityResult } from './utility.ts'

type CopyNode = NodeOf<'CopyStmt'>

export function copyStatement(call: UtilityCall): UtilityResult {
  const { core, parsed } = call
  const statement = (parsed.node as { CopyStmt: CopyNode }).CopyStmt
  if (statement.filename !== undefined) throw unsupported('COPY with a file on the server')
  if (statement.is_program === true) throw unsupported('COPY with a program')
  const isFrom = statement.is_from === true
  const options = copyOptions(readOptions(parsed, statement.options ?? []), isFrom)
  if (isFrom) return copyFrom(core, statement, options)
  return copyTo(call, statement, options)
}

function readOptions(parsed: ParsedStatement, nodes: readonly Node[]): CopyOption[] {
  return nodes.map((node) => {
    if (!('DefElem' in node)) throw unsupported('COPY option')
    const { defname = '', arg, location } = node.DefElem
    const value = arg !== undefined && 'List' in arg ? listTexts(arg) : constantText(arg)
    return { name: defname, value, position: parsed.source.positionOf(location) }
  })
}

function copyFrom(core: SessionCore, statement: CopyNode, options: CopyOptions): UtilityResult {
  if (core.isReadOnly) throw new SqlError('25006', 'cannot execute COPY FROM in a read-only transaction')
  const target = copyTarget(core, statement)
  const copyIn = new CopyIn(core, target, options, core.isSimpleQuery)
  const format = options.format === 'binary' ? 1 : 0
  core.sink.copyIn(
    format,
    target.columns.map(() => format),
  )
  return { tag: 'COPY', copyIn }
}

/** A COPY TO under way. */
interface CopyRun {
  readonly portal: Portal
  readonly out: CopyOut
}

function copyTo(call: UtilityCall, statement: CopyNode, options: CopyOptions): UtilityResult {
  const { core, portal } = call
  const run = (portal.scratch ??= startCopy(call, statement, options)) as CopyRun
  run.out.run()
  core.closePortal(run.portal)
  return { tag: `COPY ${run.out.rowCount}` }
}

function startCopy(call: UtilityCall, statement: CopyNode, options: CopyOptions): CopyRun {
  const { core, parsed, parameters } = call
  const node = statement.query ?? tableQuery(core, statement)
  const tag = must(tagOf(node))
  if (tag !== 'SelectStmt' && !hasReturning(node)) {
    throw new SqlError('0A000', 'COPY query must have a RETURNING clause')
  }
  const inner: ParsedStatement = { ...parsed, node, tag }
  const entry = (): CachedStatement => makePlan(core, inner)
  const planned = new PlannedStatement(core, entry(), parameters, entry)
  const portal = new Portal('', planned, { parameters })
  return { portal, out: new CopyOut(core, portal, options) }
}

function hasReturning(node: Node): boolean {
  if ('InsertStmt' in node) return (node.InsertStmt.returningList ?? []).length > 0
  if ('UpdateStmt' in node) return (node.UpdateStmt.returningList ?? []).length > 0
  return 'DeleteStmt' in node && (node.DeleteStmt.returningList ?? []).length > 0
}

/** COPY t (a, b) TO as SELECT a, b FROM t; without a list, every column that is not generated. */
function tableQuery(core: SessionCore, statement: CopyNode): Node {
  const relation = must(statement.relation)
  const listed = (statement.attlist ?? []).map((node) => constantText(node) ?? '')
  const names = listed.length > 0 ? listed : copyColumnNames(core, relation)
  const targetList: Node[] = names.map((name) => ({
    ResTarget: { val: { ColumnRef: { fields: [{ String: { sval: name } }] } } },
  }))
  return {
    SelectStmt: {
      targetList,
      fromClause: [{ RangeVar: relation }],
      limitOption: 'LIMIT_OPTION_DEFAULT',
      op: 'SETOP_NONE',
    },
  }
}
