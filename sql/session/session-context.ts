// What functions may ask of the session they run in (FunctionContext): settings in typed form, names, clocks, chance.
// The hot path reads plain fields; they are brought up to date when a setting changes.

import type { Clock, Prng } from '../../storage/base/env.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { temporarySchemaName } from '../ddl/ddl.ts'
import type { FunctionContext, SessionServices } from '../functions/function.ts'
import { SqlError } from '../types/sql-error.ts'
import type { TypeContext, TypeLookup } from '../types/type.ts'
import type { Settings } from './settings.ts'

/** Microseconds from 1970-01-01 to 2000-01-01, PostgreSQL's epoch. */
const EPOCH_2000_MICROS = 946_684_800_000_000

export interface SessionContextHost {
  readonly clock: Clock
  readonly prng: Prng
  readonly processId: number
  readonly databaseName: string
  catalog(): Catalog
  /** now(): start of the current transaction, microseconds since 2000-01-01. */
  transactionMicros(): number
}

export class SessionContext implements FunctionContext {
  timeZone = 'UTC'
  dateStyle: TypeContext['dateStyle'] = { style: 'ISO', order: 'MDY' }
  intervalStyle: TypeContext['intervalStyle'] = 'postgres'
  extraFloatDigits = 1
  byteaOutput: TypeContext['byteaOutput'] = 'hex'
  currentUser: string
  sessionUser: string
  /** Set by the session once the catalog's services exist. */
  services: SessionServices
  readonly lookup: TypeLookup
  #statementMicros = 0

  readonly #host: SessionContextHost
  readonly #settings: Settings
  #searchPath: readonly string[] = ['"$user"', 'public']
  #resolved:
    | {
        readonly version: string
        readonly user: string
        readonly plain: readonly string[]
        readonly full: readonly string[]
      }
    | undefined
  #seeded: (() => number) | undefined
  #settingsKey: string | undefined

  constructor(
    host: SessionContextHost,
    parts: {
      readonly settings: Settings
      readonly user: string
      readonly lookup: TypeLookup
      readonly services: SessionServices
    },
  ) {
    this.#host = host
    this.#settings = parts.settings
    this.currentUser = parts.user
    this.sessionUser = parts.user
    this.lookup = parts.lookup
    this.services = parts.services
  }

  get transactionMicros(): number {
    return this.#host.transactionMicros()
  }

  get currentDatabase(): string {
    return this.#host.databaseName
  }

  get processId(): number {
    return this.#host.processId
  }

  getSetting(name: string, missingOk: boolean): string | null {
    return this.#settings.show(name, missingOk)
  }

  setSetting(name: string, value: string | null, isLocal: boolean): string {
    this.#settings.set(name, value ?? undefined, isLocal)
    return this.#settings.show(name) ?? ''
  }

  searchPath(implicit: boolean): readonly string[] {
    const catalog = this.#host.catalog()
    if (this.#resolved?.version !== catalog.version || this.#resolved.user !== this.currentUser) {
      this.#resolved = { version: catalog.version, user: this.currentUser, ...this.#resolve(catalog) }
    }
    return implicit ? this.#resolved.full : this.#resolved.plain
  }

  /** The settings that the conversion of literals depends on, as one text. */
  get settingsKey(): string {
    const { style, order } = this.dateStyle
    return (this.#settingsKey ??= `${this.timeZone}|${style}|${order}|${this.intervalStyle}`)
  }

  /** Names a set of schemas and their order: statements analysed under the same key mean the same. */
  get searchPathKey(): string {
    return `${this.#searchPath.includes('$user') ? this.currentUser : ''}\u0001${this.#searchPath.join('\u0001')}`
  }

  #resolve(catalog: Catalog): { plain: readonly string[]; full: readonly string[] } {
    const temporary = temporarySchemaName(this.processId)
    const plain: string[] = []
    for (const item of this.#searchPath) {
      const name = item === '$user' ? this.currentUser : item === 'pg_temp' ? temporary : item
      if (catalog.schemaByName(name) !== undefined && !plain.includes(name)) plain.push(name)
    }
    const full = [...plain]
    if (!full.includes('pg_catalog')) full.unshift('pg_catalog')
    if (!full.includes(temporary) && catalog.schemaByName(temporary) !== undefined) full.unshift(temporary)
    return { plain, full }
  }

  /** Marks the start of a statement. Wall micros since 1970. */
  startStatement(wallMicros: number): void {
    this.#statementMicros = wallMicros - EPOCH_2000_MICROS
  }

  statementMicros(): number {
    return this.#statementMicros
  }

  clockMicros(): number {
    return this.#host.clock.wallMicros() - EPOCH_2000_MICROS
  }

  random(): number {
    return this.#seeded === undefined ? this.#host.prng.next() : this.#seeded()
  }

  /** setseed: from here on `random` follows the seed, a number in [-1, 1]. */
  seed(seed: number): void {
    let state = Math.trunc((seed + 1) * 0x3fff_ffff) | 0
    this.#seeded = () => {
      state = (state + 0x6d2b79f5) | 0
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
    }
  }

  /** Keeps the typed copies in step; the settings' `changed` hook. Names in lower case. */
  settingChanged(name: string, value: string): void {
    this.#settingsKey = undefined
    switch (name) {
      case 'timezone':
        this.timeZone = value
        return
      case 'datestyle':
        this.dateStyle = parseDateStyle(value)
        return
      case 'intervalstyle':
        this.intervalStyle = value as TypeContext['intervalStyle']
        return
      case 'extra_float_digits':
        this.extraFloatDigits = Number(value)
        return
      case 'bytea_output':
        this.byteaOutput = value as TypeContext['byteaOutput']
        return
      case 'search_path':
        this.#searchPath = splitIdentifierList(value)
        this.#resolved = undefined
        return
      case 'seed':
        this.seed(Number(value))
        return
      default:
    }
  }
}

/** Reads `ISO, DMY` in any order, each part optional, over the style in force. SqlError 22023. */
export function canonicalDateStyle(text: string, current: string): string {
  let { style, order } = parseDateStyle(current)
  for (const part of text.split(',')) {
    const word = part.trim().toUpperCase()
    if (word === 'ISO' || word === 'SQL') style = word
    else if (word.startsWith('POSTGRES')) style = 'Postgres'
    else if (word === 'GERMAN') {
      style = 'German'
      order = 'DMY'
    } else if (word === 'MDY' || word === 'US' || word.startsWith('NONEURO')) order = 'MDY'
    else if (word === 'DMY' || word.startsWith('EURO')) order = 'DMY'
    else if (word === 'YMD') order = 'YMD'
    else if (word !== 'DEFAULT') {
      throw new SqlError('22023', `invalid value for parameter "DateStyle": "${text}"`, {
        detail: `Unrecognized key word: "${part.trim().toLowerCase()}".`,
      })
    }
  }
  return `${style}, ${order}`
}

function parseDateStyle(text: string): TypeContext['dateStyle'] {
  const [style = 'ISO', order = 'MDY'] = text.split(',').map((part) => part.trim())
  return {
    style: style as TypeContext['dateStyle']['style'],
    order: order as TypeContext['dateStyle']['order'],
  }
}

/** Splits `a, "B c"` as PostgreSQL's SplitIdentifierString does: unquoted names fold to lower case. SqlError 22023. */
export function splitIdentifierList(text: string): readonly string[] {
  const names: string[] = []
  const item = /\s*(?:"((?:[^"]|"")*)"|([^\s",]+))\s*(,|$)/y
  if (text.trim() === '') return names
  let at = 0
  while (at < text.length) {
    item.lastIndex = at
    const match = item.exec(text)
    if (match === null)
      throw new SqlError('22023', `invalid value for parameter "search_path": "${text}"`, {
        detail: 'List syntax is invalid.',
      })
    names.push(match[1] === undefined ? (match[2] as string).toLowerCase() : match[1].replaceAll('""', '"'))
    at = item.lastIndex
    if (match[3] === '') break
  }
  return names
}
