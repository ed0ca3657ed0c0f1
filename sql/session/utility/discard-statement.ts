// DISCARD (documentation: DISCARD).

import type { NodeOf } from '../../parse/ast.ts'
import { SqlError } from '../../types/sql-error.ts'
import type { SessionCore } from '../session-core.ts'
import { dropTemporaryObjects } from './ddl-statement.ts'
import type { UtilityCall, UtilityResult } from './utility.ts'

export async function discardStatement({ core, parsed }: UtilityCall): Promise<UtilityResult> {
  const { target } = (parsed.node as { DiscardStmt: NodeOf<'DiscardStmt'> }).DiscardStmt
  switch (target) {
    case 'DISCARD_PLANS':
      return { tag: 'DISCARD PLANS' }
    case 'DISCARD_SEQUENCES':
      forgetSequences(core)
      return { tag: 'DISCARD SEQUENCES' }
    case 'DISCARD_TEMP':
      await dropTemporaryObjects(core)
      return { tag: 'DISCARD TEMP' }
    default:
      await discardAll(core)
      return { tag: 'DISCARD ALL' }
  }
}

async function discardAll(core: SessionCore): Promise<void> {
  if (core.transaction.isBlock || core.isMultiStatement)
    throw new SqlError('25001', 'DISCARD ALL cannot run inside a transaction block')
  for (const portal of core.portals.all()) core.closePortal(portal)
  core.settings.set('session_authorization', core.loginRoleName, false)
  core.settings.resetAll()
  core.statements.clear()
  core.notifications.unlisten(undefined)
  core.lockOwner.unlockAll()
  forgetSequences(core)
  await dropTemporaryObjects(core)
}

function forgetSequences(core: SessionCore): void {
  core.sequenceValues.clear()
  core.lastSequenceOid = 0
}
