// What single settings demand beyond their type: values that are checked against the world (time zones, roles), values
// that are state kept elsewhere (transaction_isolation), and what a change sets in motion.

import { SqlError, unsupported } from '../types/sql-error.ts'
import { canonicalDateStyle, splitIdentifierList } from './session-context.ts'
import type { SessionCore } from './session-core.ts'
import type { SettingHooks } from './settings.ts'
import type { Isolation } from './transaction.ts'

export class SettingRules implements SettingHooks {
  readonly #session: SessionCore

  constructor(session: SessionCore) {
    this.#session = session
  }

  readonly isSuperuser = (): boolean => this.#session.isSuperuser

  check(name: string, value: string): string {
    switch (name) {
      case 'timezone':
      case 'log_timezone':
        return canonicalTimeZone(value)
      case 'datestyle':
        return canonicalDateStyle(value, this.#session.settings.raw('datestyle') ?? 'ISO, MDY')
      case 'client_encoding':
        return canonicalEncoding(value)
      case 'search_path':
        splitIdentifierList(value)
        return value
      case 'standard_conforming_strings':
        if (value !== 'on') throw unsupported('standard_conforming_strings = off')
        return value
      case 'role':
        return this.#role(value)
      case 'session_authorization':
        return this.#sessionAuthorization(value)
      case 'default_transaction_isolation':
        if (value === 'serializable') throw unsupported('SERIALIZABLE isolation')
        return value
      case 'transaction_isolation':
        if (value === 'serializable') throw unsupported('SERIALIZABLE isolation')
        this.#setIsolation(value as Isolation | 'read uncommitted')
        return value
      case 'transaction_read_only':
        this.#session.transaction.isReadOnly = value === 'on'
        return value
      case 'transaction_deferrable':
        this.#session.transaction.isDeferrable = value === 'on'
        return value
      case 'borealis.as_of':
        return this.#session.past.resolve(value)
      case 'application_name':
        return value.replace(/[^\x20-\x7e]/g, '?').slice(0, 63)
      default:
        return value
    }
  }

  computed(name: string): string | undefined {
    const { transaction } = this.#session
    switch (name) {
      case 'transaction_isolation':
        return transaction.isIdle ? transaction.defaults.isolation : transaction.isolation
      case 'transaction_read_only':
        return this.#isReadOnly() ? 'on' : 'off'
      case 'transaction_deferrable':
        return (transaction.isIdle ? transaction.defaults.isDeferrable : transaction.isDeferrable)
          ? 'on'
          : 'off'
      case 'is_superuser':
        return this.#session.isSuperuser ? 'on' : 'off'
      case 'session_authorization':
        return this.#session.context?.sessionUser
      default:
        return this.#session.backend.serverSettings.get(name)
    }
  }

  changed(name: string, value: string): void {
    if (name === 'role') this.#applyRole(value)
    this.#session.settingChanged(name, value)
  }

  #isReadOnly(): boolean {
    const { transaction } = this.#session
    if (transaction.isIdle && transaction.defaults.isReadOnly) return true
    return this.#session.isReadOnly
  }

  #setIsolation(value: Isolation | 'read uncommitted'): void {
    const { transaction } = this.#session
    const isolation = value === 'read uncommitted' ? 'read committed' : value
    if (transaction.hasRun && isolation !== transaction.isolation) {
      throw new SqlError('25001', 'SET TRANSACTION ISOLATION LEVEL must be called before any query')
    }
    transaction.isolation = isolation
  }

  #role(value: string): string {
    if (value === 'none') return value
    const role = this.#session.catalog.shared.roleByName(value)
    if (role === undefined) throw new SqlError('22023', `role "${value}" does not exist`)
    const session = this.#session.catalog.shared.role(this.#session.sessionRoleOid)
    const mayBecome =
      session?.superuser === true || role.oid === session?.oid || this.#isMember(session?.oid ?? 0, role.oid)
    if (!mayBecome) throw new SqlError('42501', `permission denied to set role "${value}"`)
    return value
  }

  #isMember(member: number, of: number): boolean {
    const { shared } = this.#session.catalog
    const seen = new Set<number>()
    const visit = (oid: number): boolean => {
      if (oid === of) return true
      if (seen.has(oid)) return false
      seen.add(oid)
      return (shared.role(oid)?.memberOf ?? []).some((grant) => visit(grant.role))
    }
    return visit(member)
  }

  #sessionAuthorization(value: string): string {
    const session = this.#session
    const role = session.catalog.shared.roleByName(value)
    if (role === undefined) throw new SqlError('22023', `role "${value}" does not exist`)
    // What counts is who logged in: a superuser may become anyone, and return.
    const login = session.catalog.shared.roleByName(session.loginRoleName)
    if (login?.superuser !== true && role.oid !== login?.oid) {
      throw new SqlError('42501', 'permission denied to set session authorization')
    }
    session.sessionRoleOid = role.oid
    session.roleOid = role.oid
    session.isSuperuser = role.superuser
    session.context.sessionUser = role.name
    session.context.currentUser = role.name
    session.settings.touch('is_superuser')
    return value
  }

  #applyRole(value: string): void {
    const session = this.#session
    const { shared } = session.catalog
    const role = value === 'none' ? shared.role(session.sessionRoleOid) : shared.roleByName(value)
    if (role === undefined) return
    session.roleOid = role.oid
    session.isSuperuser = role.superuser
    session.context.currentUser = role.name
    session.settings.touch('is_superuser')
  }
}

function canonicalEncoding(value: string): string {
  const name = value.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  if (name === 'utf8' || name === 'unicode') return 'UTF8'
  if (name === 'sqlascii') return 'SQL_ASCII'
  throw unsupported(`client_encoding "${value}"`)
}

/** IANA names through Intl, and fixed offsets as POSIX writes them. */
function canonicalTimeZone(value: string): string {
  // A number counts hours east of Greenwich, hours with minutes count west, as POSIX has them.
  if (/^[-+]?\d{1,2}(\.\d+)?$/.test(value)) return fixedZoneName(Math.round(Number(value) * 60))
  const offset = /^([-+]?)(\d{1,2}):(\d{2})$/.exec(value)
  if (offset !== null) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3])
    return fixedZoneName(offset[1] === '-' ? minutes : -minutes)
  }
  if (/^<[-+]\d+(:\d+)?>[-+]?\d+(:\d+)?$/.test(value) || /^(utc|gmt|z)$/i.test(value)) {
    return /^z$/i.test(value) ? 'UTC' : /^(utc|gmt)$/i.test(value) ? value.toUpperCase() : value
  }
  try {
    const resolved = new Intl.DateTimeFormat('en-US', { timeZone: value })
    return value.includes('/') ? titleZone(value, resolved.resolvedOptions().timeZone) : value
  } catch {
    throw new SqlError('22023', `invalid value for parameter "TimeZone": "${value}"`)
  }
}

/** `<+05:30>-05:30`: what is shown, and the same as POSIX counts it. */
function fixedZoneName(eastMinutes: number): string {
  const minutes = Math.abs(eastMinutes)
  const two = (part: number): string => String(part).padStart(2, '0')
  const shown = `${two(Math.floor(minutes / 60))}${minutes % 60 === 0 ? '' : `:${two(minutes % 60)}`}`
  return eastMinutes < 0 ? `<-${shown}>+${shown}` : `<+${shown}>-${shown}`
}

/** Intl resolves links (Asia/Calcutta); keep what was asked for, in its usual case. */
function titleZone(asked: string, resolved: string): string {
  return asked.toLowerCase() === resolved.toLowerCase() ? resolved : asked
}
