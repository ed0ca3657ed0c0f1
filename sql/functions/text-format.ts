// Text made of values of any type: concat, concat_ws, format, ||, and quoting (documentation, sections 9.4 and 9.4.1).
// Values become text by their type's output function; only || goes through the cast to text, as PostgreSQL's does.

import { characterCount } from '../types/text.ts'
import { trimBlanks } from './comparison.ts'
import type { Definitions, TypedDefinition } from './definition.ts'
import type { FunctionContext } from './function.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { BOOL_OID, BPCHAR_OID } from '../types/oids.ts'
import { SqlError } from '../types/sql-error.ts'
import { type ArrayValue, type Value } from '../types/value.ts'

/** The type's output function. */
export function outputText(context: FunctionContext, type: number, value: NonNullable<Value>): string {
  return context.lookup.type(type).output(value, context)
}

/** CAST(value AS text): output, but for the types that have a cast of their own. */
export function castToText(context: FunctionContext, type: number, value: NonNullable<Value>): string {
  if (type === BOOL_OID) return value === true ? 'true' : 'false'
  const text = outputText(context, type, value)
  return type === BPCHAR_OID ? trimBlanks(text) : text
}

/** The arguments of VARIADIC "any" from `skip` on as texts: one by one, or out of the array that the call gave. */
function variadicTexts(
  types: readonly number[],
  skip: number,
  variadicArray: boolean,
): (context: FunctionContext, args: readonly Value[]) => (string | null)[] {
  if (variadicArray) {
    return (context, args) => {
      const array = args[skip] as ArrayValue | null
      if (array === null) return []
      return array.elements.map((element) =>
        element === null ? null : outputText(context, array.elementOid, element),
      )
    }
  }
  return (context, args) =>
    args.slice(skip).map((arg, i) => (arg === null ? null : outputText(context, types[skip + i] ?? 0, arg)))
}

const concat: TypedDefinition = {
  specialise: (types, _returnType, variadicArray) => {
    const textsOf = variadicTexts(types, 0, variadicArray)
    return (context, ...args: Value[]) => {
      if (variadicArray && args[0] === null) return null
      return textsOf(context, args)
        .filter((text) => text !== null)
        .join('')
    }
  },
}

const concatWithSeparator: TypedDefinition = {
  specialise: (types, _returnType, variadicArray) => {
    const textsOf = variadicTexts(types, 1, variadicArray)
    return (context, ...args: Value[]) => {
      const separator = args[0] as string | null
      if (separator === null || (variadicArray && args[1] === null)) return null
      return textsOf(context, args)
        .filter((text) => text !== null)
        .join(separator)
    }
  },
}

/** One %[position$][flags][width]type of a format string; the next free argument is counted by `take`. */
class FormatArguments {
  private next = 0
  private readonly values: readonly (string | null)[]

  constructor(values: readonly (string | null)[]) {
    this.values = values
  }

  /** `position` 1-based, or undefined for the next one. */
  take(position: number | undefined): string | null {
    if (position === 0)
      throw new SqlError('22023', 'format specifies argument 0, but arguments are numbered from 1')
    if (position !== undefined) this.next = position - 1
    if (this.next >= this.values.length) throw new SqlError('22023', 'too few arguments for format()')
    return this.values[this.next++] ?? null
  }
}

const specifier = /%(?:(%)|(?:(\d+)\$)?(-*)(?:(\d+)|\*(?:(\d+)\$)?()|)(.?))/gsu

/** What a specifier's letter makes of its argument. */
function conversion(letter: string, value: string | null): string {
  if (letter === 's') return value ?? ''
  if (letter === 'L') return value === null ? 'NULL' : quoteLiteral(value)
  if (value === null) throw new SqlError('22004', 'null values cannot be formatted as an SQL identifier')
  return quoteIdentifier(value)
}

function formatText(format: string, values: readonly (string | null)[]): string {
  const args = new FormatArguments(values)
  return format.replace(
    specifier,
    (
      _match: string,
      percent: string | undefined,
      position: string | undefined,
      minus: string,
      digits: string | undefined,
      widthPosition: string | undefined,
      star: string | undefined,
      letter: string,
    ) => {
      if (percent !== undefined) return '%'
      let width = digits === undefined ? 0 : Number(digits)
      if (star !== undefined) {
        width = Number(args.take(widthPosition === undefined ? undefined : Number(widthPosition)) ?? 0)
      }
      if (letter === '') {
        throw new SqlError('22023', 'unterminated format() type specifier', {
          hint: 'For a single "%" use "%%".',
        })
      }
      if (!'sIL'.includes(letter)) {
        throw new SqlError('22023', `unrecognized format() type specifier "${letter}"`, {
          hint: 'For a single "%" use "%%".',
        })
      }
      const text = conversion(letter, args.take(position === undefined ? undefined : Number(position)))
      const missing = ' '.repeat(Math.max(Math.abs(width) - characterCount(text), 0))
      return minus !== '' || width < 0 ? text + missing : missing + text
    },
  )
}

const format: TypedDefinition = {
  specialise: (types, _returnType, variadicArray) => {
    const textsOf = variadicTexts(types, 1, variadicArray)
    return (context, ...args: Value[]) => {
      const pattern = args[0] as string | null
      return pattern === null ? null : formatText(pattern, textsOf(context, args))
    }
  },
}

/** quote_literal and quote_nullable of a value that is no text. */
const quoteAny: TypedDefinition = {
  specialise:
    ([type = 0]) =>
    (context, value: Value) =>
      value === null ? 'NULL' : quoteLiteral(castToText(context, type, value)),
}

export const textFormatFunctions: Definitions = {
  'concat(any)': concat,
  'concat_ws(text,any)': concatWithSeparator,
  'format(text,any)': format,
  'format(text)': format,
  'textanycat(text,anynonarray)': {
    specialise:
      ([, type = 0]) =>
      (context, a: string, b: NonNullable<Value>) =>
        a + castToText(context, type, b),
  },
  'anytextcat(anynonarray,text)': {
    specialise:
      ([type = 0]) =>
      (context, a: NonNullable<Value>, b: string) =>
        castToText(context, type, a) + b,
  },
  'quote_ident(text)': { call: quoteIdentifier },
  'quote_literal(text)': { call: quoteLiteral },
  'quote_nullable(text)': { call: (a: string | null) => (a === null ? 'NULL' : quoteLiteral(a)) },
  'quote_literal(anyelement)': quoteAny,
  'quote_nullable(anyelement)': quoteAny,
}
