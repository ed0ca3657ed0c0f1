// The entry of DDL: from a statement's tag to the function that does it.

import { assert } from '../../storage/base/assert.ts'
import { type NodeOf, type NodeTag, tagOf } from '../parse/ast.ts'
import { createIndex } from './create-index.ts'
import { createTable } from './create-table.ts'
import type { DdlContext, DdlResult, DdlStatement } from './ddl.ts'
import { dropObjects } from './drop.ts'
import { DdlWork } from './work.ts'

type Handlers = { readonly [Tag in NodeTag]?: (work: DdlWork, node: NodeOf<Tag>, statement: DdlStatement) => Promise<string> }

const HANDLERS: Handlers = {
  CreateStmt: createTable,
  IndexStmt: createIndex,
  DropStmt: dropObjects,
}

/** Whether executeDdl knows statements with this tag; the session does the others. */
export function isDdl(tag: NodeTag): boolean {
  return tag in HANDLERS
}

/**
 * Executes a utility statement. Everything it changes is staged in the context's transactions when the promise
 * resolves. Rejects with SqlError, StorageError or an assertion; the session rolls back.
 */
export async function executeDdl(statement: DdlStatement, context: DdlContext): Promise<DdlResult> {
  const tag = tagOf(statement.node)
  assert(tag !== undefined && isDdl(tag), 'the session asks isDdl first')
  const handler = HANDLERS[tag] as (work: DdlWork, node: unknown, statement: DdlStatement) => Promise<string>
  const work = new DdlWork(context, statement.source)
  const node = (statement.node as unknown as Record<string, unknown>)[tag]
  return { tag: await handler(work, node, statement) }
}
