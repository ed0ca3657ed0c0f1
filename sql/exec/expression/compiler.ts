// The expression compiler: bound expressions become JavaScript source, specialised by type.
//
//   Expr ──value()──────▶ Fragment: source of a Value, and whether it can be null
//        ──condition()──▶ source of a JavaScript boolean: NULL counts as false (WHERE, ON, FILTER, WHEN)
//
// Null checks are made only where an argument can be null. All arguments of a strict call are evaluated before any is
// tested, as PostgreSQL does; AND, OR, CASE and COALESCE evaluate no more than they must. In the made functions the
// run is `rt` (Runtime); columns are what the Scope says.

import { must, unreachable } from '../../../storage/base/assert.ts'
import type { FunctionRegistry } from '../../functions/function.ts'
import type { ColumnExpr, Expr, SubqueryExpr, WholeRowExpr } from '../../tree/expr.ts'
import { type SqlError, unsupported } from '../../types/sql-error.ts'
import type { Type } from '../../types/type.ts'
import type { Value } from '../../types/value.ts'
import { compileArrayCompare, compileCall, compileEquality, compileRowCompare } from './compile-call.ts'
import { compileAnd, compileCase, compileCoalesce, compileOr, compileTest } from './compile-logic.ts'
import * as compound from './compile-compound.ts'
import { type Fragment, NULL_FRAGMENT, SourceBuilder } from './source.ts'

/** How columns are named in the source. */
export interface Scope {
  column(expr: ColumnExpr | WholeRowExpr): Fragment
  /** Plans a subquery that may refer to this scope; returns its source. */
  subquery(expr: SubqueryExpr, compiler: ExpressionCompiler): Fragment
}

/** What compilation needs to know of the database. */
export interface CompileEnvironment {
  readonly functions: FunctionRegistry
  type(oid: number): Type
  /** A domain's checks, each over an ElementExpr, and whether it refuses NULL; undefined: not a domain. */
  domain(oid: number): DomainRules | undefined
}

export interface DomainRules {
  readonly name: string
  /** For errors. */
  readonly schema: string | undefined
  readonly baseOid: number
  readonly notNull: boolean
  readonly checks: readonly { readonly name: string; readonly expr: Expr }[]
}

export class ExpressionCompiler {
  readonly builder: SourceBuilder
  readonly environment: CompileEnvironment
  readonly scope: Scope
  /** What ElementExpr stands for, innermost last. */
  readonly elements: Fragment[] = []

  constructor(environment: CompileEnvironment, scope: Scope, builder: SourceBuilder = new SourceBuilder()) {
    this.environment = environment
    this.scope = scope
    this.builder = builder
  }

  /** The same builder and environment over another scope. */
  over(scope: Scope): ExpressionCompiler {
    return new ExpressionCompiler(this.environment, scope, this.builder)
  }

  /** For a function of its own: the same environment and scope, a new builder. */
  separate(): ExpressionCompiler {
    return new ExpressionCompiler(this.environment, this.scope)
  }

  value(expr: Expr): Fragment {
    switch (expr.kind) {
      case 'constant':
        return this.constant(expr.value)
      case 'parameter':
        return { source: `rt.p[${expr.index}]`, nullable: true, simple: false }
      case 'column':
      case 'whole-row':
        return this.scope.column(expr)
      case 'slot':
        return { source: `rt.s[${expr.index}]`, nullable: true, simple: false }
      case 'element':
        return must(this.elements.at(-1), 'an element placeholder stands inside its construct')
      case 'call':
        return compileCall(this, expr)
      case 'convert':
        return compound.compileConvert(this, expr)
      case 'typmod':
        return compound.compileTypmod(this, expr)
      case 'and':
        return compileAnd(this, expr.args)
      case 'or':
        return compileOr(this, expr.args)
      case 'not':
        return this.#not(expr.arg)
      case 'test':
        return { source: compileTest(this, expr), nullable: false, simple: false }
      case 'distinct':
        return { source: this.condition(expr), nullable: false, simple: false }
      case 'case':
        return compileCase(this, expr)
      case 'coalesce':
        return compileCoalesce(this, expr.args)
      case 'greatest':
      case 'least':
        return compound.compileExtreme(this, expr)
      case 'nullif':
        return this.#nullIf(expr)
      case 'array':
        return compound.compileArray(this, expr)
      case 'row':
        return compound.compileRow(this, expr)
      case 'row-compare':
        return compileRowCompare(this, expr)
      case 'array-compare':
        return compileArrayCompare(this, expr)
      case 'subscript':
        return compound.compileSubscript(this, expr)
      case 'field':
        return compound.compileField(this, expr)
      case 'subquery':
        return this.scope.subquery(expr, this)
      case 'session-value':
        return compound.compileSessionValue(this, expr)
      case 'next-value':
        return compound.compileNextValue(this, expr.sequenceOid)
      case 'set-call':
        throw misplaced('set-returning functions are not allowed in this context')
      case 'aggregate':
      case 'window':
      case 'grouping':
        throw misplaced(`an ${expr.kind} expression in this place`)
      default:
        return unreachable(expr)
    }
  }

  /** JavaScript boolean: true exactly when the value is true. */
  condition(expr: Expr): string {
    switch (expr.kind) {
      case 'and':
        return `(${expr.args.map((arg) => this.condition(arg)).join(' && ')})`
      case 'or':
        return `(${expr.args.map((arg) => this.condition(arg)).join(' || ')})`
      case 'test':
        return compileTest(this, expr)
      case 'distinct':
        return this.#distinct(expr)
      default: {
        const { source, nullable } = this.value(expr)
        return nullable ? `((${source}) === true)` : `(${source})`
      }
    }
  }

  constant(value: Value): Fragment {
    if (value === null) return NULL_FRAGMENT
    const isLiteral = typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
    const literal = Object.is(value, -0)
      ? '-0'
      : isLiteral && typeof value === 'number' && value < 0
        ? `(${value})`
        : String(value)
    return { source: isLiteral ? literal : this.builder.bind(value), nullable: false, simple: true }
  }

  /** Source that stores the fragment in a temporary unless it is simple: [assignment or '', name]. */
  hold(fragment: Fragment): { readonly assign: string; readonly name: string } {
    if (fragment.simple) return { assign: '', name: fragment.source }
    const name = this.builder.temp()
    return { assign: `${name} = ${fragment.source}`, name }
  }

  #not(arg: Expr): Fragment {
    const { source, nullable } = this.value(arg)
    if (!nullable) return { source: `!(${source})`, nullable: false, simple: false }
    const temp = this.builder.temp()
    return { source: `((${temp} = ${source}) === null ? null : !${temp})`, nullable: true, simple: false }
  }

  #distinct(expr: Extract<Expr, { kind: 'distinct' }>): string {
    const left = this.hold(this.value(expr.left))
    const right = this.hold(this.value(expr.right))
    const equal = compileEquality(this, expr.equal, [expr.left.type, expr.right.type], left.name, right.name)
    const parts = [left.assign, right.assign].filter((one) => one !== '')
    const test = `(${left.name} === null ? ${right.name} !== null : ${right.name} === null || ${equal} !== true)`
    const source = `(${[...parts, test].join(', ')})`
    return expr.negated ? `!${source}` : source
  }

  #nullIf(expr: Extract<Expr, { kind: 'nullif' }>): Fragment {
    const left = this.hold(this.value(expr.left))
    const right = this.hold(this.value(expr.right))
    const equal = compileEquality(this, expr.equal, [expr.left.type, expr.right.type], left.name, right.name)
    const parts = [left.assign, right.assign].filter((one) => one !== '')
    const test = `${left.name} !== null && ${right.name} !== null && ${equal} === true ? null : ${left.name}`
    return { source: `(${[...parts, test].join(', ')})`, nullable: true, simple: false }
  }
}

function misplaced(what: string): SqlError {
  return unsupported(what)
}
