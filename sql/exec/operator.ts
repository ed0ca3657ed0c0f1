// The contract of operators and of the plan nodes they are opened from.
//
//   PlanNode (immutable, shared) ──open(runtime)──▶ Operator (one run) ──next()──▶ rows, one at a time
//
// next() may suspend (storage/base/suspend.ts). Therefore every operator keeps what it has taken from a child, but not
// yet finished with, in a field: called again, it continues with that row instead of taking another one.

import type { Row } from '../types/value.ts'
import type { Estimate, ExplainNode, ExplainOptions } from './execution.ts'
import type { NodeFigures, Runtime } from './runtime.ts'

export interface Operator {
  /** The next row, or undefined at the end (and ever after). May suspend; then call again. */
  next(): Row | undefined
  /** Starts again, with whatever runtime.s now holds. Cheap when nothing below depends on it is a plus, not a promise. */
  rescan(): void
  /** Of operators whose rescan replays rows: values from outside have changed, nothing kept is right any more. */
  forget?(): void
  /** Idempotent. */
  close(): void
}

export type { Estimate }

export interface PlanNode {
  readonly estimate: Estimate
  readonly children: readonly PlanNode[]
  open(runtime: Runtime): Operator
  /** Its own part of EXPLAIN; children and figures are added by the caller. */
  describe(options: ExplainOptions): Pick<ExplainNode, 'label' | 'target' | 'properties'>
}

/** Opens a node; with EXPLAIN ANALYZE, counting its rows and time. */
export function openNode(node: PlanNode, runtime: Runtime): Operator {
  if (runtime.figures === undefined) return node.open(runtime)
  const figures: NodeFigures = { rows: 0, loops: 0, startMs: 0, totalMs: 0, removed: 0, hits: 0, reads: 0 }
  runtime.figures.set(node, figures)
  return new CountingOperator(node.open(runtime), figures, runtime)
}

class CountingOperator implements Operator {
  readonly #inner: Operator
  readonly #figures: NodeFigures
  readonly #runtime: Runtime
  #isFresh = true

  constructor(inner: Operator, figures: NodeFigures, runtime: Runtime) {
    this.#inner = inner
    this.#figures = figures
    this.#runtime = runtime
  }

  next(): Row | undefined {
    const figures = this.#figures
    const clock = this.#runtime.functions
    if (this.#isFresh) {
      figures.loops++
      this.#isFresh = false
    }
    const before = clock.clockMicros()
    const { pageCounts } = this.#runtime.database
    const { hits, misses } = pageCounts
    let row: Row | undefined
    try {
      row = this.#inner.next()
    } finally {
      const spent = (clock.clockMicros() - before) / 1000
      figures.totalMs += spent
      if (figures.rows === 0) figures.startMs += spent
      figures.hits += pageCounts.hits - hits
      figures.reads += pageCounts.misses - misses
    }
    if (row !== undefined) figures.rows++
    return row
  }

  rescan(): void {
    this.#isFresh = true
    this.#inner.rescan()
  }

  forget(): void {
    this.#isFresh = true
    this.#inner.forget?.()
  }

  /** Of operators that change data. */
  get rowCount(): number | undefined {
    return (this.#inner as { readonly rowCount?: number }).rowCount
  }

  close(): void {
    this.#inner.close()
  }
}
