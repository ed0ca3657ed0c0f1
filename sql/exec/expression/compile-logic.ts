// Three-valued logic: AND, OR, CASE, COALESCE and the IS tests.

import type { Expr, TestExpr } from '../../tree/expr.ts'
import { RecordValue, type Value } from '../../types/value.ts'
import type { ExpressionCompiler } from './compiler.ts'
import { type Fragment, NULL_FRAGMENT } from './source.ts'

export function compileAnd(compiler: ExpressionCompiler, args: readonly Expr[]): Fragment {
  return threeValued(compiler, args, '&&', 'false')
}

export function compileOr(compiler: ExpressionCompiler, args: readonly Expr[]): Fragment {
  return threeValued(compiler, args, '||', 'true')
}

/** `decisive` is the value that settles the result whatever the other arguments are. */
function threeValued(
  compiler: ExpressionCompiler,
  args: readonly Expr[],
  sign: string,
  decisive: string,
): Fragment {
  const fragments = args.map((arg) => compiler.value(arg))
  if (fragments.every(({ nullable }) => !nullable)) {
    return {
      source: `(${fragments.map(({ source }) => source).join(` ${sign} `)})`,
      nullable: false,
      simple: false,
    }
  }
  const held = fragments.map((fragment) => {
    const { assign, name } = compiler.hold(fragment)
    return { test: assign === '' ? name : `(${assign})`, name }
  })
  const settled = held.map(({ test }) => `${test} === ${decisive} ? ${decisive} : `).join('')
  const unknown = held.filter((_, i) => fragments[i]?.nullable === true).map(({ name }) => `${name} === null`)
  const otherwise = decisive === 'true' ? 'false' : 'true'
  return {
    source: `(${settled}${unknown.join(' || ')} ? null : ${otherwise})`,
    nullable: true,
    simple: false,
  }
}

export function compileCase(compiler: ExpressionCompiler, expr: Extract<Expr, { kind: 'case' }>): Fragment {
  let prefix = ''
  if (expr.subject !== undefined) {
    const subject = compiler.value(expr.subject)
    const name = compiler.builder.temp()
    prefix = `${name} = ${subject.source}, `
    compiler.elements.push({ source: name, nullable: subject.nullable, simple: true })
  }
  // Conditions see the subject; results do not, but an outer construct's element must not be hidden from them.
  const conditions = expr.whens.map((when) => compiler.condition(when.condition))
  if (expr.subject !== undefined) compiler.elements.pop()
  const results = expr.whens.map((when) => compiler.value(when.result))
  const otherwise = expr.otherwise === undefined ? NULL_FRAGMENT : compiler.value(expr.otherwise)
  const chain = conditions.map((condition, i) => `${condition} ? ${results[i]?.source} : `).join('')
  const nullable = otherwise.nullable || results.some((result) => result.nullable)
  return { source: `(${prefix}${chain}${otherwise.source})`, nullable, simple: false }
}

export function compileCoalesce(compiler: ExpressionCompiler, args: readonly Expr[]): Fragment {
  const fragments = args.map((arg) => compiler.value(arg))
  return {
    source: `(${fragments.map(({ source }) => source).join(' ?? ')})`,
    nullable: fragments.every(({ nullable }) => nullable),
    simple: false,
  }
}

/** IS [NOT] NULL / TRUE / FALSE / UNKNOWN as a JavaScript boolean. */
export function compileTest(compiler: ExpressionCompiler, expr: TestExpr): string {
  const { source, nullable } = compiler.value(expr.arg)
  if (expr.test === 'true' || expr.test === 'false') {
    return `((${source}) ${expr.negated ? '!==' : '==='} ${expr.test})`
  }
  const isRow = expr.test === 'null' && isRowType(compiler, expr.arg.type)
  if (isRow) return `${compiler.builder.bind(expr.negated ? rowIsNotNull : rowIsNull)}(${source})`
  if (!nullable) return `(${source}, ${expr.negated})`
  return `((${source}) ${expr.negated ? '!==' : '==='} null)`
}

function isRowType(compiler: ExpressionCompiler, oid: number): boolean {
  return oid === 2249 || compiler.environment.type(oid).kind === 'composite'
}

/** A row IS NULL when every field is, and IS NOT NULL when no field is (documentation, section 9.2). */
function rowIsNull(value: Value): boolean {
  return value === null || (value instanceof RecordValue && value.fields.every((field) => field === null))
}

function rowIsNotNull(value: Value): boolean {
  return value !== null && (!(value instanceof RecordValue) || value.fields.every((field) => field !== null))
}
