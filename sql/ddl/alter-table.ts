// ALTER TABLE (and its kin for views, indexes, sequences and composite types): commands are done one after another, each
// on what the ones before it left.

import type { AlterTableCmd, AlterTableStmt, AlterTableType, ObjectType } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import type { Relation, Table } from '../catalog/catalog.ts'
import { nodeAs } from '../parse/ast.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import { addColumn } from './add-column.ts'
import { addConstraint, alterConstraint, dropConstraint, validateConstraint } from './alter-constraint.ts'
import {
  addIdentity,
  dropExpression,
  dropIdentity,
  dropNotNull,
  setDefault,
  setIdentity,
  setNotNull,
} from './alter-column.ts'
import { alterColumnType } from './alter-column-type.ts'
import { dropColumn } from './drop-column.ts'
import { roleOidOf } from './nodes.ts'
import { changeOwner } from './owner.ts'
import { indexOptions, mergeOptions, tableOptions, viewOptions } from './reloptions.ts'
import { type DdlWork, LOCK, qualifiedText, RELATION_NOUN } from './work.ts'
import { columnIndex } from './table-change.ts'

/** The statement's words and the kinds of relation it may be said of. */
const OBJECTS: Partial<
  Record<ObjectType, { readonly tag: string; readonly kinds: readonly Relation['kind'][] }>
> = {
  OBJECT_TABLE: { tag: 'ALTER TABLE', kinds: ['table', 'view', 'sequence', 'index'] },
  OBJECT_INDEX: { tag: 'ALTER INDEX', kinds: ['index'] },
  OBJECT_VIEW: { tag: 'ALTER VIEW', kinds: ['view'] },
  OBJECT_SEQUENCE: { tag: 'ALTER SEQUENCE', kinds: ['sequence'] },
  OBJECT_TYPE: { tag: 'ALTER TYPE', kinds: ['table'] },
}

export async function alterTable(work: DdlWork, statement: AlterTableStmt): Promise<string> {
  const object = OBJECTS[statement.objtype ?? 'OBJECT_TABLE']
  if (object === undefined) throw unsupported(`ALTER ${statement.objtype?.replace('OBJECT_', '') ?? ''}`)
  const name = must(statement.relation)
  const relation = await work.lockRelation(name, LOCK.accessExclusive)
  if (relation === undefined) {
    if (statement.missing_ok !== true) throw work.undefinedRelation(name)
    work.notice(`relation "${qualifiedText(name)}" does not exist, skipping`)
    return object.tag
  }
  if (!object.kinds.includes(relation.kind)) {
    const noun = object.kinds[0] ?? 'table'
    throw new SqlError('42809', `"${relation.name}" is not ${noun === 'index' ? 'an' : 'a'} ${noun}`)
  }
  work.checkNotSystem(relation)
  work.checkOwner(nounOf(relation), relation)
  work.currentTableName = relation.name
  for (const node of statement.cmds ?? []) {
    await runCommand(work, relation.oid, must(nodeAs(node, 'AlterTableCmd')))
  }
  return object.tag
}

function nounOf(relation: Relation): string {
  return relation.kind === 'table' && relation.isCompositeType ? 'type' : RELATION_NOUN[relation.kind]
}

type TableCommand = (work: DdlWork, table: Table, command: AlterTableCmd) => Promise<void>

const nothing: TableCommand = async () => undefined

const TABLE_COMMANDS: Partial<Record<AlterTableType, TableCommand>> = {
  AT_AddColumn: addColumn,
  AT_DropColumn: dropColumn,
  AT_ColumnDefault: setDefault,
  AT_SetNotNull: setNotNull,
  AT_DropNotNull: dropNotNull,
  AT_DropExpression: dropExpression,
  AT_AddIdentity: addIdentity,
  AT_SetIdentity: setIdentity,
  AT_DropIdentity: dropIdentity,
  AT_AlterColumnType: alterColumnType,
  AT_AddConstraint: addConstraint,
  AT_DropConstraint: dropConstraint,
  AT_ValidateConstraint: validateConstraint,
  AT_AlterConstraint: alterConstraint,
  AT_SetLogged: (work, table) => setPersistence(work, table, 'permanent'),
  AT_SetUnLogged: (work, table) => setPersistence(work, table, 'unlogged'),
  AT_SetStatistics: setStatistics,
  // Hints for PostgreSQL's storage that change nothing a statement could see here.
  AT_SetStorage: checkColumn,
  AT_SetCompression: checkColumn,
  AT_SetOptions: checkColumn,
  AT_ResetOptions: checkColumn,
  AT_ClusterOn: checkIndexName,
  AT_DropCluster: nothing,
  AT_DropOids: nothing,
  AT_ReplicaIdentity: nothing,
  AT_EnableTrigAll: nothing,
  AT_EnableTrigUser: nothing,
  AT_DisableTrigUser: nothing,
  AT_DisableTrigAll: disableAllTriggers,
  AT_EnableTrig: missingTrigger,
  AT_DisableTrig: missingTrigger,
  AT_EnableAlwaysTrig: missingTrigger,
  AT_EnableReplicaTrig: missingTrigger,
  AT_DisableRowSecurity: nothing,
  AT_NoForceRowSecurity: nothing,
}

const FEATURES: Partial<Record<AlterTableType, string>> = {
  AT_AddInherit: 'ALTER TABLE INHERIT',
  AT_DropInherit: 'ALTER TABLE NO INHERIT',
  AT_AttachPartition: 'ATTACH PARTITION',
  AT_DetachPartition: 'DETACH PARTITION',
  AT_EnableRowSecurity: 'row-level security',
  AT_ForceRowSecurity: 'row-level security',
  AT_AddOf: 'ALTER TABLE OF',
  AT_DropOf: 'ALTER TABLE NOT OF',
}

async function runCommand(work: DdlWork, oid: number, command: AlterTableCmd): Promise<void> {
  const relation = must(work.catalog.relation(oid))
  const type = must(command.subtype)
  switch (type) {
    case 'AT_ChangeOwner':
      await changeOwner(work, relation, roleOidOf(work, command.newowner))
      return
    case 'AT_SetRelOptions':
    case 'AT_ResetRelOptions':
      await setOptions(work, relation, command, type === 'AT_ResetRelOptions')
      return
    case 'AT_SetTableSpace':
      if (command.name === 'pg_default') return
      throw new SqlError('42704', `tablespace "${command.name}" does not exist`)
    default:
  }
  if (relation.kind === 'view' && type === 'AT_ColumnDefault') throw unsupported('a default of a view column')
  if (relation.kind !== 'table') {
    throw new SqlError('42809', `ALTER action cannot be performed on relation "${relation.name}"`, {
      detail: `This operation is not supported for ${relation.kind === 'index' ? 'indexes' : `${relation.kind}s`}.`,
    })
  }
  const run = TABLE_COMMANDS[type]
  if (run === undefined) throw unsupported(FEATURES[type] ?? `ALTER TABLE (${type})`)
  await run(work, relation, command)
}

async function setOptions(
  work: DdlWork,
  relation: Relation,
  command: AlterTableCmd,
  reset: boolean,
): Promise<void> {
  const nodes = nodeAs(command.def, 'List')?.items ?? []
  const names = nodes.map((node) => nodeAs(node, 'DefElem')?.defname ?? '')
  switch (relation.kind) {
    case 'table':
      await work.put({
        ...work.storedTable(relation.oid),
        options: mergeOptions(relation.options, reset ? [] : tableOptions(nodes), names),
      })
      return
    case 'index':
      await work.put({
        ...relation,
        options: mergeOptions(relation.options, reset ? [] : indexOptions(nodes), names),
      })
      return
    case 'view':
      await work.put({
        ...relation,
        options: mergeOptions(relation.options, reset ? [] : viewOptions(nodes), names),
      })
      return
    case 'sequence':
      throw new SqlError('42809', `"${relation.name}" is not a table, view, materialized view, or index`)
  }
}

async function checkColumn(_work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  columnIndex(table, command.name ?? '')
}

async function checkIndexName(_work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  if (table.indexes.some((index) => index.name === command.name)) return
  throw new SqlError('42704', `index "${command.name}" for table "${table.name}" does not exist`)
}

async function missingTrigger(_work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  throw new SqlError('42704', `trigger "${command.name}" for table "${table.name}" does not exist`)
}

/** Switching foreign keys off is a thing we do not do: say so rather than check them all the same. */
async function disableAllTriggers(_work: DdlWork, table: Table): Promise<void> {
  if (table.foreignKeys.length === 0 && table.referencedBy.length === 0) return
  throw unsupported('DISABLE TRIGGER ALL on a table with foreign keys')
}

async function setStatistics(work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  const target = nodeAs(command.def, 'Integer')?.ival ?? 0
  const at = columnIndex(table, command.name ?? '')
  const stored = work.storedTable(table.oid)
  const columns = stored.columns.map((column, i) =>
    i === at ? { ...column, statisticsTarget: target } : column,
  )
  await work.put({ ...stored, columns })
}

async function setPersistence(
  work: DdlWork,
  table: Table,
  persistence: 'permanent' | 'unlogged',
): Promise<void> {
  if (table.persistence === 'temporary') {
    throw new SqlError(
      '42P16',
      `cannot change logged status of table "${table.name}" because it is temporary`,
    )
  }
  await work.put({ ...work.storedTable(table.oid), persistence })
  for (const index of table.indexes) await work.put({ ...index, persistence })
}
