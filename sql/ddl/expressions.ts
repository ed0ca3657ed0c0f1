// Where DDL meets analysis: expressions of defaults, checks, indexes and views are bound here, made canonical text, and
// looked through for what they depend on.
//
//   raw tree ──analyzeExpression──▶ Expr ──deparseExpr──▶ text, every name outside pg_catalog qualified
//                                     └──dependenciesOf──▶ what keeps what it names from being dropped
//
// regclass constants in stored text are oids ('16400'::regclass): renaming a sequence does not touch its users.

import type { Node } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import type { AnalysisContext } from '../analyze/analysis.ts'
import { analyzeExpression, analyzeExpressionText, type ExpressionOptions } from '../analyze/analyze.ts'
import { nameOfExpr } from '../analyze/target-name.ts'
import type { Catalog, Column, Dependency, Table } from '../catalog/catalog.ts'
import { neutralContext } from '../catalog/created-types.ts'
import { settled } from '../catalog/wait.ts'
import { deparseExpr } from '../deparse/expr.ts'
import { ExpressionCompiler, type Scope } from '../exec/expression/compiler.ts'
import { STORED_RELATION, type WriteEnvironment } from '../exec/modify/compiled-table.ts'
import { Runtime } from '../exec/runtime.ts'
import { writeEnvironment as environmentOf } from '../plan/write-environment.ts'
import type { Expr } from '../tree/expr.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import type { Row, Value } from '../types/value.ts'
import { dependenciesOf } from './tree-dependencies.ts'
import { visitTree } from './tree-walk.ts'
import type { DdlWork } from './work.ts'

/** An expression as the catalog keeps it. */
export interface CookedExpression {
  readonly text: string
  readonly dependencies: readonly Dependency[]
  /** Names of the table's columns in it, each once. */
  readonly columnNames: readonly string[]
}

export function analysisContext(work: DdlWork): AnalysisContext {
  const searchPath = work.searchPath().map((schema) => schema.oid)
  return { catalog: work.catalog, searchPath, typeContext: work.functions, parameterTypes: [] }
}

/** Binds a raw tree, or text that is canonical already (from LIKE). */
function bind(work: DdlWork, source: Node | string, options: ExpressionOptions): Expr {
  const context = analysisContext(work)
  if (typeof source === 'string') return analyzeExpressionText(source, context, options)
  return analyzeExpression(source, work.source, context, options)
}

/** The canonical text of a bound expression over one table's columns. */
export function storedText(work: DdlWork, expr: Expr): string {
  return deparseExpr(expr, { catalog: work.catalog, searchPath: [], indent: false })
}

function cook(work: DdlWork, expr: Expr, table: Table | undefined): CookedExpression {
  const names = new Set<string>()
  visitTree(expr, (node) => {
    if (node['kind'] === 'column') names.add(node['name'] as string)
    return undefined
  })
  return {
    text: storedText(work, expr),
    dependencies: dependenciesOf(work.catalog, expr, table),
    columnNames: [...names],
  }
}

/** The least stable function in an expression. */
function volatilityOf(expr: Expr): 'immutable' | 'stable' | 'volatile' {
  let worst: 'immutable' | 'stable' | 'volatile' = 'immutable'
  visitTree(expr, (node) => {
    const called = node['function'] as { readonly volatility?: typeof worst } | undefined
    const own =
      node['kind'] === 'next-value'
        ? 'volatile'
        : node['kind'] === 'session-value'
          ? 'stable'
          : called?.volatility
    if (own === 'volatile' || (own === 'stable' && worst === 'immutable')) worst = own
    return undefined
  })
  return worst
}

/** DEFAULT or GENERATED ALWAYS AS of column `index`; undefined for DEFAULT NULL, which is none. */
export function bindDefault(
  work: DdlWork,
  table: Table,
  index: number,
  source: Node | string,
  generated: boolean,
): CookedExpression | undefined {
  const { type, typmod, name } = must(table.columns[index])
  const target = { type, typmod, columnName: name }
  if (!generated) {
    const expr = bind(work, source, { kind: 'default', target })
    if (expr.kind === 'constant' && expr.value === null) return undefined
    return cook(work, expr, undefined)
  }
  const expr = bind(work, source, { kind: 'generated', table, target })
  if (volatilityOf(expr) !== 'immutable')
    throw new SqlError('42P17', 'generation expression is not immutable')
  const cooked = cook(work, expr, table)
  const other = table.columns.find((column) => column.generated && cooked.columnNames.includes(column.name))
  if (other !== undefined) {
    const message = `cannot use generated column "${other.name}" in column generation expression`
    throw work.error('42P17', message, locationOf(expr, other.name), {
      detail: 'A generated column cannot reference another generated column.',
    })
  }
  return cooked
}

/** Where a column of this name stands first. */
function locationOf(expr: Expr, column: string): number {
  let location = -1
  visitTree(expr, (node) => {
    if (location < 0 && node['kind'] === 'column' && node['name'] === column)
      location = node['location'] as number
    return undefined
  })
  return location
}

export function bindCheck(work: DdlWork, table: Table, source: Node | string): CookedExpression {
  return cook(work, bind(work, source, { kind: 'check', table }), table)
}

export interface IndexExpression extends CookedExpression {
  /** The expression was nothing but this column. */
  readonly column: number | undefined
  readonly type: number
  readonly collation: number
  /** What an index name calls it: the function's name, or expr. */
  readonly label: string
}

export function bindIndexExpression(work: DdlWork, table: Table, node: Node): IndexExpression {
  const expr = bind(work, node, { kind: 'index-expression', table })
  const cooked = cook(work, expr, table)
  const live = table.columns.flatMap((column, i) => (column.isDropped ? [] : [i]))
  const column = expr.kind === 'column' && expr.column >= 0 ? live[expr.column] : undefined
  if (volatilityOf(expr) !== 'immutable') {
    throw new SqlError('42P17', 'functions in index expression must be marked IMMUTABLE')
  }
  return { ...cooked, column, type: expr.type, collation: expr.collation, label: nameOfExpr(node) ?? 'expr' }
}

export function bindIndexPredicate(work: DdlWork, table: Table, node: Node): CookedExpression {
  const expr = bind(work, node, { kind: 'index-predicate', table })
  if (volatilityOf(expr) !== 'immutable') {
    throw new SqlError('42P17', 'functions in index predicate must be marked IMMUTABLE')
  }
  return cook(work, expr, table)
}

/** ALTER COLUMN TYPE: the USING expression (or the column itself) over the old row. */
export function bindTransform(work: DdlWork, table: Table, node: Node): Expr {
  return bind(work, node, { kind: 'transform', table })
}

/** A domain's DEFAULT, converted to its base type. */
export function bindDomainDefault(
  work: DdlWork,
  source: Node,
  domain: { readonly name: string; readonly baseOid: number; readonly typmod: number },
): CookedExpression | undefined {
  const target = { type: domain.baseOid, typmod: domain.typmod, columnName: domain.name }
  const expr = bind(work, source, { kind: 'default', target })
  return expr.kind === 'constant' && expr.value === null ? undefined : cook(work, expr, undefined)
}

/** A domain's CHECK: VALUE stands for what is tested. */
export function bindDomainCheck(
  work: DdlWork,
  source: Node,
  baseOid: number,
  typmod: number,
): CookedExpression {
  const expr = bind(work, source, { kind: 'check', table: valueTable(work.catalog, baseOid, typmod) })
  const text = deparseExpr(expr, {
    catalog: work.catalog,
    searchPath: [],
    indent: false,
    columnName: () => 'VALUE',
  })
  return { text, dependencies: dependenciesOf(work.catalog, expr), columnNames: [] }
}

/** What a domain's CHECK is bound over: a table of one column, the value. */
export function valueTable(catalog: Catalog, baseOid: number, typmod: number): Table {
  const column = {
    number: 1,
    name: 'value',
    type: baseOid,
    typmod,
    collation: 0,
    notNull: false,
    isDropped: false,
  }
  const type = catalog.type(baseOid)
  const value = { ...column, collation: type?.isCollatable === true ? 100 : 0 } as Column
  return { kind: 'table', oid: 0, name: 'domain', columns: [value], rowTypeOid: 0 } as unknown as Table
}

/** What compiled writers need of the catalog that this transaction sees. */
export function writeEnvironment(work: DdlWork): WriteEnvironment {
  return environmentOf({ catalog: work.catalog, functions: work.functions })
}

/** A column's default, ready to be evaluated. */
export interface BoundDefault {
  readonly isVolatile: boolean
  /** A function that evaluates it anew at each call. May suspend (nextval). */
  prepare(): () => Value
}

/** The default that column `index` has now (its domain's, if it has none). */
export function bindText(work: DdlWork, table: Table, index: number): BoundDefault {
  const column = must(table.columns[index])
  const next = column.identity === undefined ? undefined : `nextval('${column.sequenceOid}'::regclass)`
  const text = next ?? column.default ?? work.catalog.typeEntry(column.type)?.domain?.default ?? 'NULL'
  const environment = writeEnvironment(work)
  const expr = environment.bindTableExpression(text, table, STORED_RELATION, {
    kind: 'default',
    column: index,
  })
  return {
    isVolatile: volatilityOf(expr) === 'volatile',
    prepare: () => {
      const evaluate = compileRowExpression(environment, expr)
      const runtime = new Runtime(work.execution(), 0)
      return () => evaluate(runtime, [])
    },
  }
}

/** A function of a full row `r`, columns by index into table.columns. */
export function compileRowExpression(
  environment: WriteEnvironment,
  expr: Expr,
): (rt: Runtime, r: Row) => Value {
  const compiler = new ExpressionCompiler(environment, FULL_ROW)
  const { source } = compiler.value(expr)
  return compiler.builder.build<(rt: Runtime, r: Row) => Value>('rt, r', `return ${source}`)
}

const FULL_ROW: Scope = {
  column: (expr) => {
    if (expr.kind !== 'column' || expr.column < 0)
      throw unsupported('a system column or whole row in this expression')
    return { source: `r[${expr.column}]`, nullable: true, simple: false }
  },
  subquery: () => {
    throw unsupported('a subquery in this expression')
  },
}

export async function evaluateDefault(_work: DdlWork, bound: BoundDefault): Promise<Value> {
  return settled(bound.prepare())
}

/** The text that Column.missing keeps. */
export function missingText(work: DdlWork, column: Column, value: NonNullable<Value>): string {
  const typeOf = (oid: number): NonNullable<ReturnType<typeof work.catalog.type>> =>
    must(work.catalog.type(oid))
  return typeOf(column.type).output(value, neutralContext(typeOf))
}
