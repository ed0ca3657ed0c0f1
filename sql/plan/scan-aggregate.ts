// Rule AggregateOverScan: plain aggregates over one table's scan, in one generated loop without rows in between.

import type { AggregationPlan } from './aggregate-plan.ts'
import type { OuterScope } from './layout.ts'
import type { Path, Planned } from './path.ts'
import type { Planner } from './planner.ts'

export function fusedAggregate(_planner: Planner, _plan: AggregationPlan, _path: Path, _outer: OuterScope | undefined): Planned | undefined {
  return undefined
}
