// = <> < <= > >= of every type and across types, their btree support functions, and greatest/least's helpers
// (documentation, section 9.2). Numbers, text and the like compare inline; what has an order of its own asks its Type.
//
//   primitives(named('int4', 'int4,int4'))  ──▶  int4eq int4ne int4lt int4le int4gt int4ge

import { type Definition, type Definitions, collect, inlined } from './definition.ts'
import type { FunctionContext } from './function.ts'
import { compareFloat } from './range-check.ts'
import { compareNumeric } from '../types/numeric.ts'
import { ANYENUM_OID, INET_OID, INTERVAL_OID, JSONB_OID, PG_LSN_OID } from '../types/oids.ts'
import { RECORD_OID, TID_OID, TIMETZ_OID } from '../types/oids.ts'
import { SqlError } from '../types/sql-error.ts'
import { charToByte } from '../types/text-types.ts'
import { compareText } from '../types/text.ts'
import { ArrayValue, type Int8, RecordValue, type Value } from '../types/value.ts'

type Relation = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'

const relations: readonly Relation[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge']

/** The signature of a family's member. */
type Naming = (relation: Relation) => string

const named =
  (prefix: string, types: string): Naming =>
  (relation) =>
    `${prefix}${relation}(${types})`

const signs: Readonly<Record<Relation, string>> = {
  eq: '===',
  ne: '!==',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
}

const holds: Readonly<Record<Relation, (order: number) => boolean>> = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  lt: (order) => order < 0,
  le: (order) => order <= 0,
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
}

/** JavaScript's own operators: right for numbers, Int8 (canonical, mixed ones too), booleans; not for NaN. */
const primitive: Readonly<Record<Relation, (a: Int8, b: Int8) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
}

const primitiveSource =
  (relation: Relation) =>
  (a: string, b: string): string =>
    `(${a} ${signs[relation]} ${b})`

/** The six relations of types whose values JavaScript compares as PostgreSQL does. */
function* primitives(naming: Naming): Iterable<readonly [string, Definition]> {
  for (const relation of relations) {
    yield [naming(relation), inlined(primitive[relation], primitiveSource(relation))]
  }
}

/** The six relations over a comparison function; equality may be told apart more cheaply. */
function* ordered<A extends NonNullable<Value>, B extends NonNullable<Value> = A>(
  naming: Naming,
  compare: (a: A, b: B) => number,
  options: { readonly exact?: boolean } = {},
): Iterable<readonly [string, Definition]> {
  const scope = { compare }
  for (const relation of relations) {
    const signature = naming(relation)
    if (options.exact === true && (relation === 'eq' || relation === 'ne')) {
      yield [signature, inlined(primitive[relation], primitiveSource(relation))]
      continue
    }
    const test = holds[relation]
    const sign = signs[relation]
    yield [
      signature,
      inlined(
        (a: A, b: B) => test(compare(a, b)),
        (a, b) => `(compare(${a}, ${b}) ${sign} 0)`,
        scope,
      ),
    ]
  }
}

/** The six relations of types whose order lies with their Type, found by `typeOf` at run time. */
function* asked(naming: Naming, typeOf: (value: never) => number): Iterable<readonly [string, Definition]> {
  for (const relation of relations) {
    const test = holds[relation]
    yield [
      naming(relation),
      {
        context: (context, a: NonNullable<Value>, b: NonNullable<Value>) =>
          test(compareValues(context, typeOf(a as never), a, b)),
      },
    ]
  }
}

/** Compares two values of one type, arrays and records included; nulls inside those are equal and above all. */
export function compareValues(
  context: FunctionContext,
  typeOid: number,
  a: NonNullable<Value>,
  b: NonNullable<Value>,
): number {
  if (a instanceof ArrayValue) return compareArrays(context, a, b as ArrayValue)
  if (a instanceof RecordValue) return compareRecords(context, a, b as RecordValue)
  const type = context.lookup.type(typeOid)
  if (type.compare !== undefined) return type.compare(a, b)
  throw new SqlError('42883', `could not identify a comparison function for type ${type.name}`)
}

function compareNullable(context: FunctionContext, typeOid: number, a: Value, b: Value): number {
  if (a === null) return b === null ? 0 : 1
  if (b === null) return -1
  return compareValues(context, typeOid, a, b)
}

/** Elements first, then how many, then the shape (PostgreSQL's array_cmp). */
export function compareArrays(context: FunctionContext, a: ArrayValue, b: ArrayValue): number {
  const count = Math.min(a.elements.length, b.elements.length)
  for (let i = 0; i < count; i++) {
    const order = compareNullable(context, a.elementOid, a.elements[i] ?? null, b.elements[i] ?? null)
    if (order !== 0) return order
  }
  if (a.elements.length !== b.elements.length) return a.elements.length - b.elements.length
  if (a.dimensions.length !== b.dimensions.length) return a.dimensions.length - b.dimensions.length
  return compareNumbers(a.dimensions, b.dimensions) || compareNumbers(a.lowerBounds, b.lowerBounds)
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (const [i, x] of a.entries()) {
    const difference = x - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** Column by column; 42804 when the columns do not match. */
export function compareRecords(context: FunctionContext, a: RecordValue, b: RecordValue): number {
  for (const [i, field] of a.fields.entries()) {
    if (i >= b.fields.length) break
    const [type, other] = [a.fieldTypes[i] ?? 0, b.fieldTypes[i] ?? 0]
    if (type !== other) {
      const names = [type, other].map((oid) => context.lookup.regOidToName('regtype', oid))
      throw new SqlError(
        '42804',
        `cannot compare dissimilar column types ${names.join(' and ')} at record column ${i + 1}`,
      )
    }
    const order = compareNullable(context, type, field, b.fields[i] ?? null)
    if (order !== 0) return order
  }
  if (a.fields.length !== b.fields.length) {
    throw new SqlError('42804', 'cannot compare record types with different numbers of columns')
  }
  return 0
}

/** char(n) compares without its padding. */
function compareBpchar(a: string, b: string): number {
  return compareText(trimBlanks(a), trimBlanks(b))
}

/** The text without blanks at its end. */
export function trimBlanks(text: string): string {
  let end = text.length
  while (end > 0 && text.charCodeAt(end - 1) === 32) end--
  return end === text.length ? text : text.slice(0, end)
}

/** "char" orders as its byte, which high bytes' printed form does not. */
const compareChar = (a: string, b: string): number => charToByte(a) - charToByte(b)

const compareBytes = (a: Buffer, b: Buffer): number => Buffer.compare(a, b)

/** A date as microseconds, exact beyond int8's range too: dates reach further than timestamps. */
function dateMicros(days: number): Int8 {
  const micros = days * 86_400_000_000
  return Number.isSafeInteger(micros) || !Number.isFinite(micros) ? micros : BigInt(days) * 86_400_000_000n
}

const sign = (a: Int8, b: Int8): number => (a < b ? -1 : a > b ? 1 : 0)
const always = (oid: number) => (): number => oid
const elementOf = (value: ArrayValue): number => value.elementOid

/** texteq and textne, but text_lt and text_ge. */
const textNaming: Naming = (relation) =>
  `text${relation === 'eq' || relation === 'ne' ? '' : '_'}${relation}(text,text)`

function* families(): Iterable<readonly [string, Definition]> {
  for (const [a, b] of [
    [2, 2],
    [2, 4],
    [4, 2],
    [4, 4],
    [8, 8],
    [8, 4],
    [4, 8],
    [8, 2],
    [2, 8],
  ] as const) {
    yield* primitives(named(`int${a === b ? a : `${a}${b}`}`, `int${a},int${b}`))
  }
  for (const name of ['bool', 'oid', 'xid8']) yield* primitives(named(name, `${name},${name}`))
  for (const name of ['date', 'time', 'timestamp', 'timestamptz'])
    yield* primitives(named(`${name}_`, `${name},${name}`))
  yield* primitives(named('cash_', 'money,money'))
  for (const [name, types] of [
    ['float4', 'float4,float4'],
    ['float8', 'float8,float8'],
    ['float48', 'float4,float8'],
    ['float84', 'float8,float4'],
  ] as const) {
    yield* ordered(named(name, types), compareFloat)
  }
  yield* ordered(textNaming, compareText, { exact: true })
  yield* ordered(named('name', 'name,name'), compareText, { exact: true })
  yield* crossNames()
  yield* ordered(named('char', 'char,char'), compareChar, { exact: true })
  yield* ordered(named('bpchar', 'bpchar,bpchar'), compareBpchar)
  yield* ordered(named('bytea', 'bytea,bytea'), compareBytes)
  for (const name of ['uuid', 'macaddr', 'macaddr8']) {
    yield* ordered(named(`${name}_`, `${name},${name}`), compareText, { exact: true })
  }
  for (const name of ['bit', 'varbit'])
    yield* ordered(named(name, `${name},${name}`), compareText, { exact: true })
  yield* ordered(
    (relation) => `date_${relation}_timestamp(date,timestamp)`,
    (a: number, b: Int8) => sign(dateMicros(a), b),
  )
  yield* ordered(
    (relation) => `timestamp_${relation}_date(timestamp,date)`,
    (a: Int8, b: number) => sign(a, dateMicros(b)),
  )
  yield* ordered(named('numeric_', 'numeric,numeric'), compareNumeric)
  yield* asked(named('interval_', 'interval,interval'), always(INTERVAL_OID))
  yield* asked(named('timetz_', 'timetz,timetz'), always(TIMETZ_OID))
  yield* asked(named('network_', 'inet,inet'), always(INET_OID))
  yield* asked(named('pg_lsn_', 'pg_lsn,pg_lsn'), always(PG_LSN_OID))
  yield* asked(named('tid', 'tid,tid'), always(TID_OID))
  yield* asked(named('jsonb_', 'jsonb,jsonb'), always(JSONB_OID))
  yield* asked(named('oidvector', 'oidvector,oidvector'), elementOf)
  yield* asked(named('array_', 'anyarray,anyarray'), elementOf)
  yield* asked(named('record_', 'record,record'), always(RECORD_OID))
}

/** name against text and back: catalog queries live on them. */
function* crossNames(): Iterable<readonly [string, Definition]> {
  for (const relation of relations) {
    const inline = primitiveSource(relation)
    const test = holds[relation]
    const definition =
      relation === 'eq' || relation === 'ne'
        ? inlined(primitive[relation], inline)
        : { call: (a: string, b: string): boolean => test(compareText(a, b)) }
    yield [`name${relation}text(name,text)`, definition]
    yield [`text${relation}name(text,name)`, definition]
  }
}

/** An enum's order is that of its type, which only the call's types tell; equality is that of the labels. */
function* enums(): Iterable<readonly [string, Definition]> {
  for (const relation of relations) {
    const test = holds[relation]
    const signature = `enum_${relation}(anyenum,anyenum)`
    if (relation === 'eq' || relation === 'ne') {
      yield [signature, inlined(primitive[relation], primitiveSource(relation))]
      continue
    }
    yield [
      signature,
      {
        specialise:
          ([type = ANYENUM_OID]) =>
          (context, a: string, b: string) =>
            test(compareValues(context, type, a, b)),
      },
    ]
  }
}

/** xid, cid and aclitem: their values are equal or not, but have no order. */
const UNORDERED: ReadonlySet<number> = new Set([28, 29, 1033])

function equalArrays(context: FunctionContext, a: ArrayValue, b: ArrayValue): boolean {
  if (!UNORDERED.has(a.elementOid)) return compareArrays(context, a, b) === 0
  return (
    a.elements.length === b.elements.length &&
    a.elements.every((element, i) => element === b.elements[i]) &&
    compareNumbers(a.dimensions, b.dimensions) === 0 &&
    compareNumbers(a.lowerBounds, b.lowerBounds) === 0
  )
}

/** What has equality without an order. */
const identities: Definitions = {
  'array_eq(anyarray,anyarray)': { context: equalArrays },
  'array_ne(anyarray,anyarray)': {
    context: (context, a: ArrayValue, b: ArrayValue) => !equalArrays(context, a, b),
  },
  'xideq(xid,xid)': inlined(primitive.eq, primitiveSource('eq')),
  'xidneq(xid,xid)': inlined(primitive.ne, primitiveSource('ne')),
  'xideqint4(xid,int4)': { call: (a: number, b: number) => a === b >>> 0 },
  'xidneqint4(xid,int4)': { call: (a: number, b: number) => a !== b >>> 0 },
  'cideq(cid,cid)': inlined(primitive.eq, primitiveSource('eq')),
}

export const comparisonFunctions: Definitions = {
  ...collect(families()),
  ...collect(enums()),
  ...identities,
}
