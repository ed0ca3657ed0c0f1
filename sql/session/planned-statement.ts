// A planned statement as a portal runs it, prepared before or not. Its plan is made again when the catalog has moved on.

import type { PreparedPlan } from '../exec/execution.ts'
import type { ParsedStatement } from '../parse/parse.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Row } from '../types/value.ts'
import type { CachedStatement } from './plan-cache.ts'
import { cachedStatement, isValid } from './planning.ts'
import type { Portal, PortalSource, PortalStatement } from './portal.ts'
import type { PreparedStatement } from './prepared-statement.ts'
import type { SessionCore } from './session-core.ts'

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

/** A bound prepared statement that has a plan. May suspend unless that plan is current. */
export function plannedPortalStatement(
  core: SessionCore,
  statement: PreparedStatement,
  bound: { readonly parsed: ParsedStatement; readonly cached: CachedStatement; readonly parameters: Row },
): PlannedStatement {
  const { parsed, cached, parameters } = bound
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
