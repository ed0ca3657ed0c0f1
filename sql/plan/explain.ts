// EXPLAIN: the plan tree with estimates, and with ANALYZE the figures of a run.

import type { BufferUse, ExplainNode, ExplainOptions } from '../exec/execution.ts'
import type { PlanNode } from '../exec/operator.ts'
import type { NodeFigures } from '../exec/runtime.ts'
import type { Planner } from './planner.ts'

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

function explainNode(
  node: PlanNode,
  options: ExplainOptions,
  figures: ReadonlyMap<object, NodeFigures> | undefined,
): ExplainNode {
  const { label, properties } = node.describe(options)
  const [only] = node.children
  // A projection is a part of its input, to whom it is shown.
  if (label === 'Result' && only !== undefined && properties.length === 0)
    return explainNode(only, options, figures)
  const costs = options.costs ? `  (${costText(node)})` : ''
  const actual =
    figures === undefined ? '' : `${costs === '' ? ' ' : ''} (${actualText(figures.get(node), options)})`
  return {
    label: `${label}${costs}${actual}`,
    properties: properties.filter(([, value]) => value !== ''),
    children: node.children.map((child) => explainNode(child, options, figures)),
    buffers: options.buffers && figures !== undefined ? bufferUse(figures.get(node)) : undefined,
  }
}

/** A page that was fetched is found in the pool afterwards; it counts as read, as in PostgreSQL. */
function bufferUse(figures: NodeFigures | undefined): BufferUse {
  const { hits = 0, reads = 0 } = figures ?? {}
  return { hit: Math.max(0, hits - reads), read: reads }
}

function costText({ estimate }: PlanNode): string {
  const rows = Math.max(1, Math.round(estimate.rows))
  const { startup, total, width } = estimate
  return `cost=${startup.toFixed(2)}..${total.toFixed(2)} rows=${rows} width=${Math.round(width)}`
}

function actualText(figures: NodeFigures | undefined, options: ExplainOptions): string {
  if (figures === undefined || figures.loops === 0) return 'never executed'
  const { loops } = figures
  const rows = Math.round(figures.rows / loops)
  const time = options.timing ? `time=${ms(figures.startMs / loops)}..${ms(figures.totalMs / loops)} ` : ''
  return `actual ${time}rows=${rows} loops=${loops}`
}

function ms(value: number): string {
  return value.toFixed(3)
}
