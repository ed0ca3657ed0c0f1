// Comparison across the kinds of timestamps, and the functions that compare with -1, 0 and 1 (btree's support functions,
// called by nobody but the curious and the catalog), and byte-wise patterns of char(n).

import { type Definition, type Definitions, collect } from './definition.ts'
import { compareValues, trimBlanks } from './comparison.ts'
import { toUtc } from './datetime-zone.ts'
import type { FunctionContext } from './function.ts'
import { TIMESTAMP_DAY_MAX, joinTimestamp } from '../types/calendar.ts'
import { zoneOf } from '../types/datetime-text.ts'
import { builtinTypeByName } from '../types/registry.ts'
import { compareText } from '../types/text.ts'
import type { Int8, Value } from '../types/value.ts'

const sign = (a: Int8, b: Int8): number => (a < b ? -1 : a > b ? 1 : 0)

/** A wall time as an instant of the session's zone; one beyond the range sorts above everything finite. */
function instantOfTimestamp(context: FunctionContext, local: Int8): Int8 {
  return toUtc(local, zoneOf(context))
}

function instantOfDate(context: FunctionContext, days: number): Int8 {
  if (!Number.isFinite(days)) return days
  if (days > TIMESTAMP_DAY_MAX) return 2n ** 63n
  return instantOfTimestamp(context, joinTimestamp(days, 0))
}

const same = (_context: FunctionContext, utc: Int8): Int8 => utc

const relations: Readonly<Record<string, (order: number) => Value>> = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  lt: (order) => order < 0,
  le: (order) => order <= 0,
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
  cmp: (order) => order,
}

/** date_lt_timestamptz and all its relatives. */
function* acrossZones(): Iterable<readonly [string, Definition]> {
  const instants = { timestamp: instantOfTimestamp, date: instantOfDate, timestamptz: same } as const
  const pairs = [
    ['date', 'timestamptz'],
    ['timestamptz', 'date'],
    ['timestamp', 'timestamptz'],
    ['timestamptz', 'timestamp'],
  ] as const
  for (const [a, b] of pairs) {
    const [left, right] = [instants[a], instants[b]] as [typeof same, typeof same]
    for (const [name, test] of Object.entries(relations)) {
      yield [
        `${a}_${name}_${b}(${a},${b})`,
        { context: (context, x: Int8, y: Int8) => test(sign(left(context, x), right(context, y))) },
      ]
    }
  }
}

/** Names of the three-way comparison functions whose two types are one. */
const threeWay: Readonly<Record<string, string>> = {
  btboolcmp: 'bool',
  btcharcmp: 'char',
  btint2cmp: 'int2',
  btint4cmp: 'int4',
  btint8cmp: 'int8',
  btfloat4cmp: 'float4',
  btfloat8cmp: 'float8',
  btoidcmp: 'oid',
  btnamecmp: 'name',
  bttextcmp: 'text',
  bttidcmp: 'tid',
  bpcharcmp: 'bpchar',
  byteacmp: 'bytea',
  cash_cmp: 'money',
  date_cmp: 'date',
  time_cmp: 'time',
  timetz_cmp: 'timetz',
  timestamp_cmp: 'timestamp',
  timestamptz_cmp: 'timestamptz',
  interval_cmp: 'interval',
  numeric_cmp: 'numeric',
  uuid_cmp: 'uuid',
  network_cmp: 'inet',
  macaddr_cmp: 'macaddr',
  macaddr8_cmp: 'macaddr8',
  pg_lsn_cmp: 'pg_lsn',
  bitcmp: 'bit',
  varbitcmp: 'varbit',
  jsonb_cmp: 'jsonb',
  xid8cmp: 'xid8',
  btoidvectorcmp: 'oidvector',
  btarraycmp: 'anyarray',
  btrecordcmp: 'record',
}

function* threeWays(): Iterable<readonly [string, Definition]> {
  for (const [name, type] of Object.entries(threeWay)) {
    const oid = builtinTypeByName(type)?.oid ?? 0
    yield [
      `${name}(${type},${type})`,
      {
        context: (context, a: NonNullable<Value>, b: NonNullable<Value>) =>
          Math.sign(compareValues(context, oid, a, b)),
      },
    ]
  }
  for (const [a, b] of ['24', '42', '48', '84', '28', '82']) {
    yield [`btint${a}${b}cmp(int${a},int${b})`, { call: sign }]
  }
  const floats = (a: number, b: number): number =>
    Number.isNaN(a) ? (Number.isNaN(b) ? 0 : 1) : Number.isNaN(b) ? -1 : sign(a, b)
  yield ['btfloat48cmp(float4,float8)', { call: floats }]
  yield ['btfloat84cmp(float8,float4)', { call: floats }]
  yield ['btnametextcmp(name,text)', { call: compareText }]
  yield ['bttextnamecmp(text,name)', { call: compareText }]
  yield ['bttext_pattern_cmp(text,text)', { call: compareText }]
  yield [
    'enum_cmp(anyenum,anyenum)',
    {
      specialise:
        ([type = 0]) =>
        (context, a: string, b: string) =>
          Math.sign(compareValues(context, type, a, b)),
    },
  ]
}

/** The larger and smaller of two, which min and max are made of in PostgreSQL. */
function* extremes(): Iterable<readonly [string, Definition]> {
  const names = {
    bpchar: 'bpchar_',
    cash: 'cash',
    network: 'network_',
    oid: 'oid',
    tid: 'tid',
    timetz: 'timetz_',
    xid8: 'xid8_',
  }
  const types: Readonly<Record<string, string>> = { cash: 'money', network: 'inet' }
  for (const [key, prefix] of Object.entries(names)) {
    const type = types[key] ?? key
    const oid = builtinTypeByName(type)?.oid ?? 0
    for (const [suffix, side] of [
      ['larger', 1],
      ['smaller', -1],
    ] as const) {
      yield [
        `${prefix}${suffix}(${type},${type})`,
        {
          context: (context, a: NonNullable<Value>, b: NonNullable<Value>) =>
            compareValues(context, oid, a, b) * side > 0 ? a : b,
        },
      ]
    }
  }
}

/** char(n) by its bytes, which in the C collation is its order anyway. */
function* others(): Iterable<readonly [string, Definition]> {
  for (const name of ['lt', 'le', 'gt', 'ge']) {
    const test = relations[name] as (order: number) => Value
    yield [
      `bpchar_pattern_${name}(bpchar,bpchar)`,
      { call: (a: string, b: string) => test(compareText(trimBlanks(a), trimBlanks(b))) },
    ]
  }
}

export const comparisonSupportFunctions: Definitions = collect([
  ...acrossZones(),
  ...threeWays(),
  ...extremes(),
  ...others(),
])
