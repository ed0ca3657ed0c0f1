// The planner's entry: an analysed statement becomes a PreparedPlan, shared by all sessions until the catalog changes.

import { must } from '../../storage/base/assert.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type {
  Execution,
  ExecutionContext,
  ExplainNode,
  ExplainOptions,
  OutputColumn,
  PreparedPlan,
} from '../exec/execution.ts'
import { openNode, type PlanNode } from '../exec/operator.ts'
import { Runtime } from '../exec/runtime.ts'
import { StatementExecution } from '../exec/statement-execution.ts'
import type { AnalysedStatement, Target } from '../tree/query.ts'
import { cteStore, type PlannedCte } from './cte.ts'
import { explainPlan } from './explain.ts'
import { foldStatement } from './fold.ts'
import { planModify } from './modify-plan.ts'
import type { PlanContext } from './plan-context.ts'
import { directOf, type StartDirectly } from './plan-node.ts'
import { Planner } from './planner.ts'
import { planRecursive } from './recursive.ts'
import { describeStatement, type StatementFacts } from './statement-facts.ts'

/** Plans a statement. Throws SqlError for what cannot be done. */
export function planStatement(statement: AnalysedStatement, context: PlanContext): PreparedPlan {
  const planner = new Planner(context)
  planner.ctes.planModify = (cte, outer) => {
    const { query } = cte
    if (query.kind === 'select' || query.kind === 'set' || query.kind === 'values')
      throw new Error('a statement that changes data')
    return planModify(planner, query, outer)
  }
  planner.ctes.planRecursive = (planned, outer) => planRecursive(planner, planned, outer)
  const body = foldStatement(planner, statement.body)
  const isQuery = body.kind === 'select' || body.kind === 'set' || body.kind === 'values'
  const root = isQuery ? planner.planQuery(body, undefined).node : planModify(planner, body, undefined)
  return new StatementPlan(statement, planner, root)
}

const COMMANDS = {
  select: 'SELECT',
  set: 'SELECT',
  values: 'SELECT',
  insert: 'INSERT',
  update: 'UPDATE',
  delete: 'DELETE',
} as const

export class StatementPlan implements PreparedPlan {
  readonly columns: readonly OutputColumn[] | undefined
  readonly parameterTypes: readonly number[]
  readonly command: PreparedPlan['command']
  readonly writes: boolean
  readonly tables: PreparedPlan['tables']
  readonly privileges: PreparedPlan['privileges']
  /** Names of the planner's rules that fired. */
  readonly fired: readonly string[]
  readonly foldError: unknown
  readonly root: PlanNode
  readonly #planner: Planner
  readonly #direct: StartDirectly | undefined
  readonly #finish: (rt: Runtime) => void

  constructor(statement: AnalysedStatement, planner: Planner, root: PlanNode) {
    const { body } = statement
    const isQuery = body.kind === 'select' || body.kind === 'set' || body.kind === 'values'
    this.command = COMMANDS[body.kind]
    this.columns = outputColumns(isQuery ? body.targets : body.returning, isQuery)
    this.parameterTypes = statement.parameterTypes
    const facts: StatementFacts = describeStatement(body)
    this.writes = facts.writes
    this.tables = facts.tables
    this.privileges = facts.privileges
    this.root = root
    this.fired = planner.fired
    this.foldError = planner.foldError
    this.#planner = planner
    const { modifying } = planner.ctes
    this.#finish = modifying.length === 0 ? NOTHING_LEFT : (rt): void => finishCtes(modifying, rt)
    this.#direct = modifying.length === 0 ? directOf(root) : undefined
  }

  start(context: ExecutionContext): Execution {
    const runtime = new Runtime(context, this.#planner.slotCount)
    if (this.#direct !== undefined && runtime.figures === undefined) return this.#direct(runtime)
    const operator = openNode(this.root, runtime)
    const counter = operator as { readonly rowCount?: number }
    const affected = this.command === 'SELECT' ? undefined : (): number => innermostCount(counter)
    return new StatementExecution(runtime, operator, this.#finish, affected)
  }

  explain(options: ExplainOptions, _catalog: Catalog, execution?: Execution): ExplainNode {
    const figures = execution instanceof StatementExecution ? execution.runtime.figures : undefined
    return explainPlan(this.root, this.#planner, options, figures)
  }
}

const NOTHING_LEFT = (): void => undefined

/** Runs WITH queries that change data to their end. */
function finishCtes(modifying: readonly PlannedCte[], rt: Runtime): void {
  for (const planned of modifying) {
    const store = cteStore(planned, rt)
    while (store.at(store.count) !== undefined) rt.tick()
  }
}

function innermostCount(operator: { readonly rowCount?: number }): number {
  return must(operator.rowCount, 'a statement that changes data counts rows')
}

/** Columns of the result; a statement that changes data has some only with RETURNING. */
function outputColumns(targets: readonly Target[], isQuery: boolean): readonly OutputColumn[] | undefined {
  const visible = targets.filter((target) => !target.junk)
  if (visible.length === 0 && !isQuery) return undefined
  return visible.map(({ expr, name, tableOid, columnNumber }) => ({
    name,
    type: expr.type,
    typmod: expr.typmod,
    tableOid,
    columnNumber,
  }))
}
