// CREATE SCHEMA, with the objects it may bring along.

import type { CreateSchemaStmt } from 'libpg-query'
import type { Node } from '../parse/ast.ts'
import { SqlError } from '../types/sql-error.ts'
import { roleOidOf } from './nodes.ts'
import type { DdlWork } from './work.ts'

/** `runElement` executes the statements inside, in the new schema. */
export async function createSchema(
  work: DdlWork,
  statement: CreateSchemaStmt,
  runElement: (node: Node) => Promise<void>,
): Promise<string> {
  const ownerOid = statement.authrole === undefined ? work.roleOid : roleOidOf(work, statement.authrole)
  const name = statement.schemaname ?? work.shared.role(ownerOid)?.name ?? ''
  const database = work.shared.database(work.catalog.databaseOid)
  if (database !== undefined) work.checkPrivilege('database', database, 'C')
  if (!work.hasRole(ownerOid)) {
    throw new SqlError('42501', `must be member of role "${work.shared.role(ownerOid)?.name}"`)
  }
  if (name.startsWith('pg_')) {
    throw new SqlError('42939', `unacceptable schema name "${name}"`, {
      detail: 'The prefix "pg_" is reserved for system schemas.',
    })
  }
  await work.lockName('schema', 0, name)
  if (work.catalog.schemaByName(name) !== undefined) {
    if (statement.if_not_exists !== true) throw new SqlError('42P06', `schema "${name}" already exists`)
    work.notice(`schema "${name}" already exists, skipping`, '42P06')
    return 'CREATE SCHEMA'
  }
  await work.put({ kind: 'schema', oid: await work.newOid(), name, ownerOid, acl: work.defaultAcl(0, 'n') })
  // Tables first, then what refers to them, as PostgreSQL orders them.
  const elements = [...(statement.schemaElts ?? [])].sort((a, b) => rank(a) - rank(b))
  work.firstSchemaName = name
  for (const node of elements) await runElement(inSchema(node, name))
  work.firstSchemaName = undefined
  return 'CREATE SCHEMA'
}

const RANKS: Readonly<Record<string, number>> = {
  CreateSeqStmt: 0,
  CreateStmt: 1,
  ViewStmt: 2,
  IndexStmt: 3,
  CreateTrigStmt: 4,
  GrantStmt: 5,
}

function rank(node: Node): number {
  return RANKS[Object.keys(node)[0] ?? ''] ?? 6
}

/** The statement with its object's name qualified. */
function inSchema(node: Node, schema: string): Node {
  const [tag, inner] = Object.entries(node)[0] as [string, Record<string, unknown>]
  const field = {
    CreateStmt: 'relation',
    CreateSeqStmt: 'sequence',
    ViewStmt: 'view',
    IndexStmt: 'relation',
  }[tag]
  if (field === undefined) return node
  const name = inner[field] as { readonly schemaname?: string } | undefined
  if (name?.schemaname !== undefined && name.schemaname !== schema) {
    throw new SqlError(
      '42P15',
      `CREATE specifies a schema (${name.schemaname}) different from the one being created (${schema})`,
    )
  }
  return { [tag]: { ...inner, [field]: { ...name, schemaname: schema } } } as unknown as Node
}
