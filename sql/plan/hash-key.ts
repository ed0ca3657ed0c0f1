// Compiles the Map key of some expressions over a row: equal exactly for rows whose values are all equal.
//
//   one value     what the type's hashKey gives; NULL: null
//   several       a string of them, each with its length, so that no two lists meet
//
// For joins a NULL anywhere makes the whole key null (it matches nothing); for grouping NULLs are equal to each other.

import type { HashKeyOf } from '../exec/operator/hash-join.ts'
import type { Expr } from '../tree/expr.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Value } from '../types/value.ts'
import type { Layout, OuterScope } from './layout.ts'
import type { Planner } from './planner.ts'

const PLAIN_SLOTS: ReadonlySet<string> = new Set([
  'bool',
  'int2',
  'int4',
  'uint4',
  'int8',
  'date',
  'timestamp',
])

function keySource(planner: Planner, expr: Expr, source: string, bind: (value: unknown) => string): string {
  const type = planner.type(expr.type)
  if (PLAIN_SLOTS.has(type.rowSlot)) return source
  if (type.hashKey === undefined) {
    throw new SqlError('42883', `could not identify an equality operator for type ${type.name}`)
  }
  return `${bind(type.hashKey)}(${source})`
}

/** For joins. */
export function compileHashKey(
  planner: Planner,
  exprs: readonly Expr[],
  layout: Layout,
  outer: OuterScope | undefined,
): HashKeyOf {
  return compile(planner, exprs, layout, outer, false)
}

/** For grouping and DISTINCT: never null for several expressions; for one, NULL's key is null. */
export function compileGroupKey(
  planner: Planner,
  exprs: readonly Expr[],
  layout: Layout,
  outer: OuterScope | undefined,
): HashKeyOf {
  return compile(planner, exprs, layout, outer, true)
}

function compile(
  planner: Planner,
  exprs: readonly Expr[],
  layout: Layout,
  outer: OuterScope | undefined,
  groups: boolean,
): HashKeyOf {
  const compiler = planner.compiler([{ name: 'r', layout }], outer)
  const { builder } = compiler
  const bind = (value: unknown): string => builder.bind(value)
  const names = exprs.map(() => builder.temp())
  const lines = exprs.map((expr, i) => `${names[i]} = ${compiler.value(expr).source}`)
  if (exprs.length === 1) {
    const key = keySource(planner, exprs[0] as Expr, names[0] as string, bind)
    lines.push(`return ${names[0]} === null ? null : ${key}`)
    return builder.build('rt, r', lines.join('\n'))
  }
  if (!groups && names.length > 0)
    lines.push(`if (${names.map((name) => `${name} === null`).join(' || ')}) return null`)
  const text = builder.bind(keyText)
  const parts = exprs.map((expr, i) => {
    const name = names[i] as string
    const key = keySource(planner, expr, name, bind)
    return groups ? `(${name} === null ? '_' : ${text}(${key}))` : `${text}(${key})`
  })
  lines.push(`return ${parts.length === 0 ? `''` : parts.join(' + ')}`)
  return builder.build('rt, r', lines.join('\n'))
}

/** Self-delimiting text of one key. */
function keyText(key: Value | string): string {
  if (typeof key === 'string') return `${key.length}:${key}`
  return `${String(key)};`
}
