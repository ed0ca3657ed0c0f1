// The registry of built-in functions, operators and casts: PostgreSQL's facts (facts.ts) joined with our definitions.
//
//   facts.ts ──────────┐
//                      ├──▶ functions by oid and name ──▶ operators whose function we have ──▶ casts
//   definitions.ts ────┘
//
// What has no definition here does not exist for analysis. Built once, when first asked for; never changes.

import { assert, must } from '../../storage/base/assert.ts'
import { borealisFunctions } from './borealis.ts'
import { AURORA_FUNCTIONS } from './volume-functions.ts'
import type { Definition, SetDefinition, TypedSetDefinition } from './definition.ts'
import { allDefinitions } from './definitions.ts'
import { castFacts, functionFacts, operatorFacts, typeFacts } from './facts.ts'
import type {
  AggregateFunction,
  Cast,
  FunctionRegistry,
  Operator,
  ScalarFunction,
  SetFunction,
  SqlFunction,
  Volatility,
} from './function.ts'

const volatilities: Readonly<Record<string, Volatility>> = { i: 'immutable', s: 'stable', v: 'volatile' }
const contexts: Readonly<Record<string, Cast['context']>> = { i: 'implicit', a: 'assignment', e: 'explicit' }
const methods: Readonly<Record<string, Cast['method']>> = { f: 'function', b: 'binary', i: 'io' }
const strategies: readonly Operator['btree'][] = [undefined, '<', '<=', '=', '>=', '>']

const rowsOf = (facts: string): string[][] =>
  facts
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (line.startsWith('|') ? [line] : line.split('|')))

const listOf = (text: string | undefined, separator: string): string[] =>
  text === undefined || text === '' ? [] : text.split(separator)

type Base = Pick<
  SqlFunction,
  'oid' | 'name' | 'argumentTypes' | 'variadicType' | 'defaults' | 'argumentNames' | 'returnType'
>

function baseOf(row: readonly string[]): Base {
  return {
    oid: Number(row[0]),
    name: must(row[1]),
    returnType: Number(row[3]),
    argumentTypes: listOf(row[4], ',').map(Number),
    variadicType: Number(row[5] ?? 0),
    argumentNames: listOf(row[6], ','),
    defaults: listOf(row[8], ';'),
  }
}

function scalarOf(base: Base, flags: string, definition: Definition): ScalarFunction {
  const common = {
    ...base,
    kind: 'scalar' as const,
    volatility: must(volatilities[flags.charAt(1)]),
    strict: flags.charAt(2) === 's',
  }
  if ('call' in definition) {
    const { call, inline, inlineScope } = definition
    return { ...common, call, usesContext: false, inline, inlineScope }
  }
  if ('context' in definition) return { ...common, call: definition.context, usesContext: true }
  assert('specialise' in definition, `${base.name} is a scalar function`)
  const { specialise } = definition
  const call = specialise(base.argumentTypes, base.returnType, false) as ScalarFunction['call']
  return { ...common, call, usesContext: true, specialise }
}

function functionOf(row: readonly string[], definition: Definition): SqlFunction {
  const base = baseOf(row)
  const flags = must(row[2])
  if (flags.startsWith('w')) return { ...base, kind: 'window' }
  if (flags.startsWith('a')) {
    assert('init' in definition, `${base.name} is an aggregate`)
    const { init, step, final, combine } = definition as unknown as AggregateFunction
    const strict = definition.strict ?? true
    const directArgumentCount = Number(flags.slice(5))
    return { ...base, kind: 'aggregate', strict, init, step, final, combine, directArgumentCount }
  }
  // Functions that return one record by OUT arguments (pg_sequence_parameters) are sets of one row to us.
  if ('rows' in definition || 'specialiseRows' in definition) return setOf(row, base, definition)
  return scalarOf(base, flags, definition)
}

function setOf(
  row: readonly string[],
  base: Base,
  definition: SetDefinition | TypedSetDefinition,
): SetFunction {
  const columns = listOf(row[7], ',').map((column) => {
    const colon = column.lastIndexOf(':')
    return { name: column.slice(0, colon), type: Number(column.slice(colon + 1)) }
  })
  const flags = must(row[2])
  const common = {
    ...base,
    kind: 'set' as const,
    volatility: must(volatilities[flags.charAt(1)]),
    strict: flags.charAt(2) === 's',
    usesContext: true,
    columns,
  }
  if ('rows' in definition) return { ...common, call: definition.rows as SetFunction['call'] }
  const specialise = definition.specialiseRows
  return {
    ...common,
    call: specialise(base.argumentTypes, base.returnType, []) as SetFunction['call'],
    specialise,
  }
}

function operatorOf(row: readonly string[]): Operator {
  return {
    oid: Number(row[0]),
    name: must(row[1]),
    left: Number(row[2]),
    right: Number(row[3]),
    result: Number(row[4]),
    functionOid: Number(row[5]),
    commutator: Number(row[6] ?? 0),
    negator: Number(row[7] ?? 0),
    btree: strategies[Number(row[8] ?? 0)],
    canHash: row[9] === '1',
  }
}

function castOf(row: readonly string[]): Cast {
  const how = must(row[4])
  return {
    oid: Number(row[0]),
    source: Number(row[1]),
    target: Number(row[2]),
    functionOid: Number(row[3]),
    context: must(contexts[how.charAt(0)]),
    method: must(methods[how.charAt(1)]),
  }
}

function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const value of values) {
    const group = groups.get(keyOf(value))
    if (group === undefined) groups.set(keyOf(value), [value])
    else group.push(value)
  }
  return groups
}

const castKey = (source: number, target: number): number => source * 0x100000 + target

/** Built-in functions under PostgreSQL's oids. Its maps are built in the constructor. */
class BuiltinRegistry implements FunctionRegistry {
  private readonly functions: readonly SqlFunction[]
  private readonly operators: readonly Operator[]
  private readonly casts: readonly Cast[]
  private readonly functionsByOid: ReadonlyMap<number, SqlFunction>
  private readonly functionsByName: ReadonlyMap<string, readonly SqlFunction[]>
  private readonly borealisByName: ReadonlyMap<string, readonly SqlFunction[]>
  private readonly operatorsByOid: ReadonlyMap<number, Operator>
  private readonly operatorsNamed: ReadonlyMap<string, readonly Operator[]>
  private readonly castsByTypes: ReadonlyMap<number, Cast>

  constructor() {
    this.functions = joinDefinitions()
    this.functionsByOid = new Map(
      [...this.functions, ...AURORA_FUNCTIONS, ...borealisFunctions()].map((fn) => [fn.oid, fn]),
    )
    this.borealisByName = groupBy(borealisFunctions(), (fn) => fn.name)
    this.functionsByName = groupBy([...this.functions, ...AURORA_FUNCTIONS], (fn) => fn.name)
    this.operators = operatorRows()
      .map(operatorOf)
      .filter((operator) => this.functionsByOid.has(operator.functionOid))
    this.operatorsByOid = new Map(this.operators.map((operator) => [operator.oid, operator]))
    this.operatorsNamed = groupBy(this.operators, (operator) => operator.name)
    this.casts = rowsOf(castFacts)
      .map(castOf)
      .filter((cast) => cast.functionOid === 0 || this.functionsByOid.has(cast.functionOid))
    this.castsByTypes = new Map(this.casts.map((cast) => [castKey(cast.source, cast.target), cast]))
  }

  byName(name: string): readonly SqlFunction[] {
    return this.functionsByName.get(name) ?? []
  }

  inBorealis(name: string): readonly SqlFunction[] {
    return this.borealisByName.get(name) ?? []
  }

  byOid(oid: number): SqlFunction | undefined {
    return this.functionsByOid.get(oid)
  }

  operatorsByName(name: string): readonly Operator[] {
    return this.operatorsNamed.get(name) ?? []
  }

  operatorByOid(oid: number): Operator | undefined {
    return this.operatorsByOid.get(oid)
  }

  cast(source: number, target: number): Cast | undefined {
    return this.castsByTypes.get(castKey(source, target))
  }

  all(): readonly SqlFunction[] {
    return this.functions
  }

  allOperators(): readonly Operator[] {
    return this.operators
  }

  allCasts(): readonly Cast[] {
    return this.casts
  }
}

/** Operator names may hold a bar (|| and friends), so the fields are counted from both ends. */
function operatorRows(): string[][] {
  return rowsOf(operatorFacts).map((row) => {
    const nameLength = row.findIndex((field, index) => index > 1 && /^\d+$/.test(field)) - 1
    return [must(row[0]), row.slice(1, 1 + nameLength).join('|'), ...row.slice(1 + nameLength)]
  })
}

function joinDefinitions(): SqlFunction[] {
  const typeNames = new Map(rowsOf(typeFacts).map((row) => [row[0], row[1]]))
  const definitions = new Map(allDefinitions())
  const functions: SqlFunction[] = []
  for (const row of rowsOf(functionFacts)) {
    const types = listOf(row[4], ',').map((oid) => must(typeNames.get(oid)))
    const signature = `${row[1]}(${types.join(',')})`
    const definition = definitions.get(signature)
    if (definition === undefined) continue
    definitions.delete(signature)
    functions.push(functionOf(row, definition))
  }
  const unknown = [...definitions.keys()].join(' ')
  assert(unknown === '', `defined, but not among the facts (run generate.ts): ${unknown}`)
  return functions
}

let shared: FunctionRegistry | undefined

/** The registry of built-in functions; one for the process. */
export function builtinFunctions(): FunctionRegistry {
  return (shared ??= new BuiltinRegistry())
}
