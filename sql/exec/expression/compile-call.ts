// Calls of functions and operators, comparisons with arrays and of rows.

import type { ScalarFunction } from '../../functions/function.ts'
import type { ArrayCompareExpr, CallExpr, Expr, RowCompareExpr } from '../../tree/expr.ts'
import { ArrayValue, type Value } from '../../types/value.ts'
import type { ExpressionCompiler } from './compiler.ts'
import { type Fragment, NULL_FRAGMENT } from './source.ts'

/** Source of a call over argument sources that are names or literals, none of them null if the function is strict. */
export function callSource(
  compiler: ExpressionCompiler,
  fn: ScalarFunction,
  types: {
    readonly args: readonly number[]
    readonly result: number
    readonly variadic?: boolean | undefined
  },
  args: readonly string[],
): string {
  const { builder } = compiler
  if (fn.specialise !== undefined) {
    const made = fn.specialise(types.args, types.result, types.variadic === true)
    return `${builder.bind(made)}(${(fn.usesContext ? ['rt.functions', ...args] : args).join(', ')})`
  }
  if (fn.inline !== undefined && builder.include(fn.inlineScope ?? {})) return `(${fn.inline(...args)})`
  return `${builder.bind(fn.call)}(${(fn.usesContext ? ['rt.functions', ...args] : args).join(', ')})`
}

export function compileCall(compiler: ExpressionCompiler, expr: CallExpr): Fragment {
  const { function: fn } = expr
  const fragments = expr.args.map((arg) => compiler.value(arg))
  const types = { args: expr.args.map((arg) => arg.type), result: expr.type, variadic: expr.variadic }
  if (!fn.strict) {
    const source = callSource(
      compiler,
      fn,
      types,
      fragments.map((one) => one.source),
    )
    return { source, nullable: true, simple: false }
  }
  if (fragments.some((one) => one === NULL_FRAGMENT)) return NULL_FRAGMENT
  const held = fragments.map((one) => compiler.hold(one))
  const assigns = held.map(({ assign }) => assign).filter((assign) => assign !== '')
  const call = callSource(
    compiler,
    fn,
    types,
    held.map(({ name }) => name),
  )
  const tests = held.filter((_, i) => fragments[i]?.nullable === true).map(({ name }) => `${name} === null`)
  const body = tests.length === 0 ? call : `${tests.join(' || ')} ? null : ${call}`
  // A strict function may still answer null (jsonb ->, array_position, ...); the comparison operators never do.
  const nullable = tests.length > 0 || !neverNull(fn)
  return {
    source: assigns.length === 0 ? `(${body})` : `(${assigns.join(', ')}, ${body})`,
    nullable,
    simple: false,
  }
}

/** Functions with an inline form compute: they answer null for null arguments only. */
function neverNull(fn: ScalarFunction): boolean {
  return fn.strict && fn.inline !== undefined
}

/** `left = right` over two names that are not null: source of true, false or null. */
export function compileEquality(
  compiler: ExpressionCompiler,
  equal: ScalarFunction,
  types: readonly number[],
  left: string,
  right: string,
): string {
  return callSource(compiler, equal, { args: types, result: 16 }, [left, right])
}

export function compileRowCompare(compiler: ExpressionCompiler, expr: RowCompareExpr): Fragment {
  const orEqual = expr.operator === '<=' || expr.operator === '>='
  const isGreater = expr.operator === '>' || expr.operator === '>='
  let source = String(orEqual)
  for (let i = expr.left.length - 1; i >= 0; i--) {
    const [left, right] = [expr.left[i] as Expr, expr.right[i] as Expr]
    const less = expr.less[i] as ScalarFunction
    const l = forced(compiler, compiler.value(left))
    const r = forced(compiler, compiler.value(right))
    const types = { args: [left.type, right.type], result: 16 }
    const back = { args: [right.type, left.type], result: 16 }
    const isLess = callSource(compiler, less, types, [l.name, r.name])
    const isMore = callSource(compiler, less, back, [r.name, l.name])
    const unknown = `${l.name} === null || ${r.name} === null ? null`
    source = `(${l.assign}, ${r.assign}, ${unknown} : ${isLess} ? ${!isGreater} : ${isMore} ? ${isGreater} : ${source})`
  }
  return { source, nullable: true, simple: false }
}

function forced(
  compiler: ExpressionCompiler,
  fragment: Fragment,
): { readonly assign: string; readonly name: string } {
  const name = compiler.builder.temp()
  return { assign: `${name} = ${fragment.source}`, name }
}

/** Lists of at least this many elements are looked up in a Set. */
const HASHED_LIST_LENGTH_MIN = 9

export function compileArrayCompare(compiler: ExpressionCompiler, expr: ArrayCompareExpr): Fragment {
  const { builder, environment } = compiler
  const elementType = environment.type(expr.right.type).elementOid
  const left = forced(compiler, compiler.value(expr.left))
  if (expr.right.kind === 'array' && !expr.right.nested) return unrolled(compiler, expr, left)
  const right = forced(compiler, compiler.value(expr.right))
  const nested = compiler.separate()
  const call = callSource(nested, expr.function, { args: [expr.left.type, elementType], result: 16 }, [
    'a',
    'b',
  ])
  const test = nested.builder.build<(rt: unknown, a: Value, b: Value) => Value>('rt, a, b', `return ${call}`)
  const operator = environment.functions.operatorByOid(expr.operatorOid)
  const type = environment.type(expr.left.type)
  const isHashable = operator?.btree === '=' && operator.left === operator.right && !expr.all
  const matcher = new ArrayMatcher(
    test,
    expr.function.strict,
    expr.all,
    isHashable ? type.hashKey : undefined,
  )
  const source = `(${left.assign}, ${right.assign}, ${builder.bind(matcher)}.match(rt, ${left.name}, ${right.name}))`
  return { source, nullable: true, simple: false }
}

/** x IN (a, b, c) over expressions: a chain of comparisons. */
function unrolled(
  compiler: ExpressionCompiler,
  expr: ArrayCompareExpr,
  left: { readonly assign: string; readonly name: string },
): Fragment {
  const elements = expr.right.kind === 'array' ? expr.right.elements : []
  const decisive = expr.all ? 'false' : 'true'
  const result = compiler.builder.temp()
  const tests = elements.map((element) => {
    const right = forced(compiler, compiler.value(element))
    const types = { args: [expr.left.type, element.type], result: 16 }
    const call = callSource(compiler, expr.function, types, [left.name, right.name])
    const checked = expr.function.strict
      ? `(${left.name} === null || ${right.name} === null ? null : ${call})`
      : call
    const verdict = compiler.builder.temp()
    return (
      `(${right.assign}, ${verdict} = ${checked}, ${verdict} === null && (${result} = null), ` +
      `${verdict} === ${decisive}) ? ${decisive} : `
    )
  })
  const start = expr.all ? 'true' : 'false'
  return {
    source: `(${left.assign}, ${result} = ${start}, ${tests.join('')}${result})`,
    nullable: true,
    simple: false,
  }
}

/** x = ANY (array) and its kin, over an array that is known only at run time. Remembers the last array's Set. */
class ArrayMatcher {
  readonly #test: (rt: unknown, a: Value, b: Value) => Value
  readonly #strict: boolean
  readonly #all: boolean
  readonly #hashKey: ((value: NonNullable<Value>) => unknown) | undefined
  #array: Value = null
  #keys: Set<unknown> | undefined
  #hasNull = false

  constructor(
    test: (rt: unknown, a: Value, b: Value) => Value,
    strict: boolean,
    all: boolean,
    hashKey: ((value: NonNullable<Value>) => unknown) | undefined,
  ) {
    this.#test = test
    this.#strict = strict
    this.#all = all
    this.#hashKey = hashKey
  }

  match(rt: unknown, left: Value, right: Value): Value {
    if (!(right instanceof ArrayValue)) return null
    const { elements } = right
    if (this.#hashKey !== undefined && elements.length >= HASHED_LIST_LENGTH_MIN)
      return this.#lookUp(left, right)
    let result: Value = this.#all
    for (const element of elements) {
      const isNull = this.#strict && (left === null || element === null)
      const verdict = isNull ? null : this.#test(rt, left, element)
      if (verdict === null) result = null
      else if (verdict !== this.#all) return !this.#all
    }
    return result
  }

  #lookUp(left: Value, array: ArrayValue): Value {
    const hashKey = this.#hashKey as (value: NonNullable<Value>) => unknown
    if (this.#array !== array || this.#keys === undefined) {
      this.#keys = new Set(array.elements.filter((one) => one !== null).map((one) => hashKey(one)))
      this.#hasNull = array.elements.includes(null)
      this.#array = array
    }
    if (left === null) return null
    return this.#keys.has(hashKey(left)) ? true : this.#hasNull ? null : false
  }
}
