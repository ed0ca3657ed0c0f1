// EXPLAIN: the plan tree with estimates, and with ANALYZE the figures of a run.
//
//   root ─ children of its own (Outer, Inner, Member)
//        ─ WITH queries that are kept                  CTE name
//        ─ subqueries of expressions                   InitPlan n (of nothing outside), SubPlan n

import type {
  BufferUse,
  ExplainFigures,
  ExplainNode,
  ExplainOptions,
  ExplainRole,
} from '../exec/execution.ts'
import type { PlanNode } from '../exec/operator.ts'
import type { NodeFigures } from '../exec/runtime.ts'
import type { Planner } from './planner.ts'

type Figures = ReadonlyMap<object, NodeFigures> | undefined

export function explainPlan(
  root: PlanNode,
  planner: Planner,
  options: ExplainOptions,
  figures: Figures,
): ExplainNode {
  const node = explainNode(root, options, figures, undefined)
  const kept = planner.ctes.kept.map((cte) => ({
    ...explainNode(cte.node, options, figures, 'InitPlan'),
    name: `CTE ${cte.name}`,
  }))
  const subplans = planner.subplans.map((subplan, i) => {
    const role = subplan.isCorrelated ? 'SubPlan' : 'InitPlan'
    return { ...explainNode(subplan.node, options, figures, role), name: `${role} ${i + 1}` }
  })
  return { ...node, children: [...kept, ...subplans, ...node.children] }
}

function explainNode(
  node: PlanNode,
  options: ExplainOptions,
  figures: Figures,
  role: ExplainRole | undefined,
): ExplainNode {
  const { label, target, properties } = node.describe(options)
  const [only] = node.children
  // A projection is a part of its input, to whom it is shown.
  if (label === 'Result' && only !== undefined && properties.length === 0)
    return explainNode(only, options, figures, role)
  const own = {
    role,
    estimate: options.costs ? node.estimate : undefined,
    actual: figures === undefined ? undefined : averages(figures.get(node)),
    buffers: options.buffers && figures !== undefined ? bufferUse(figures.get(node)) : undefined,
  }
  const shown = properties.filter(([, value]) => value !== '')
  if (label === 'Filter' && only !== undefined) {
    const input = explainNode(only, options, figures, role)
    return { ...input, ...own, properties: [...input.properties, ...shown] }
  }
  const childRole = (i: number): ExplainRole => (label === 'Append' ? 'Member' : i === 0 ? 'Outer' : 'Inner')
  const children = node.children.map((child, i) => explainNode(child, options, figures, childRole(i)))
  return { ...own, label, target, properties: shown, children }
}

function averages(figures: NodeFigures | undefined): ExplainFigures {
  if (figures === undefined || figures.loops === 0) return { startMs: 0, totalMs: 0, rows: 0, loops: 0 }
  const { loops, rows, startMs, totalMs } = figures
  return { loops, rows: Math.round(rows / loops), startMs: startMs / loops, totalMs: totalMs / loops }
}

/** A page that was fetched is found in the pool afterwards; it counts as read, as in PostgreSQL. */
function bufferUse(figures: NodeFigures | undefined): BufferUse {
  const { hits = 0, reads = 0 } = figures ?? {}
  return { hit: Math.max(0, hits - reads), read: reads }
}
