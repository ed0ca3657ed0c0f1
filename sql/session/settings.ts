// The settings of one session: SET, SET LOCAL, RESET, SHOW, with PostgreSQL's transaction rules.
//
//   local value (until the end of the transaction) ▸ session value ▸ database/role/startup value ▸ default
//
// Every change is noted in an undo list: ROLLBACK (to a savepoint or of all) plays it back, COMMIT forgets it and drops the
// local values. Listeners keep typed copies of what the hot path reads (time zone, search path, ...).

import { SqlError } from '../types/sql-error.ts'
import {
  canonicalValue,
  displayValue,
  REPORTED_SETTINGS,
  settingDefinition,
  settingDefinitions,
  unknownSetting,
  type SettingDefinition,
} from './setting-definition.ts'

/** What a session adds to the bare facts: checks of single settings and values that are computed. */
export interface SettingHooks {
  /** Normalises or refuses a value (time zones, date styles, role names); returns the text to keep. */
  check(name: string, value: string): string
  /** The value of a setting that is state elsewhere (transaction_isolation, is_superuser); undefined: not computed. */
  computed(name: string): string | undefined
  /** A setting's effective value changed. */
  changed(name: string, value: string): void
  readonly isSuperuser: () => boolean
}

type Layer = 'session' | 'local'

interface Undo {
  readonly layer: Layer
  readonly key: string
  readonly previous: string | undefined
}

const REPORTED_KEYS: ReadonlySet<string> = new Set(REPORTED_SETTINGS.map((name) => name.toLowerCase()))

export class Settings {
  readonly #hooks: SettingHooks
  /** Values that RESET returns to, where they are not the default. */
  readonly #resetValues = new Map<string, string>()
  readonly #session = new Map<string, string>()
  readonly #local = new Map<string, string>()
  readonly #undo: Undo[] = []
  readonly #unreported = new Set<string>()
  /** What the client was told last. */
  readonly #reported = new Map<string, string>()

  /** Custom settings that were ever given a value: they stay known, empty, when it is taken back. */
  readonly #custom = new Set<string>()

  constructor(hooks: SettingHooks) {
    this.#hooks = hooks
  }

  /** A value in force before the session starts: from server configuration, database, role or startup packet. */
  setInitial(name: string, value: string, source: 'server' | 'client'): void {
    const definition = this.#definition(name)
    if (source === 'client') this.#checkContext(definition, true)
    this.#resetValues.set(definition.name.toLowerCase(), this.#checked(definition, value))
    this.#applied(definition)
  }

  /** SET (isLocal: SET LOCAL). undefined: SET ... TO DEFAULT and RESET. */
  set(name: string, value: string | undefined, isLocal: boolean): void {
    const definition = this.#definition(name)
    this.#checkContext(definition, false)
    const key = definition.name.toLowerCase()
    const next = value === undefined ? this.#resetValue(definition) : this.#checked(definition, value)
    if (isLocal) this.#write('local', key, next)
    else {
      this.#write('session', key, value === undefined ? undefined : next)
      this.#write('local', key, undefined)
    }
    this.#applied(definition)
  }

  /** RESET ALL and DISCARD ALL. */
  resetAll(): void {
    for (const key of new Set([...this.#session.keys(), ...this.#local.keys()])) {
      const definition = this.#definition(key)
      if (definition.context !== 'user' && definition.context !== 'superuser') continue
      if (key === 'role' || key === 'session_authorization' || key === 'seed') continue
      this.#write('session', key, undefined)
      this.#write('local', key, undefined)
      this.#applied(definition)
    }
  }

  /** The raw canonical value; undefined if there is no such setting. */
  raw(name: string): string | undefined {
    const key = name.toLowerCase()
    const computed = this.#hooks.computed(key)
    if (computed !== undefined) return computed
    const value = this.#local.get(key) ?? this.#session.get(key) ?? this.#resetValues.get(key)
    return value ?? settingDefinition(key)?.defaultValue ?? (this.#custom.has(key) ? '' : undefined)
  }

  /** SHOW and current_setting. SqlError 42704 for an unknown name, unless missingOk. */
  show(name: string, missingOk = false): string | null {
    const value = this.raw(name)
    if (value === undefined) {
      if (missingOk) return null
      throw unknownSetting(name)
    }
    const definition = settingDefinition(name)
    return definition ? displayValue(definition, value) : value
  }

  /** A numeric setting in its own unit. */
  number(name: string): number {
    return Number(this.raw(name))
  }

  *all(): Iterable<{
    readonly definition: SettingDefinition
    readonly value: string
    readonly isChanged: boolean
  }> {
    for (const definition of settingDefinitions()) {
      const key = definition.name.toLowerCase()
      const isChanged = this.#session.has(key) || this.#local.has(key)
      yield { definition, value: this.raw(key) ?? '', isChanged }
    }
  }

  /** A mark for rollbackTo. */
  get mark(): number {
    return this.#undo.length
  }

  /** Undoes every change since the mark (0: since the transaction began). */
  rollbackTo(mark: number): void {
    while (this.#undo.length > mark) {
      const { layer, key, previous } = this.#undo.pop() as Undo
      const values = layer === 'local' ? this.#local : this.#session
      if (previous === undefined) values.delete(key)
      else values.set(key, previous)
      this.#applied(this.#definition(key))
    }
  }

  commit(): void {
    if (this.#undo.length === 0) return
    this.#undo.length = 0
    const keys = [...this.#local.keys()]
    this.#local.clear()
    for (const key of keys) this.#applied(this.#definition(key))
  }

  /** Changed settings that the client must be told of, once. */
  takeUnreported(): readonly (readonly [string, string])[] {
    if (this.#unreported.size === 0) return []
    const names = REPORTED_SETTINGS.filter((name) => this.#unreported.has(name.toLowerCase()))
    this.#unreported.clear()
    const changed: (readonly [string, string])[] = []
    for (const name of names) {
      const value = this.show(name) ?? ''
      if (this.#reported.get(name) === value) continue
      this.#reported.set(name, value)
      changed.push([name, value])
    }
    return changed
  }

  get hasUnreported(): boolean {
    return this.#unreported.size > 0
  }

  /** Marks a computed setting (is_superuser, session_authorization) as changed. */
  touch(name: string): void {
    this.#unreported.add(name.toLowerCase())
  }

  #definition(name: string): SettingDefinition {
    const definition = settingDefinition(name)
    if (definition !== undefined) return definition
    // Two-part names are placeholders that any module may own: PostgreSQL keeps whatever is set.
    if (/^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)+$/i.test(name)) return placeholder(name)
    throw unknownSetting(name)
  }

  #resetValue(definition: SettingDefinition): string {
    return this.#resetValues.get(definition.name.toLowerCase()) ?? definition.defaultValue
  }

  #checked(definition: SettingDefinition, value: string): string {
    return this.#hooks.check(definition.name.toLowerCase(), canonicalValue(definition, value))
  }

  #checkContext(definition: SettingDefinition, atStart: boolean): void {
    const { name, context } = definition
    switch (context) {
      case 'internal':
        throw new SqlError('55P02', `parameter "${name}" cannot be changed`)
      case 'postmaster':
        throw new SqlError('55P02', `parameter "${name}" cannot be changed without restarting the server`)
      case 'sighup':
        throw new SqlError('55P02', `parameter "${name}" cannot be changed now`)
      case 'backend':
      case 'superuser-backend':
        if (!atStart) throw new SqlError('55P02', `parameter "${name}" cannot be set after connection start`)
        return
      case 'superuser':
        if (!this.#hooks.isSuperuser())
          throw new SqlError('42501', `permission denied to set parameter "${name}"`)
        return
      case 'user':
        return
    }
  }

  #write(layer: Layer, key: string, value: string | undefined): void {
    const values = layer === 'local' ? this.#local : this.#session
    const previous = values.get(key)
    if (previous === value) return
    this.#undo.push({ layer, key, previous })
    if (key.includes('.')) this.#custom.add(key)
    if (value === undefined) values.delete(key)
    else values.set(key, value)
  }

  #applied(definition: SettingDefinition): void {
    const key = definition.name.toLowerCase()
    if (REPORTED_KEYS.has(key)) this.#unreported.add(key)
    this.#hooks.changed(key, this.raw(key) ?? '')
  }
}

const placeholders = new Map<string, SettingDefinition>()

function placeholder(name: string): SettingDefinition {
  const key = name.toLowerCase()
  let definition = placeholders.get(key)
  if (definition === undefined) {
    definition = {
      name,
      type: 'string',
      context: 'user',
      unit: '',
      min: undefined,
      max: undefined,
      enumValues: [],
      defaultValue: '',
    }
    placeholders.set(key, definition)
  }
  return definition
}
