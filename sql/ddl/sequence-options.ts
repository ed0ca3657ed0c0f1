// The options of CREATE and ALTER SEQUENCE, with PostgreSQL's defaults, checks and messages.

import type { DefElem } from 'libpg-query'
import type { Sequence } from '../catalog/catalog.ts'
import { nodeAs } from '../parse/ast.ts'
import { INT2_OID, INT4_OID, INT8_OID } from '../types/oids.ts'
import { SqlError } from '../types/sql-error.ts'
import { int8 } from '../types/value.ts'
import { optionBoolean, optionInt8 } from './nodes.ts'
import { resolveType } from './type-names.ts'
import type { DdlWork } from './work.ts'

type SequenceNumbers = Pick<
  Sequence,
  'type' | 'start' | 'increment' | 'min' | 'max' | 'cache' | 'cycle' | 'initial'
>

interface Range {
  readonly min: bigint
  readonly max: bigint
}

const RANGES: ReadonlyMap<number, Range> = new Map([
  [INT2_OID, { min: -32768n, max: 32767n }],
  [INT4_OID, { min: -2147483648n, max: 2147483647n }],
  [INT8_OID, { min: -(2n ** 63n), max: 2n ** 63n - 1n }],
])

const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [INT2_OID, 'smallint'],
  [INT4_OID, 'integer'],
  [INT8_OID, 'bigint'],
])

const INT8_RANGE: Range = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

/** Options by name, each at most once. */
export function sequenceOptions(work: DdlWork, options: readonly DefElem[]): ReadonlyMap<string, DefElem> {
  const byName = new Map<string, DefElem>()
  for (const option of options) {
    const name = option.defname ?? ''
    if (byName.has(name)) throw work.error('42601', 'conflicting or redundant options', option.location)
    byName.set(name, option)
  }
  return byName
}

/**
 * The numbers of a new sequence (`old` undefined) or of a changed one. `initial` is the state to begin with; it means
 * something for a changed sequence only when RESTART is among the options.
 */
export function sequenceFrom(
  work: DdlWork,
  options: readonly DefElem[],
  old: Sequence | undefined,
  defaultType: number = INT8_OID,
): SequenceNumbers {
  const given = sequenceOptions(work, options)
  const type = typeFrom(work, given, old, defaultType)
  const range = RANGES.get(type) ?? INT8_RANGE
  const increment = incrementFrom(given, old)
  const isUp = increment > 0n
  const kept = keptLimits(old, given.has('as'))
  const max = limitFrom(given.get('maxvalue'), kept.max, isUp ? range.max : -1n)
  const min = limitFrom(given.get('minvalue'), kept.min, isUp ? 1n : range.min)
  checkLimits(type, range, min, max)
  const start = bigOption(given.get('start')) ?? big(old?.start) ?? (isUp ? min : max)
  checkWithin('START', start, min, max)
  const restart = given.get('restart')
  const first = restart?.arg === undefined ? start : BigInt(optionInt8(restart))
  if (restart !== undefined) checkWithin('RESTART', first, min, max)
  const cache = bigOption(given.get('cache')) ?? big(old?.cache) ?? 1n
  if (cache <= 0n) throw new SqlError('22023', `CACHE (${cache}) must be greater than zero`)
  const cycleOption = given.get('cycle')
  return {
    type,
    start: int8(start),
    increment: int8(increment),
    min: int8(min),
    max: int8(max),
    cache: int8(cache),
    cycle: cycleOption === undefined ? (old?.cycle ?? false) : optionBoolean(cycleOption),
    initial: { value: int8(first), isCalled: false },
  }
}

function big(value: number | bigint | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value)
}

function bigOption(option: DefElem | undefined): bigint | undefined {
  return option === undefined ? undefined : BigInt(optionInt8(option))
}

function typeFrom(
  work: DdlWork,
  given: ReadonlyMap<string, DefElem>,
  old: Sequence | undefined,
  defaultType: number,
): number {
  const typeName = nodeAs(given.get('as')?.arg, 'TypeName')
  if (typeName === undefined) return old?.type ?? defaultType
  const { oid } = resolveType(work, typeName)
  if (!RANGES.has(oid)) {
    throw new SqlError('22023', 'sequence type must be smallint, integer, or bigint')
  }
  return oid
}

function incrementFrom(given: ReadonlyMap<string, DefElem>, old: Sequence | undefined): bigint {
  const increment = bigOption(given.get('increment')) ?? big(old?.increment) ?? 1n
  if (increment === 0n) throw new SqlError('22023', 'INCREMENT must not be zero')
  return increment
}

/** The limits that a changed sequence keeps: a new type replaces those that were its old type's own. */
function keptLimits(
  old: Sequence | undefined,
  hasNewType: boolean,
): { readonly min?: bigint | undefined; readonly max?: bigint | undefined } {
  if (old === undefined) return {}
  const min = BigInt(old.min)
  const max = BigInt(old.max)
  if (!hasNewType) return { min, max }
  const range = RANGES.get(old.type)
  return { min: min === range?.min ? undefined : min, max: max === range?.max ? undefined : max }
}

/** NO MAXVALUE is an option without a value: the default. */
function limitFrom(option: DefElem | undefined, kept: bigint | undefined, fallback: bigint): bigint {
  if (option?.arg !== undefined) return BigInt(optionInt8(option))
  return option === undefined ? (kept ?? fallback) : fallback
}

function checkWithin(what: 'START' | 'RESTART', value: bigint, min: bigint, max: bigint): void {
  if (value < min) {
    throw new SqlError('22023', `${what} value (${value}) cannot be less than MINVALUE (${min})`)
  }
  if (value > max) {
    throw new SqlError('22023', `${what} value (${value}) cannot be greater than MAXVALUE (${max})`)
  }
}

function checkLimits(type: number, range: Range, min: bigint, max: bigint): void {
  const name = TYPE_NAMES.get(type) ?? ''
  if (max > range.max || max < range.min) {
    throw new SqlError('22023', `MAXVALUE (${max}) is out of range for sequence data type ${name}`)
  }
  if (min > range.max || min < range.min) {
    throw new SqlError('22023', `MINVALUE (${min}) is out of range for sequence data type ${name}`)
  }
  if (min >= max) throw new SqlError('22023', `MINVALUE (${min}) must be less than MAXVALUE (${max})`)
}
