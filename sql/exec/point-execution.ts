// SELECT of at most one row by a full unique key: key, get, decode, done. No operator tree.

import type { Execution } from './execution.ts'
import { lookUp, type PointLookupPlan } from './operator/index-scan.ts'
import type { Runtime } from './runtime.ts'
import type { Row } from '../types/value.ts'

export class PointExecution implements Execution {
  rowCount = 0
  readonly #runtime: Runtime
  readonly #plan: PointLookupPlan
  #isDone = false

  constructor(runtime: Runtime, plan: PointLookupPlan) {
    this.#runtime = runtime
    this.#plan = plan
  }

  next(): readonly Row[] | undefined {
    if (this.#isDone) return undefined
    const row = lookUp(this.#runtime, this.#plan)
    this.#isDone = true
    if (row === undefined) return undefined
    this.rowCount = 1
    return [row]
  }

  close(): void {
    this.#isDone = true
  }
}
