// Nodes that go on top of any other: filter and projection.

import { FilterOperator, ProjectOperator } from '../exec/operator/pipeline.ts'
import type { Expr } from '../tree/expr.ts'
import { must } from '../../storage/base/assert.ts'
import { isPlainOutput } from './expr-facts.ts'
import { keyOf, Layout, type OuterScope } from './layout.ts'
import type { Output, Planned } from './path.ts'
import { makeNode, over } from './plan-node.ts'
import type { Planner } from './planner.ts'
import { selectivityOf } from './selectivity.ts'
import { joinConditions } from './explain-text.ts'

/** Rows for which all conditions hold; the plan itself when there are none. */
export function addFilter(
  planner: Planner,
  child: Planned,
  conditions: readonly Expr[],
  outer: OuterScope | undefined,
): Planned {
  if (conditions.length === 0) return child
  const test = planner.compileCondition(conditions, child.layout, outer)
  const kept = conditions.reduce((all, one) => all * selectivityOf(planner, one, child.node.estimate.rows), 1)
  const node = makeNode({
    label: 'Filter',
    estimate: over(child.node, Math.max(1, child.node.estimate.rows * kept), 0.0025),
    children: [child.node],
    properties: () => [['Filter', joinConditions(conditions.map((one) => planner.deparse(one)))]],
    open: (rt, [input]) => new FilterOperator(rt, must(input), test),
  })
  return { node, layout: child.layout }
}

/** Rows of just these outputs; the plan itself when it has them already. */
export function addProjection(
  planner: Planner,
  child: Planned,
  outputs: readonly Output[],
  outer: OuterScope | undefined,
): Planned {
  const { slots } = child.layout
  const isSame =
    slots.length === outputs.length &&
    outputs.every((output, i) => {
      const slot = slots[i]
      return isPlainOutput(output) && slot?.relation === output.relation && slot.column === output.column
    })
  if (isSame) return child
  const isRenamed =
    slots.length === outputs.length &&
    outputs.every(
      ({ expr }, i) =>
        (expr.kind === 'column' || expr.kind === 'whole-row') && child.layout.indexOf(keyOf(expr)) === i,
    )
  if (isRenamed) {
    const renamed = outputs.map(({ relation, column }, i) => ({
      relation,
      column,
      nullable: must(slots[i]).nullable,
    }))
    return { node: child.node, layout: new Layout(renamed) }
  }
  const compiler = planner.compiler([{ name: 'r', layout: child.layout }], outer)
  const fragments = outputs.map((output) => compiler.value(output.expr))
  const body = `return [${fragments.map(({ source }) => source).join(', ')}]`
  const map = compiler.builder.build<ConstructorParameters<typeof ProjectOperator>[2]>('rt, r', body)
  const layout = new Layout(
    outputs.map(({ relation, column }, i) => ({ relation, column, nullable: must(fragments[i]).nullable })),
  )
  const node = makeNode({
    label: 'Result',
    estimate: over(child.node, child.node.estimate.rows, 0.005),
    children: [child.node],
    open: (rt, [input]) => new ProjectOperator(rt, must(input), map),
  })
  return { node, layout }
}
