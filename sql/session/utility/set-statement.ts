// SET, RESET, SHOW, SET TRANSACTION, SET CONSTRAINTS (documentation: SET, SHOW).

import type { Node, NodeOf } from '../../parse/ast.ts'
import type { OutputColumn } from '../../exec/execution.ts'
import { TEXT_OID } from '../../types/oids.ts'
import { SqlError, unsupported } from '../../types/sql-error.ts'
import type { Row } from '../../types/value.ts'
import { BackendState } from '../server-state.ts'
import type { SessionCore } from '../session-core.ts'
import { joinArguments, settingDefinition } from '../setting-definition.ts'
import { constantText } from './arguments.ts'
import { applyCharacteristics, characteristics } from './transaction-statement.ts'
import type { UtilityCall, UtilityResult } from './utility.ts'

type SetNode = NodeOf<'VariableSetStmt'>

export function setStatement({ core, parsed }: UtilityCall): UtilityResult {
  const statement = (parsed.node as { VariableSetStmt: SetNode }).VariableSetStmt
  const { kind, name = '' } = statement
  const isLocal = statement.is_local === true
  if (isLocal && !core.transaction.isBlock) {
    core.say('WARNING', 'SET LOCAL can only be used in transaction blocks', '25P01')
  }
  switch (kind) {
    case 'VAR_SET_VALUE':
      core.settings.set(name, setValue(name, statement.args ?? []), isLocal)
      return { tag: 'SET' }
    case 'VAR_SET_DEFAULT':
      core.settings.set(name, defaultOf(core, name), isLocal)
      return { tag: 'SET' }
    case 'VAR_SET_CURRENT':
      core.settings.set(name, core.settings.raw(name), isLocal)
      return { tag: 'SET' }
    case 'VAR_SET_MULTI':
      return setMulti(core, name, statement.args ?? [])
    case 'VAR_RESET':
      core.settings.set(name, defaultOf(core, name), false)
      return { tag: 'RESET' }
    case 'VAR_RESET_ALL':
      core.settings.resetAll()
      return { tag: 'RESET' }
    default:
      throw unsupported('SET')
  }
}

/** The value that DEFAULT means, where the session knows it and not the table of settings. */
function defaultOf(core: SessionCore, name: string): string | undefined {
  return name === 'session_authorization' ? core.loginRoleName : undefined
}

function setValue(name: string, args: readonly Node[]): string {
  const key = name.toLowerCase()
  if (key === 'timezone') return timeZoneArgument(args[0])
  return joinArguments(
    name,
    args.map((arg) => constantText(arg) ?? ''),
  )
}

/** SET TIME ZONE takes names, hours as numbers, and intervals. */
function timeZoneArgument(arg: Node | undefined): string {
  const text = constantText(arg) ?? ''
  const isNumber =
    arg !== undefined &&
    'A_Const' in arg &&
    (arg.A_Const.ival !== undefined || arg.A_Const.fval !== undefined)
  const isInterval = arg !== undefined && 'TypeCast' in arg
  if (!isNumber && !isInterval) return text
  const match = /^([-+]?)(\d{1,2})(?::(\d{2}))?/.exec(text)
  if (match === null) throw new SqlError('22023', `invalid value for parameter "TimeZone": "${text}"`)
  const [, sign = '', hours = '0', minutes] = match
  const shown = `${hours.padStart(2, '0')}${minutes === undefined || minutes === '00' ? '' : `:${minutes}`}`
  // POSIX counts west of Greenwich: the name says east, the offset behind it west.
  return sign === '-' ? `<-${shown}>+${shown}` : `<+${shown}>-${shown}`
}

function setMulti(core: SessionCore, name: string, args: readonly Node[]): UtilityResult {
  if (name === 'TRANSACTION') {
    if (!core.transaction.isBlock) {
      core.say('WARNING', 'SET TRANSACTION can only be used in transaction blocks', '25P01')
    }
    applyCharacteristics(core, args)
    return { tag: 'SET' }
  }
  if (name === 'SESSION CHARACTERISTICS') {
    for (const [setting, value] of characteristics(args))
      core.settings.set(`default_${setting}`, value, false)
    return { tag: 'SET' }
  }
  if (name === 'TRANSACTION SNAPSHOT') {
    importSnapshot(core, constantText(args[0]) ?? '')
    return { tag: 'SET' }
  }
  throw unsupported(`SET ${name}`)
}

function importSnapshot(core: SessionCore, id: string): void {
  const { transaction, handle } = core
  if (!transaction.isBlock)
    core.say('WARNING', 'SET TRANSACTION can only be used in transaction blocks', '25P01')
  if (transaction.hasRun)
    throw new SqlError('25001', 'SET TRANSACTION SNAPSHOT must be called before any query')
  if (transaction.isolation === 'read committed') {
    throw new SqlError(
      '0A000',
      'a snapshot-importing transaction must have isolation level SERIALIZABLE or REPEATABLE READ',
    )
  }
  transaction.importView(handle.exportedSnapshots.find(id))
}

export function constraintsStatement({ core, parsed }: UtilityCall): UtilityResult {
  const statement = (parsed.node as { ConstraintsSetStmt: NodeOf<'ConstraintsSetStmt'> }).ConstraintsSetStmt
  if (!core.transaction.isBlock)
    core.say('WARNING', 'SET CONSTRAINTS can only be used in transaction blocks', '25P01')
  const names = (statement.constraints ?? []).map((node) =>
    'RangeVar' in node ? (node.RangeVar.relname ?? '') : '',
  )
  const oids = names.length === 0 ? undefined : constraintOids(core, names)
  core.transaction.setDeferred(oids, statement.deferred === true)
  if (statement.deferred !== true) core.transaction.runDeferredNow(oids)
  return { tag: 'SET CONSTRAINTS' }
}

function constraintOids(core: SessionCore, names: readonly string[]): ReadonlySet<number> {
  const found = new Set<number>()
  for (const name of names) {
    let isKnown = false
    for (const relation of core.catalog.relations()) {
      if (relation.kind !== 'table') continue
      for (const key of relation.foreignKeys) {
        if (key.name !== name) continue
        isKnown = true
        if (!key.deferrable) throw new SqlError('55000', `constraint "${name}" is not deferrable`)
        found.add(key.oid)
      }
      for (const index of relation.indexes) {
        if (index.constraintOid === 0 || index.name !== name) continue
        isKnown = true
        if (!index.deferrable) throw new SqlError('55000', `constraint "${name}" is not deferrable`)
        found.add(index.constraintOid)
      }
    }
    if (!isKnown) throw new SqlError('42704', `constraint "${name}" does not exist`)
  }
  return found
}

function textColumn(name: string): OutputColumn {
  return { name, type: TEXT_OID, typmod: -1, tableOid: 0, columnNumber: 0 }
}

/** SHOW's column is named as the setting is spelled; SHOW ALL has three. */
export function showColumns(
  core: SessionCore,
  statement: NodeOf<'VariableShowStmt'>,
): readonly OutputColumn[] {
  const name = statement.name ?? ''
  if (name === 'all') return ['name', 'setting', 'description'].map(textColumn)
  const definition = settingDefinition(name)
  // A setting of an extension exists from when it is set; the others are known or an error.
  if (definition === undefined) core.settings.show(name)
  return [textColumn(definition?.name ?? name)]
}

export function showStatement({ core, parsed }: UtilityCall): UtilityResult {
  const { name = '' } = (parsed.node as { VariableShowStmt: NodeOf<'VariableShowStmt'> }).VariableShowStmt
  if (name === 'all') {
    const rows: Row[] = [...new BackendState(core).shown()].map(([setting, value]) => [setting, value, ''])
    return { tag: 'SHOW', rows }
  }
  return { tag: 'SHOW', rows: [[core.settings.show(name)]] }
}
