// Makes plan nodes out of their parts: an estimate, children, how to open them and what EXPLAIN says.

import type { Execution, ExplainNode, ExplainOptions } from '../exec/execution.ts'
import { type Estimate, openNode, type Operator, type PlanNode } from '../exec/operator.ts'
import type { PointLookupPlan } from '../exec/operator/index-scan.ts'
import type { Runtime } from '../exec/runtime.ts'

type Properties = ExplainNode['properties']

/** Begins the run of a statement that is one node. */
export type StartDirectly = (runtime: Runtime) => Execution

export interface NodeParts {
  readonly label: string
  readonly target?: ExplainNode['target']
  readonly properties?: ((options: ExplainOptions) => Properties) | undefined
  readonly estimate: Estimate
  readonly children: readonly PlanNode[]
  /** Set when the node is nothing but a point lookup. */
  readonly point?: PointLookupPlan | undefined
  /** Set when a statement that is nothing but this node runs without operators. */
  readonly direct?: StartDirectly | undefined
  /** Makes the operator; `children` are opened already, in order. */
  readonly open: (runtime: Runtime, children: readonly Operator[]) => Operator
}

const NO_CHILDREN: readonly Operator[] = []

function openAll(nodes: readonly PlanNode[], runtime: Runtime): Operator[] {
  return nodes.map((node) => openNode(node, runtime))
}

/** The point lookup that a node is, if it is one. */
export function pointOf(node: PlanNode): PointLookupPlan | undefined {
  return node instanceof MadeNode ? node.point : undefined
}

/** How a statement whose root is this node runs without operators, if it can. */
export function directOf(node: PlanNode): StartDirectly | undefined {
  return node instanceof MadeNode ? node.direct : undefined
}

class MadeNode implements PlanNode {
  readonly estimate: Estimate
  readonly children: readonly PlanNode[]
  readonly point: PointLookupPlan | undefined
  readonly direct: StartDirectly | undefined
  readonly #parts: NodeParts

  constructor(parts: NodeParts) {
    this.#parts = parts
    this.estimate = parts.estimate
    this.children = parts.children
    this.point = parts.point
    this.direct = parts.direct
  }

  open(runtime: Runtime): Operator {
    const { children } = this
    const [only] = children
    const opened =
      only === undefined
        ? NO_CHILDREN
        : children.length === 1
          ? [openNode(only, runtime)]
          : openAll(children, runtime)
    return this.#parts.open(runtime, opened)
  }

  describe(options: ExplainOptions): ReturnType<PlanNode['describe']> {
    const { label, target, properties } = this.#parts
    return { label, target, properties: properties?.(options) ?? [] }
  }
}

export function makeNode(parts: NodeParts): PlanNode {
  return new MadeNode(parts)
}

/** The estimate of a node that does a little with each row of its child. */
export function over(child: PlanNode, rows: number, perRow: number): Estimate {
  const { estimate } = child
  return {
    rows,
    startup: estimate.startup,
    total: estimate.total + estimate.rows * perRow,
    width: estimate.width,
  }
}
