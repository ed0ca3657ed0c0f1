// Makes plan nodes out of their parts: an estimate, children, how to open them and what EXPLAIN says.

import type { ExplainNode, ExplainOptions } from '../exec/execution.ts'
import { type Estimate, openNode, type Operator, type PlanNode } from '../exec/operator.ts'
import type { Runtime } from '../exec/runtime.ts'

type Properties = ExplainNode['properties']

export interface NodeParts {
  readonly label: string
  readonly properties?: ((options: ExplainOptions) => Properties) | undefined
  readonly estimate: Estimate
  readonly children: readonly PlanNode[]
  /** Makes the operator; `children` are opened already, in order. */
  readonly open: (runtime: Runtime, children: readonly Operator[]) => Operator
}

class MadeNode implements PlanNode {
  readonly estimate: Estimate
  readonly children: readonly PlanNode[]
  readonly #parts: NodeParts

  constructor(parts: NodeParts) {
    this.#parts = parts
    this.estimate = parts.estimate
    this.children = parts.children
  }

  open(runtime: Runtime): Operator {
    return this.#parts.open(runtime, this.children.map((child) => openNode(child, runtime)))
  }

  describe(options: ExplainOptions): Pick<ExplainNode, 'label' | 'properties'> {
    return { label: this.#parts.label, properties: this.#parts.properties?.(options) ?? [] }
  }
}

export function makeNode(parts: NodeParts): PlanNode {
  return new MadeNode(parts)
}

/** The estimate of a node that does a little with each row of its child. */
export function over(child: PlanNode, rows: number, perRow: number): Estimate {
  const { estimate } = child
  return { rows, startup: estimate.startup, total: estimate.total + estimate.rows * perRow, width: estimate.width }
}
