// The execution context that DDL gives to scans, plans and writers: the session's, with a checkpoint for code that is
// awaited step by step instead of being driven by the session.
//
// The session begins a new turn when it resumes a statement; while it awaits DDL it does not, so its checkpoint would
// suspend again and again. Here a checkpoint that suspended lets the next one pass: one wait for one turn.

import { SUSPENDED } from '../../storage/base/suspend.ts'
import type { ExecutionContext } from '../exec/execution.ts'
import type { Row } from '../types/value.ts'

/** The context with a paced checkpoint, and other parameters if they are given. */
export function pacedContext(inner: ExecutionContext, parameters: Row = inner.parameters): ExecutionContext {
  let hasWaited = false
  return {
    catalog: inner.catalog,
    server: inner.server,
    functions: inner.functions,
    parameters,
    view: inner.view,
    transaction: inner.transaction,
    isolation: inner.isolation,
    commandId: inner.commandId,
    workMemBytes: inner.workMemBytes,
    checkpoint: () => {
      if (hasWaited) {
        hasWaited = false
        return
      }
      try {
        inner.checkpoint()
      } catch (thrown) {
        hasWaited = thrown === SUSPENDED
        throw thrown
      }
    },
    notice: (notice) => inner.notice(notice),
    nextCommandId: () => inner.nextCommandId(),
    deferCheck: (check) => inner.deferCheck(check),
    isDeferred: (constraintOid) => inner.isDeferred?.(constraintOid),
  }
}
