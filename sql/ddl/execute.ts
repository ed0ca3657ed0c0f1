// The entry of DDL: from a statement's tag to the function that does it.

import { assert } from '../../storage/base/assert.ts'
import { type Node, type NodeOf, type NodeTag, tagOf } from '../parse/ast.ts'
import { alterTable } from './alter-table.ts'
import { commentOn } from './comment-statement.ts'
import { createIndex } from './create-index.ts'
import { createTable } from './create-table.ts'
import { createTableAs, selectInto } from './create-table-as.ts'
import { alterDomain, alterEnum, createComposite, createDomain, createEnum } from './create-type.ts'
import { createDatabase } from './create-database.ts'
import { alterDatabase, alterDatabaseSet, dropDatabase } from './database.ts'
import type { DdlContext, DdlResult, DdlStatement } from './ddl.ts'
import { dropObjects } from './drop.ts'
import { alterDefaultPrivileges, grant } from './grant.ts'
import { checkpoint, cluster, lockTables, reindex, vacuum } from './maintenance.ts'
import { alterOwner } from './owner.ts'
import { rename, setSchema } from './rename.ts'
import { alterRole, alterRoleSet, createRole, dropRole, grantRole } from './role.ts'
import { createSchema } from './schema.ts'
import { alterSequence, createSequence } from './sequence.ts'
import { truncateTables } from './truncate.ts'
import { createExtension, define, unsupportedStatement } from './unsupported.ts'
import { createView } from './view.ts'
import { DdlWork } from './work.ts'

type Handlers = { readonly [Tag in NodeTag]?: (work: DdlWork, node: NodeOf<Tag>) => Promise<string> }

const HANDLERS: Handlers = {
  CreateStmt: createTable,
  CreateTableAsStmt: createTableAs,
  SelectStmt: selectInto,
  IndexStmt: createIndex,
  ViewStmt: createView,
  CreateSeqStmt: createSequence,
  CreateSchemaStmt: (work, node) => createSchema(work, node, (element) => runElement(work, element)),
  CreateEnumStmt: createEnum,
  CompositeTypeStmt: createComposite,
  CreateDomainStmt: createDomain,
  CreateRoleStmt: createRole,
  CreatedbStmt: createDatabase,
  CreateExtensionStmt: createExtension,
  DefineStmt: define,
  AlterTableStmt: alterTable,
  AlterSeqStmt: alterSequence,
  AlterEnumStmt: alterEnum,
  AlterDomainStmt: alterDomain,
  AlterRoleStmt: alterRole,
  AlterRoleSetStmt: alterRoleSet,
  AlterDatabaseStmt: alterDatabase,
  AlterDatabaseSetStmt: alterDatabaseSet,
  AlterOwnerStmt: alterOwner,
  AlterObjectSchemaStmt: setSchema,
  AlterDefaultPrivilegesStmt: alterDefaultPrivileges,
  RenameStmt: rename,
  DropStmt: dropObjects,
  DropRoleStmt: dropRole,
  DropdbStmt: dropDatabase,
  GrantStmt: grant,
  GrantRoleStmt: grantRole,
  CommentStmt: commentOn,
  TruncateStmt: truncateTables,
  VacuumStmt: vacuum,
  CheckPointStmt: checkpoint,
  ReindexStmt: reindex,
  ClusterStmt: cluster,
  LockStmt: lockTables,
}

/** Whether executeDdl does statements with this tag; others it refuses with 0A000. */
export function isDdl(tag: NodeTag): boolean {
  return tag in HANDLERS
}

/**
 * Executes a utility statement. Everything it changes is staged in the context's transactions when the promise
 * resolves. Rejects with SqlError, StorageError or an assertion; the session rolls back.
 */
export async function executeDdl(statement: DdlStatement, context: DdlContext): Promise<DdlResult> {
  return { tag: await run(new DdlWork(context, statement.source), statement.node) }
}

async function run(work: DdlWork, statement: Node): Promise<string> {
  const tag = tagOf(statement)
  assert(tag !== undefined, 'a statement has a tag')
  const handler = HANDLERS[tag] as ((work: DdlWork, node: unknown) => Promise<string>) | undefined
  if (handler === undefined) throw unsupportedStatement(tag)
  return handler(work, (statement as unknown as Record<string, unknown>)[tag])
}

/** A statement inside CREATE SCHEMA. */
async function runElement(work: DdlWork, node: Node): Promise<void> {
  await run(work, node)
}
