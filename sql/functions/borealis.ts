// The functions of schema borealis: branches and the past, in SQL. They are ours, so unlike the others they bring their
// own facts (oid, argument names, ...) along; what they do is a service of the session (BranchServices).
//
//   borealis.in_branch(NULL::orders, 'dev')      the first argument is there for its type: its table, its columns
//   borealis.diff(NULL::orders, '-10 min')       ends are a time, an LSN or a database's name
//
// Every end and `when` may be text (as CREATE DATABASE ... AS_OF takes it), a timestamptz or a pg_lsn.

import type { FunctionContext, ScalarFunction, SetFunction, SqlFunction, Volatility } from './function.ts'
import {
  ANYELEMENT_OID,
  ANY_OID,
  INT4_OID,
  INT8_OID,
  JSONB_OID,
  NAME_OID,
  PG_LSN_OID,
  RECORD_OID,
  TEXT_OID,
  TIMESTAMPTZ_OID,
} from '../types/oids.ts'
import type { Int8, Row, Value } from '../types/value.ts'
import { VOLUME_FUNCTIONS } from './volume-functions.ts'
import { lsnOf, parseWhen, type When, whenAt } from './when.ts'

/** Which database a function reads: a branch (null: the current database), at a time (null: now). */
export interface OtherPlace {
  readonly branch: string | null
  readonly when: When | null
}

/** An end of a comparison: a point in time of the current database, or a text that names a database or such a point. */
export type ComparisonEnd = string | When

/** A value of VARIADIC "any", with its type. */
export interface TypedValue {
  readonly value: Value
  readonly type: number
}

/**
 * What the session does for these functions. Iterables may suspend in their `next`, which is then called again; so may
 * the calls that make them.
 */
export interface BranchServices {
  /** Rows of the table whose row type this is, there and then, as records of the row type. */
  scan(rowType: number, place: OtherPlace): Iterable<Value>
  /** Rows (change, old, new). */
  diff(rowType: number, from: ComparisonEnd, to: ComparisonEnd): Iterable<Row>
  /** Rows (lsn, time, process id, role, change, version) of the row with this key, oldest first. */
  history(rowType: number, key: readonly TypedValue[]): Iterable<Row>
  /** LSN of the commit that the current database showed then, as pg_lsn's text. May suspend. */
  lsnAt(when: When): string
  /** Time of the newest commit at or below an LSN of the current database, as timestamptz. May suspend. */
  timeAt(when: When): Int8
  /** Rows (change, kind, object, from definition, to definition). */
  schemaDiff(from: string, to: string): Iterable<Row>
  /** Rows (relation, key, base, ours, theirs). */
  mergeConflicts(branch: string): Iterable<Row>
  /** Rows (action, object, rows); `onConflict` null: conflicts are an error. */
  merge(branch: string, onConflict: string | null): Iterable<Row>
}

declare module './function.ts' {
  interface SessionServices {
    readonly branches: BranchServices
  }
}

/** Where a call of as_of or in_branch reads; undefined: nowhere, an argument was NULL. */
export type PlaceReader = (context: FunctionContext, args: Row) => OtherPlace | undefined

type Arguments = readonly (readonly [name: string, type: number])[]

interface SetFacts {
  readonly oid: number
  readonly name: string
  readonly arguments: Arguments
  readonly defaults?: readonly string[]
  readonly returns: number
  readonly columns?: Arguments
  readonly variadicType?: number
  readonly volatility?: Volatility
  readonly call: (context: FunctionContext, ...args: never[]) => Iterable<Value | Row>
  readonly specialise?: SetFunction['specialise']
}

function setFunction(facts: SetFacts): SetFunction {
  return {
    kind: 'set',
    oid: facts.oid,
    name: facts.name,
    argumentTypes: facts.arguments.map(([, type]) => type),
    argumentNames: facts.arguments.map(([name]) => name),
    variadicType: facts.variadicType ?? 0,
    defaults: facts.defaults ?? [],
    returnType: facts.returns,
    strict: false,
    volatility: facts.volatility ?? 'stable',
    usesContext: true,
    columns: (facts.columns ?? []).map(([name, type]) => ({ name, type })),
    call: facts.call as SetFunction['call'],
    specialise: facts.specialise,
  }
}

function scalarFunction(
  facts: Omit<SetFacts, 'columns' | 'call'> & {
    readonly call: (context: FunctionContext, ...args: never[]) => Value
  },
): ScalarFunction {
  return {
    kind: 'scalar',
    oid: facts.oid,
    name: facts.name,
    argumentTypes: facts.arguments.map(([, type]) => type),
    argumentNames: facts.arguments.map(([name]) => name),
    variadicType: 0,
    defaults: [],
    returnType: facts.returns,
    strict: true,
    volatility: 'stable',
    usesContext: true,
    call: facts.call,
  }
}

/** A `when` argument of any of its types. */
function whenOf(context: FunctionContext, value: Value, type: number): When | null {
  if (value === null) return null
  if (type === TIMESTAMPTZ_OID) return whenAt(value as Int8)
  if (type === PG_LSN_OID) return { kind: 'lsn', lsn: lsnOf(value as string) }
  return parseWhen(value as string, context)
}

function endOf(value: Value, type: number): ComparisonEnd | null {
  if (value === null || type === TEXT_OID) return value as string | null
  if (type === TIMESTAMPTZ_OID) return whenAt(value as Int8)
  return { kind: 'lsn', lsn: lsnOf(value as string) }
}

/** The types of `when`, with the last digit of the oid of a function that takes it. */
const WHEN_TYPES: readonly (readonly [digit: number, type: number])[] = [
  [0, TEXT_OID],
  [1, TIMESTAMPTZ_OID],
  [2, PG_LSN_OID],
]

/** The function of a call for the row type that its first argument has. */
function forRowType(
  make: (
    rowType: number,
    types: readonly number[],
  ) => (context: FunctionContext, ...args: never[]) => Iterable<Value | Row>,
): Pick<SetFacts, 'call' | 'specialise'> {
  return {
    call: make(ANYELEMENT_OID, []),
    specialise: (types) => make(types[0] ?? ANYELEMENT_OID, types) as SetFunction['call'],
  }
}

function scan(
  context: FunctionContext,
  rowType: number,
  branch: string | null,
  [when, type]: readonly [Value, number],
): Iterable<Value> {
  return context.services.branches.scan(rowType, { branch, when: whenOf(context, when, type) })
}

function asOf([digit, type]: readonly [number, number]): SetFunction {
  return setFunction({
    oid: 15100 + digit,
    name: 'as_of',
    arguments: [
      ['row', ANYELEMENT_OID],
      ['when', type],
    ],
    returns: ANYELEMENT_OID,
    ...forRowType(
      (rowType) => (context, _row: Value, when: Value) =>
        when === null ? [] : scan(context, rowType, null, [when, type]),
    ),
  })
}

function inBranch([digit, type]: readonly [number, number]): SetFunction {
  return setFunction({
    oid: 15110 + digit,
    name: 'in_branch',
    arguments: [
      ['row', ANYELEMENT_OID],
      ['branch', TEXT_OID],
      ['when', type],
    ],
    defaults: type === TEXT_OID ? ['NULL::text'] : [],
    returns: ANYELEMENT_OID,
    ...forRowType(
      (rowType) => (context, _row: Value, branch: string | null, when: Value) =>
        branch === null ? [] : scan(context, rowType, branch, [when, type]),
    ),
  })
}

function diff([digit, type]: readonly [number, number]): SetFunction {
  return setFunction({
    oid: 15120 + digit,
    name: 'diff',
    arguments: [
      ['row', ANYELEMENT_OID],
      ['from', type],
      ['to', type],
    ],
    defaults: type === TEXT_OID ? ["'now'::text"] : [],
    returns: RECORD_OID,
    columns: [
      ['change', TEXT_OID],
      ['old', ANYELEMENT_OID],
      ['new', ANYELEMENT_OID],
    ],
    ...forRowType((rowType) => ({ services }, _row: Value, from: Value, to: Value) => {
      const [start, end] = [endOf(from, type), endOf(to, type)]
      return start === null || end === null ? [] : services.branches.diff(rowType, start, end)
    }),
  })
}

const history: SetFunction = setFunction({
  oid: 15130,
  name: 'history',
  arguments: [
    ['row', ANYELEMENT_OID],
    ['key', ANY_OID],
  ],
  variadicType: ANY_OID,
  returns: RECORD_OID,
  columns: [
    ['lsn', PG_LSN_OID],
    ['time', TIMESTAMPTZ_OID],
    ['process_id', INT4_OID],
    ['role', NAME_OID],
    ['change', TEXT_OID],
    ['version', ANYELEMENT_OID],
  ],
  ...forRowType(
    (rowType, types) =>
      ({ services }, _row: Value, ...key: Value[]) =>
        services.branches.history(
          rowType,
          key.map((value, i) => ({ value, type: types[i + 1] ?? TEXT_OID })),
        ),
  ),
})

/** lsn_at(when): the commit that the current database showed then. */
const LSN_AT = WHEN_TYPES.filter(([, type]) => type !== PG_LSN_OID).map(([digit, type]) =>
  scalarFunction({
    oid: 15140 + digit,
    name: 'lsn_at',
    arguments: [['time', type]],
    returns: PG_LSN_OID,
    call: (context, when: Value) => {
      const parsed = whenOf(context, when, type)
      return parsed === null ? null : context.services.branches.lsnAt(parsed)
    },
  }),
)

/** time_at(lsn): when the commit was made that an LSN belongs to. */
const timeAt = scalarFunction({
  oid: 15150,
  name: 'time_at',
  arguments: [['lsn', PG_LSN_OID]],
  returns: TIMESTAMPTZ_OID,
  call: (context, lsn: Value) => {
    const when = whenOf(context, lsn, PG_LSN_OID)
    return when === null ? null : context.services.branches.timeAt(when)
  },
})

const schemaDiff: SetFunction = setFunction({
  oid: 15160,
  name: 'schema_diff',
  arguments: [
    ['from', TEXT_OID],
    ['to', TEXT_OID],
  ],
  defaults: ["'now'::text"],
  returns: RECORD_OID,
  columns: [
    ['change', TEXT_OID],
    ['kind', TEXT_OID],
    ['object', TEXT_OID],
    ['from_definition', TEXT_OID],
    ['to_definition', TEXT_OID],
  ],
  call: ({ services }, from: string | null, to: string | null) =>
    from === null || to === null ? [] : services.branches.schemaDiff(from, to),
})

const merge: SetFunction = setFunction({
  oid: 15170,
  name: 'merge',
  arguments: [
    ['branch', TEXT_OID],
    ['on_conflict', TEXT_OID],
  ],
  defaults: ['NULL::text'],
  returns: RECORD_OID,
  columns: [
    ['action', TEXT_OID],
    ['object', TEXT_OID],
    ['rows', INT8_OID],
  ],
  volatility: 'volatile',
  call: ({ services }, branch: string | null, onConflict: string | null) =>
    branch === null ? [] : services.branches.merge(branch, onConflict),
})

const mergeConflicts: SetFunction = setFunction({
  oid: 15180,
  name: 'merge_conflicts',
  arguments: [['branch', TEXT_OID]],
  returns: RECORD_OID,
  columns: [
    ['relation', TEXT_OID],
    ['key', JSONB_OID],
    ['base', JSONB_OID],
    ['ours', JSONB_OID],
    ['theirs', JSONB_OID],
  ],
  call: ({ services }, branch: string | null) =>
    branch === null ? [] : services.branches.mergeConflicts(branch),
})

const AS_OF = WHEN_TYPES.map(asOf)
const IN_BRANCH = WHEN_TYPES.map(inBranch)

const FUNCTIONS: readonly SqlFunction[] = [
  ...AS_OF,
  ...IN_BRANCH,
  ...WHEN_TYPES.map(diff),
  history,
  ...LSN_AT,
  timeAt,
  schemaDiff,
  merge,
  mergeConflicts,
  ...VOLUME_FUNCTIONS,
]

/** Whether a function is as_of or in_branch, and how its arguments say where it reads. */
export function placeOf(fn: SqlFunction): PlaceReader | undefined {
  const type = fn.argumentTypes.at(-1) ?? TEXT_OID
  if (AS_OF.includes(fn as SetFunction)) {
    return (context, [, when = null]) =>
      when === null ? undefined : { branch: null, when: whenOf(context, when, type) }
  }
  if (!IN_BRANCH.includes(fn as SetFunction)) return undefined
  return (context, [, branch = null, when = null]) =>
    branch === null ? undefined : { branch: branch as string, when: whenOf(context, when, type) }
}

/** All functions of schema borealis. */
export function borealisFunctions(): readonly SqlFunction[] {
  return FUNCTIONS
}
