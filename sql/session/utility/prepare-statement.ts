// PREPARE, EXECUTE, DEALLOCATE (documentation: PREPARE).

import { must } from '../../../storage/base/assert.ts'
import { Analysis } from '../../analyze/analysis.ts'
import { resolveTypeName } from '../../analyze/type-name.ts'
import { type Node, type NodeOf, tagOf } from '../../parse/ast.ts'
import type { ParsedStatement } from '../../parse/parse.ts'
import type { OutputColumn } from '../../exec/execution.ts'
import { SqlError } from '../../types/sql-error.ts'
import type { Row, Value } from '../../types/value.ts'
import type { CachedStatement } from '../plan-cache.ts'
import { analysisContext, isPlanned, makePlan } from '../planning.ts'
import { Portal } from '../portal.ts'
import type { PreparedStatement } from '../prepared-statement.ts'
import type { SessionCore } from '../session-core.ts'
import type { UtilityCall, UtilityResult } from './utility.ts'
import { PlannedStatement } from '../planned-statement.ts'

export function prepareStatement({ core, parsed }: UtilityCall): UtilityResult {
  const statement = (parsed.node as { PrepareStmt: NodeOf<'PrepareStmt'> }).PrepareStmt
  const name = statement.name ?? ''
  if (core.statements.has(name)) throw new SqlError('42P05', `prepared statement "${name}" already exists`)
  const query = must(statement.query)
  const inner: ParsedStatement = { ...parsed, node: query, tag: must(tagOf(query)) }
  const context = analysisContext(core)
  const declaredTypes = (statement.argtypes ?? []).map((node) => {
    if (!('TypeName' in node)) throw new SqlError('42601', 'type name expected')
    return resolveTypeName(new Analysis(context, parsed.source), node.TypeName).oid
  })
  const cached: CachedStatement = isPlanned(inner)
    ? makePlan(core, inner, { ...context, parameterTypes: declaredTypes })
    : { parsed: inner, plan: undefined, catalogVersion: '', settingsKey: undefined }
  const { plan } = cached
  core.statements.set(name, {
    name,
    text: parsed.text,
    parsed: inner,
    declaredTypes,
    parameterTypes: plan?.parameterTypes ?? declaredTypes,
    columns: plan?.columns,
    cached,
    preparedMicros: core.queryStartMicros,
    isFromSql: true,
  })
  return { tag: 'PREPARE' }
}

function statementNamed(core: SessionCore, name: string): PreparedStatement {
  const statement = core.statements.get(name)
  if (statement === undefined) throw new SqlError('26000', `prepared statement "${name}" does not exist`)
  return statement
}

export function executeColumns(
  core: SessionCore,
  statement: NodeOf<'ExecuteStmt'>,
): readonly OutputColumn[] | undefined {
  return core.statements.get(statement.name ?? '')?.columns
}

export function executeStatement(call: UtilityCall): UtilityResult {
  const { core, parsed, parameters, portal, bindPrepared } = call
  const statement = (parsed.node as { ExecuteStmt: NodeOf<'ExecuteStmt'> }).ExecuteStmt
  const prepared = statementNamed(core, statement.name ?? '')
  const values = executeArguments(core, { parsed, parameters, portal }, prepared, statement.params ?? [])
  return { tag: '', delegate: bindPrepared(core, prepared, values) }
}

/** The arguments' values, in the statement's parameter types. May suspend. */
export function executeArguments(
  core: SessionCore,
  call: { readonly parsed: ParsedStatement; readonly parameters: Row; readonly portal: Portal },
  prepared: PreparedStatement,
  args: readonly Node[],
): Row {
  const types = prepared.parameterTypes
  if (args.length !== types.length) {
    throw new SqlError('42601', `wrong number of parameters for prepared statement "${prepared.name}"`, {
      detail: `Expected ${types.length} parameters but got ${args.length}.`,
    })
  }
  if (args.length === 0) return []
  const evaluation = (call.portal.scratch ??= argumentPortal(
    core,
    call.parsed,
    call.parameters,
    args,
  )) as Portal
  const row = evaluation.nextRow() ?? []
  const columns = must(evaluation.statement.columns)
  core.finishRun(evaluation)
  return row.map((value, i) =>
    convertArgument(core, value, { from: must(columns[i]).type, to: must(types[i]), number: i + 1 }),
  )
}

/** Evaluates the arguments as SELECT arg, arg, ... */
function argumentPortal(
  core: SessionCore,
  parsed: ParsedStatement,
  parameters: Row,
  args: readonly Node[],
): Portal {
  const targetList: Node[] = args.map((val) => ({ ResTarget: { val } }))
  const node: Node = { SelectStmt: { targetList, limitOption: 'LIMIT_OPTION_DEFAULT', op: 'SETOP_NONE' } }
  const inner: ParsedStatement = { ...parsed, node, tag: 'SelectStmt' }
  const entry = (): CachedStatement => makePlan(core, inner)
  return new Portal('', new PlannedStatement(core, entry(), parameters, entry), { parameters })
}

function convertArgument(
  core: SessionCore,
  value: Value,
  conversion: { readonly from: number; readonly to: number; readonly number: number },
): Value {
  const { from, to } = conversion
  if (value === null || from === to) return value
  const { context } = core
  const source = context.lookup.type(from)
  const target = context.lookup.type(to)
  const cast = core.catalog.functions.cast(from, to)
  if (cast !== undefined && cast.context !== 'explicit' && cast.method === 'binary') return value
  if (cast !== undefined && cast.context !== 'explicit' && cast.method === 'function') {
    const found = core.catalog.functions.byOid(cast.functionOid)
    if (found?.kind === 'scalar' && !found.usesContext && found.argumentTypes.length === 1) {
      return (found.call as (argument: Value) => Value)(value)
    }
  }
  const isText = source.category === 'S' || source.category === 'X'
  if (isText || cast?.method === 'io' || target.category === 'S') {
    return target.input(source.output(value, context), -1, context)
  }
  throw new SqlError(
    '42804',
    `parameter $${conversion.number} of type ${source.name} cannot be coerced to the expected type ${target.name}`,
    { hint: 'You will need to rewrite or cast the expression.' },
  )
}

export function deallocateStatement({ core, parsed }: UtilityCall): UtilityResult {
  const { name } = (parsed.node as { DeallocateStmt: NodeOf<'DeallocateStmt'> }).DeallocateStmt
  if (name === undefined) {
    core.statements.clear()
    return { tag: 'DEALLOCATE ALL' }
  }
  statementNamed(core, name)
  core.statements.delete(name)
  return { tag: 'DEALLOCATE' }
}
