// What a portal runs: a planned statement, or a utility statement. Each knows its columns, how it opens and its tag.

import type { CachedStatement } from './plan-cache.ts'
import type { PreparedPlan } from '../exec/execution.ts'
import type { ParsedStatement } from '../parse/parse.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Row } from '../types/value.ts'
import { cachedStatement, isPlanned, isValid, makePlan } from './planning.ts'
import type { Portal, PortalSource, PortalStatement } from './portal.ts'
import type { PreparedStatement } from './prepared-statement.ts'
import type { SessionCore } from './session-core.ts'
import { utilityStatement } from './utility/utility.ts'

/** Plans a statement for the catalog of now. May suspend. */
export type Replan = () => CachedStatement

/** A planned statement. */
export class PlannedStatement implements PortalStatement {
  readonly isDescribed = true
  readonly isEmpty = false
  readonly copyIn = undefined
  readonly #core: SessionCore
  readonly #replan: Replan
  #entry: CachedStatement
  readonly #parameters: Row

  constructor(core: SessionCore, entry: CachedStatement, parameters: Row, replan: Replan) {
    this.#core = core
    this.#entry = entry
    this.#parameters = parameters
    this.#replan = replan
  }

  get plan(): PreparedPlan {
    return this.#entry.plan as PreparedPlan
  }

  get columns(): PreparedPlan['columns'] {
    return this.plan.columns
  }

  get countsAffected(): boolean {
    return this.plan.command !== 'SELECT'
  }

  tag(rowCount: number): string {
    const { command } = this.plan
    return rowCount === 1 ? ONE_ROW_TAGS[command] : tagOf(command, rowCount)
  }

  open(portal: Portal): PortalSource {
    const core = this.#core
    for (;;) {
      if (!isValid(core, this.#entry)) this.#entry = this.#replan()
      const execution = core.openPlan(this.plan, this.#parameters, portal, this.#entry)
      if (execution !== undefined) return execution
    }
  }
}

function tagOf(command: PreparedPlan['command'], rowCount: number): string {
  return command === 'INSERT' ? `INSERT 0 ${rowCount}` : `${command} ${rowCount}`
}

/** Most statements of most applications find or change one row. */
const ONE_ROW_TAGS: Readonly<Record<PreparedPlan['command'], string>> = {
  SELECT: tagOf('SELECT', 1),
  INSERT: tagOf('INSERT', 1),
  UPDATE: tagOf('UPDATE', 1),
  DELETE: tagOf('DELETE', 1),
}

/** A statement of a simple query. Cached when it is the whole query: pgbench's and ORMs' statements come again. */
export function parsedPortalStatement(
  core: SessionCore,
  parsed: ParsedStatement,
  isWholeQuery: boolean,
): PortalStatement {
  if (!isPlanned(parsed)) return utilityStatement(core, parsed, [])
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
  const { parsed, cached } = statement
  if (parsed === undefined || cached === undefined) return EMPTY_STATEMENT
  if (cached.plan === undefined) return utilityStatement(core, parsed, parameters)
  const refresh = (statement.replan ??= () => refreshPrepared(core, statement, parsed))
  const entry = isValid(core, cached) ? cached : refresh()
  return new PlannedStatement(core, entry, parameters, refresh)
}

/** Plans a prepared statement again; its result may not have changed (PostgreSQL: 0A000). */
function refreshPrepared(
  core: SessionCore,
  statement: PreparedStatement,
  parsed: ParsedStatement,
): CachedStatement {
  const types = statement.declaredTypes
  const key = types.length === 0 ? statement.text : `${statement.text}\u0000${types.join()}`
  const entry = cachedStatement(core, parsed, { key, parameterTypes: statement.parameterTypes })
  const { plan } = entry
  if (!sameColumns(statement.columns, plan?.columns)) {
    throw new SqlError('0A000', 'cached plan must not change result type')
  }
  statement.cached = entry
  return entry
}

function sameColumns(a: PreparedPlan['columns'], b: PreparedPlan['columns']): boolean {
  if (a === undefined || b === undefined) return a === b
  return (
    a.length === b.length &&
    a.every((column, i) => {
      const other = b[i]
      return column.type === other?.type && column.typmod === other.typmod && column.name === other.name
    })
  )
}
