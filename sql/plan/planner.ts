// The planner of one statement: allocates runtime slots and state numbers, resolves types, plans subqueries wherever
// expressions hold them. The work itself is in the modules it calls:
//
//   planStatement ─▶ query.ts (SELECT, set operations, VALUES) ─▶ join-group.ts ─▶ table-path.ts and its siblings
//                 └▶ modify-*.ts (INSERT, UPDATE, DELETE)

import { must } from '../../storage/base/assert.ts'
import type { PlanNode } from '../exec/operator.ts'
import { ExpressionCompiler } from '../exec/expression/compiler.ts'
import type { Fragment } from '../exec/expression/source.ts'
import { Subplan, type SubplanOptions } from '../exec/expression/subplan.ts'
import { replace, visitQuery } from '../exec/expression/walk.ts'
import type { Runtime } from '../exec/runtime.ts'
import { deparseExpr } from '../deparse/expr.ts'
import { quoteIdentifier } from '../parse/identifier.ts'
import type { Expr, RelationId, SubqueryExpr } from '../tree/expr.ts'
import type { Query, TableFrom } from '../tree/query.ts'
import { unsupported } from '../types/sql-error.ts'
import type { Row, Value } from '../types/value.ts'
import { CteRegistry } from './cte.ts'
import { isVolatile } from './expr-facts.ts'
import {
  type ColumnKey,
  keyOf,
  Layout,
  LayoutScope,
  type NamedRow,
  OuterScope,
  slotColumn,
  type SubqueryCompiler,
} from './layout.ts'
import type { PlanContext } from './plan-context.ts'
import { planQuery } from './query.ts'
import type { Planned } from './path.ts'
import { CatalogEnvironment } from './write-environment.ts'

/** Relation ids of the planner's own making count down from here; analysis counts up from 1. */
const SYNTHETIC_START = -1000

export class Planner extends CatalogEnvironment {
  readonly context: PlanContext
  readonly ctes: CteRegistry
  /** Names of rules that fired, in order: golden tests look at them. */
  readonly fired: string[] = []
  /** The error of a constant expression that could not be evaluated: see fold.ts. */
  foldError: unknown
  #slotCount = 0
  #stateCount = 0
  #synthetic = SYNTHETIC_START

  constructor(context: PlanContext) {
    super(context)
    this.context = context
    this.ctes = new CteRegistry(this)
  }

  /** A planner for another catalog, by the same rules: that of a branch, or of the past. */
  elsewhere(context: PlanContext): Planner {
    return new Planner(context)
  }

  get slotCount(): number {
    return this.#slotCount
  }

  newSlot(): number {
    return this.#slotCount++
  }

  newState(): number {
    return this.#stateCount++
  }

  newRelation(): RelationId {
    return this.#synthetic-- as RelationId
  }

  readonly subqueryCompiler: SubqueryCompiler = (expr, compiler, scope) =>
    this.#compileSubquery(expr, compiler, scope)

  scope(rows: readonly NamedRow[], outer: OuterScope | undefined): LayoutScope {
    return new LayoutScope(rows, outer, this.subqueryCompiler)
  }

  compiler(rows: readonly NamedRow[], outer: OuterScope | undefined): ExpressionCompiler {
    return new ExpressionCompiler(this, this.scope(rows, outer))
  }

  /** What an inner plan sees: the relations that `provides` claims, then what `outer` sees. */
  outerScope(provides: (relation: RelationId) => boolean, outer: OuterScope | undefined): OuterScope {
    return new OuterScope(
      (expr) => provides(expr.relation),
      outer,
      () => this.newSlot(),
    )
  }

  planQuery(query: Query, outer: OuterScope | undefined, relation?: RelationId, rowLimit?: number): Planned {
    return planQuery(this, query, outer, { relation: relation ?? this.newRelation(), rowLimit })
  }

  /** Stored tables that FROM entries name, for estimates. */
  readonly tables: Map<RelationId, TableFrom> = new Map<RelationId, TableFrom>()
  /** Names of FROM entries, for EXPLAIN. */
  readonly aliases: Map<RelationId, string> = new Map<RelationId, string>()
  /** What columns of the planner's own relations stand for, for EXPLAIN. */
  readonly originals: Map<ColumnKey, Expr> = new Map<ColumnKey, Expr>()

  /** What a column of the planner's own relations stands for; anything else is itself. */
  original(expr: Expr): Expr {
    return (expr.kind === 'column' ? this.originals.get(keyOf(expr)) : undefined) ?? expr
  }

  /** An expression as EXPLAIN shows it: columns with their entry's name if the statement has several entries. */
  deparse(expr: Expr): string {
    return deparseExpr(expr, {
      catalog: this.catalog,
      searchPath: [...this.catalog.schemas()].map((schema) => schema.oid),
      indent: false,
      columnName: (column) => {
        const original = this.originals.get(keyOf(column))
        if (original !== undefined) return this.deparse(original)
        const name = column.kind === 'column' ? quoteIdentifier(column.name) : '*'
        const alias = this.aliases.get(column.relation)
        return this.aliases.size > 1 && alias !== undefined ? `${quoteIdentifier(alias)}.${name}` : name
      },
    })
  }

  /** A value over one row `r`. */
  compileValue(expr: Expr, layout: Layout, outer: OuterScope | undefined): (rt: Runtime, r: Row) => Value {
    const compiler = this.compiler([{ name: 'r', layout }], outer)
    return compiler.builder.build('rt, r', `return ${compiler.value(expr).source}`)
  }

  /** A condition over one row `r`. */
  compileCondition(
    exprs: readonly Expr[],
    layout: Layout,
    outer: OuterScope | undefined,
  ): (rt: Runtime, r: Row) => boolean {
    const compiler = this.compiler([{ name: 'r', layout }], outer)
    const source = exprs.map((expr) => compiler.condition(expr)).join(' && ')
    return compiler.builder.build('rt, r', `return ${source === '' ? 'true' : source}`)
  }

  /** A row of expressions over one row `r`. */
  compileRow(
    exprs: readonly Expr[],
    layout: Layout,
    outer: OuterScope | undefined,
  ): (rt: Runtime, r: Row) => Row {
    const compiler = this.compiler([{ name: 'r', layout }], outer)
    return compiler.builder.build(
      'rt, r',
      `return [${exprs.map((expr) => compiler.value(expr).source).join(', ')}]`,
    )
  }

  readonly #subplans: { readonly node: PlanNode; readonly isCorrelated: boolean }[] = []

  /** Plans of expression subqueries, for EXPLAIN. */
  get subplans(): readonly { readonly node: PlanNode; readonly isCorrelated: boolean }[] {
    return this.#subplans
  }

  #compileSubquery(expr: SubqueryExpr, compiler: ExpressionCompiler, scope: LayoutScope): Fragment {
    const inner = new OuterScope(
      (column) => scope.find(column) !== undefined,
      scope.outer,
      () => this.newSlot(),
    )
    const outputs = expr.outputs ?? this.newRelation()
    const rowLimit = expr.test === 'exists' ? 1 : undefined
    const planned = this.planQuery(expr.query, inner, outputs, rowLimit)
    const compared = this.#compileCompare(expr, planned.layout, inner)
    this.#subplans.push({ node: planned.node, isCorrelated: inner.slots.length > 0 || expr.left.length > 0 })
    let volatile = false
    visitQuery(expr.query, (one) => {
      volatile ||= one.kind !== 'subquery' && isVolatile(one)
    })
    const isComparison = compared !== undefined
    const options: SubplanOptions = {
      id: this.newState(),
      node: planned.node,
      test: expr.test,
      slots: inner.slots,
      isVolatile: volatile,
      elementOid: expr.test === 'array' ? this.type(expr.type).elementOid : 0,
      isOfArrays:
        expr.test === 'array' && expr.query.targets.find((one) => !one.junk)?.expr.type === expr.type,
      compare: compared,
      hashKey: expr.test === 'any' && inner.slots.length === 0 ? this.#hashKeyOf(expr) : undefined,
    }
    const assigns = inner.uses.map((use) => `rt.s[${use.slot}] = ${must(scope.find(use.expr)).source}`)
    const subplan = compiler.builder.bind(new Subplan(options))
    const left = `[${expr.left.map((one) => compiler.value(one).source).join(', ')}]`
    const call = isComparison ? `${subplan}.compare(rt, ${left})` : `${subplan}.evaluate(rt)`
    return { source: `(${[...assigns, call].join(', ')})`, nullable: expr.test !== 'exists', simple: false }
  }

  /** The comparison as a function of the left values `l` and a row `r` of the subquery. */
  #compileCompare(expr: SubqueryExpr, layout: Layout, inner: OuterScope): SubplanOptions['compare'] {
    if (expr.compare === undefined) return undefined
    if (expr.test !== 'any' && expr.test !== 'all' && expr.test !== 'row')
      throw unsupported('this comparison')
    const leftRelation = this.newRelation()
    const leftLayout = new Layout(
      expr.left.map((_, column) => ({ relation: leftRelation, column, nullable: true })),
    )
    const compare = replaceLeft(expr.compare, expr.left, leftRelation)
    const compiler = this.compiler(
      [
        { name: 'l', layout: leftLayout },
        { name: 'r', layout },
      ],
      inner,
    )
    return compiler.builder.build('rt, l, r', `return ${compiler.value(compare).source}`)
  }

  /** IN by hashing: one column, compared by the hashable '=' of one type. */
  #hashKeyOf(expr: SubqueryExpr): SubplanOptions['hashKey'] {
    const { compare, left } = expr
    if (compare?.kind !== 'call' || left.length !== 1 || compare.args.length !== 2) return undefined
    const operator = this.functions.operatorByOid(compare.operatorOid)
    const [a, b] = compare.args
    if (operator?.btree !== '=' || !operator.canHash || a === undefined || b === undefined) return undefined
    if (
      b.kind !== 'column' ||
      b.relation !== expr.outputs ||
      a !== left[0] ||
      operator.left !== operator.right
    )
      return undefined
    return this.type(operator.left).hashKey
  }
}

/** The left operands, wherever the comparison names them, become columns of their own relation. */
function replaceLeft(compare: Expr, left: readonly Expr[], relation: RelationId): Expr {
  return replace(compare, (one) => {
    const index = left.findIndex((operand) => operand === one)
    return index < 0 ? undefined : slotColumn(relation, index, one)
  })
}
