// What the planner knows of the values in a table's columns: how many are distinct, how many NULL, which are common, and
// how they are spread. There is no ANALYZE to wait for: a column is sampled when a plan first asks for it, and again
// when the table has grown or shrunk by a good part.
//
//   column ─▶ cells of 30 leaves, spread evenly ─▶ values ─▶ distinct (Haas and Stokes), common, bounds
//
// Estimates only: nothing that is correct depends on them. They belong to the Table object of the catalog, which all
// branches share until it changes.

import type { Cell } from '../../storage/engine/engine.ts'
import type { Table } from '../catalog/catalog.ts'
import type { Type } from '../types/type.ts'
import type { Value } from '../types/value.ts'

/** Visits a sample of a table's cells. */
export type Sampler = (leafCount: number, visit: (cell: Cell) => void) => void

type HashKey = string | number | bigint | boolean

export interface ColumnStatistics {
  /** Estimated number of different values, NULL not counted; at least 1. */
  readonly distinct: number
  readonly nullFraction: number
  /** Fraction of the rows that have this value, for values that are clearly more frequent than the average. */
  readonly common: ReadonlyMap<HashKey, number>
  /** Sampled values in order, for inequalities; empty when the type has no order. */
  readonly bounds: readonly NonNullable<Value>[]
}

const LEAF_COUNT = 30
const COMMON_COUNT_MAX = 50
/** Sampled again once the number of rows has changed by this part. */
const DRIFT = 0.2
/** Tables below this many rows are sampled at each change of their number: that costs next to nothing. */
const SMALL_ROWS = 1000

interface Sampled {
  readonly tableRows: number
  readonly statistics: ColumnStatistics | undefined
}

const known = new WeakMap<Table, Map<number, Sampled>>()

/** Statistics of a column, sampled if need be; undefined when the table is empty. May suspend. */
export function columnStatistics(
  table: Table,
  column: number,
  type: Type,
  tableRows: number,
  sample: Sampler,
): ColumnStatistics | undefined {
  let columns = known.get(table)
  if (columns === undefined) {
    columns = new Map()
    known.set(table, columns)
  }
  const before = columns.get(column)
  if (before !== undefined && !hasDrifted(before.tableRows, tableRows)) return before.statistics
  const statistics = sampleColumn(table, column, type, tableRows, sample)
  columns.set(column, { tableRows, statistics })
  return statistics
}

function hasDrifted(before: number, now: number): boolean {
  const change = Math.abs(now - before)
  return change > (now <= SMALL_ROWS ? 0 : before * DRIFT)
}

function sampleColumn(
  table: Table,
  column: number,
  type: Type,
  tableRows: number,
  sample: Sampler,
): ColumnStatistics | undefined {
  const attnum = table.columns[column]?.number
  if (attnum === undefined || type.hashKey === undefined) return undefined
  const read = table.codec.compileColumnReader(attnum)
  const values: NonNullable<Value>[] = []
  let nulls = 0
  sample(LEAF_COUNT, (cell) => {
    const value = read(cell)
    if (value === null) nulls++
    else values.push(value)
  })
  if (values.length + nulls === 0) return undefined
  return summarise(values, nulls, type, type.hashKey, Math.max(tableRows, values.length + nulls))
}

function summarise(
  values: NonNullable<Value>[],
  nulls: number,
  type: Type,
  hashKey: (value: NonNullable<Value>) => HashKey,
  tableRows: number,
): ColumnStatistics {
  const counts = new Map<HashKey, number>()
  for (const value of values) {
    const key = hashKey(value)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const total = values.length + nulls
  const nullFraction = nulls / total
  const distinct = estimateDistinct(counts, values.length, tableRows * (1 - nullFraction))
  const { compare } = type
  const bounds = compare === undefined ? [] : values.sort(compare)
  return { distinct, nullFraction, common: commonValues(counts, total, distinct), bounds }
}

/**
 * The estimator that PostgreSQL uses too: Haas and Stokes, "Sampling-based selectivity estimation" (IBM RJ 10025,
 * 1996), n d / (n - f1 + f1 n / N).
 */
function estimateDistinct(counts: ReadonlyMap<HashKey, number>, sampled: number, tableRows: number): number {
  if (sampled === 0) return 1
  let once = 0
  for (const count of counts.values()) if (count === 1) once++
  const population = Math.max(tableRows, sampled)
  const estimate = (sampled * counts.size) / (sampled - once + (once * sampled) / population)
  return Math.max(1, Math.min(population, Math.max(counts.size, estimate)))
}

function commonValues(
  counts: ReadonlyMap<HashKey, number>,
  total: number,
  distinct: number,
): ReadonlyMap<HashKey, number> {
  const average = total / distinct
  const frequent = [...counts].filter(([, count]) => count > 2 && count > average * 1.25)
  frequent.sort((a, b) => b[1] - a[1])
  return new Map(frequent.slice(0, COMMON_COUNT_MAX).map(([key, count]) => [key, count / total]))
}

/** Fraction of the rows whose value equals one that is not known yet. */
export function averageEqual({ distinct, nullFraction }: ColumnStatistics): number {
  return (1 - nullFraction) / distinct
}

/** Fraction of the rows whose value equals this one. */
export function fractionEqual(statistics: ColumnStatistics, value: NonNullable<Value>, type: Type): number {
  const { common, distinct, nullFraction } = statistics
  const key = type.hashKey?.(value)
  const frequent = key === undefined ? undefined : common.get(key)
  if (frequent !== undefined) return frequent
  let rest = 1 - nullFraction
  for (const fraction of common.values()) rest -= fraction
  return Math.max(0, rest) / Math.max(1, distinct - common.size)
}

/** Fraction of the rows whose value is below this one (or equal, with `orEqual`); undefined when that is not known. */
export function fractionBelow(
  { bounds, nullFraction }: ColumnStatistics,
  value: NonNullable<Value>,
  orEqual: boolean,
  { compare }: Type,
): number | undefined {
  if (compare === undefined || bounds.length === 0) return undefined
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >> 1
    const order = compare(bounds[middle] as NonNullable<Value>, value)
    if (order < 0 || (orEqual && order === 0)) low = middle + 1
    else high = middle
  }
  return (low / bounds.length) * (1 - nullFraction)
}
