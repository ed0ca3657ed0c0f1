// Orders: comparing rows by sort keys, and whether a path's order already is the one asked for.

import type { RowCompare, RowOrder } from '../exec/operator/row-sorter.ts'
import { SourceBuilder } from '../exec/expression/source.ts'
import type { SortKey } from '../tree/query.ts'
import type { Row } from '../types/value.ts'
import { SqlError } from '../types/sql-error.ts'
import { compareText, textRank } from '../types/text.ts'
import { bareColumn } from './expr-facts.ts'
import { keyOf } from './layout.ts'
import type { Path } from './path.ts'
import type { Planner } from './planner.ts'

const NUMBER_SLOTS: ReadonlySet<string> = new Set([
  'int2',
  'int4',
  'uint4',
  'int8',
  'date',
  'timestamp',
  'bool',
])

const FLOAT_SLOTS: ReadonlySet<string> = new Set(['float4', 'float8'])

/** Compares rows by the slots at these indexes, one for each key. */
export function compileCompare(
  planner: Planner,
  keys: readonly SortKey[],
  slots: readonly number[],
): RowCompare {
  const builder = new SourceBuilder()
  const lines = keys.flatMap((key, i) => {
    const type = planner.type(key.expr.type)
    const [a, b] = [`a[${slots[i]}]`, `b[${slots[i]}]`]
    const nullFirst = key.nullsFirst ? -1 : 1
    const sign = key.descending ? -1 : 1
    if (type.compare === undefined) {
      throw new SqlError('42883', `could not identify an ordering operator for type ${type.name}`)
    }
    const order = NUMBER_SLOTS.has(type.rowSlot)
      ? `if (x !== y) return x < y ? ${-sign} : ${sign}`
      : `c = ${builder.bind(type.compare)}(x, y); if (c !== 0) return ${sign === 1 ? 'c' : '-c'}`
    return [
      `x = ${a}; y = ${b}`,
      `if (x === null) { if (y !== null) return ${nullFirst} } else if (y === null) return ${-nullFirst}`,
      `else { ${order} }`,
    ]
  })
  return builder.build<RowCompare>('a, b', `let x, y, c\n${lines.join('\n')}\nreturn 0`)
}

/** The order of rows by the slots at these indexes, one for each key. */
export function compileOrder(planner: Planner, keys: readonly SortKey[], slots: readonly number[]): RowOrder {
  return { compare: compileCompare(planner, keys, slots), rank: compileRank(planner, keys[0], slots[0]) }
}

/** What the first key says of a row's place, where that is a number or nearly one. */
function compileRank(planner: Planner, key: SortKey | undefined, slot: number | undefined): RowOrder['rank'] {
  if (key === undefined) return undefined
  const type = planner.type(key.expr.type)
  const builder = new SourceBuilder()
  const sign = key.descending ? '-' : ''
  let place: string
  if (NUMBER_SLOTS.has(type.rowSlot)) place = `${sign}Number(x)`
  // NaN comes behind every number, among those that are equal to infinity for the rank.
  else if (FLOAT_SLOTS.has(type.rowSlot)) place = `${sign}(x === x ? x : Infinity)`
  else if (type.compare === compareText) place = `${sign}${builder.bind(textRank)}(x)`
  else return undefined
  const ofNull = key.nullsFirst ? '-Infinity' : 'Infinity'
  return builder.build<(row: Row) => number>(
    'a',
    `const x = a[${slot}]\nreturn x === null ? ${ofNull} : ${place}`,
  )
}

/** Whether rows of the path come in the order of the keys. */
export function satisfies(
  path: Pick<Path, 'order' | 'constants'>,
  keys: readonly SortKey[],
  isNotNull: (key: SortKey) => boolean,
): boolean {
  let position = 0
  for (const key of keys) {
    const column = bareColumn(key.expr)
    if (column === undefined) return false
    const name = keyOf(column)
    if (path.constants.has(name)) continue
    const given = path.order[position++]
    if (given === undefined || given.key !== name || given.descending !== key.descending) return false
    if (given.nullsFirst !== key.nullsFirst && !isNotNull(key)) return false
  }
  return true
}
