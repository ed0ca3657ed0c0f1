// Snapshots that transactions of a database have exported (pg_export_snapshot), for others to begin at: pg_dump's workers
// all read what its leader reads. A snapshot is an LSN; whoever exported it keeps its pages until its transaction ends.
//
//   pg_export_snapshot() ──▶ '00000000-0016B374-1' ──▶ SET TRANSACTION SNAPSHOT '00000000-0016B374-1'

import type { Lsn } from '../../storage/base/ids.ts'
import { SqlError } from '../types/sql-error.ts'

export class ExportedSnapshots {
  readonly #snapshots = new Map<string, Lsn>()
  #count = 0

  /** Makes it known under a name, which it gives. */
  add(lsn: Lsn): string {
    const hex = (part: number): string => part.toString(16).toUpperCase().padStart(8, '0')
    this.#count++
    const id = `${hex(Math.floor(lsn / 0x1_0000_0000))}-${hex(lsn % 0x1_0000_0000)}-${this.#count}`
    this.#snapshots.set(id, lsn)
    return id
  }

  /** @throws SqlError 22023 when nobody exports it, or not any more. */
  find(id: string): Lsn {
    const lsn = this.#snapshots.get(id)
    if (lsn === undefined) throw new SqlError('22023', `invalid snapshot identifier: "${id}"`)
    return lsn
  }

  remove(id: string): void {
    this.#snapshots.delete(id)
  }
}
