// UPDATE or DELETE of the row under a full unique key, and INSERT of one row: written without an operator tree.
//
//   find, lock, look again, stage ──▶ row of RETURNING ──▶ checks at the statement's end ──▶ done
//        may suspend: nothing is staged yet   may suspend           may suspend
//
// Each step is done once; a call that suspended goes on with the step it was in.

import type { Execution } from './execution.ts'
import { type ChangedRow, type ChangePlan, changeRow } from './modify/change-rows.ts'
import type { InsertPlan } from './modify/insert-rows.ts'
import { TableWriter } from './modify/table-writer.ts'
import { lookUp, type PointLookupPlan } from './operator/index-scan.ts'
import type { Runtime } from './runtime.ts'
import type { Row } from '../types/value.ts'

const TO_WRITE = 0
const TO_RETURN = 1
const TO_FINISH = 2
const DONE = 3

abstract class OneRowExecution implements Execution {
  rowCount = 0
  protected readonly runtime: Runtime
  #step: typeof TO_WRITE | typeof TO_RETURN | typeof TO_FINISH | typeof DONE = TO_WRITE
  #returned: Row | undefined

  constructor(runtime: Runtime) {
    this.runtime = runtime
  }

  /** Stages the change; false if there is no row to change. May suspend before it has staged anything. */
  protected abstract write(): boolean
  /** The row of RETURNING; undefined: there is none. */
  protected abstract returned(): Row | undefined

  next(): readonly Row[] | undefined {
    if (this.#step === TO_WRITE) {
      if (!this.write()) {
        this.#step = DONE
        return undefined
      }
      this.rowCount = 1
      this.#step = TO_RETURN
    }
    if (this.#step === TO_RETURN) {
      this.#returned = this.returned()
      this.#step = TO_FINISH
    }
    if (this.#step === DONE) return undefined
    this.runtime.finish()
    this.#step = DONE
    return this.#returned === undefined ? undefined : [this.#returned]
  }

  close(): void {
    this.#step = DONE
    this.runtime.close()
  }
}

/** A change of the row that a point lookup finds. */
export interface PointChangePlan {
  readonly point: PointLookupPlan
  readonly change: ChangePlan
}

export class PointChange extends OneRowExecution {
  readonly #plan: PointChangePlan
  readonly #writer: TableWriter
  #found: Row | undefined
  #changed: ChangedRow | undefined

  constructor(runtime: Runtime, plan: PointChangePlan) {
    super(runtime)
    this.#plan = plan
    this.#writer = new TableWriter(plan.change.compiled, runtime)
  }

  protected write(): boolean {
    const { runtime } = this
    const { point, change } = this.#plan
    if (this.#found === undefined) {
      this.#found = lookUp(runtime, point)
      if (this.#found === undefined) return false
      // What a lock wait leads to is the newest version: others need not keep the one that was found.
      runtime.view.isSpent = true
    }
    this.#changed = changeRow(change, runtime, this.#writer, this.#found)
    return this.#changed !== undefined
  }

  protected returned(): Row | undefined {
    const { returning } = this.#plan.change
    const changed = this.#changed
    if (returning === undefined || changed === undefined) return undefined
    return returning(this.runtime, changed.source, changed.after)
  }
}

export class OneRowInsert extends OneRowExecution {
  readonly #plan: InsertPlan
  readonly #writer: TableWriter
  #made: Row | undefined

  /** `plan` takes its row from `make` alone and has no ON CONFLICT. */
  constructor(runtime: Runtime, plan: InsertPlan) {
    super(runtime)
    this.#plan = plan
    this.#writer = new TableWriter(plan.compiled, runtime)
  }

  protected write(): boolean {
    // Made once: a default such as nextval() is not evaluated again after a lock wait.
    this.#made ??= this.#plan.make(this.runtime, NO_SOURCE)
    this.#writer.insertRow(this.#made)
    return true
  }

  protected returned(): Row | undefined {
    const { returning } = this.#plan
    if (returning === undefined || this.#made === undefined) return undefined
    return returning(this.runtime, this.#made)
  }
}

const NO_SOURCE: Row = []
