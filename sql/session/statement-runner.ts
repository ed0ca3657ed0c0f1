// What a portal runs: a planned statement, or a utility statement. Each knows its columns, how it opens and its tag.

import type { CachedStatement } from './plan-cache.ts'
import type { ParsedStatement } from '../parse/parse.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Row } from '../types/value.ts'
import { cachedStatement, isPlanned, isValid, makePlan } from './planning.ts'
import type { PortalStatement } from './portal.ts'
import type { PreparedStatement } from './prepared-statement.ts'
import type { SessionCore } from './session-core.ts'
import { PlannedStatement, plannedPortalStatement } from './planned-statement.ts'
import { utilityStatement } from './utility/utility.ts'

/** A statement of a simple query. Cached when it is the whole query: pgbench's and ORMs' statements come again. */
export function parsedPortalStatement(
  core: SessionCore,
  parsed: ParsedStatement,
  isWholeQuery: boolean,
): PortalStatement {
  if (!isPlanned(parsed))
    return utilityStatement(core, { parsed, parameters: [], parameterTypes: [] }, preparedPortalStatement)
  const entryOf = (): CachedStatement =>
    isWholeQuery
      ? cachedStatement(core, parsed, { key: parsed.source.text, parameterTypes: [] })
      : makePlan(core, parsed)
  const entry = entryOf()
  const { plan } = entry
  if (plan !== undefined && plan.parameterTypes.length > 0) {
    throw new SqlError('42P02', 'there is no parameter $1', {
      position: firstParameterPosition(parsed.source.text),
    })
  }
  return new PlannedStatement(core, entry, [], entryOf)
}

function firstParameterPosition(text: string): number | undefined {
  const at = text.search(/\$\d/)
  return at < 0 ? undefined : at + 1
}

const EMPTY_STATEMENT: PortalStatement = {
  columns: undefined,
  isDescribed: true,
  isEmpty: true,
  countsAffected: false,
  copyIn: undefined,
  tag: () => '',
  open: () => ({ next: () => undefined, rowCount: 0, close: () => undefined }),
}

/** Whether a prepared statement's plan fits the catalog as it is, so that binding it does not wait for anything. */
export function isCurrent(core: SessionCore, statement: PreparedStatement): boolean {
  return statement.cached === undefined || isValid(core, statement.cached)
}

/** A bound prepared statement. May suspend unless it isCurrent. */
export function preparedPortalStatement(
  core: SessionCore,
  statement: PreparedStatement,
  parameters: Row,
): PortalStatement {
  const { parsed, cached, parameterTypes } = statement
  if (parsed === undefined || cached === undefined) return EMPTY_STATEMENT
  if (cached.plan === undefined)
    return utilityStatement(core, { parsed, parameters, parameterTypes }, preparedPortalStatement)
  return plannedPortalStatement(core, statement, { parsed, cached, parameters })
}
