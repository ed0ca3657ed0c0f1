// Conversions, arrays, rows, subscripts and the values of the session.

import { assert, must } from '../../../storage/base/assert.ts'
import type { FunctionContext, ScalarFunction } from '../../functions/function.ts'
import type {
  ConvertExpr,
  Expr,
  FieldExpr,
  RowExpr,
  SessionValueExpr,
  SubscriptExpr,
  TypmodExpr,
} from '../../tree/expr.ts'
import { SqlError, unsupported } from '../../types/sql-error.ts'
import type { Type } from '../../types/type.ts'
import { ArrayValue, RecordValue, type Value } from '../../types/value.ts'
import { mapArray, readSubscripts, sliceArray, stackArrays, type SubscriptBounds } from './array-access.ts'
import type { DomainRules, ExpressionCompiler } from './compiler.ts'
import type { Fragment } from './source.ts'

const RECORD_OID = 2249
const JSONB_OID = 3802

/** `f(value)` of a value that may be null, which stays null. */
function guarded(compiler: ExpressionCompiler, arg: Fragment, call: (name: string) => string): Fragment {
  const { assign, name } = compiler.hold(arg)
  const body = arg.nullable ? `${name} === null ? null : ${call(name)}` : call(name)
  return {
    source: assign === '' ? `(${body})` : `(${assign}, ${body})`,
    nullable: arg.nullable,
    simple: false,
  }
}

export function compileConvert(compiler: ExpressionCompiler, expr: ConvertExpr): Fragment {
  const arg = compiler.value(expr.arg)
  const { builder, environment } = compiler
  switch (expr.method) {
    case 'relabel':
      return arg
    case 'io': {
      const from = environment.type(expr.arg.type)
      const to = environment.type(expr.type)
      const { typmod } = expr
      const convert = (context: FunctionContext, value: NonNullable<Value>): Value =>
        to.input(from.output(value, context), typmod, context)
      return {
        ...guarded(compiler, arg, (name) => `${builder.bind(convert)}(rt.functions, ${name})`),
        nullable: true,
      }
    }
    case 'array': {
      const element = mustElement(expr.element)
      const nested = compiler.separate()
      nested.elements.push({ source: 'element', nullable: true, simple: true })
      const body = `return ${nested.value(element).source}`
      const convert = nested.builder.build<(rt: unknown, element: Value) => Value>('rt, element', body)
      const { elementOid } = environment.type(expr.type)
      return guarded(
        compiler,
        arg,
        (name) => `${builder.bind(mapArray)}(rt, ${name}, ${elementOid}, ${builder.bind(convert)})`,
      )
    }
    case 'row': {
      const { type } = expr
      const relabel = (value: Value): Value => {
        assert(value instanceof RecordValue, 'a row conversion gets a row')
        return new RecordValue(type, value.fields, { names: value.fieldNames, types: value.fieldTypes })
      }
      return guarded(compiler, arg, (name) => `${builder.bind(relabel)}(${name})`)
    }
    case 'domain-check':
      return compileDomainCheck(compiler, expr.type, arg)
  }
}

const mustElement = (element: Expr | undefined): Expr => must(element, 'an array conversion has an element')

/** Checks a value against a domain's rules: 23502 for NULL, 23514 for a check that is false. */
export function compileDomainCheck(compiler: ExpressionCompiler, domainOid: number, arg: Fragment): Fragment {
  const { builder, environment } = compiler
  const rules = environment.domain(domainOid)
  if (rules === undefined || (!rules.notNull && rules.checks.length === 0)) return arg
  const name = builder.temp()
  const parts = [`${name} = ${arg.source}`]
  if (rules.notNull) parts.push(`${name} === null && ${builder.bind(() => refuseNull(rules))}()`)
  compiler.elements.push({ source: name, nullable: true, simple: true })
  for (const check of rules.checks) {
    const { source } = compiler.value(check.expr)
    parts.push(`(${source}) === false && ${builder.bind(() => refuseCheck(rules, check.name))}()`)
  }
  compiler.elements.pop()
  return { source: `(${parts.join(', ')}, ${name})`, nullable: !rules.notNull, simple: false }
}

function refuseNull(rules: DomainRules): never {
  const { name, schema } = rules
  throw new SqlError('23502', `domain ${name} does not allow null values`, { schema, dataType: name })
}

function refuseCheck(rules: DomainRules, constraint: string): never {
  const { name, schema } = rules
  const message = `value for domain ${name} violates check constraint "${constraint}"`
  throw new SqlError('23514', message, { schema, dataType: name, constraint })
}

export function compileTypmod(compiler: ExpressionCompiler, expr: TypmodExpr): Fragment {
  const type = compiler.environment.type(expr.type)
  const { typmod, explicit } = expr
  const elementOid = type.elementOid
  const apply =
    type.kind === 'array'
      ? arrayTypmod(compiler.environment.type(elementOid), typmod, explicit)
      : (value: NonNullable<Value>): Value => type.applyTypmod(value, typmod, explicit)
  return guarded(compiler, compiler.value(expr.arg), (name) => `${compiler.builder.bind(apply)}(${name})`)
}

function arrayTypmod(element: Type, typmod: number, explicit: boolean): (value: NonNullable<Value>) => Value {
  return (value) => {
    assert(value instanceof ArrayValue, 'an array')
    const elements = value.elements.map((one) =>
      one === null ? null : element.applyTypmod(one, typmod, explicit),
    )
    return new ArrayValue(value.elementOid, elements, value.dimensions, value.lowerBounds)
  }
}

/** GREATEST and LEAST: NULLs do not count. */
export function compileExtreme(
  compiler: ExpressionCompiler,
  expr: Extract<Expr, { kind: 'coalesce' | 'greatest' | 'least' }>,
): Fragment {
  const type = compiler.environment.type(expr.type)
  const { compare } = type
  if (compare === undefined) throw unsupported(`${expr.kind} of ${type.name}`)
  const sign = expr.kind === 'greatest' ? 1 : -1
  const choose = (...values: Value[]): Value => {
    let best: Value = null
    for (const value of values) {
      if (value !== null && (best === null || compare(value, best) * sign > 0)) best = value
    }
    return best
  }
  const fragments = expr.args.map((arg) => compiler.value(arg))
  const source = `${compiler.builder.bind(choose)}(${fragments.map((one) => one.source).join(', ')})`
  return { source, nullable: fragments.every((one) => one.nullable), simple: false }
}

export function compileArray(compiler: ExpressionCompiler, expr: Extract<Expr, { kind: 'array' }>): Fragment {
  const list = `[${expr.elements.map((element) => compiler.value(element).source).join(', ')}]`
  const make = expr.nested
    ? stackArrays
    : (oid: number, elements: Value[]): Value => new ArrayValue(oid, elements)
  return {
    source: `${compiler.builder.bind(make)}(${expr.elementType}, ${list})`,
    nullable: false,
    simple: false,
  }
}

export function compileRow(compiler: ExpressionCompiler, expr: RowExpr): Fragment {
  const names = expr.elements.map((_, i) => expr.names[i] ?? `f${i + 1}`)
  const shape = compiler.builder.bind({ names, types: expr.elements.map((element) => element.type) })
  const list = `[${expr.elements.map((element) => compiler.value(element).source).join(', ')}]`
  const type = expr.type === 0 ? RECORD_OID : expr.type
  return {
    source: `new ${compiler.builder.bind(RecordValue)}(${type}, ${list}, ${shape})`,
    nullable: false,
    simple: false,
  }
}

export function compileField(compiler: ExpressionCompiler, expr: FieldExpr): Fragment {
  const field = guarded(
    compiler,
    compiler.value(expr.arg),
    (name) => `(${name}.fields[${expr.field}] ?? null)`,
  )
  return { ...field, nullable: true }
}

export function compileSubscript(compiler: ExpressionCompiler, expr: SubscriptExpr): Fragment {
  const arg = compiler.value(expr.arg)
  const { builder } = compiler
  const parts = expr.subscripts.map((one) => {
    if (one.kind === 'index') return `${compiler.value(one.at).source}, undefined`
    const bound = (side: Expr | undefined): string =>
      side === undefined ? 'undefined' : compiler.value(side).source
    return `${bound(one.lower)}, ${bound(one.upper)}`
  })
  const list = `[${parts.join(', ')}]`
  if (expr.arg.type === JSONB_OID) return jsonbSubscript(compiler, expr, arg, list)
  const isSlice = expr.subscripts.some((one) => one.kind === 'slice')
  const kinds: SubscriptBounds = expr.subscripts.map((one) => one.kind === 'slice')
  const read = isSlice ? sliceArray : readSubscripts
  const source = `${builder.bind(read)}(${arg.source}, ${list}, ${builder.bind(kinds)})`
  return { source, nullable: true, simple: false }
}

/** jsonb subscripts walk like #> does: by key for objects, by position for arrays. */
function jsonbSubscript(
  compiler: ExpressionCompiler,
  expr: SubscriptExpr,
  arg: Fragment,
  list: string,
): Fragment {
  const path = compiler.environment.functions.byName('jsonb_extract_path').find((fn) => fn.kind === 'scalar')
  if (path?.kind !== 'scalar') throw unsupported('subscripting of jsonb', expr.location)
  const call = path.specialise?.([JSONB_OID, 1009], JSONB_OID, true) ?? path.call
  const walk = (context: FunctionContext, value: Value, keys: (Value | undefined)[]): Value => {
    const names = keys.filter((key) => key !== undefined)
    if (value === null || names.includes(null)) return null
    const steps = new ArrayValue(
      25,
      names.map((key) => String(key)),
    )
    return path.usesContext
      ? call(...([context, value, steps] as never[]))
      : call(...([value, steps] as never[]))
  }
  return {
    source: `${compiler.builder.bind(walk)}(rt.functions, ${arg.source}, ${list})`,
    nullable: true,
    simple: false,
  }
}

/** The function of pg_proc that a session value is defined by. */
const TIME_CASTS: Readonly<Record<string, number | undefined>> = {
  current_date: 1178,
  current_time: 1388,
  current_timestamp: undefined,
  localtime: 2019,
  localtimestamp: 2027,
}

export function compileSessionValue(compiler: ExpressionCompiler, expr: SessionValueExpr): Fragment {
  const { builder, environment } = compiler
  const fragment = (source: string, nullable: boolean): Fragment => ({ source, nullable, simple: false })
  switch (expr.name) {
    case 'current_user':
      return fragment('rt.functions.currentUser', false)
    case 'session_user':
      return fragment('rt.functions.sessionUser', false)
    case 'current_catalog':
      return fragment('rt.functions.currentDatabase', false)
    case 'current_schema':
      return fragment('(rt.functions.searchPath(false)[0] ?? null)', true)
    default: {
      const oid = TIME_CASTS[expr.name]
      let source = 'rt.functions.transactionMicros'
      if (oid !== undefined) source = castSource(compiler, oid, source)
      if (expr.typmod < 0) return fragment(source, false)
      const type = environment.type(expr.type)
      const round = (value: NonNullable<Value>): Value => type.applyTypmod(value, expr.typmod, true)
      return fragment(`${builder.bind(round)}(${source})`, false)
    }
  }
}

function castSource(compiler: ExpressionCompiler, oid: number, arg: string): string {
  const cast = compiler.environment.functions.byOid(oid)
  if (cast?.kind !== 'scalar') throw unsupported(`the cast ${oid}`)
  return `${compiler.builder.bind(cast.call)}(${cast.usesContext ? 'rt.functions, ' : ''}${arg})`
}

/** nextval of a column's own sequence. */
export function compileNextValue(compiler: ExpressionCompiler, sequenceOid: number): Fragment {
  const next: ScalarFunction | undefined = nextvalOf(compiler)
  if (next === undefined) throw unsupported('nextval')
  return { source: castSource(compiler, next.oid, String(sequenceOid)), nullable: false, simple: false }
}

const NEXTVAL_OID = 1574

function nextvalOf(compiler: ExpressionCompiler): ScalarFunction | undefined {
  const found = compiler.environment.functions.byOid(NEXTVAL_OID)
  return found?.kind === 'scalar' ? found : undefined
}
