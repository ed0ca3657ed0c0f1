// CREATE DATABASE: a new database is a branch. A timeline begins at a commit of its template, and an entry of the cluster's
// catalog names it. No page is copied, and the template may be in use.
//
// Beyond PostgreSQL's options: AS_OF when (a point of the template's past) and TTL interval (dropped when it has passed).

import type { CreatedbStmt, DefElem } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import type { DatabaseEntry } from '../catalog/catalog.ts'
import { type PastPoint, resolveWhen } from '../catalog/past.ts'
import type { StoredDatabase } from '../catalog/stored-objects.ts'
import { settled } from '../catalog/wait.ts'
import { NOW, parseWhen, whenBefore } from '../functions/when.ts'
import { parseInterval } from '../types/interval-parse.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import { sharedEditor, wallMicros } from './database-entry.ts'
import { optionBoolean, optionInt8, optionsOf, optionText } from './nodes.ts'
import type { DdlWork } from './work.ts'

interface CreateOptions {
  template: string
  ownerOid: number
  connectionLimit: number
  isTemplate: boolean
  allowConnections: boolean
  /** As written; undefined: now, and for ever. */
  asOf: string | undefined
  ttl: string | undefined
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
  const { cluster, databases } = work.context
  const nowMicros = wallMicros(work)
  const at = await cluster.branchPoint(await pointOf(work, template, options.asOf))
  const { timeline, born } = await cluster.beginTimeline(at)
  databases.answerAfter(born)
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
    branch: {
      parentOid: template.oid,
      timeline: at.timeline,
      lsn: at.lsn,
      createdMicros: nowMicros,
      depth: (template.branch?.depth ?? 0) + 1,
    },
    expiresMicros: options.ttl === undefined ? undefined : expiry(work, options.ttl),
    past: [],
  }
  await settled(() => editor.put(entry))
  return 'CREATE DATABASE'
}

/** AS_OF: a point of the template's past; undefined: its newest commit. */
async function pointOf(work: DdlWork, template: DatabaseEntry, asOf: string | undefined): Promise<PastPoint> {
  const when = asOf === undefined ? NOW : parseWhen(asOf, work.functions)
  return resolveWhen(work.context.cluster, template, when, wallMicros(work))
}

/** TTL '1 hour': the wall time, microseconds since 1970, at which a database expires. SqlError 22023 unless it lies ahead. */
export function expiry(work: DdlWork, ttl: string): number {
  const when = whenBefore(parseInterval(ttl, work.functions), work.functions)
  if (when.kind === 'time' && when.wallMicros > wallMicros(work)) return when.wallMicros
  throw new SqlError('22023', `TTL must be an interval above zero, not "${ttl}"`)
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
    ttl: undefined,
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
        if (!isDefault) result.asOf = text
        break
      case 'ttl':
        if (!isDefault) result.ttl = text
        break
      case 'oid':
        throw unsupported('CREATE DATABASE with OID')
      default:
        throw work.error('42601', `option "${name}" not recognized`, option.location)
    }
  }
  return result
}
