// Functions as text: pg_get_function_arguments and its kin, from the rows of pg_proc.

import { quoteIdentifier } from '../functions/quote.ts'
import { SqlError } from '../types/sql-error.ts'
import { ArrayValue, type Row, type Value } from '../types/value.ts'
import type { CatalogNames } from './names.ts'
import { staticRowByOid } from './static-rows.ts'

/** Positions in pg_proc. */
const PROC = {
  provariadic: 7,
  prokind: 9,
  proretset: 13,
  prorettype: 18,
  proargtypes: 19,
  proallargtypes: 20,
  proargmodes: 21,
  proargnames: 22,
  proargdefaults: 23,
}

interface Argument {
  readonly mode: string
  readonly name: string
  readonly type: number
}

const elements = (value: Value | undefined): readonly Value[] =>
  value instanceof ArrayValue ? value.elements : []

function argumentsOf(row: Row): Argument[] {
  const all = elements(row[PROC.proallargtypes])
  const types = all.length > 0 ? all : elements(row[PROC.proargtypes])
  const modes = elements(row[PROC.proargmodes])
  const names = elements(row[PROC.proargnames])
  return types.map((type, i) => ({
    mode: String(modes[i] ?? 'i'),
    name: String(names[i] ?? ''),
    type: type as number,
  }))
}

const isInput = (argument: Argument): boolean => ['i', 'b', 'v'].includes(argument.mode)

/** `a, b` at the top level into its parts. */
function splitList(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let isQuoted = false
  let start = 0
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === "'") isQuoted = !isQuoted
    else if (isQuoted) continue
    else if ('([{'.includes(char)) depth++
    else if (')]}'.includes(char)) depth--
    else if (char === ',' && depth === 0) {
      parts.push(text.slice(start, at).trim())
      start = at + 1
    }
  }
  parts.push(text.slice(start).trim())
  return parts
}

function defaultsOf(row: Row): string[] {
  const text = row[PROC.proargdefaults]
  return typeof text === 'string' && text !== '' ? splitList(text) : []
}

const MODE_WORDS: Readonly<Record<string, string>> = { i: '', o: 'OUT ', b: 'INOUT ', v: 'VARIADIC ' }

function argumentText(names: CatalogNames, argument: Argument): string {
  const name = argument.name === '' ? '' : `${quoteIdentifier(argument.name)} `
  return `${MODE_WORDS[argument.mode] ?? ''}${name}${names.regOidToName('regtype', argument.type)}`
}

export function functionArguments(names: CatalogNames, oid: number, identityOnly: boolean): string | null {
  const row = staticRowByOid('pg_proc', oid)
  if (row === undefined) return null
  const shown = argumentsOf(row).filter((item) => item.mode !== 't' && (!identityOnly || isInput(item)))
  const defaults = identityOnly ? [] : defaultsOf(row)
  const inputCount = argumentsOf(row).filter(isInput).length
  let input = 0
  const texts = shown.map((item) => {
    const text = argumentText(names, item)
    if (!isInput(item)) return text
    const fallback = defaults[input++ - (inputCount - defaults.length)]
    return fallback === undefined ? text : `${text} DEFAULT ${fallback}`
  })
  return texts.join(', ')
}

export function functionArgumentDefault(oid: number, argument: number): string | null {
  const row = staticRowByOid('pg_proc', oid)
  if (row === undefined) return null
  const defaults = defaultsOf(row)
  const inputCount = argumentsOf(row).filter(isInput).length
  return defaults[argument - 1 - (inputCount - defaults.length)] ?? null
}

export function functionResult(names: CatalogNames, oid: number): string | null {
  const row = staticRowByOid('pg_proc', oid)
  if (row === undefined) return null
  if (row[PROC.prokind] === 'p') return null
  const table = argumentsOf(row).filter((item) => item.mode === 't')
  if (table.length > 0) {
    const columns = table.map(
      ({ name, type }) => `${quoteIdentifier(name)} ${names.regOidToName('regtype', type)}`,
    )
    return `TABLE(${columns.join(', ')})`
  }
  const type = names.regOidToName('regtype', row[PROC.prorettype] as number)
  return row[PROC.proretset] === true ? `SETOF ${type}` : type
}

const VOLATILITY: Readonly<Record<string, string>> = { i: ' IMMUTABLE', s: ' STABLE', v: '' }
const PARALLEL: Readonly<Record<string, string>> = { s: ' PARALLEL SAFE', r: ' PARALLEL RESTRICTED', u: '' }

/** pg_get_functiondef of a built-in function. */
export function functionDefinition(names: CatalogNames, oid: number): string | null {
  const row = staticRowByOid('pg_proc', oid)
  if (row === undefined) return null
  const name = String(row[1])
  if (row[PROC.prokind] === 'a') throw new SqlError('42809', `"${name}" is an aggregate function`)
  const language = { 12: 'internal', 13: 'c', 14: 'sql' }[row[4] as number] ?? 'internal'
  const flags = `${VOLATILITY[String(row[14])] ?? ''}${PARALLEL[String(row[15])] ?? ''}${row[12] === true ? ' STRICT' : ''}`
  return [
    `CREATE OR REPLACE FUNCTION pg_catalog.${quoteIdentifier(name)}(${functionArguments(names, oid, false)})`,
    ` RETURNS ${functionResult(names, oid)}`,
    ` LANGUAGE ${language}`,
    ...(flags === '' ? [] : [flags]),
    `AS $function$${String(row[25])}$function$`,
    '',
  ].join('\n')
}
