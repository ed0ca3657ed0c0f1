// Gives out oids of one timeline: from 16384 up, never the same twice, whatever happens to the transaction that took
// one. A cell holds the end of the range that was reserved last; a restart goes on there, and so does a branch.
//
//   counter cell: 24576 ◀──putNow── reserve ──▶ 16384, 16385, ... 24575 from memory

import type { Database } from '../../storage/engine/engine.ts'
import { CATALOG_TREE } from '../../storage/engine/engine.ts'
import { FIRST_CREATED_OID } from './bootstrap.ts'
import { objectKey } from './stored-objects.ts'

const RESERVED_COUNT = 1024
const OID_MAX = 0xffff_ffff

export class OidAllocator {
  readonly #database: Database
  readonly #key = objectKey('counter', 0)
  #next = 0
  #end = 0

  constructor(database: Database) {
    this.#database = database
  }

  /** The next oid. May suspend; then nothing was taken. */
  allocate(): number {
    if (this.#next === this.#end) this.#reserve()
    return this.#next++
  }

  #reserve(): void {
    let start = this.#end
    if (start === 0) {
      const cell = this.#database.getLatest(CATALOG_TREE, this.#key)
      start = cell === undefined ? FIRST_CREATED_OID : cell.bytes.readUInt32BE(cell.start)
    }
    // After the four billionth oid PostgreSQL wraps; we have not met a catalog that old.
    const end = Math.min(start + RESERVED_COUNT, OID_MAX)
    const value = Buffer.allocUnsafe(4)
    value.writeUInt32BE(end)
    this.#database.putNow(CATALOG_TREE, this.#key, value)
    this.#next = start
    this.#end = end
  }
}
