// Records begin at multiples of eight.

import type { Lsn } from '../base/ids.ts'

/** The first position above `lsn` at which a record may begin. */
export function firstLsnAfter(lsn: Lsn): Lsn {
  return ((Math.floor(lsn / 8) + 1) * 8) as Lsn
}
