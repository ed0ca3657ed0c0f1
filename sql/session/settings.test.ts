// Settings: layers, transactions, units, what is reported.

import { expect, test } from 'vitest'
import { SqlError } from '../types/sql-error.ts'
import { Settings, type SettingHooks } from './settings.ts'

function makeSettings(isSuperuser = false): { settings: Settings; changes: string[] } {
  const changes: string[] = []
  const hooks: SettingHooks = {
    check: (_name, value) => value,
    computed: () => undefined,
    changed: (name, value) => changes.push(`${name}=${value}`),
    isSuperuser: () => isSuperuser,
  }
  return { settings: new Settings(hooks), changes }
}

function codeOf(action: () => void): string {
  try {
    action()
  } catch (error) {
    if (error instanceof SqlError) return `${error.code} ${error.message}`
    throw error
  }
  return 'no error'
}

test('SET is undone by rollback and kept by commit', () => {
  const { settings } = makeSettings()
  settings.set('work_mem', '8MB', false)
  settings.commit()
  settings.set('work_mem', '16MB', false)
  settings.rollbackTo(0)
  expect(settings.show('work_mem')).toBe('8MB')
})

test('SET LOCAL ends with the transaction, also when it commits', () => {
  const { settings } = makeSettings()
  settings.set('work_mem', '8MB', false)
  settings.commit()
  settings.set('work_mem', '1MB', true)
  expect(settings.show('work_mem')).toBe('1MB')
  settings.commit()
  expect(settings.show('work_mem')).toBe('8MB')
})

test('SET after SET LOCAL in one transaction stays', () => {
  const { settings } = makeSettings()
  settings.set('work_mem', '1MB', true)
  settings.set('work_mem', '2MB', false)
  settings.commit()
  expect(settings.show('work_mem')).toBe('2MB')
})

test('a savepoint undoes only what came after it', () => {
  const { settings } = makeSettings()
  settings.set('work_mem', '1MB', false)
  const { mark } = settings
  settings.set('work_mem', '2MB', false)
  settings.rollbackTo(mark)
  expect(settings.show('work_mem')).toBe('1MB')
})

test('numbers are shown in the largest unit that divides them', () => {
  const { settings } = makeSettings()
  for (const [name, given, shown] of [
    ['work_mem', '4096', '4MB'],
    ['work_mem', '65kB', '65kB'],
    ['statement_timeout', '90000', '90s'],
    ['statement_timeout', '2min', '2min'],
    ['statement_timeout', '0', '0'],
    ['extra_float_digits', '-3', '-3'],
  ] as const) {
    settings.set(name, given, false)
    expect(settings.show(name)).toBe(shown)
  }
})

test('values are refused in PostgreSQL’s words', () => {
  const { settings } = makeSettings()
  expect(codeOf(() => settings.set('enable_seqscan', 'maybe', false))).toBe(
    '22023 parameter "enable_seqscan" requires a Boolean value',
  )
  expect(codeOf(() => settings.set('work_mem', '1', false))).toBe(
    '22023 1 kB is outside the valid range for parameter "work_mem" (64 .. 2147483647)',
  )
  expect(codeOf(() => settings.set('nonsense', '1', false))).toBe(
    '42704 unrecognized configuration parameter "nonsense"',
  )
  expect(codeOf(() => settings.set('server_version', '16', false))).toBe(
    '55P02 parameter "server_version" cannot be changed',
  )
  expect(codeOf(() => settings.set('log_statement', 'all', false))).toBe(
    '42501 permission denied to set parameter "log_statement"',
  )
})

test('settings of two names are kept as they are given', () => {
  const { settings } = makeSettings()
  settings.set('my.setting', 'x y', false)
  expect(settings.show('my.setting')).toBe('x y')
  expect(settings.show('my.other', true)).toBeNull()
})

test('changes of reported settings are told once', () => {
  const { settings } = makeSettings()
  settings.set('application_name', 'psql', false)
  expect(settings.takeUnreported()).toEqual([['application_name', 'psql']])
  expect(settings.takeUnreported()).toEqual([])
  settings.rollbackTo(0)
  expect(settings.takeUnreported()).toEqual([['application_name', '']])
})
