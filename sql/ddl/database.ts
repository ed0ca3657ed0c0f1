// ALTER and DROP DATABASE. CREATE is in create-database.ts, BACKTRACK_TO in backtrack.ts.

import type {
  AlterDatabaseSetStmt,
  AlterDatabaseStmt,
  DefElem,
  DropdbStmt,
  VariableSetStmt,
} from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import type { DatabaseEntry } from '../catalog/catalog.ts'
import { parseRetention } from '../catalog/past.ts'
import { settled } from '../catalog/wait.ts'
import { SqlError } from '../types/sql-error.ts'
import { backtrackDatabase } from './backtrack.ts'
import { expiry } from './create-database.ts'
import { changeDatabase, databaseNamed, sharedEditor } from './database-entry.ts'
import { optionBoolean, optionInt8, optionsOf, optionText } from './nodes.ts'
import { changedSettings, settingText } from './role-settings.ts'
import type { DdlWork } from './work.ts'

export async function alterDatabase(work: DdlWork, statement: AlterDatabaseStmt): Promise<string> {
  const name = must(statement.dbname)
  for (const option of optionsOf(statement.options)) {
    if (option.defname === 'backtrack_to') {
      await backtrackDatabase(work, name, optionText(option) ?? '')
      continue
    }
    await changeDatabase(work, name, (database) => {
      switch (option.defname) {
        case 'connection_limit':
          return { ...database, connectionLimit: Number(optionInt8(option)) }
        case 'is_template':
          return { ...database, isTemplate: optionBoolean(option) }
        case 'allow_connections':
          return { ...database, allowConnections: optionBoolean(option) }
        case 'tablespace':
          if (optionText(option) === 'pg_default') return database
          throw new SqlError('42704', `tablespace "${optionText(option)}" does not exist`)
        case 'ttl':
          return { ...database, expiresMicros: ttlOf(work, option) }
        default:
          throw work.error('42601', `option "${option.defname}" not recognized`, option.location)
      }
    })
  }
  return 'ALTER DATABASE'
}

/** TTL NONE: it stays. */
function ttlOf(work: DdlWork, option: DefElem): number | undefined {
  const text = optionText(option)
  return text === undefined || text.toLowerCase() === 'none' ? undefined : expiry(work, text)
}

export async function alterDatabaseSet(work: DdlWork, statement: AlterDatabaseSetStmt): Promise<string> {
  const setting = must(statement.setstmt)
  checkRetention(setting)
  await changeDatabase(work, must(statement.dbname), (database) => ({
    ...database,
    settings: changedSettings(work, database.settings, setting),
  }))
  return 'ALTER DATABASE'
}

/** A value that nobody could read would keep history for ever. */
function checkRetention(setting: VariableSetStmt): void {
  if (setting.name !== 'borealis.retention' || setting.kind !== 'VAR_SET_VALUE') return
  parseRetention(settingText(setting))
}

export async function renameDatabase(work: DdlWork, from: string, to: string): Promise<void> {
  const database = databaseNamed(work, from)
  if (database.oid === work.catalog.databaseOid)
    throw new SqlError('0A000', 'current database cannot be renamed')
  if (work.isConnected(database.oid)) throw busy(from)
  const editor = sharedEditor(work)
  await settled(() => editor.lockName('database', 0, to))
  if (work.shared.databaseByName(to) !== undefined)
    throw new SqlError('42P04', `database "${to}" already exists`)
  await changeDatabase(work, from, (entry) => ({ ...entry, name: to }))
}

function busy(name: string): SqlError {
  return new SqlError('55006', `database "${name}" is being accessed by other users`)
}

export async function dropDatabase(work: DdlWork, statement: DropdbStmt): Promise<string> {
  work.requireNoBlock('DROP DATABASE')
  const name = must(statement.dbname)
  const database = work.shared.databaseByName(name)
  if (database === undefined) {
    if (statement.missing_ok !== true) throw new SqlError('3D000', `database "${name}" does not exist`)
    work.notice(`database "${name}" does not exist, skipping`)
    return 'DROP DATABASE'
  }
  work.checkOwner('database', database)
  if (database.isTemplate) throw new SqlError('42809', 'cannot drop a template database')
  if (database.oid === work.catalog.databaseOid)
    throw new SqlError('55006', 'cannot drop the currently open database')
  if (optionsOf(statement.options).some(({ defname }) => defname === 'force')) {
    await work.context.databases.closeSessions(database.oid)
  }
  requireUnused(work, database)
  const editor = sharedEditor(work)
  await settled(() => editor.lockObject('database', database.oid))
  requireUnused(work, database)
  await settled(() => editor.remove('database', database.oid))
  if (editor.object('comments', database.oid) !== undefined)
    await settled(() => editor.remove('comments', database.oid))
  return 'DROP DATABASE'
}

function requireUnused(work: DdlWork, { oid, name }: DatabaseEntry): void {
  const count = work.connectionCount(oid)
  if (count === 0) return
  const sessions =
    count === 1
      ? 'There is 1 other session using the database.'
      : `There are ${count} other sessions using the database.`
  throw new SqlError('55006', `database "${name}" is being accessed by other users`, { detail: sessions })
}
