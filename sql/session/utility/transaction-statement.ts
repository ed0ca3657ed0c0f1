// BEGIN, COMMIT, ROLLBACK, SAVEPOINT and their kin (documentation: BEGIN, SET TRANSACTION, SAVEPOINT).

import { SUSPENDED } from '../../../storage/base/suspend.ts'
import type { Node, NodeOf } from '../../parse/ast.ts'
import type { ParsedStatement } from '../../parse/parse.ts'
import { SqlError, unsupported } from '../../types/sql-error.ts'
import type { SessionCore } from '../session-core.ts'
import type { Isolation } from '../transaction.ts'
import { constantText } from './arguments.ts'
import type { PortalSource, PortalStatement } from '../portal.ts'
import type { UtilityResult } from './utility.ts'

const NO_ROWS: PortalSource = Object.freeze({ next: () => undefined, rowCount: 0, close: () => undefined })

/** BEGIN and its kin frame every transaction: no detour through what other utility statements may need. */
export class TransactionCommand implements PortalStatement {
  readonly columns = undefined
  readonly isDescribed = true
  readonly isEmpty = false
  readonly countsAffected = false
  readonly copyIn = undefined
  readonly #core: SessionCore
  readonly #statement: NodeOf<'TransactionStmt'>
  #tag = ''

  constructor(core: SessionCore, parsed: ParsedStatement) {
    this.#core = core
    this.#statement = (parsed.node as { TransactionStmt: NodeOf<'TransactionStmt'> }).TransactionStmt
  }

  tag(): string {
    return this.#tag
  }

  open(): PortalSource {
    this.#tag = run(this.#core, this.#statement).tag
    return NO_ROWS
  }
}

function run(core: SessionCore, statement: NodeOf<'TransactionStmt'>): UtilityResult {
  const name = statement.savepoint_name ?? ''
  switch (statement.kind) {
    case 'TRANS_STMT_BEGIN':
      return begin(core, statement.options ?? [], 'BEGIN')
    case 'TRANS_STMT_START':
      return begin(core, statement.options ?? [], 'START TRANSACTION')
    case 'TRANS_STMT_COMMIT':
      return commit(core, statement.chain === true)
    case 'TRANS_STMT_ROLLBACK':
      return rollback(core, statement.chain === true)
    case 'TRANS_STMT_SAVEPOINT':
      requireBlock(core, 'SAVEPOINT')
      if (core.transaction.isFailed) throw failed()
      core.transaction.savepoint(name)
      return { tag: 'SAVEPOINT' }
    case 'TRANS_STMT_RELEASE':
      requireBlock(core, 'RELEASE SAVEPOINT')
      if (core.transaction.isFailed) throw failed()
      core.transaction.release(name)
      return { tag: 'RELEASE' }
    case 'TRANS_STMT_ROLLBACK_TO':
      requireBlock(core, 'ROLLBACK TO SAVEPOINT')
      core.closePortalsAbove(core.transaction.rollbackTo(name))
      return { tag: 'ROLLBACK' }
    default:
      throw unsupported('two-phase commit')
  }
}

function failed(): SqlError {
  return new SqlError(
    '25P02',
    'current transaction is aborted, commands ignored until end of transaction block',
  )
}

function begin(core: SessionCore, options: readonly Node[], tag: string): UtilityResult {
  const { transaction } = core
  if (transaction.isFailed) throw failed()
  if (transaction.isBlock) core.say('WARNING', 'there is already a transaction in progress', '25001')
  else transaction.beginBlock(core.backend.clock.wallMicros())
  applyCharacteristics(core, options)
  return { tag }
}

/** The characteristics of BEGIN, START TRANSACTION and SET TRANSACTION, on the current transaction. */
export function applyCharacteristics(core: SessionCore, options: readonly Node[]): void {
  for (const [name, value] of characteristics(options)) {
    if (
      name === 'transaction_read_only' &&
      value === 'off' &&
      core.transaction.isReadOnly &&
      core.transaction.hasRun
    ) {
      throw new SqlError('25001', 'transaction read-write mode must be set before any query')
    }
    core.settings.set(name, value, true)
  }
}

/** Reads the options as settings: name and canonical value. */
export function characteristics(options: readonly Node[]): readonly (readonly [string, string])[] {
  return options.map((option) => {
    if (!('DefElem' in option)) throw unsupported('transaction option')
    const { defname = '', arg } = option.DefElem
    const value = constantText(arg) ?? ''
    if (defname === 'transaction_isolation') return [defname, value]
    return [defname, value === '1' || value === 'true' ? 'on' : 'off']
  })
}

function commit(core: SessionCore, chain: boolean): UtilityResult {
  const { transaction } = core
  if (!transaction.isBlock) return withoutBlock(core, chain, 'COMMIT')
  const next = chained(core)
  if (transaction.isFailed) {
    transaction.abort()
    if (chain) resume(core, next)
    return { tag: 'ROLLBACK' }
  }
  try {
    transaction.commit()
  } catch (error) {
    // A deferred check failed, for one: the block is over all the same.
    if (error !== SUSPENDED && !transaction.isCommitting) transaction.abort()
    throw error
  }
  if (chain) resume(core, next)
  return { tag: 'COMMIT' }
}

function rollback(core: SessionCore, chain: boolean): UtilityResult {
  const { transaction } = core
  if (!transaction.isBlock) return withoutBlock(core, chain, 'ROLLBACK')
  const next = chained(core)
  transaction.abort()
  if (chain) resume(core, next)
  return { tag: 'ROLLBACK' }
}

function withoutBlock(core: SessionCore, chain: boolean, tag: string): UtilityResult {
  if (chain) throw new SqlError('25P01', `${tag} AND CHAIN can only be used in transaction blocks`)
  if (tag === 'COMMIT') core.transaction.commit()
  else core.transaction.abort()
  core.say('WARNING', 'there is no transaction in progress', '25P01')
  return { tag }
}

interface Characteristics {
  readonly isolation: Isolation
  readonly isReadOnly: boolean
  readonly isDeferrable: boolean
}

function chained(core: SessionCore): Characteristics {
  const { isolation, isReadOnly, isDeferrable } = core.transaction
  return { isolation, isReadOnly, isDeferrable }
}

/** AND CHAIN: a new block with the same characteristics. */
function resume(core: SessionCore, next: Characteristics): void {
  core.transaction.beginBlock(core.backend.clock.wallMicros())
  Object.assign(core.transaction, next)
}

function requireBlock(core: SessionCore, command: string): void {
  if (!core.transaction.isBlock)
    throw new SqlError('25P01', `${command} can only be used in transaction blocks`)
}
