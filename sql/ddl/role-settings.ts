// ALTER ROLE ... SET and ALTER DATABASE ... SET: settings that sessions begin with, kept as 'name=value'.

import type { VariableSetStmt } from 'libpg-query'
import { nodeAs } from '../parse/ast.ts'
import { SqlError } from '../types/sql-error.ts'
import type { DdlWork } from './work.ts'

/** The settings after one SET or RESET. */
export function changedSettings(work: DdlWork, old: readonly string[], statement: VariableSetStmt): string[] {
  const name = statement.name ?? ''
  const without = old.filter((setting) => !setting.startsWith(`${name}=`))
  switch (statement.kind) {
    case 'VAR_RESET_ALL':
      return []
    case 'VAR_RESET':
    case 'VAR_SET_DEFAULT':
      return without
    case 'VAR_SET_CURRENT':
      return [...without, `${name}=${work.functions.getSetting(name, false) ?? ''}`]
    default:
      return [...without, `${name}=${settingText(statement)}`]
  }
}

/** The value of SET name TO value, as text. */
export function settingText(statement: VariableSetStmt): string {
  const parts = (statement.args ?? []).map((node) => {
    const constant = nodeAs(node, 'A_Const')
    if (constant?.sval !== undefined) return constant.sval.sval ?? ''
    if (constant?.ival !== undefined) return String(constant.ival.ival ?? 0)
    if (constant?.fval !== undefined) return constant.fval.fval ?? ''
    if (constant?.boolval !== undefined) return constant.boolval.boolval === true ? 'on' : 'off'
    throw new SqlError('22023', `invalid value for parameter "${statement.name}"`)
  })
  return parts.join(', ')
}
