// Parse and PREPARE: text to prepared statement, and its description.

import { parseSql } from '../parse/parse.ts'
import { SqlError } from '../types/sql-error.ts'
import { failedBlock } from './failed-block.ts'
import { cachedStatement } from './planning.ts'
import type { PreparedStatement } from './prepared-statement.ts'
import { fieldDescriptions } from './result-format.ts'
import type { SessionCore } from './session-core.ts'
import { utilityColumns, utilityParameterTypes } from './utility/utility.ts'

/** Analyses and plans; SqlError 42601 when the text holds several statements. */
export function prepare(
  core: SessionCore,
  name: string,
  text: string,
  declaredTypes: readonly number[],
): PreparedStatement {
  const key = declaredTypes.length === 0 ? text : `${text}\u0000${declaredTypes.join()}`
  const known = core.transaction.isFailed ? undefined : core.plans.get(key)
  let parsed = known?.parsed
  if (parsed === undefined) {
    const statements = parseSql(text)
    if (statements.length > 1) {
      throw new SqlError('42601', 'cannot insert multiple commands into a prepared statement')
    }
    parsed = statements[0]
  }
  const preparedMicros = core.queryStartMicros
  if (parsed === undefined) {
    return {
      name,
      text,
      parsed,
      declaredTypes,
      parameterTypes: declaredTypes,
      columns: undefined,
      cached: undefined,
      preparedMicros,
      isFromSql: false,
    }
  }
  if (core.transaction.isFailed && parsed.tag !== 'TransactionStmt') throw failedBlock()
  const cached = cachedStatement(core, parsed, { key, parameterTypes: declaredTypes })
  return {
    name,
    text,
    parsed,
    declaredTypes,
    parameterTypes: cached.plan?.parameterTypes ?? utilityParameterTypes(core, parsed, declaredTypes),
    columns: cached.plan === undefined ? utilityColumns(core, parsed) : cached.plan.columns,
    cached,
    preparedMicros,
    isFromSql: false,
    missingType: declaredTypes.find((oid) => oid !== 0 && core.catalog.type(oid) === undefined),
  }
}

/** Describe of a statement: ParameterDescription, then RowDescription (text formats) or NoData. */
export function describePrepared(core: SessionCore, statement: PreparedStatement): void {
  if (core.transaction.isFailed && statement.columns !== undefined) throw failedBlock()
  core.sink.parameterDescription(statement.parameterTypes)
  if (statement.columns === undefined) core.sink.noData()
  else core.sink.rowDescription(fieldDescriptions(core, statement.columns, []))
}
