// borealis.lsn_at and time_at: the current database's history, asked of storage. An answer holds for one statement.

import { must } from '../../../storage/base/assert.ts'
import { formatLsn } from '../../../storage/base/ids.ts'
import { suspend } from '../../../storage/base/suspend.ts'
import { type PastPoint, resolveWhen } from '../../catalog/past.ts'
import { EPOCH_2000_MICROS, type When } from '../../functions/when.ts'
import type { Int8 } from '../../types/value.ts'
import type { SessionCore } from '../session-core.ts'

export class Moments {
  readonly #core: SessionCore
  readonly #found = new Map<string, PastPoint>()
  #statementMicros = 0

  constructor(core: SessionCore) {
    this.#core = core
  }

  lsnAt(when: When): string {
    return formatLsn(this.#point(when).lsn)
  }

  timeAt(when: When): Int8 {
    return this.#point(when).wallMicros - EPOCH_2000_MICROS
  }

  /** Suspends when it is asked for the first time in a statement. */
  #point(when: When): PastPoint {
    const statement = this.#core.context.statementMicros()
    if (statement !== this.#statementMicros) this.#found.clear()
    this.#statementMicros = statement
    const key = JSON.stringify(when)
    return this.#found.get(key) ?? suspend(this.#find(key, when))
  }

  async #find(key: string, when: When): Promise<void> {
    const { backend, handle } = this.#core
    const { catalogs, clock } = backend
    const entry = must(catalogs.shared.database(handle.oid), 'the entry of an open database')
    this.#found.set(key, await resolveWhen(catalogs, entry, when, clock.wallMicros()))
  }
}
