// EXPLAIN: the plan tree with estimates, and with ANALYZE the figures of a run.

import type { ExplainNode, ExplainOptions } from '../exec/execution.ts'
import type { PlanNode } from '../exec/operator.ts'
import type { NodeFigures } from '../exec/runtime.ts'
import type { Planner } from './planner.ts'

type Property = ExplainNode['properties'][number]

export function explainPlan(
  root: PlanNode,
  planner: Planner,
  options: ExplainOptions,
  figures: ReadonlyMap<object, NodeFigures> | undefined,
): ExplainNode {
  const node = explainNode(root, options, figures)
  const subplans = planner.subplanNodes.map((one) => explainNode(one, options, figures))
  return subplans.length === 0 ? node : { ...node, children: [...node.children, ...subplans] }
}

function explainNode(node: PlanNode, options: ExplainOptions, figures: ReadonlyMap<object, NodeFigures> | undefined): ExplainNode {
  const { label, properties } = node.describe(options)
  const all: Property[] = []
  if (options.costs) {
    all.push(['Startup Cost', round(node.estimate.startup)], ['Total Cost', round(node.estimate.total)])
    all.push(['Plan Rows', Math.max(1, Math.round(node.estimate.rows))], ['Plan Width', Math.round(node.estimate.width)])
  }
  if (figures !== undefined) all.push(...actual(figures.get(node), options))
  all.push(...properties.filter(([, value]) => value !== ''))
  return { label, properties: all, children: node.children.map((child) => explainNode(child, options, figures)) }
}

function actual(figures: NodeFigures | undefined, options: ExplainOptions): Property[] {
  const loops = figures?.loops ?? 0
  const per = Math.max(1, loops)
  const shown: Property[] = []
  if (options.timing) {
    shown.push(['Actual Startup Time', round((figures?.startMs ?? 0) / per, 3)])
    shown.push(['Actual Total Time', round((figures?.totalMs ?? 0) / per, 3)])
  }
  shown.push(['Actual Rows', Math.round((figures?.rows ?? 0) / per)], ['Actual Loops', loops])
  return shown
}

function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits))
}
