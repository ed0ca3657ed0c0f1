// LISTEN, UNLISTEN, NOTIFY.

import type { NodeOf } from '../../parse/ast.ts'
import { SqlError } from '../../types/sql-error.ts'
import { PAYLOAD_SIZE_BYTES_MAX } from '../notifications.ts'
import type { UtilityCall, UtilityResult } from './utility.ts'

export function listenStatement({ core, parsed }: UtilityCall): UtilityResult {
  core.notifications.listen(
    (parsed.node as { ListenStmt: NodeOf<'ListenStmt'> }).ListenStmt.conditionname ?? '',
  )
  return { tag: 'LISTEN' }
}

export function unlistenStatement({ core, parsed }: UtilityCall): UtilityResult {
  core.notifications.unlisten(
    (parsed.node as { UnlistenStmt: NodeOf<'UnlistenStmt'> }).UnlistenStmt.conditionname,
  )
  return { tag: 'UNLISTEN' }
}

export function notifyStatement({ core, parsed }: UtilityCall): UtilityResult {
  const { conditionname = '', payload = '' } = (parsed.node as { NotifyStmt: NodeOf<'NotifyStmt'> })
    .NotifyStmt
  if (Buffer.byteLength(payload) >= PAYLOAD_SIZE_BYTES_MAX)
    throw new SqlError('22023', 'payload string too long')
  core.notifications.notify(conditionname, payload)
  return { tag: 'NOTIFY' }
}
