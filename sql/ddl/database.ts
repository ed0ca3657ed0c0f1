// CREATE, ALTER and DROP DATABASE. A new database is a branch: a timeline that begins at its template's newest commit.
// No page is copied, and the template may be in use.

import type { AlterDatabaseSetStmt, AlterDatabaseStmt, CreatedbStmt, DefElem, DropdbStmt } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import type { DatabaseEntry } from '../catalog/catalog.ts'
import type { CatalogEditor } from '../catalog/editor.ts'
import type { StoredDatabase } from '../catalog/stored-objects.ts'
import { type PastPoint, resolveWhen } from '../catalog/past.ts'
import { settled } from '../catalog/wait.ts'
import { EPOCH_2000_MICROS, parseWhen } from '../functions/when.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import { optionBoolean, optionInt8, optionsOf, optionText } from './nodes.ts'
import { changedSettings } from './role-settings.ts'
import type { DdlWork } from './work.ts'

/** The shared catalog's editor; from now on work.shared shows its changes. */
export function sharedEditor(work: DdlWork): CatalogEditor {
  work.hasSharedEdit = true
  return work.context.sharedEditor()
}

function databaseNamed(work: DdlWork, name: string): DatabaseEntry {
  const database = work.shared.databaseByName(name)
  if (database === undefined) throw new SqlError('3D000', `database "${name}" does not exist`)
  return database
}

interface CreateOptions {
  template: string
  ownerOid: number
  connectionLimit: number
  isTemplate: boolean
  allowConnections: boolean
  asOf: string | undefined
}

export async function createDatabase(work: DdlWork, statement: CreatedbStmt): Promise<string> {
  work.requireNoBlock('CREATE DATABASE')
  const name = must(statement.dbname)
  const options = readOptions(work, optionsOf(statement.options))
  const { role } = work
  if (!role.superuser && !role.createDatabase)
    throw new SqlError('42501', 'permission denied to create database')
  if (!work.hasRole(options.ownerOid)) {
    throw new SqlError('42501', `must be member of role "${work.shared.role(options.ownerOid)?.name}"`)
  }
  const editor = sharedEditor(work)
  await settled(() => editor.lockName('database', 0, name))
  if (work.shared.databaseByName(name) !== undefined)
    throw new SqlError('42P04', `database "${name}" already exists`)
  const template = work.shared.databaseByName(options.template)
  if (template === undefined)
    throw new SqlError('3D000', `template database "${options.template}" does not exist`)
  if (!template.isTemplate && !work.hasRole(template.ownerOid)) {
    throw new SqlError('42501', `permission denied to copy database "${template.name}"`)
  }
  const { cluster } = work.context
  const source = await cluster.database(template)
  const point = await branchPoint(work, template, options.asOf)
  const lsn = point?.lsn ?? source.database.head
  await new Promise<void>((resolve, reject) => {
    source.database.onDurable(lsn, (error) => (error === undefined ? resolve() : reject(error)))
  })
  const timeline = await cluster.volume.createTimeline({
    timeline: point?.timeline ?? template.timeline,
    lsn,
  })
  const entry: StoredDatabase = {
    kind: 'database',
    oid: await settled(() => editor.allocateOid()),
    name,
    ownerOid: options.ownerOid,
    timeline,
    isTemplate: options.isTemplate,
    allowConnections: options.allowConnections,
    connectionLimit: options.connectionLimit,
    settings: [],
    acl: undefined,
  }
  await settled(() => editor.put(entry))
  return 'CREATE DATABASE'
}

/** AS_OF: a point of the template's past; undefined: now. */
async function branchPoint(
  work: DdlWork,
  template: DatabaseEntry,
  asOf: string | undefined,
): Promise<PastPoint | undefined> {
  if (asOf === undefined) return undefined
  const when = parseWhen(asOf, work.functions)
  if (when.kind === 'now') return undefined
  return resolveWhen(work.context.cluster, template, when, work.functions.clockMicros() + EPOCH_2000_MICROS)
}

const ACCEPTED_TEXTS: Readonly<Record<string, readonly string[]>> = {
  encoding: ['utf8', 'utf-8', 'unicode', 'default', '6'],
  lc_collate: ['c.utf-8', 'c.utf8', 'c', 'posix', 'default'],
  lc_ctype: ['c.utf-8', 'c.utf8', 'c', 'posix', 'default'],
  locale: ['c.utf-8', 'c.utf8', 'c', 'posix', 'default'],
  locale_provider: ['libc'],
  tablespace: ['pg_default', 'default'],
  strategy: ['wal_log', 'file_copy'],
}

function readOptions(work: DdlWork, options: readonly DefElem[]): CreateOptions {
  const result: CreateOptions = {
    template: 'template1',
    ownerOid: work.roleOid,
    connectionLimit: -1,
    isTemplate: false,
    allowConnections: true,
    asOf: undefined,
  }
  for (const option of options) {
    const name = option.defname ?? ''
    const isDefault = option.arg === undefined
    const text = optionText(option) ?? 'default'
    const accepted = ACCEPTED_TEXTS[name]
    if (accepted !== undefined) {
      if (!accepted.includes(text.toLowerCase()))
        throw unsupported(`CREATE DATABASE with ${name} ${text}`, work.source.positionOf(option.location))
      continue
    }
    switch (name) {
      case 'template':
        if (!isDefault) result.template = text
        break
      case 'owner':
        if (!isDefault) result.ownerOid = work.roleNamed(text).oid
        break
      case 'connection_limit':
        result.connectionLimit = Number(optionInt8(option))
        break
      case 'is_template':
        result.isTemplate = optionBoolean(option)
        break
      case 'allow_connections':
        result.allowConnections = optionBoolean(option)
        break
      case 'as_of':
        result.asOf = text
        break
      case 'oid':
        throw unsupported('CREATE DATABASE with OID')
      default:
        throw work.error('42601', `option "${name}" not recognized`, option.location)
    }
  }
  return result
}

/** Puts a database's entry back changed; its owner only. */
export async function changeDatabase(
  work: DdlWork,
  name: string,
  change: (database: DatabaseEntry) => DatabaseEntry,
): Promise<void> {
  const { oid, ownerOid } = databaseNamed(work, name)
  work.checkOwner('database', { name, ownerOid })
  const editor = sharedEditor(work)
  await settled(() => editor.lockObject('database', oid))
  const stored = must(editor.object('database', oid))
  await settled(() => editor.put({ ...change(stored), kind: 'database' }))
}

export async function alterDatabase(work: DdlWork, statement: AlterDatabaseStmt): Promise<string> {
  const name = must(statement.dbname)
  for (const option of optionsOf(statement.options)) {
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
        case 'backtrack_to':
          throw unsupported('ALTER DATABASE BACKTRACK_TO')
        default:
          throw work.error('42601', `option "${option.defname}" not recognized`, option.location)
      }
    })
  }
  return 'ALTER DATABASE'
}

export async function alterDatabaseSet(work: DdlWork, statement: AlterDatabaseSetStmt): Promise<string> {
  const setting = must(statement.setstmt)
  await changeDatabase(work, must(statement.dbname), (database) => ({
    ...database,
    settings: changedSettings(work, database.settings, setting),
  }))
  return 'ALTER DATABASE'
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
  const count = work.connectionCount(database.oid)
  if (count > 0) {
    const sessions =
      count === 1
        ? 'There is 1 other session using the database.'
        : `There are ${count} other sessions using the database.`
    throw new SqlError('55006', `database "${name}" is being accessed by other users`, { detail: sessions })
  }
  const editor = sharedEditor(work)
  await settled(() => editor.lockObject('database', database.oid))
  await settled(() => editor.remove('database', database.oid))
  if (editor.object('comments', database.oid) !== undefined)
    await settled(() => editor.remove('comments', database.oid))
  return 'DROP DATABASE'
}
