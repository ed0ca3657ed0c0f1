// One run of one statement: what the executor may use (ExecutionContext), filled by the session for each run.

import type { Transaction, View } from '../../storage/engine/engine.ts'
import type { Catalog, ServerState } from '../catalog/catalog.ts'
import type { DeferredCheck, ExecutionContext } from '../exec/execution.ts'
import type { OpenPlace } from '../exec/open-place.ts'
import type { OtherPlace } from '../functions/borealis.ts'
import type { FunctionContext } from '../functions/function.ts'
import type { SqlNotice } from '../types/sql-error.ts'
import type { Row } from '../types/value.ts'
import type { OwnState, Places } from './branching/places.ts'

/** The session's side of a run: what every run of a session shares. */
export interface RunHost {
  readonly server: ServerState
  readonly functions: FunctionContext
  readonly workMemBytes: number
  checkpoint(): void
  notice(notice: SqlNotice): void
  nextCommandId(): number
  deferCheck(check: DeferredCheck): void
  isDeferred(constraintOid: number): boolean | undefined
  /** Places that a run reads beside its own database; closed when the run is over. */
  places(own: () => OwnState): Places
}

export class RunContext implements ExecutionContext {
  readonly catalog: Catalog
  readonly parameters: Row
  readonly view: View
  readonly transaction: Transaction | undefined
  readonly isolation: ExecutionContext['isolation']
  readonly commandId: number
  readonly instrument: boolean | undefined
  readonly #host: RunHost
  #places: Places | undefined

  constructor(
    host: RunHost,
    run: {
      readonly catalog: Catalog
      readonly parameters: Row
      readonly view: View
      readonly transaction: Transaction | undefined
      readonly isolation: ExecutionContext['isolation']
      readonly commandId: number
      readonly instrument?: boolean | undefined
    },
  ) {
    this.#host = host
    this.catalog = run.catalog
    this.parameters = run.parameters
    this.view = run.view
    this.transaction = run.transaction
    this.isolation = run.isolation
    this.commandId = run.commandId
    this.instrument = run.instrument
  }

  get server(): ServerState {
    return this.#host.server
  }

  get functions(): FunctionContext {
    return this.#host.functions
  }

  get workMemBytes(): number {
    return this.#host.workMemBytes
  }

  open(place: OtherPlace): OpenPlace {
    this.#places ??= this.#host.places(() => this)
    return this.#places.open(place)
  }

  checkpoint(): void {
    this.#host.checkpoint()
  }

  notice(notice: SqlNotice): void {
    this.#host.notice(notice)
  }

  nextCommandId(): number {
    return this.#host.nextCommandId()
  }

  deferCheck(check: DeferredCheck): void {
    this.#host.deferCheck(check)
  }

  isDeferred(constraintOid: number): boolean | undefined {
    return this.#host.isDeferred(constraintOid)
  }
}
