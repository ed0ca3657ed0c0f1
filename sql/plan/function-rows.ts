// Functions in FROM: one or several side by side (ROWS FROM), scalar ones as one row, WITH ORDINALITY.

import { must } from '../../storage/base/assert.ts'
import type { ExpressionCompiler } from '../exec/expression/compiler.ts'
import { callSource } from '../exec/expression/compile-call.ts'
import type { Runtime } from '../exec/runtime.ts'
import type { SetFunction } from '../functions/function.ts'
import type { Expr, SetCallExpr } from '../tree/expr.ts'
import type { FunctionFrom, RelationColumn } from '../tree/query.ts'
import { RECORD_OID } from '../types/oids.ts'
import { RecordValue, type Row, type Value } from '../types/value.ts'
import { EMPTY_LAYOUT, type Layout, type OuterScope } from './layout.ts'
import type { Planner } from './planner.ts'

type Rows = (rt: Runtime) => Iterable<Row>

export function compileFunctionRows(
  planner: Planner,
  from: FunctionFrom,
  outer: OuterScope | undefined,
): Rows {
  let position = 0
  const calls = from.calls.map(({ call, columnCount }) => {
    const columns = from.columns.slice(position, (position += columnCount))
    return { rows: compileSetCall(planner, call, EMPTY_LAYOUT, outer, columns), columnCount }
  })
  const [only] = calls
  if (only !== undefined && calls.length === 1 && !from.withOrdinality) {
    const { rows, columnCount } = only
    return (rt) => ({ [Symbol.iterator]: () => new SpreadIterator(() => rows(rt, []), columnCount) })
  }
  return function* (rt) {
    const iterators = calls.map(({ rows }) => rows(rt, [])[Symbol.iterator]())
    const isDone = iterators.map(() => false)
    for (let ordinal = 1; ; ordinal++) {
      const row: Row = []
      for (const [i, iterator] of iterators.entries()) {
        const step = isDone[i] === true ? undefined : iterator.next()
        if (step === undefined || step.done === true) isDone[i] = true
        const { columnCount } = must(calls[i])
        row.push(
          ...(step === undefined || step.done === true
            ? spread(null, columnCount, true)
            : spread(step.value, columnCount)),
        )
      }
      if (isDone.every((one) => one)) return
      yield from.withOrdinality ? [...row, ordinal] : row
    }
  }
}

/**
 * The items of one set as rows. Not a generator: that would end when the set suspends, which those of schema borealis do.
 */
class SpreadIterator implements Iterator<Row> {
  readonly #make: () => Iterable<Value | Row>
  readonly #columnCount: number
  #items: Iterator<Value | Row> | undefined

  constructor(make: () => Iterable<Value | Row>, columnCount: number) {
    this.#make = make
    this.#columnCount = columnCount
  }

  next(): IteratorResult<Row> {
    this.#items ??= this.#make()[Symbol.iterator]()
    const step = this.#items.next()
    return step.done === true ? step : { done: false, value: spread(step.value, this.#columnCount) }
  }
}

/** An item of a set as so many columns. */
function spread(item: Value | Row, columnCount: number, isMissing = false): Row {
  if (Array.isArray(item)) return item
  if (isMissing) return new Array<Value>(columnCount).fill(null)
  if (item instanceof RecordValue && columnCount === item.fields.length) return [...item.fields]
  return columnCount === 1 ? [item] : new Array<Value>(columnCount).fill(null)
}

export type SetRows = (rt: Runtime, r: Row) => Iterable<Value | Row>

/** A set-returning (or scalar) call as a function of a row. `columns`: of the FROM entry that it is. */
export function compileSetCall(
  planner: Planner,
  expr: Expr,
  layout: Layout,
  outer: OuterScope | undefined,
  columns: readonly RelationColumn[] = [],
): SetRows {
  if (expr.kind !== 'set-call') {
    const value = planner.compileValue(expr, layout, outer)
    return (rt, r) => [value(rt, r)]
  }
  const compiler = planner.compiler([{ name: 'r', layout }], outer)
  return compiler.builder.build<SetRows>('rt, r', `return ${setSource(compiler, expr, columns)}`)
}

const NO_ITEMS: readonly Value[] = []

function setSource(
  compiler: ExpressionCompiler,
  expr: SetCallExpr,
  columns: readonly RelationColumn[],
): string {
  const { builder } = compiler
  const { function: fn } = expr
  const names = expr.args.map(() => builder.temp())
  const assigns = expr.args.map((arg, i) => `${names[i]} = ${compiler.value(arg).source}`)
  const types = { args: expr.args.map((arg) => arg.type), result: expr.type }
  // What returns record has the columns of a definition list.
  const given = expr.type === RECORD_OID ? columns : []
  const specialise =
    fn.specialise && ((): SetFunction['call'] => must(fn.specialise)(types.args, types.result, given))
  const call = callSource(compiler, { ...fn, specialise, kind: 'scalar' } as never, types, names)
  const tests = fn.strict ? names.map((name) => `${name} === null`) : []
  const guarded = tests.length === 0 ? call : `${tests.join(' || ')} ? ${builder.bind(NO_ITEMS)} : ${call}`
  return `(${[...assigns, guarded].join(', ')})`
}
