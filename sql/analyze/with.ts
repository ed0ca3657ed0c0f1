// WITH (documentation, section 7.8): named queries, recursive ones, and data-modifying statements.
//
//   plain:      each query sees those before it
//   RECURSIVE:  all see all; they are analysed in an order in which each comes after what it needs, and one that refers
//               to itself must be  non-recursive UNION [ALL] recursive

import { must } from '../../storage/base/assert.ts'
import type { CommonTableExpr, RangeVar, WithClause } from '../parse/ast.ts'
import { nodeAs, stringsOf } from '../parse/ast.ts'
import type { Cte, Modify, Query, RelationColumn } from '../tree/query.ts'
import { formatType } from './format-type.ts'
import { columnsOfQuery } from './from-item.ts'
import { analyseModify } from './modify.ts'
import { analyseSelectIn } from './query.ts'
import { checkRecursion, dependencyOrder } from './recursion.ts'
import { type CteBinding, Scope } from './scope.ts'

const MATERIALIZED: Readonly<Record<string, Cte['materialized']>> = {
  CTEMaterializeAlways: 'always',
  CTEMaterializeNever: 'never',
}

/** Analyses the WITH clause of a query level. @throws SqlError 42712, 42P19, 0A000, ... */
export function analyseWith(scope: Scope, clause: WithClause | undefined): void {
  if (clause === undefined) return
  const { analysis } = scope
  const expressions = (clause.ctes ?? []).map((node) => must(nodeAs(node, 'CommonTableExpr')))
  for (const [i, expression] of expressions.entries()) {
    if (expressions.slice(0, i).some((other) => other.ctename === expression.ctename)) {
      const message = `WITH query name "${expression.ctename}" specified more than once`
      throw analysis.error('42712', message, expression.location ?? 0)
    }
    const isSelect = nodeAs(expression.ctequery, 'SelectStmt') !== undefined
    if (!isSelect && scope.depth > 1) {
      const message = 'WITH clause containing a data-modifying statement must be at the top level'
      throw analysis.error('0A000', message, expression.location ?? 0)
    }
    if (expression.search_clause !== undefined) {
      throw analysis.error('0A000', 'SEARCH clause is not supported', expression.search_clause.location)
    }
    if (expression.cycle_clause !== undefined) {
      throw analysis.error('0A000', 'CYCLE clause is not supported', expression.cycle_clause.location)
    }
  }
  const names = expressions.map((expression) => expression.ctename ?? '')
  const ordered = clause.recursive === true ? dependencyOrder(analysis, expressions) : expressions
  if (clause.recursive === true) {
    for (const expression of ordered) scope.ctes.push(bindingOf(scope, expression))
    for (const expression of ordered) {
      const binding = must(scope.ctes.find((candidate) => candidate.name === expression.ctename))
      const isSelfReferring = checkRecursion(analysis, expression)
      binding.cte = analyseCte(scope, expression, binding, isSelfReferring)
    }
    return
  }
  for (const [i, expression] of ordered.entries()) {
    scope.futureCtes = names.slice(i)
    const binding = bindingOf(scope, expression)
    binding.cte = analyseCte(scope, expression, binding, false)
    scope.ctes.push(binding)
  }
  scope.futureCtes = []
}

function bindingOf(scope: Scope, expression: CommonTableExpr): CteBinding {
  return {
    id: scope.analysis.newCte(),
    name: expression.ctename ?? '',
    aliases: stringsOf(expression.aliascolnames),
    cte: undefined,
    self: undefined,
    referenceCount: 0,
  }
}

function analyseCte(
  scope: Scope,
  expression: CommonTableExpr,
  binding: CteBinding,
  isRecursive: boolean,
): Cte {
  const node = must(expression.ctequery)
  const inner = new Scope(scope.analysis, scope)
  if (isRecursive) inner.recursive = binding
  const select = nodeAs(node, 'SelectStmt')
  const query: Query | Modify =
    select === undefined ? analyseModify(inner, node) : analyseSelectIn(inner, select)
  const columns = cteColumns(scope, expression, query, binding)
  if (isRecursive) checkRecursiveTypes(scope, expression, columns, binding)
  return {
    id: binding.id,
    name: binding.name,
    columns,
    query,
    recursive: isRecursive,
    materialized: MATERIALIZED[expression.ctematerialized ?? ''] ?? 'default',
    referenceCount: 0,
  }
}

function cteColumns(
  scope: Scope,
  expression: CommonTableExpr,
  query: Query | Modify,
  binding: CteBinding,
): readonly RelationColumn[] {
  const columns =
    'targets' in query
      ? columnsOfQuery(query)
      : query.returning.map(({ name, expr }) => ({
          name,
          type: expr.type,
          typmod: expr.typmod,
          collation: expr.collation,
        }))
  const { aliases, name } = binding
  if (aliases.length > columns.length) {
    const message = `WITH query "${name}" has ${columns.length} columns available but ${aliases.length} columns specified`
    throw scope.analysis.error('42P10', message, expression.location ?? 0)
  }
  return columns.map((column, i) => ({ ...column, name: aliases[i] ?? column.name }))
}

/** What the recursive term was told of the columns must be what they turn out to be. */
function checkRecursiveTypes(
  scope: Scope,
  expression: CommonTableExpr,
  columns: readonly RelationColumn[],
  binding: CteBinding,
): void {
  const { analysis } = scope
  const told = binding.self?.columns ?? []
  for (const [i, column] of columns.entries()) {
    const before = told[i]
    if (before === undefined || (before.type === column.type && before.typmod === column.typmod)) continue
    const from = formatType(analysis.context, before.type, before.typmod)
    const to = formatType(analysis.context, column.type, column.typmod)
    const message =
      `recursive query "${binding.name}" column ${i + 1} has type ${from} ` +
      `in non-recursive term but type ${to} overall`
    throw analysis.error('42804', message, columnLocation(expression, i), {
      hint: 'Cast the output of the non-recursive term to the correct type.',
    })
  }
}

/** Where the non-recursive term's i-th output stands. */
function columnLocation(expression: CommonTableExpr, index: number): number | undefined {
  let select = nodeAs(expression.ctequery, 'SelectStmt')
  while (select?.larg !== undefined) select = select.larg
  return nodeAs(select?.targetList?.[index], 'ResTarget')?.location
}

export interface FoundCte {
  readonly cte: Pick<Cte, 'id' | 'name' | 'columns'>
  readonly recursive: boolean
}

/** The WITH query that a bare name means, the innermost first. @throws SqlError 0A000 if it returns nothing. */
export function lookUpCte(scope: Scope, name: RangeVar): FoundCte | undefined {
  for (let level: Scope | undefined = scope; level !== undefined; level = level.outer) {
    for (const binding of level.ctes) {
      if (binding.name !== name.relname) continue
      const { cte, self } = binding
      if (cte === undefined && self === undefined) continue
      binding.referenceCount++
      if (cte === undefined) return { cte: must(self), recursive: true }
      refuseWithoutReturning(scope, cte, name)
      return { cte, recursive: false }
    }
  }
  return undefined
}

function refuseWithoutReturning(scope: Scope, cte: Cte, name: RangeVar): void {
  const hasColumns = 'targets' in cte.query || cte.query.returning.length > 0
  if (hasColumns) return
  const message = `WITH query "${cte.name}" does not have a RETURNING clause`
  throw scope.analysis.error('0A000', message, name.location ?? 0)
}

/** The WITH queries of a level, with their references counted: call when the level is complete. */
export function finishCtes(scope: Scope): Cte[] {
  return scope.ctes.flatMap(({ cte, referenceCount }) =>
    cte === undefined ? [] : [{ ...cte, referenceCount }],
  )
}
