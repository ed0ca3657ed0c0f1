// A run inside a run: the part of a plan that reads another database or another time. It shares the statement's
// parameters, handed-down values, settings and checkpoints; view and catalog are those of the other place.

import type { Transaction, View } from '../../storage/engine/engine.ts'
import type { Catalog, ServerState } from '../catalog/catalog.ts'
import type { OtherPlace } from '../functions/borealis.ts'
import type { FunctionContext } from '../functions/function.ts'
import type { SqlNotice } from '../types/sql-error.ts'
import type { Row } from '../types/value.ts'
import type { DeferredCheck, ExecutionContext } from './execution.ts'
import type { OpenPlace } from './open-place.ts'
import { Runtime } from './runtime.ts'

class ElsewhereContext implements ExecutionContext {
  readonly catalog: Catalog
  readonly view: View
  readonly transaction: Transaction | undefined
  readonly server: ServerState
  readonly functions: FunctionContext
  readonly parameters: Row
  readonly isolation: ExecutionContext['isolation']
  readonly commandId: number
  readonly workMemBytes: number
  readonly #outside: ExecutionContext

  constructor(outside: ExecutionContext, place: Pick<OpenPlace, 'catalog' | 'view'>) {
    this.#outside = outside
    this.catalog = place.catalog
    this.view = place.view
    this.transaction = place.view.transaction
    this.server = outside.server
    this.functions = outside.functions
    this.parameters = outside.parameters
    this.isolation = outside.isolation
    this.commandId = outside.commandId
    this.workMemBytes = outside.workMemBytes
  }

  checkpoint(): void {
    this.#outside.checkpoint()
  }

  notice(notice: SqlNotice): void {
    this.#outside.notice(notice)
  }

  nextCommandId(): number {
    return this.#outside.nextCommandId()
  }

  deferCheck(check: DeferredCheck): void {
    this.#outside.deferCheck(check)
  }

  open(place: OtherPlace): OpenPlace {
    if (this.#outside.open === undefined) throw new Error('a run inside a session')
    return this.#outside.open(place)
  }
}

/** A runtime for nodes that read `place`; slots are those of `runtime`. Close it when they are closed. */
export function runtimeAt(runtime: Runtime, place: Pick<OpenPlace, 'catalog' | 'view'>): Runtime {
  return new Runtime(new ElsewhereContext(runtime.context, place), 0, runtime.s)
}
