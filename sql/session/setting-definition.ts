// Definitions of settings (PostgreSQL's GUCs) and how their values are read and shown. Facts come from
// setting-facts.ts; this file parses them and knows units, ranges and the canonical text of a value.
//
// A value is kept as canonical text: what `SHOW` prints for strings, enums and booleans; a plain number in the setting's
// own unit for integers and reals (so '64MB' of work_mem is '65536').

import { SqlError } from '../types/sql-error.ts'
import { SETTING_FACTS } from './setting-facts.ts'

export type SettingType = 'bool' | 'integer' | 'real' | 'string' | 'enum'
export type SettingContext =
  | 'internal'
  | 'postmaster'
  | 'sighup'
  | 'superuser-backend'
  | 'backend'
  | 'superuser'
  | 'user'

export interface SettingDefinition {
  /** As PostgreSQL spells it (DateStyle, TimeZone); looked up without regard to case. */
  readonly name: string
  readonly type: SettingType
  readonly context: SettingContext
  readonly unit: string
  readonly min: number | undefined
  readonly max: number | undefined
  readonly enumValues: readonly string[]
  readonly defaultValue: string
}

/** Settings whose value is a comma-separated list; of these, names that are quoted as identifiers. */
const LIST_SETTINGS: ReadonlySet<string> = new Set([
  'datestyle',
  'search_path',
  'temp_tablespaces',
  'session_preload_libraries',
  'local_preload_libraries',
  'log_destination',
  'synchronous_standby_names',
])
const QUOTED_LIST_SETTINGS: ReadonlySet<string> = new Set(['search_path', 'temp_tablespaces'])

/** The settings a client is told about whenever they change (documentation, section 55.2.7). */
export const REPORTED_SETTINGS: readonly string[] = [
  'application_name',
  'client_encoding',
  'DateStyle',
  'default_transaction_read_only',
  'in_hot_standby',
  'integer_datetimes',
  'IntervalStyle',
  'is_superuser',
  'server_encoding',
  'server_version',
  'session_authorization',
  'standard_conforming_strings',
  'TimeZone',
]

const EXTRA_FACTS: readonly string[] = [
  'is_superuser|bool|internal|||||off',
  'session_authorization|string|user|||||',
  'role|string|user|||||none',
  'seed|real|user||-1|1||0',
  'borealis.as_of|string|user|||||',
  'borealis.retention|integer|backend|min|0|52560000||1440',
]

const definitions: ReadonlyMap<string, SettingDefinition> = new Map(
  [...SETTING_FACTS.trim().split('\n'), ...EXTRA_FACTS].map((line) => {
    const definition = parseFacts(line)
    return [definition.name.toLowerCase(), definition]
  }),
)

function parseFacts(line: string): SettingDefinition {
  const [name = '', type = '', context = '', unit = '', min = '', max = '', values = '', initial = ''] =
    line.split('|')
  return {
    name,
    type: type as SettingType,
    context: context as SettingContext,
    unit,
    min: min === '' ? undefined : Number(min),
    max: max === '' ? undefined : Number(max),
    enumValues: values === '' ? [] : values.split(','),
    defaultValue: initial,
  }
}

export function settingDefinition(name: string): SettingDefinition | undefined {
  return definitions.get(name.toLowerCase())
}

export function settingDefinitions(): Iterable<SettingDefinition> {
  return definitions.values()
}

export function unknownSetting(name: string): SqlError {
  return new SqlError('42704', `unrecognized configuration parameter "${name}"`)
}

/** The text a list of SET's arguments stands for: `a, "B c"` for a list setting, the only argument for others. */
export function joinArguments(name: string, args: readonly string[]): string {
  const key = name.toLowerCase()
  if (args.length > 1 && !LIST_SETTINGS.has(key)) {
    throw new SqlError('22023', `SET ${name} takes only one argument`)
  }
  if (!QUOTED_LIST_SETTINGS.has(key)) return args.join(', ')
  return args.map(quoteListItem).join(', ')
}

function quoteListItem(item: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(item) ? item : `"${item.replaceAll('"', '""')}"`
}

/** Checks a value a user typed and gives its canonical text. SqlError 22023 as PostgreSQL words it. */
export function canonicalValue(definition: SettingDefinition, text: string): string {
  switch (definition.type) {
    case 'bool':
      return canonicalBool(definition, text)
    case 'enum':
      return canonicalEnum(definition, text)
    case 'integer':
    case 'real':
      return canonicalNumber(definition, text)
    case 'string':
      return text
  }
}

/** PostgreSQL's parse_bool: unambiguous prefixes of true, false, yes, no; on, off, 1, 0. */
export function parseBool(text: string): boolean | undefined {
  const word = text.toLowerCase()
  if (word === '1' || word === 'on') return true
  if (word === '0' || word === 'of' || word === 'off') return false
  if (word === '') return undefined
  if ('true'.startsWith(word) || 'yes'.startsWith(word)) return true
  if ('false'.startsWith(word) || 'no'.startsWith(word)) return false
  return undefined
}

function canonicalBool(definition: SettingDefinition, text: string): string {
  const value = parseBool(text)
  if (value === undefined)
    throw new SqlError('22023', `parameter "${definition.name}" requires a Boolean value`)
  return value ? 'on' : 'off'
}

function canonicalEnum(definition: SettingDefinition, text: string): string {
  const word = text.toLowerCase()
  const found = definition.enumValues.find((value) => value.toLowerCase() === word)
  if (found !== undefined) return found
  const asBool = parseBool(text)
  const alias = asBool === undefined ? undefined : asBool ? 'on' : 'off'
  if (alias !== undefined && definition.enumValues.includes(alias)) return alias
  throw new SqlError('22023', `invalid value for parameter "${definition.name}": "${text}"`, {
    hint: `Available values: ${definition.enumValues.join(', ')}.`,
  })
}

/** Factors to the smallest unit of each family: bytes and microseconds. */
const MEMORY_UNITS: readonly (readonly [string, number])[] = [
  ['TB', 2 ** 40],
  ['GB', 2 ** 30],
  ['MB', 2 ** 20],
  ['kB', 2 ** 10],
  ['B', 1],
]
const TIME_UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000_000],
  ['h', 3_600_000_000],
  ['min', 60_000_000],
  ['s', 1_000_000],
  ['ms', 1000],
  ['us', 1],
]

/** Size of a definition's unit in bytes or microseconds, and the family's units. `8kB`: blocks. */
function unitFamily(
  unit: string,
): { readonly units: readonly (readonly [string, number])[]; readonly base: number } | undefined {
  if (unit === '') return undefined
  const match = /^(\d*)(\w+)$/.exec(unit)
  const count = match?.[1] ? Number(match[1]) : 1
  const name = match?.[2] ?? unit
  for (const units of [MEMORY_UNITS, TIME_UNITS]) {
    const found = units.find(([unitName]) => unitName === name)
    if (found) return { units, base: found[1] * count }
  }
  return undefined
}

function canonicalNumber(definition: SettingDefinition, text: string): string {
  const match =
    /^\s*([-+]?(?:0x[0-9a-f]+|\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?))\s*([a-zA-Z]*)\s*$/i.exec(text)
  const family = unitFamily(definition.unit)
  let value = match ? Number(match[1]) : Number.NaN
  const suffix = match?.[2] ?? ''
  if (suffix !== '' && family !== undefined) {
    const unit = family.units.find(([name]) => name === suffix)
    if (unit === undefined) throw invalidUnit(definition, text, family.units)
    value = (value * unit[1]) / family.base
  } else if (suffix !== '') value = Number.NaN
  if (Number.isNaN(value))
    throw new SqlError('22023', `invalid value for parameter "${definition.name}": "${text}"`)
  if (definition.type === 'integer') value = Math.round(value)
  checkRange(definition, value)
  return String(value)
}

function invalidUnit(
  definition: SettingDefinition,
  text: string,
  units: readonly (readonly [string, number])[],
): SqlError {
  const names =
    units === MEMORY_UNITS ? '"B", "kB", "MB", "GB", and "TB"' : '"us", "ms", "s", "min", "h", and "d"'
  return new SqlError('22023', `invalid value for parameter "${definition.name}": "${text}"`, {
    hint: `Valid units for this parameter are ${names}.`,
  })
}

function checkRange(definition: SettingDefinition, value: number): void {
  const { min, max, name, unit } = definition
  if (min === undefined || max === undefined || (value >= min && value <= max)) return
  const shown = unit !== '' && !/^\d/.test(unit) ? ` ${unit}` : ''
  throw new SqlError(
    '22023',
    `${value}${shown} is outside the valid range for parameter "${name}" (${min} .. ${max})`,
  )
}

/** What SHOW prints: numbers in the largest unit that divides them. */
export function displayValue(definition: SettingDefinition, value: string): string {
  if (definition.type !== 'integer' && definition.type !== 'real') return value
  const family = unitFamily(definition.unit)
  const count = Number(value)
  if (family === undefined || count <= 0) return value
  const size = count * family.base
  for (const [name, factor] of family.units) {
    if (size % factor === 0 && size >= factor) return `${size / factor}${name}`
  }
  return value
}
