// WITH RECURSIVE, looked at before analysis: in which order its queries can be analysed, and whether those that refer to
// themselves do so where they may.

import { must } from '../../storage/base/assert.ts'
import type { CommonTableExpr, Node, SelectStmt } from '../parse/ast.ts'
import { nodeAs } from '../parse/ast.ts'
import type { Analysis } from './analysis.ts'

/** Calls `visit` for the names of relations that a raw tree reads, as far as they may be WITH queries'. */
function eachReference(value: unknown, hidden: ReadonlySet<string>, visit: (name: string) => void): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const item of value) eachReference(item, hidden, visit)
    return
  }
  const node = value as Record<string, unknown>
  const rangeVar = nodeAs(value as Node, 'RangeVar')
  if (rangeVar !== undefined) {
    const name = rangeVar.relname ?? ''
    if (rangeVar.schemaname === undefined && !hidden.has(name)) visit(name)
    return
  }
  const inner = (node['withClause'] as { ctes?: Node[] } | undefined)?.ctes ?? []
  const names = inner.map((cte) => nodeAs(cte, 'CommonTableExpr')?.ctename ?? '')
  const nowHidden = names.length === 0 ? hidden : new Set([...hidden, ...names])
  for (const key in node) eachReference(node[key], nowHidden, visit)
}

/** The queries, each after those it refers to. @throws SqlError 0A000 for mutual recursion. */
export function dependencyOrder(
  analysis: Analysis,
  expressions: readonly CommonTableExpr[],
): readonly CommonTableExpr[] {
  const needs = new Map(
    expressions.map((expression) => {
      const names = new Set<string>()
      eachReference(expression.ctequery, new Set(), (name) => names.add(name))
      names.delete(expression.ctename ?? '')
      return [expression, names] as const
    }),
  )
  const ordered: CommonTableExpr[] = []
  const waiting = [...expressions]
  while (waiting.length > 0) {
    const ready = waiting.findIndex((expression) =>
      waiting.every((other) => other === expression || !must(needs.get(expression)).has(other.ctename ?? '')),
    )
    if (ready < 0) {
      const message = 'mutual recursion between WITH items is not implemented'
      throw analysis.error('0A000', message, must(waiting[0]).location ?? 0)
    }
    ordered.push(...waiting.splice(ready, 1))
  }
  return ordered
}

type Context = 'fine' | 'its non-recursive term' | 'a subquery' | 'an outer join' | 'INTERSECT' | 'EXCEPT'

/**
 * Whether a WITH query refers to itself; if so, it must be UNION of a term that does not and one that does, once.
 *
 * @throws SqlError 42P19, 0A000.
 */
export function checkRecursion(analysis: Analysis, expression: CommonTableExpr): boolean {
  const name = expression.ctename ?? ''
  let isSelfReferring = false
  eachReference(expression.ctequery, new Set(), (found) => {
    isSelfReferring ||= found === name
  })
  if (!isSelfReferring) return false
  const location = expression.location ?? 0
  const select = nodeAs(expression.ctequery, 'SelectStmt')
  if (select === undefined) {
    throw analysis.error(
      '42P19',
      `recursive query "${name}" must not contain data-modifying statements`,
      location,
    )
  }
  if (select.op !== 'SETOP_UNION') {
    const message = `recursive query "${name}" does not have the form non-recursive-term UNION [ALL] recursive-term`
    throw analysis.error('42P19', message, location)
  }
  new RecursionChecker(analysis, name).check(select)
  refuseClauses(analysis, select)
  return true
}

function refuseClauses(analysis: Analysis, select: SelectStmt): void {
  const refuse = (what: string, location: number | undefined): never => {
    throw analysis.error('0A000', `${what} in a recursive query is not implemented`, location)
  }
  const first = nodeAs(select.sortClause?.[0], 'SortBy')?.node
  if (select.sortClause !== undefined) refuse('ORDER BY', firstLocation(first))
  if (select.limitOffset !== undefined) refuse('OFFSET', firstLocation(select.limitOffset))
  if (select.limitCount !== undefined) refuse('LIMIT', firstLocation(select.limitCount))
  if (select.lockingClause !== undefined) refuse('FOR UPDATE/SHARE', undefined)
}

function firstLocation(node: Node | undefined): number | undefined {
  if (node === undefined) return undefined
  const [inner] = Object.values(node) as [{ location?: number } | undefined]
  return inner?.location
}

class RecursionChecker {
  readonly #analysis: Analysis
  readonly #name: string
  #references = 0

  constructor(analysis: Analysis, name: string) {
    this.#analysis = analysis
    this.#name = name
  }

  check(select: SelectStmt): void {
    this.#walk(select.larg, 'its non-recursive term')
    this.#walk(select.rarg, 'fine')
    this.#walk({ withClause: select.withClause }, 'a subquery')
  }

  #walk(value: unknown, context: Context): void {
    if (typeof value !== 'object' || value === null) return
    if (Array.isArray(value)) {
      for (const item of value) this.#walk(item, context)
      return
    }
    const node = value as Node
    const rangeVar = nodeAs(node, 'RangeVar')
    const join = nodeAs(node, 'JoinExpr')
    const link = nodeAs(node, 'SubLink')
    if (rangeVar !== undefined) this.#reference(rangeVar, context)
    else if (join !== undefined) this.#join(join, context)
    else if (link !== undefined) {
      this.#walk(link.subselect, context === 'fine' ? 'a subquery' : context)
      this.#walk(link.testexpr, context)
    } else this.#fields(value as Record<string, unknown>, context)
  }

  #fields(node: Record<string, unknown>, context: Context): void {
    const select = node as SelectStmt
    if (isShadowing(select, this.#name)) return
    if (select.larg !== undefined && select.op === 'SETOP_EXCEPT') {
      this.#walk(select.larg, context)
      this.#walk(select.rarg, context === 'fine' ? 'EXCEPT' : context)
      return
    }
    if (select.larg !== undefined && select.op === 'SETOP_INTERSECT' && select.all === true) {
      this.#walk(select.larg, context === 'fine' ? 'INTERSECT' : context)
      this.#walk(select.rarg, context === 'fine' ? 'INTERSECT' : context)
      return
    }
    for (const key in node) {
      const inside = key === 'withClause' && context === 'fine' ? 'a subquery' : context
      this.#walk(node[key], inside)
    }
  }

  #join(join: NonNullable<ReturnType<typeof joinOf>>, context: Context): void {
    const outer: Context = context === 'fine' ? 'an outer join' : context
    const { jointype } = join
    this.#walk(join.larg, jointype === 'JOIN_RIGHT' || jointype === 'JOIN_FULL' ? outer : context)
    this.#walk(join.rarg, jointype === 'JOIN_LEFT' || jointype === 'JOIN_FULL' ? outer : context)
    this.#walk(join.quals, context)
  }

  #reference(rangeVar: { schemaname?: string; relname?: string; location?: number }, context: Context): void {
    if (rangeVar.schemaname !== undefined || rangeVar.relname !== this.#name) return
    const prefix = `recursive reference to query "${this.#name}" must not appear`
    const location = rangeVar.location ?? 0
    if (context !== 'fine') throw this.#analysis.error('42P19', `${prefix} within ${context}`, location)
    if (++this.#references > 1) throw this.#analysis.error('42P19', `${prefix} more than once`, location)
  }
}

const joinOf = (node: Node): ReturnType<typeof nodeAs<'JoinExpr'>> => nodeAs(node, 'JoinExpr')

function isShadowing(select: SelectStmt, name: string): boolean {
  return (select.withClause?.ctes ?? []).some((cte) => nodeAs(cte, 'CommonTableExpr')?.ctename === name)
}
