// Statements that sql/ddl executes, with the session as their context.

import { must } from '../../../storage/base/assert.ts'
import type { SharedCatalog } from '../../catalog/catalog.ts'
import type { CatalogEditor } from '../../catalog/editor.ts'
import type { DdlContext } from '../../ddl/ddl.ts'
import { executeDdl, isDdl } from '../../ddl/execute.ts'
import { dropTemporarySchema, runOnCommitActions } from '../../ddl/temporary.ts'
import type { ExecutionContext } from '../../exec/execution.ts'
import { unsupported } from '../../types/sql-error.ts'
import type { Row } from '../../types/value.ts'
import { RunContext } from '../run-context.ts'
import type { SessionCore } from '../session-core.ts'
import type { CatalogEdit } from '../transaction.ts'
import type { UtilityCall, UtilityResult } from './utility.ts'

export async function ddlStatement(call: UtilityCall): Promise<UtilityResult> {
  const { core, parsed, parameters, parameterTypes } = call
  if (!isDdl(parsed.tag)) throw unsupported(statementName(parsed.text))
  return executeDdl(parsed, ddlContext(core, parameters, parameterTypes))
}

/** The first words of a statement, as its name: CREATE FUNCTION, IMPORT FOREIGN SCHEMA. */
function statementName(text: string): string {
  const words = /^\s*([a-z]+(?:\s+(?:or\s+replace\s+)?[a-z]+)?)/i.exec(text)?.[1] ?? 'this statement'
  return words
    .replace(/\s+or\s+replace/i, '')
    .replaceAll(/\s+/g, ' ')
    .toUpperCase()
}

/** Drops what the session's temporary schema holds, in a transaction of the caller's. */
export async function dropTemporaryObjects(core: SessionCore): Promise<void> {
  await dropTemporarySchema(ddlContext(core, []))
}

/** What a commit does to temporary tables made ON COMMIT DELETE ROWS or DROP. */
export async function onCommitActions(core: SessionCore): Promise<void> {
  await runOnCommitActions(ddlContext(core, []))
}

export function ddlContext(
  core: SessionCore,
  parameters: Row,
  parameterTypes: readonly number[] = [],
): DdlContext {
  const { transaction, handle, backend } = core
  return {
    cluster: backend.catalogs,
    database: handle.catalogs,
    databases: backend.databases.controlFor(core),
    editor: () => databaseEditor(core),
    sharedEditor: () => sharedEditor(core),
    sharedCatalog: () => sharedCatalog(core),
    roleOid: core.roleOid,
    sessionRoleOid: core.sessionRoleOid,
    isTransactionBlock: transaction.isBlock || core.isMultiStatement,
    functions: core.context,
    parameters,
    parameterTypes,
    execution: () => executionContext(core, parameters),
    notice: (notice) => core.notice(notice),
    checkpoint: () => core.checkpoint(),
    locked: (step) => core.turns.locked(step),
  }
}

/** Reads and writes with a view of its own that lives until the transaction ends: DDL waits in between. */
function executionContext(core: SessionCore, parameters: Row): ExecutionContext {
  const { transaction } = core
  const writer = transaction.writer()
  const commandId = transaction.nextCommandId()
  const view = core.database.view()
  view.transaction = writer
  view.commandId = commandId
  core.views.hold(view)
  return new RunContext(core, {
    catalog: transaction.catalog,
    parameters,
    view,
    transaction: writer,
    isolation: transaction.isolation,
    commandId,
  })
}

/** A CatalogEditor in the shape the transaction wants. */
class EditorEdit implements CatalogEdit {
  readonly editor: CatalogEditor

  constructor(editor: CatalogEditor) {
    this.editor = editor
  }

  snapshot(): ReturnType<CatalogEdit['snapshot']> {
    return this.editor.snapshot()
  }

  mark(): number {
    return this.editor.mark()
  }

  rollbackTo(mark: number): void {
    this.editor.rollbackTo(mark)
  }

  publish(): void {
    this.editor.publish()
  }
}

function databaseEditor(core: SessionCore): CatalogEditor {
  const { transaction, handle } = core
  const edit = transaction.edit(
    () =>
      new EditorEdit(
        handle.catalogs.edit(
          transaction.writer(),
          () => transaction.nextCommandId(),
          () => sharedCatalog(core),
        ),
      ),
  )
  return (must(edit) as EditorEdit).editor
}

function sharedCatalog({ transaction, backend }: SessionCore): SharedCatalog {
  return transaction.changedShared ?? backend.catalogs.shared
}

function sharedEditor(core: SessionCore): CatalogEditor {
  const { transaction, handle, backend } = core
  const edit = transaction.clusterEdit(() => {
    const writer = transaction.clusterWriter(backend.cluster)
    return new EditorEdit(backend.catalogs.edit(writer, () => transaction.nextCommandId(), handle.catalogs))
  })
  return (edit as EditorEdit).editor
}
