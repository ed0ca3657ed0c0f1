// Statements that maintain what PostgreSQL has to maintain: there are no dead rows here, no bloated indexes and no
// checkpoints, so they check their arguments as PostgreSQL does, take their locks, and are done.

import type { CheckPointStmt, ClusterStmt, LockStmt, ReindexStmt, VacuumStmt } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import type { TableLockMode } from '../../storage/engine/engine.ts'
import { StorageError } from '../../storage/base/errors.ts'
import { hasRole } from '../catalog/acl.ts'
import type { Relation } from '../catalog/catalog.ts'
import { nodeAs, stringsOf } from '../parse/ast.ts'
import { SqlError } from '../types/sql-error.ts'
import { optionBoolean, optionsOf } from './nodes.ts'
import { type DdlWork, LOCK } from './work.ts'

const PG_CHECKPOINT_OID = 4544

export async function vacuum(work: DdlWork, statement: VacuumStmt): Promise<string> {
  const isVacuum = statement.is_vacuumcmd === true
  if (isVacuum) work.requireNoBlock('VACUUM')
  const options = optionsOf(statement.options)
  const isVerbose = options.some((option) => option.defname === 'verbose' && optionBoolean(option))
  for (const node of statement.rels ?? []) {
    const { relation: name, va_cols: columns } = must(nodeAs(node, 'VacuumRelation'))
    const relation = await work.relation(
      must(name),
      isVacuum ? LOCK.shareUpdateExclusive : LOCK.shareUpdateExclusive,
    )
    if (relation.kind !== 'table' || relation.isCompositeType) {
      work.warning(
        `skipping "${relation.name}" --- cannot ${isVacuum ? 'vacuum' : 'analyze'} non-tables or special system tables`,
      )
      continue
    }
    if (!work.hasRole(relation.ownerOid)) {
      work.warning(`permission denied to ${isVacuum ? 'vacuum' : 'analyze'} "${relation.name}", skipping it`)
      continue
    }
    for (const column of stringsOf(columns)) {
      if (relation.columns.some((item) => item.name === column && !item.isDropped)) continue
      throw new SqlError('42703', `column "${column}" of relation "${relation.name}" does not exist`)
    }
    if (isVerbose) inform(work, isVacuum, relation)
  }
  return isVacuum ? 'VACUUM' : 'ANALYZE'
}

function inform(work: DdlWork, isVacuum: boolean, relation: Relation): void {
  const schema = work.catalog.schema(relation.schemaOid)?.name ?? ''
  const message = `${isVacuum ? 'vacuuming' : 'analyzing'} "${schema}.${relation.name}"`
  work.context.notice({ severity: 'INFO', code: '00000', message, fields: {} })
}

export async function checkpoint(work: DdlWork, statement: CheckPointStmt): Promise<string> {
  void statement
  if (work.isSuperuser || hasRole(work.shared, work.roleOid, PG_CHECKPOINT_OID)) return 'CHECKPOINT'
  throw new SqlError('42501', 'must be superuser or have privileges of pg_checkpoint to do CHECKPOINT')
}

export async function reindex(work: DdlWork, statement: ReindexStmt): Promise<string> {
  const isConcurrent = optionsOf(statement.params).some(
    (option) => option.defname === 'concurrently' && optionBoolean(option),
  )
  if (isConcurrent) work.requireNoBlock('REINDEX CONCURRENTLY')
  switch (statement.kind) {
    case 'REINDEX_OBJECT_INDEX':
    case 'REINDEX_OBJECT_TABLE': {
      const wanted = statement.kind === 'REINDEX_OBJECT_INDEX' ? 'index' : 'table'
      const relation = await work.relation(must(statement.relation), LOCK.share)
      if (relation.kind !== wanted)
        throw new SqlError(
          '42809',
          `"${relation.name}" is not ${wanted === 'index' ? 'an index' : 'a table'}`,
        )
      work.checkOwner(wanted, relation)
      if (relation.kind === 'table' && relation.indexes.length === 0) {
        work.notice(`table "${relation.name}" has no indexes to reindex`)
      }
      return 'REINDEX'
    }
    case 'REINDEX_OBJECT_SCHEMA':
      work.requireNoBlock('REINDEX SCHEMA')
      work.checkOwner('schema', work.schemaNamed(statement.name ?? ''))
      return 'REINDEX'
    default:
      work.requireNoBlock(statement.kind === 'REINDEX_OBJECT_SYSTEM' ? 'REINDEX SYSTEM' : 'REINDEX DATABASE')
      if (statement.name !== undefined && statement.name !== work.catalog.databaseName) {
        throw new SqlError('0A000', 'can only reindex the currently open database')
      }
      return 'REINDEX'
  }
}

export async function cluster(work: DdlWork, statement: ClusterStmt): Promise<string> {
  if (statement.relation === undefined) {
    work.requireNoBlock('CLUSTER')
    return 'CLUSTER'
  }
  const relation = await work.relation(statement.relation, LOCK.accessExclusive)
  if (relation.kind !== 'table') throw new SqlError('42809', `"${relation.name}" is not a table`)
  work.checkOwner('table', relation)
  const { indexname } = statement
  if (indexname === undefined) {
    throw new SqlError('42704', `there is no previously clustered index for table "${relation.name}"`)
  }
  if (!relation.indexes.some((index) => index.name === indexname)) {
    throw new SqlError('42704', `index "${indexname}" for table "${relation.name}" does not exist`)
  }
  return 'CLUSTER'
}

/** What LOCK TABLE asks of the role, by mode: PostgreSQL's LockTableAclCheck. */
function requiredPrivileges(mode: TableLockMode): string {
  if (mode === LOCK.accessShare) return 'rwdD'
  return mode <= LOCK.rowExclusive ? 'awdD' : 'wdD'
}

export async function lockTables(work: DdlWork, statement: LockStmt): Promise<string> {
  if (!work.context.isTransactionBlock) {
    throw new SqlError('25P01', 'LOCK TABLE can only be used in transaction blocks')
  }
  const mode = (statement.mode ?? LOCK.accessExclusive) as TableLockMode
  for (const node of statement.relations ?? []) {
    const name = must(nodeAs(node, 'RangeVar'))
    const relation = work.findRelation(name)
    if (relation === undefined) throw work.undefinedRelation(name)
    if (relation.kind !== 'table' && relation.kind !== 'view') {
      throw new SqlError('42809', `cannot lock relation "${relation.name}"`, {
        detail: `This operation is not supported for ${relation.kind === 'index' ? 'indexes' : 'sequences'}.`,
      })
    }
    checkMayLock(work, relation, requiredPrivileges(mode))
    await lockOne(work, relation, mode, statement.nowait === true)
  }
  return 'LOCK TABLE'
}

function checkMayLock(
  work: DdlWork,
  relation: Relation & { readonly kind: 'table' | 'view' },
  letters: string,
): void {
  let refusal: unknown
  for (const letter of letters) {
    try {
      work.checkPrivilege(relation.kind, relation, letter)
      return
    } catch (error) {
      if (!(error instanceof SqlError)) throw error
      refusal = error
    }
  }
  throw refusal
}

async function lockOne(
  work: DdlWork,
  relation: Relation,
  mode: TableLockMode,
  isNowait: boolean,
): Promise<void> {
  try {
    await work.context.locked(() =>
      work.transaction.lockTable(relation.oid, mode, isNowait ? 'nowait' : 'wait'),
    )
  } catch (error) {
    if (!isNowait || !(error instanceof StorageError) || error.kind !== 'lock-not-available') throw error
    throw new SqlError('55P03', `could not obtain lock on relation "${relation.name}"`)
  }
}
