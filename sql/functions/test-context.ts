// For tests only: a FunctionContext without a session, and direct calls of registered functions by signature, with
// arguments and results as text, so that PostgreSQL can be asked the same.

import { must } from '../../storage/base/assert.ts'
import type {
  AggregateFunction,
  FunctionContext,
  ScalarFunction,
  SetFunction,
  SqlFunction,
} from './function.ts'
import { builtinFunctions } from './registry.ts'
import { builtinType, builtinTypeByName } from '../types/registry.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Type } from '../types/type.ts'
import type { Row, Value } from '../types/value.ts'

const settings = new Map<string, string>()

/** The defaults of a fresh session in UTC; services fail when they are touched. */
export const testContext: FunctionContext = {
  timeZone: 'UTC',
  dateStyle: { style: 'ISO', order: 'MDY' },
  intervalStyle: 'postgres',
  extraFloatDigits: 1,
  byteaOutput: 'hex',
  transactionMicros: 817_000_000_000_000,
  lookup: {
    type: (oid): Type => must(builtinType(oid), `type ${oid}`),
    regNameToOid: (_kind, name): number => {
      if (/^\d+$/.test(name)) return Number(name)
      const type = builtinTypeByName(name)
      if (type === undefined) throw new SqlError('42704', `type "${name}" does not exist`)
      return type.oid
    },
    regOidToName: (_kind, oid): string => builtinType(oid)?.name ?? String(oid),
    checkDomain: () => undefined,
  },
  getSetting: (name) => settings.get(name) ?? null,
  setSetting: (name, value) => {
    settings.set(name, value ?? '')
    return value ?? ''
  },
  currentUser: 'postgres',
  sessionUser: 'postgres',
  currentDatabase: 'postgres',
  processId: 4711,
  searchPath: (implicit) => (implicit ? ['pg_catalog', 'public'] : ['public']),
  statementMicros: () => 817_000_000_000_000,
  clockMicros: () => 817_000_000_000_000,
  random: () => 0.5,
  services: new Proxy({} as FunctionContext['services'], {
    get: (_target, name) => {
      throw new Error(`no services in this test (${String(name)})`)
    },
  }),
}

/** The oid of a type by pg_type.typname. */
export function typeOid(name: string): number {
  return must(builtinTypeByName(name), `type ${name}`).oid
}

/** The function with this signature, written with pg_type.typname. */
export function functionBySignature(signature: string): SqlFunction {
  const [name = '', list = ''] = signature.slice(0, -1).split('(')
  const types = list === '' ? [] : list.split(',').map(typeOid)
  const found = builtinFunctions()
    .byName(name)
    .find(
      (fn) =>
        fn.argumentTypes.length === types.length && fn.argumentTypes.every((oid, i) => oid === types[i]),
    )
  return must(found, signature)
}

/** A function's value, called as the executor does: strict ones never see null, typed ones are specialised. */
export function callScalar(
  fn: ScalarFunction,
  types: readonly number[],
  args: readonly Value[],
  returnType: number = fn.returnType,
): Value {
  if (fn.strict && args.includes(null)) return null
  const call = (fn.specialise?.(types, returnType, false) ?? fn.call) as (...all: unknown[]) => Value
  return fn.usesContext ? call(testContext, ...args) : call(...args)
}

/** The rows of a set-returning function. */
export function callSet(fn: SetFunction, args: readonly Value[]): (Value | Row)[] {
  if (fn.strict && args.includes(null)) return []
  const call = fn.call as (...all: unknown[]) => Iterable<Value | Row>
  return [...call(testContext, ...args)]
}

/** An aggregate over rows of arguments. */
export function callAggregate(
  fn: AggregateFunction,
  types: readonly number[],
  rows: readonly Value[][],
): Value {
  let state = fn.init(testContext, types)
  for (const row of rows) if (!fn.strict || !row.includes(null)) state = fn.step(state, ...row)
  return fn.final(state, testContext)
}

/** A value from its text form; null stays null. */
export function inputValue(type: number, text: string | null): Value {
  return text === null ? null : testContext.lookup.type(type).input(text, -1, testContext)
}

/** A value's text form; null stays null. */
export function outputValue(type: number, value: Value): string | null {
  return value === null ? null : testContext.lookup.type(type).output(value, testContext)
}
