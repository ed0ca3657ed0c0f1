// borealis.as_of: a session that reads its database as it was. The setting's value is resolved once, when it is set, and
// becomes the LSN that was found; from then on statements read that point, with the catalog of then, and nothing is written.
//
//   SET borealis.as_of = '-10 min' ──resolve──▶ '0/16B3748' ──▶ handle of (timeline, LSN)      '' ──▶ the present
//
// The handle is remembered by value, so that ROLLBACK of a SET, the end of a SET LOCAL and RESET find theirs again.

import { must } from '../../storage/base/assert.ts'
import { formatLsn } from '../../storage/base/ids.ts'
import { suspend } from '../../storage/base/suspend.ts'
import { resolveWhen } from '../catalog/past.ts'
import { parseWhen } from '../functions/when.ts'
import type { DatabaseHandle } from './database-handle.ts'
import type { SessionCore } from './session-core.ts'

/** Values remembered: more than settings can be nested in savepoints by anyone who does not try. */
const HANDLE_COUNT_MAX = 256

export class PastReading {
  /** What statements read; undefined: the present. */
  handle: DatabaseHandle | undefined
  readonly #core: SessionCore
  readonly #handles = new Map<string, DatabaseHandle>()
  /** What was found for the text of the SET that is under way. */
  #found: { readonly text: string; readonly value: string } | undefined

  constructor(core: SessionCore) {
    this.#core = core
  }

  /** The setting's value for a text: the LSN it means now. May suspend. SqlError as parseWhen and resolveWhen. */
  resolve(text: string): string {
    if (text === '') return ''
    const found = this.#found
    this.#found = undefined
    if (found?.text === text) return found.value
    return suspend(this.#resolve(text))
  }

  async #resolve(text: string): Promise<void> {
    const { backend, context, handle } = this.#core
    const { catalogs, clock, databases } = backend
    const entry = must(catalogs.shared.database(handle.oid), 'the entry of an open database')
    const point = await resolveWhen(catalogs, entry, parseWhen(text, context), clock.wallMicros())
    const past = await databases.pastOf(entry, point)
    const value = formatLsn(point.lsn)
    this.#handles.delete(value)
    this.#handles.set(value, past)
    const [oldest] = this.#handles.keys()
    if (this.#handles.size > HANDLE_COUNT_MAX) this.#handles.delete(must(oldest))
    this.#found = { text, value }
  }

  /** The setting has a new value: one that was resolved, or none. */
  changed(value: string): void {
    this.handle = value === '' ? undefined : must(this.#handles.get(value), 'a point that was resolved')
    this.#core.forgetPlans()
  }

  /** Back to the present, whatever the setting says: the session ends. */
  leave(): void {
    this.handle = undefined
  }
}
